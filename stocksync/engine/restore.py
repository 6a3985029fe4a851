"""Go on with books that were restored: what they believe of the stores is true no more."""

from stocksync.contracts.ledger import Commit
from stocksync.contracts.restoring import Restorable
from stocksync.domain.sales import given_back
from stocksync.domain.stock import ListingRecord
from stocksync.engine.context import Context
from stocksync.errors import LedgerUnavailable


async def accept(context: Context) -> int:
    """Make the next look at every listing its first contact; return how many listings that are.

    Units that waited for an explanation come back to sale: what explained them later is not in
    these books, and where orders are read they are told again and booked once.
    """
    books = context.ledger
    if not isinstance(books, Restorable):
        raise LedgerUnavailable("these books cannot be restored")
    waiting = await _withheld(context)
    movements = given_back(waiting, context.book, at=context.now(), run=context.new_id())
    return await books.accept_restore(Commit(movements=movements))


async def _withheld(context: Context) -> list[ListingRecord]:
    """Return the listings of which units are withheld; never of a SKU that was never opened."""
    waiting = {
        record: set(context.book.parts(record.sku))
        for store in context.stores
        for record in await context.ledger.unexplained(store)
        if record.sku is not None
    }
    known = await context.ledger.levels({part for parts in waiting.values() for part in parts})
    return [record for record, parts in waiting.items() if parts <= known.keys()]
