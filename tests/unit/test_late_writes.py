"""When a late write counts from, and what nothing was ever withheld of."""

from datetime import UTC, datetime, timedelta

from stocksync.contracts.ledger import Intent, IntentState
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.sales import settled
from stocksync.domain.stock import ListingRecord
from stocksync.domain.stories import missing_units
from stocksync.engine.intents import resolve_by_readings

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
