"""Look often at the few listings where a minute matters: what sells fast, what is nearly out."""

from datetime import timedelta
from typing import Final

from stocksync.contracts.ledger import Lease
from stocksync.domain.gates import LIMITS
from stocksync.domain.identifiers import ListingId, Sku
from stocksync.domain.stock import Presence, shown_number
from stocksync.engine.context import Context, Store
from stocksync.engine.look import look_at
from stocksync.engine.pull import book_news, pull
from stocksync.engine.report import StoreReport

#: Units on hand: the last ones are sold twice most easily (`domain.md §3.6`).
NEARLY_OUT: Final = 3
#: Units sold within `WINDOW` that make a SKU a fast seller.
FAST_UNITS: Final = 5
WINDOW: Final = timedelta(hours=1)
SKUS_MAX: Final = 500
#: What one look may cost the store, at most.
LISTINGS_MAX: Final = 50
REQUESTS_MAX: Final = 5


async def hot_listings(context: Context, store: Store) -> list[ListingId]:
    """Return the store's listings that want watching, the most urgent first, few enough to read.

    A listing that shows nothing cannot sell, and where a store only knows offered and not offered
    there is nothing to count.
    """
    if store.seat.switches:
        return []
    since = context.now() - WINDOW
    skus = await context.ledger.hot(
        nearly_out=NEARLY_OUT, since=since, sold=FAST_UNITS, limit=SKUS_MAX
    )
    rank = {sku: at for at, sku in enumerate(skus)}
    records = [
        record
        for record in await context.ledger.records_of(context.book.affected(set(skus)))
        if record.store == store.id and record.presence is Presence.PRESENT and record.baseline
    ]

    def urgency(sku: Sku | None) -> int:
        parts = context.book.parts(sku) if sku is not None else {}
        return min((rank[part] for part in parts if part in rank), default=len(rank))

    records.sort(key=lambda record: (urgency(record.sku), record.listing))
    most = min(LISTINGS_MAX, REQUESTS_MAX * store.connector.capabilities.read_batch_max)
    return [record.listing for record in records[:most]]


async def look_where_hot(
    context: Context, store: Store, report: StoreReport, *, run: str, lease: Lease
) -> None:
    """Read those listings and book what happened there since they were last agreed on.

    When many of them changed at once, all the others may have too: then the whole store is read,
    and the gates judge the whole.
    """
    listings = await hot_listings(context, store)
    glance = await look_at(context, store, listings)
    records = await context.ledger.records(store.id, listings)
    changed = sum(
        shown_number(seen.reading) != records[listing].baseline
        for listing, seen in glance.news.items()
        if listing in records
    )
    if changed >= LIMITS.zeroed_floor and changed > LIMITS.zeroed_part * len(records):
        await pull(context, store, report, run=run, lease=lease)
        return
    report.readings += glance.readings
    await book_news(context, store, report, glance, run=run, lease=lease)
