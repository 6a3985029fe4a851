"""One store, inwards: look, decide what happened, and book it, or hold it for a person."""

from collections.abc import Collection

from stocksync.contracts.ledger import Lease, StoreRecord
from stocksync.domain.identifiers import Sku
from stocksync.engine.booking import book
from stocksync.engine.context import Context, Store
from stocksync.engine.feed import read_feed
from stocksync.engine.findings import find
from stocksync.engine.look import Glance, listings_of, look_at, walk_census
from stocksync.engine.report import StoreReport
from stocksync.engine.retry import decided_again


async def pull(
    context: Context,
    store: Store,
    report: StoreReport,
    *,
    run: str,
    lease: Lease,
    skus: Collection[Sku] | None = None,
    deep: bool = False,
) -> None:
    """Read the store and book what happened there since it was last agreed on.

    With `skus` only their listings are read; otherwise it answers every hint. Orders are read
    after the levels, and the levels they are about once more after them: whatever was ordered
    until then has been taken off by then. `deep` looks for orders that were changed long after.
    Raises what the connector raises: nothing is booked then, and every listing keeps its baseline.
    """
    remembered = await context.ledger.store(store.id)
    anew = remembered.links_fingerprint != context.book.fingerprint
    hints = await context.ledger.hints(store.id) if skus is None else []
    glance = await glance_at(context, store, skus, relink=anew)
    glance.answered = hints
    if skus is None:
        await read_orders(context, store, glance, remembered, deep=deep)
    report.readings += glance.readings
    await book_news(context, store, report, glance, run=run, lease=lease, relink=anew)


async def read_orders(
    context: Context, store: Store, glance: Glance, remembered: StoreRecord, *, deep: bool = False
) -> None:
    """Read the orders after a look, and the levels they are about once more after them."""
    glance.feed = await read_feed(context, store, remembered, deep=deep)
    if glance.feed is not None and glance.feed.listings:
        after = await look_at(context, store, glance.feed.listings)
        glance.news.update(after.news)


async def book_news(
    context: Context,
    store: Store,
    report: StoreReport,
    glance: Glance,
    *,
    run: str,
    lease: Lease,
    relink: bool = False,
) -> None:
    """Decide what a look means and write it down; decided anew when somebody else wrote first."""

    async def decide_and_book() -> None:
        findings = await find(context, store, glance, relink=relink)
        await book(context, store, report, findings, glance, run=run, lease=lease)

    await decided_again(decide_and_book)


async def glance_at(
    context: Context, store: Store, skus: Collection[Sku] | None, *, relink: bool
) -> Glance:
    """Walk the whole census, or read the listings of a few SKUs."""
    listings = await listings_of(context, store, skus)
    if listings is None:
        return await walk_census(context, store, relink=relink)
    return await look_at(context, store, listings)
