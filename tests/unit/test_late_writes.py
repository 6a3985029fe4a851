"""When a late write counts from, and what becomes of units that were withheld."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from stocksync.contracts.ledger import Intent, IntentState
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.orders import LEVEL_SETTLE
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.sales import settled
from stocksync.domain.stock import ListingRecord
from stocksync.domain.stories import missing_units
from stocksync.engine.intents import resolve_by_readings
from stocksync.errors import OutcomeUnknown
from tests.world import World, world

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A = StoreId("a")


def test_a_late_write_counts_from_when_it_was_seen_and_not_from_when_it_was_asked_about() -> None:
    asked = Intent(
        id="1", run="r", store=A, listing=ListingId("MUG"), sku="MUG", before=5, target=4,
        state=IntentState.UNKNOWN, created_at=NOON, resolved_at=NOON + timedelta(seconds=30),
    )  # fmt: skip
    now = NOON + timedelta(hours=1)
    for shown in (4, 3):
        [decided] = resolve_by_readings(
            [asked], {asked.listing: shown}, now - timedelta(minutes=15), now=now, complete=False
        )
        assert decided.resolved_at == now


def test_of_a_sku_that_the_ledger_never_opened_nothing_comes_back_or_is_booked_away() -> None:
    waiting = [
        ListingRecord(
            store=A, listing=ListingId(sku), code=sku, sku=Sku(sku), baseline=3,
            unexplained=missing_units(units), unexplained_since=NOON,
        )
        for sku, units in (("SUM", 2), ("MUG", 1))
    ]  # fmt: skip
    book = Rulebook(rules=(), aliases={}, bundles={}, platforms={}, fingerprint="")
    records, moves = settled(waiting, book, known={Sku("MUG")}, at=NOON, run="r")
    assert [record.unexplained for record in records] == [frozenset(), frozenset()]
    assert [(move.sku, move.units) for move in moves] == [(Sku("MUG"), 1)]


async def test_units_withheld_of_one_sku_are_not_taken_from_another_after_an_alias() -> None:
    at = world({"a": {"MUG": 20}, "b": {"MUG": 20}})
    await at.count(MUG=20, CUP=50)
    await at.sync()
    at.sell("b", "MUG", 5)
    at.shops[A].write_errors = [(OutcomeUnknown("no answer"), False)]
    at.shops[A].before_write = [(ListingId("MUG"), 14)]  # 6 sold, or 15 was taken and 1 sold
    await at.sync()
    assert await balances(at, "MUG") == {"loc:main": 9, "suspense:a": 5}
    at.book = replace(at.book, aliases={(A, "MUG"): Sku("CUP")})
    at.open()
    at.context = replace(at.context, book=replace(at.context.book, fingerprint="with an alias"))
    for _ in range(3):
        await at.sync()
        at.clock.pass_(2 * LEVEL_SETTLE.total_seconds())
    assert await balances(at, "MUG") == {"loc:main": 9, "adjusted:unexplained": 5}
    assert await balances(at, "CUP") == {"loc:main": 50}


async def balances(at: World, sku: str) -> dict[str, int]:
    """Return what there is of a SKU and what waits or was booked away, from its history."""
    sums = Counter[str]()
    for each in await at.ledger.history(Sku(sku)):
        sums[each.movement.source] -= each.movement.units
        sums[each.movement.destination] += each.movement.units
    told = ("loc:", "suspense:", "adjusted:")
    return {name: units for name, units in sums.items() if units and name.startswith(told)}
