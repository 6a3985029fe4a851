"""Look where a store hinted that something happened, and answer the hints."""

from stocksync.contracts.ledger import Commit, Lease
from stocksync.domain.hints import means_whole_store
from stocksync.engine.context import Context, Store
from stocksync.engine.look import look_at
from stocksync.engine.pull import book_news, pull, read_orders
from stocksync.engine.report import StoreReport


async def look_where_hinted(
    context: Context, store: Store, report: StoreReport, *, run: str, lease: Lease
) -> None:
    """Read the listings that waiting hints name, book what happened there, and let the hints go.

    A name that no known listing has is let go unread: the next census finds what is new. What the
    connector raises leaves the hints where they are.
    """
    hints = await context.ledger.hints(store.id)
    if means_whole_store(hints):
        await pull(context, store, report, run=run, lease=lease)
        return
    listings = await context.ledger.named(store.id, {hint.key for hint in hints})
    if not listings:
        await context.ledger.commit(Commit(answered=hints, lease=lease))
        return
    glance = await look_at(context, store, listings)
    glance.answered = hints
    await read_orders(context, store, glance, await context.ledger.store(store.id))
    report.readings += glance.readings
    await book_news(context, store, report, glance, run=run, lease=lease)
