"""A look that may be older than our own write, or was too long ago, decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stocksync.connectors.memory import CAPABILITIES
from stocksync.contracts.connector import Guarantee, ReadBack, WriteResult
from stocksync.contracts.ledger import Commit, IntentState
from stocksync.domain.evidence import as_agreed, may_predate
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Counted, ListingRecord, Observation, Offered
from stocksync.engine.evidence import read_too_early
from tests.world import World, world

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
MUG = ListingId("MUG")
A = StoreId("a")


@pytest.mark.parametrize(
    ("seconds", "settle", "expected"),
    [
        (59, 60, True),
        (60, 60, False),
        (0, 0, False),
        (-59, 60, True),
        (-3600, 60, False),
    ],
)
def test_a_reading_may_predate_a_write_for_as_long_as_the_store_needs_to_settle(
    seconds: int, settle: float, *, expected: bool
) -> None:
    assert may_predate(NOON + timedelta(seconds=seconds), NOON, settle) is expected


def seen(reading: Counted | Offered) -> Observation:
    return Observation(MUG, "MUG", reading, title="Mug")


def test_a_reading_that_is_no_evidence_stands_for_the_number_agreed_on() -> None:
    record = ListingRecord(store=A, listing=MUG, baseline=8)
    assert as_agreed(record, seen(Counted(10, NOON))) == seen(Counted(8, NOON))
    switch = replace(record, baseline=0)
    assert as_agreed(switch, seen(Offered(on=True, read_at=NOON))).reading == Offered(
        on=False, read_at=NOON
    )
    assert as_agreed(None, seen(Counted(10, NOON))).reading == Counted(10, NOON)


def settling(seconds: float, **options: object) -> World:
    """Stand two stores over one ledger, of which `a` shows old numbers for some seconds."""
    at = world({"a": {"MUG": 10}, "b": {"MUG": 10}}, **options)
    store = at.context.stores[A]
    seat = replace(store.seat, settle_seconds=seconds)
    stores = {**at.context.stores, A: replace(store, seat=seat)}
    at.context = replace(at.context, stores=stores, monotonic=lambda: at.clock().timestamp())
    return at


async def written(at: World) -> World:
    """Let `b` sell two, so that `a` is written from 10 to 8."""
    await at.count(MUG=10)
    await at.sync()
    at.clock.pass_(120)
    at.sell("b", "MUG", 2)
    await at.sync()
    assert at.shops[A].written == [(MUG, 8)]
    return at


@pytest.mark.parametrize(("settle", "on_hand"), [(60.0, 8), (0.0, 10)])
async def test_the_number_before_our_own_write_is_no_return(settle: float, on_hand: int) -> None:
    at = await written(settling(settle))
    at.shops[A].stock[MUG] = 10
    await at.sync("a")
    assert await at.on_hand("MUG") == on_hand


async def test_what_was_sold_meanwhile_is_booked_once_the_store_has_settled() -> None:
    at = await written(settling(60.0))
    at.sell("a", "MUG", 1)
    await at.sync("a")
    assert await at.on_hand("MUG") == 8
    at.clock.pass_(60)
    await at.sync("a")
    assert await at.on_hand("MUG") == 7


async def test_nothing_is_written_over_a_number_that_may_be_old() -> None:
    at = await written(settling(60.0))
    at.sell("b", "MUG", 3)
    run = await at.sync()
    assert at.shops[A].written == [(MUG, 8)]
    assert at.report(run, "a")["outcome"] == "ok"
    at.clock.pass_(60)
    await at.sync()
    assert at.shops[A].written == [(MUG, 8), (MUG, 5)]


async def test_where_orders_are_read_a_level_is_never_set_aside() -> None:
    at = await written(settling(60.0))
    store = at.context.stores[A]
    telling = replace(store, seat=replace(store.seat, feed=True))
    row = seen(Counted(10, at.clock()))
    assert await read_too_early(at.context, store, [row]) == {MUG}
    assert await read_too_early(at.context, telling, [row]) == set()


class Lagging:
    """Reads of a store that show what it showed before the last write, once."""

    def __init__(self, at: World) -> None:
        self.shop = at.shops[A]
        self.write, self.read = self.shop.write, self.shop.read
        self.old: dict[ListingId, object] = {}
        self.shop.write = self.writing  # type: ignore[method-assign]
        self.shop.read = self.reading  # type: ignore[method-assign]

    async def writing(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        self.old = dict(self.shop.stock)
        return await self.write(corrections)

    async def reading(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        fresh, self.old = dict(self.shop.stock), self.old
        self.shop.stock.update(self.old)
        try:
            return await self.read(listings)
        finally:
            self.shop.stock.update(fresh)


async def test_an_old_number_read_back_proves_nothing_and_a_later_look_does() -> None:
    proving = replace(CAPABILITIES, guarantee=Guarantee.SET, read_back=ReadBack.ALWAYS)
    at = settling(60.0, capabilities=proving)
    await at.count(MUG=10)
    await at.sync()
    lagging = Lagging(at)
    at.sell("b", "MUG", 2)
    await at.sync()
    [intent] = await at.ledger.intents(A)
    assert intent.state is IntentState.UNKNOWN
    lagging.old = {}
    await at.sync()
    assert await at.on_hand("MUG") == 8
    assert at.shows("a") == {"MUG": 8}
    at.clock.pass_(1200)
    await at.sync()
    assert await at.ledger.intents(A) == []


async def test_a_look_that_is_too_old_when_its_write_is_announced_is_taken_again() -> None:
    at = settling(0.0)
    await at.count(MUG=10)
    await at.sync()
    commit = at.ledger.commit

    async def slowly(wanted: Commit) -> int:
        booked = await commit(wanted)
        if any(intent.state is IntentState.OPEN for intent in wanted.intents):
            at.ledger.commit = commit  # type: ignore[method-assign]
            at.clock.pass_(31)
            at.sell("a", "MUG", 4)
        return booked

    at.ledger.commit = slowly  # type: ignore[assignment, method-assign]
    at.sell("b", "MUG", 2)
    await at.sync()
    assert at.shops[A].written == []
    assert await at.on_hand("MUG") == 4
    await at.sync()
    assert at.shows("a") == {"MUG": 4}
