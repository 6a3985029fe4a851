"""Find the readings that may be older than our own last write: they are no evidence of anything."""

from collections.abc import Iterable
from typing import Final

from stocksync.contracts.ledger import IntentState
from stocksync.domain.evidence import may_predate
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Observation
from stocksync.engine.context import Context, Store

#: How many of a listing's writes are looked through for one that took place.
WRITES_SEEN: Final = 5


async def read_too_early(
    context: Context, store: Store, seen: Iterable[Observation]
) -> set[ListingId]:
    """Return those listings that were asked for before the store had settled after our write.

    Where a store never shows an old number, which is the rule, nothing is asked and none is. Nor
    where orders are read: they would explain a level that was set aside, and make units too many.
    """
    settle = 0.0 if store.seat.feed else store.seat.settle_seconds
    early: set[ListingId] = set()
    for row in seen if settle else ():
        writes = await context.ledger.writes(store.id, row.listing, WRITES_SEEN)
        if any(
            at.state is IntentState.CONFIRMED
            and at.resolved_at is not None
            and may_predate(row.reading.read_at, at.resolved_at, settle)
            for at in writes
        ):
            early.add(row.listing)
    return early
