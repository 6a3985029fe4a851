"""What a write that came late hides from orders, and what nothing was ever withheld of."""

from datetime import UTC, datetime, timedelta

from stocksync.contracts.ledger import Intent, IntentState
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.orders import NOTHING_SOLD, Sold, explain
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.sales import settled
from stocksync.domain.stock import ListingRecord
from stocksync.engine.intents import resolve_by_readings

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A = StoreId("a")


def test_a_level_that_orders_explain_by_chance_may_still_be_a_late_write() -> None:
    """24 -> 23 was seen before its order; 3 more were sold; our 19 came late; then both orders."""
    left, outside = explain(19, 23, {19}, Sold(units=4), frozenset({1}))
    assert left == {0, 1}, "the write may account for the unit that was missing"
    assert outside == 0


def test_a_level_that_orders_explain_stays_explained_while_a_write_is_open() -> None:
    assert explain(20, 23, {19}, Sold(units=3), frozenset()) == (frozenset(), 0)


def test_a_missing_unit_stays_missing_where_no_write_can_account_for_it() -> None:
    assert explain(19, 23, (), Sold(units=4), frozenset({1})) == (frozenset({1}), 0)
    assert explain(19, 23, {23}, NOTHING_SOLD, frozenset({1})) == (frozenset({5}), 0)


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
            unexplained=frozenset({units}), unexplained_since=NOON,
        )
        for sku, units in (("SUM", 2), ("MUG", 1))
    ]  # fmt: skip
    book = Rulebook(rules=(), aliases={}, bundles={}, platforms={}, fingerprint="")
    records, moves = settled(waiting, book, known={Sku("MUG")}, at=NOON, run="r")
    assert [record.unexplained for record in records] == [frozenset(), frozenset()]
    assert [(move.sku, move.units) for move in moves] == [(Sku("MUG"), 1)]
