"""Gather what targets are worked out from: levels, who lists a SKU, and who may still sell it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from stocksync.contracts.ledger import IntentState
from stocksync.domain.allocation import ListingKey
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.rules import Mode
from stocksync.domain.stock import ListingRecord, Presence, shown_number
from stocksync.domain.targets import Picture, skus_behind, skus_shown
from stocksync.domain.velocity import NO_SALES, RecentSales
from stocksync.engine.context import Context

#: How many of a listing's writes are looked through for one that lowered it.
WRITES_SEEN = 5


async def picture_for(context: Context, records: Sequence[ListingRecord]) -> Picture:
    """Gather the levels behind these listings, and, where it counts, who else lists the SKUs."""
    book = context.book
    behind = {
        sku
        for record in records
        for sku in skus_behind(record, context.stores[record.store].seat, book)
    }
    levels = await context.ledger.levels(behind)
    shared: set[Sku] = set()
    allocated: set[Sku] = set()
    for record in records:
        if record.sku is not None:
            policy = book.policy(record.sku, record.store)
            if policy.mode is not Mode.SHARED:
                allocated.add(record.sku)
            if policy.share is not None or policy.mode is not Mode.SHARED or policy.last_units:
                shared.add(record.sku)
    listed_in: dict[Sku, set[StoreId]] = {}
    for record in await context.ledger.records_of(shared) if shared else ():
        if record.sku is not None and record.store in context.stores:
            listed_in.setdefault(record.sku, set()).add(record.store)
    exposed = await exposures(context, allocated) if allocated else {}
    sales = await recent_sales(context, records)
    return Picture(levels=levels, listed_in=listed_in, exposed=exposed, sales=sales)


async def recent_sales(context: Context, records: Iterable[ListingRecord]) -> RecentSales:
    """Return what sold of late of the SKUs of which rules keep some back for that."""
    book = context.book
    behind: set[Sku] = set()
    longest = timedelta(0)
    for record in records:
        for sku in skus_shown(record, context.stores[record.store].seat, book):
            velocity = book.policy(sku, record.store).velocity_buffer
            if velocity is not None:
                behind.update(book.parts(sku))
                longest = max(longest, velocity.window)
    return await sold_within(context, behind, longest)


async def sold_within(context: Context, skus: Collection[Sku], window: timedelta) -> RecentSales:
    """Return the sales of these SKUs in the last stretch of time, and each store's delay."""
    if not skus:
        return NO_SALES
    now = context.now()
    remembered = [await context.ledger.store(store) for store in context.stores]
    delays = {
        at.store: timedelta(seconds=at.delay_seconds) for at in remembered if at.delay_seconds
    }
    sold = await context.ledger.sold(skus, now - window)
    return RecentSales(at=now, sold=sold, delays=delays)


async def exposures(context: Context, skus: Collection[Sku]) -> dict[Sku, dict[ListingKey, int]]:
    """Return how many units of each stocked SKU behind these its listings may still sell.

    What listings show is asked again after their writes: one that is confirmed in between is found
    as a write or as a number, and at worst as both.
    """
    book = context.book
    parts = book.stocked(skus)
    exposed: dict[Sku, dict[ListingKey, int]] = {part: {} for part in parts}
    listed = [
        record
        for record in await context.ledger.records_of(book.affected(parts))
        if record.store in context.stores and record.presence is not Presence.GONE
    ]
    beyond = {record.key: await _beyond_shown(context, record) for record in listed}
    again = await context.ledger.records_of(book.affected(parts))
    now = {record.key: _shown(record) for record in again}
    for record in listed:
        if record.sku is None:
            continue
        most = max(_shown(record), now.get(record.key, 0)) + beyond[record.key]
        pack = book.policy(record.sku, record.store).pack
        for part, needed in book.parts(record.sku).items():
            if part in exposed:
                exposed[part][record.key] = most * pack * needed
    return exposed


def _shown(record: ListingRecord) -> int:
    """Return the most that the books know a listing to show."""
    return max(0, record.baseline or 0, shown_number(record.reading) or 0)


async def _beyond_shown(context: Context, record: ListingRecord) -> int:
    """Return what a listing may have sold or sell yet beyond what it shows.

    A write overwrites what is sold while it is under way, so what stood there before it counts
    until the orders are read after it; and so does a number whose write was not answered.
    """
    most = 0
    known_at = await _sales_known_at(context, record.store)
    for intent in await context.ledger.writes(record.store, record.listing, WRITES_SEEN):
        if intent.state in (IntentState.OPEN, IntentState.UNKNOWN):
            most += max(0, intent.target)
        done = intent.state is IntentState.CONFIRMED
        if done and (known_at is None or (intent.resolved_at or known_at) >= known_at):
            most += max(0, intent.before)
    return most


async def _sales_known_at(context: Context, store: StoreId) -> datetime | None:
    """Return until when the books know what a store sold."""
    remembered = await context.ledger.store(store)
    feed = context.stores[store].seat.feed
    return remembered.feed_at if feed else remembered.last_sweep_at
