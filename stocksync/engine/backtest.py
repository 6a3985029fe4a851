"""Gather what a replay needs from the books, and let it see their history page by page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from stocksync.contracts.history import PastMovement
from stocksync.contracts.sales import Shown
from stocksync.domain.backtest import Outcome, Replay
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.knowledge import Ways
from stocksync.domain.linking import as_linked, follows_rules
from stocksync.domain.merge import Role
from stocksync.domain.movements import MovementKind
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stage import Scene
from stocksync.domain.stock import ListingRecord
from stocksync.domain.targets import skus_behind
from stocksync.engine.batches import batches
from stocksync.engine.context import Context, Store

#: How long a write takes where none was measured yet: a look before it, and one answer.
WRITE_STATED: Final = timedelta(seconds=5)
PAGE: Final = 5000
#: Listings that enter at a time.
SLICE: Final = 1000
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(kw_only=True)
class Past:
    """The part of the books that is replayed: from one moment to another, and what moved in it.

    `first_at` is when the books began; None while they are empty. `sold` counts units.
    """

    asked_from: datetime
    began_at: datetime
    ended_at: datetime
    first_at: datetime | None
    movements: int = 0
    sales: int = 0
    sold: int = 0
    last: int = 0
    moving: set[Sku] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """What came of a replay, by the name of each rulebook.

    `measured` are write times that are known. `switches` are stores that only offer or not, and so
    have no units.
    """

    past: Past
    ways: Ways
    measured: Mapping[StoreId, timedelta]
    switches: frozenset[StoreId]
    outcomes: Mapping[str, Outcome]


async def backtest(
    context: Context,
    books: Mapping[str, Rulebook],
    *,
    length: timedelta,
    polls: Mapping[StoreId, timedelta],
    delay: timedelta | None = None,
) -> Backtest:
    """Replay so much of the latest history under each of these rulebooks; nothing is written.

    `polls` are how often each store is read: that long a sale may wait to be seen. `delay` takes
    the place of that and of the time of a write. What is booked meanwhile is left out.
    """
    past = await _survey(context, length)
    measured = await _measured(context)
    written = {store: measured.get(store, WRITE_STATED) for store in context.stores}
    ways = Ways(seen_after=polls, written_after=written)
    if delay is not None:
        ways = Ways(written_after=dict.fromkeys(context.stores, delay))
    listed_in = await _listed_in(context, books)
    replays = {
        name: Replay(
            Scene(
                book=book,
                stores=[store.id for store in replayed(context)],
                began_at=past.began_at,
                ended_at=past.ended_at,
                listed_in=listed_in[name],
                moving=past.moving,
                ways=ways,
                measured=measured,
            )
        )
        for name, book in books.items()
    }
    outcomes = await _play(context, replays, past)
    switches = frozenset(at.id for at in replayed(context) if at.seat.switches)
    return Backtest(past=past, ways=ways, measured=measured, switches=switches, outcomes=outcomes)


async def _play(context: Context, replays: Mapping[str, Replay], past: Past) -> dict[str, Outcome]:
    """Let every listing enter and the history pass, once for all replays."""
    for store in replayed(context):
        await _enter(context, store, replays, past)
    async for page in _pages(context, past, until=past.last):
        for _, recorded_at, movement in page:
            for replay in replays.values():
                replay.book(recorded_at, movement)
    return {name: replay.close() for name, replay in replays.items()}


def replayed(context: Context) -> list[Store]:
    """Return the stores that rules write to; one that is only observed shows what it likes."""
    return [at for at in context.stores.values() if at.seat.role is not Role.OBSERVE]


async def _survey(context: Context, length: timedelta) -> Past:
    """Find out what there is to be replayed, and until which movement."""
    now = context.now()
    first = await context.ledger.movements_since(_EVER, limit=1)
    first_at = first[0].recorded_at if first else None
    since = now - length
    began = min(now, max(since, first_at or since))
    past = Past(asked_from=since, began_at=began, ended_at=now, first_at=first_at)
    async for page in _pages(context, past):
        past.last = page[-1].number
        past.movements += len(page)
        for _, _, movement in page:
            past.moving.add(movement.sku)
            if movement.kind is MovementKind.SALE:
                past.sales += 1
                past.sold += movement.units
    return past


async def _pages(
    context: Context, past: Past, *, until: int | None = None
) -> AsyncIterator[Sequence[PastMovement]]:
    """Read the history page by page: to its end, or to the number where it ended before."""
    after = 0
    while True:
        page = await context.ledger.movements_since(past.began_at, after=after, limit=PAGE)
        wanted = [at for at in page if until is None or at.number <= until]
        if wanted:
            yield wanted
        if len(wanted) < PAGE:
            return
        after = wanted[-1].number


async def _measured(context: Context) -> dict[StoreId, timedelta]:
    """Return how long corrections take to reach each store, where that is known."""
    known = [await context.ledger.store(store) for store in context.stores]
    return {at.store: timedelta(seconds=at.delay_seconds) for at in known if at.delay_seconds}


async def _listed_in(
    context: Context, books: Mapping[str, Rulebook]
) -> dict[str, dict[Sku, set[StoreId]]]:
    """Find out which stores list each SKU, as each of these rulebooks links them."""
    found: dict[str, dict[Sku, set[StoreId]]] = {name: {} for name in books}
    for store in context.stores.values():
        records = (await context.ledger.records(store.id)).values()
        for name, book in books.items():
            for record in as_linked(records, store.seat, book):
                if record.sku is not None:
                    found[name].setdefault(record.sku, set()).add(store.id)
    return found


async def _enter(context: Context, store: Store, replays: Mapping[str, Replay], past: Past) -> None:
    """Let the listings of one store enter every replay, some at a time."""
    seat, records = store.seat, (await context.ledger.records(store.id)).values()
    casts: dict[str, dict[ListingId, ListingRecord]] = {
        name: {
            at.listing: at
            for at in as_linked(records, seat, replay.stage.scene.book)
            if follows_rules(at, seat, replay.stage.scene.book)
        }
        for name, replay in replays.items()
    }
    for some in batches(sorted({listing for cast in casts.values() for listing in cast}), SLICE):
        numbers = await context.ledger.numbers(store.id, some, past.began_at)
        behind = {
            sku
            for name, cast in casts.items()
            for listing in some
            if listing in cast
            for sku in skus_behind(cast[listing], seat, replays[name].stage.scene.book)
        }
        levels = await context.ledger.levels_at(behind, past.began_at)
        for name, cast in casts.items():
            for listing in some:
                record = cast.get(listing)
                if record is None:
                    continue
                before = Shown(past.began_at, record.baseline or 0)
                first = next(iter(numbers.get(listing, ())), before)
                stage = replays[name].stage
                stage.enter(record, seat, levels, since=first.since, first=first.number)
