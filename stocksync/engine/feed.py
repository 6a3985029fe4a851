"""Read a store's orders, and find what they say that the books do not know yet."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from stocksync.contracts.connector import OrderFeed
from stocksync.contracts.ledger import IntentState, StoreRecord
from stocksync.domain.identifiers import ListingId
from stocksync.domain.orders import (
    KnownLine,
    LineNews,
    OrderLine,
    Sold,
    may_be_overwritten,
    news_of,
)
from stocksync.domain.stock import ListingRecord, Presence
from stocksync.engine import holds
from stocksync.engine.context import Context, Store
from stocksync.errors import AuthFailed

#: Read again at each pull: clocks differ, and orders are listed late.
OVERLAP: Final = timedelta(hours=1)
#: Read again at a sweep, where a store does not tell what changed: orders are cancelled for days.
CHANGED_FOR: Final = timedelta(days=7)
#: Orders placed so long before the first reading may still be new to us; older ones never are.
BEFORE_FIRST: Final = timedelta(hours=1)
#: How many of a listing's writes are looked through for the last one that took place.
WRITES_SEEN: Final = 5


@dataclass(slots=True, kw_only=True)
class Feed:
    """What one reading of the orders brought: news to book, and lines to remember.

    `records` are the listings that the news are about. On the `first` reading nothing is booked.
    """

    started_at: datetime
    first: bool = False
    lines: list[KnownLine] = field(default_factory=list)
    news: list[tuple[LineNews, ListingRecord]] = field(default_factory=list)
    sold: dict[ListingId, Sold] = field(default_factory=dict)

    @property
    def listings(self) -> list[ListingId]:
        """Return the listings whose level has to be read after the orders."""
        return sorted(self.sold)


async def read_feed(
    context: Context, store: Store, remembered: StoreRecord, *, deep: bool
) -> Feed | None:
    """Read the orders of a store that tells them; None for any other.

    `deep` reads those of the last days again, where only that shows a cancellation. Raises what
    the connector raises: a feed with a hole is no feed.
    """
    connector = store.connector
    if not store.seat.feed or not isinstance(connector, OrderFeed):
        return None
    feed = Feed(started_at=context.now(), first=remembered.feed_from is None)
    since = (remembered.feed_at or feed.started_at - BEFORE_FIRST) - OVERLAP
    if deep and not connector.sees_changes:
        since = min(since, feed.started_at - CHANGED_FOR)
    try:
        lines = [line async for page in connector.orders(since) for line in page]
    except AuthFailed as error:
        text = f"{error} (its orders: let this account read them, or set `orders: no`)"
        raise AuthFailed(text) from error
    known = await context.ledger.known_lines(store.id, {line.order for line in lines})
    news = news_of(lines, known)
    records = await _records(context, store, news)
    feed.lines = [
        each.remembered(store.id, record.listing if record else None)
        for each, record in zip(news, records, strict=True)
    ]
    if remembered.feed_from is None:
        return feed
    oldest = remembered.feed_from - BEFORE_FIRST
    feed.news = [
        (each, record)
        for each, record in zip(news, records, strict=True)
        if record is not None and _counts(each, oldest)
    ]
    await _sum_up(context, store, feed)
    return feed


def _counts(news: LineNews, oldest: datetime) -> bool:
    """Tell whether a line is to be booked: an order older than the feed is not, nor its changes."""
    return news.line.placed_at >= oldest and bool(news.sold)


async def _records(
    context: Context, store: Store, news: Sequence[LineNews]
) -> list[ListingRecord | None]:
    """Find the listings that lines name; None for a line of a listing that is unknown to us.

    What was sold is sold, also of a listing that is not there any more.
    """
    records = await _named(context, store, [each.line for each in news])
    by_code = {
        record.code: record
        for record in sorted(records.values(), key=lambda at: at.presence is Presence.PRESENT)
        if record.code is not None
    }
    lines = (each.line for each in news)
    return [
        (records.get(line.listing) if line.listing else by_code.get(line.code or ""))
        or _new_listing(context, store, line)
        for line in lines
    ]


def _new_listing(context: Context, store: Store, line: OrderLine) -> ListingRecord | None:
    """Return a listing that sold before anybody looked at it; None where nobody knows its SKU."""
    sku = context.book.sku_for(store.id, line.code)
    if sku is None:
        return None
    listing = line.listing or ListingId(str(line.code))
    return ListingRecord(store=store.id, listing=listing, code=line.code, sku=sku)


async def _sum_up(context: Context, store: Store, feed: Feed) -> None:
    """Add up what was sold of each listing that has a level to explain."""
    listed: dict[ListingId, list[LineNews]] = {}
    for each, record in feed.news:
        if record.version:
            listed.setdefault(record.listing, []).append(each)
    for listing, told in listed.items():
        feed.sold[listing] = await _sold(context, store, listing, told)


async def _named(
    context: Context, store: Store, lines: Iterable[OrderLine]
) -> Mapping[ListingId, ListingRecord]:
    """Return the listings that these lines may be about."""
    names = {str(line.listing or line.code) for line in lines if line.listing or line.code}
    if not names:
        return {}
    return await context.ledger.records(store.id, await context.ledger.named(store.id, names))


async def _sold(
    context: Context, store: Store, listing: ListingId, news: Sequence[LineNews]
) -> Sold:
    """Sum up what was sold of one listing, and how much of it our last write may have hidden."""
    writes = await context.ledger.writes(store.id, listing, WRITES_SEEN)
    done = (at.resolved_at for at in writes if at.state is IntentState.CONFIRMED)
    written_at = next(done, None)
    hidden = sum(each.sold for each in news if may_be_overwritten(each.line, written_at))
    return Sold(units=sum(each.sold for each in news), overwritten=max(0, hidden))


async def hidden_by_mistakes(
    context: Context, store: Store, feed: Feed, listings: Collection[ListingId]
) -> dict[ListingId, Sold]:
    """Sum up anew what was sold of listings that showed a number which a person rejected.

    What was ordered until that number was set aside is part of it, and never shows again: the
    rejection hides it as a write of ours does. Listings without such a number are left out.
    """
    hidden = {}
    for listing, moment in (await _set_aside_at(context, store, listings)).items():
        told = [each for each, record in feed.news if record.listing == listing]
        units = sum(each.sold for each in told if may_be_overwritten(each.line, moment))
        sold = feed.sold[listing]
        hidden[listing] = replace(sold, overwritten=max(sold.overwritten, units))
    return hidden


async def _set_aside_at(
    context: Context, store: Store, listings: Collection[ListingId]
) -> dict[ListingId, datetime]:
    """Return when the last rejected number of each listing was set aside, where there was one."""
    decided = {
        line.listing: decided_at
        for decided_at, line in await holds.mistakes(context, store.id)
        if line.listing in listings
    }
    if not decided:
        return {}
    pasts = await context.ledger.numbers(store.id, list(decided), min(decided.values()))
    after = {
        at: [shown.since for shown in pasts.get(at, ()) if shown.since >= moment]
        for at, moment in decided.items()
    }
    return {at: moments[0] for at, moments in after.items() if moments}
