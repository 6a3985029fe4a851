"""Histories small enough to be replayed by hand."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from stocksync.domain.backtest import Outcome
from stocksync.domain.identifiers import LocationId, Sku, StoreId
from stocksync.domain.meters import STRETCHES
from stocksync.domain.movements import MovementKind
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer, Velocity
from stocksync.domain.schedule import Schedule
from tests.unit.backtest_kit import HOURS, Told, after, moved, opened, replay, sold
from tests.world import rule

A, B = StoreId("a"), StoreId("b")
HOUR = 3600
KITS = Rulebook(bundles={Sku("SET"): {Sku("MUG"): 2, Sku("CAP"): 1}})


def book(*rules: object) -> Rulebook:
    return Rulebook(rules=tuple(rules))  # type: ignore[arg-type]


def counts(outcome: Outcome, store: StoreId) -> tuple[int, int, int, int]:
    """Return sold, lost, oversold and corrections of one store."""
    tally = outcome.stores[store]
    return tally.sold, tally.lost, tally.oversold, tally.corrections


def hours(outcome: Outcome, store: StoreId) -> float:
    return pytest.approx(outcome.stores[store].meter.unit_hours)  # type: ignore[return-value]


LAST_MUG = [sold(0, "a"), sold(30, "b")]


def test_the_last_unit_is_sold_twice_when_the_news_of_the_first_sale_comes_too_late() -> None:
    outcome = replay(LAST_MUG, {"MUG": 1}, delay=60)
    assert counts(outcome, A) == (1, 0, 0, 0)
    assert counts(outcome, B) == (1, 0, 1, 0)
    assert (outcome.total.sold, outcome.total.oversold) == (2, 1)


def test_news_that_come_in_time_turn_the_second_sale_away() -> None:
    outcome = replay(LAST_MUG, {"MUG": 1}, delay=29)
    assert counts(outcome, A) == (1, 0, 0, 0)
    assert counts(outcome, B) == (0, 1, 0, 1)


def test_news_that_arrive_at_the_very_moment_of_a_sale_are_known_to_it() -> None:
    assert counts(replay(LAST_MUG, {"MUG": 1}, delay=30), B) == (0, 1, 0, 1)


def test_the_way_of_news_is_that_of_the_sale_and_that_of_the_write() -> None:
    assert counts(replay(LAST_MUG, {"MUG": 1}, seen=20, delay=10), B) == (0, 1, 0, 1)
    assert counts(replay(LAST_MUG, {"MUG": 1}, seen=20, delay=11), B) == (1, 0, 1, 0)


def test_what_people_book_is_known_without_being_seen_in_a_store() -> None:
    history = [moved(0, -1), sold(30, "b")]
    assert counts(replay(history, {"MUG": 1}, seen=9999, delay=29), B) == (0, 1, 0, 1)
    assert counts(replay(history, {"MUG": 1}, delay=31), B) == (1, 0, 1, 0)


def test_a_store_knows_its_own_sales_at_once() -> None:
    history = [sold(0, "a"), sold(1, "a")]
    assert counts(replay(history, {"MUG": 1}, seen=60, delay=60), A) == (1, 1, 0, 0)


def test_a_buffer_keeps_the_last_unit_from_being_sold_at_all() -> None:
    outcome = replay(LAST_MUG, {"MUG": 1}, book(rule("keep", buffer=Buffer(units=1))), delay=60)
    assert counts(outcome, A) == (0, 1, 0, 0)
    assert counts(outcome, B) == (0, 1, 0, 0)
    assert outcome.stores[A].meter.peak == outcome.stores[B].meter.peak == 1
    assert (hours(outcome, A), outcome.total.meter.peak) == (HOURS, 2)


def test_units_that_no_listing_shows_are_withheld_as_long_as_that_lasts() -> None:
    keep = book(rule("keep", store="a", buffer=Buffer(units=2)))
    history = [moved(2 * HOUR, -9), moved(5 * HOUR, 19)]
    outcome = replay(history, {"MUG": 10}, keep)
    # Two of ten for two hours, the one that is left for three, two of twenty for five.
    assert hours(outcome, A) == 2 * 2 + 3 * 1 + 5 * 2
    assert hours(outcome, B) == 0
    assert outcome.stores[A].meter.peak == 2
    means = outcome.stores[A].meter.means
    assert means[0] == means[-1] == pytest.approx(2)
    assert means[STRETCHES * 3 // HOURS] == pytest.approx(1)
    assert sum(means) * HOURS / STRETCHES == hours(outcome, A)


def test_a_sale_of_a_kit_takes_its_parts_away_from_the_others() -> None:
    listings = {"a": ["SET"], "b": ["MUG", "CAP"]}
    kit = [sold(HOUR, "a", 2, listing="SET", order="1")]
    kit += [sold(HOUR, "a", 1, "CAP", listing="SET", order="1")]
    outcome = replay([*kit, sold(2 * HOUR, "b", 3)], {"MUG": 4, "CAP": 5}, KITS, listings=listings)
    assert counts(outcome, A) == (3, 0, 0, 1)  # the kits are 2, then 1, then none as mugs sell
    assert counts(outcome, B) == (2, 1, 0, 2)


def test_a_kit_is_oversold_by_the_parts_that_are_missing() -> None:
    listings = {"a": ["SET"], "b": ["MUG", "CAP"]}
    kits = [sold(9, "a", 4, listing="SET", order="1")]
    kits += [sold(9, "a", 2, "CAP", listing="SET", order="1")]
    history = [sold(0, "b", 3), *kits]
    outcome = replay(history, {"MUG": 4, "CAP": 5}, KITS, listings=listings, delay=60)
    # Two kits were shown and sold: of their four mugs one was left, their two caps were there.
    assert counts(outcome, A) == (6, 0, 3, 0)
    assert outcome.total.oversold == 3


def test_withheld_of_a_kit_are_the_units_in_complete_kits() -> None:
    keep = replace(KITS, rules=(rule("keep", sku="SET", buffer=Buffer(units=1)),))
    outcome = replay([], {"MUG": 7, "CAP": 2}, keep, listings={"a": ["SET"]})
    # Two kits are complete, one is shown: three units are kept from sale.
    assert hours(outcome, A) == 3 * HOURS


def test_packs_sell_whole_and_withhold_what_does_not_fill_one() -> None:
    sixes = book(rule("sixes", store="a", pack=6))
    history = [sold(HOUR, "b", 9), sold(2 * HOUR, "a", 12)]
    outcome = replay(history, {"MUG": 20}, sixes)
    # 3 packs of 20 until 9 sell; then 1 of 11, and of the two that were sold only that one is.
    assert counts(outcome, A) == (6, 6, 0, 1)
    assert counts(outcome, B) == (9, 0, 0, 1)
    assert hours(outcome, A) == 2 * 1 + 5 * 1 + 5 * (HOURS - 2)


def test_a_fixed_number_sells_what_is_not_there() -> None:
    outcome = replay([sold(0, "a", 7)], {"MUG": 4}, book(rule("many", fixed=99)))
    assert counts(outcome, A) == (7, 0, 3, 1)
    assert outcome.total.oversold_in == [3, *[0] * (STRETCHES - 1)]


def test_debts_are_counted_once_and_not_again_by_each_sale() -> None:
    outcome = replay([sold(at, "a", 2) for at in range(3)], {"MUG": 3}, book(rule("x", fixed=9)))
    assert counts(outcome, A)[:3] == (6, 0, 0 + 1 + 2)


def test_the_return_of_an_order_that_was_never_sold_brings_nothing() -> None:
    keep = book(rule("keep", buffer=Buffer(units=3)))
    back = moved(HOUR, 4, MovementKind.RETURN, store="a", order="7")
    history = [sold(0, "a", 4, order="7"), back, sold(2 * HOUR, "a", 9)]
    outcome = replay(history, {"MUG": 6}, keep)
    # Three of four sold, and those three come back: six again, of which three may go.
    assert counts(outcome, A) == (3 + 3, 1 + 6, 0, 0)


def test_a_return_raises_the_listing_that_it_is_told_of_without_a_correction() -> None:
    back = moved(HOUR, 1, MovementKind.RETURN, store="a")
    outcome = replay([sold(0, "a", 1), back], {"MUG": 5})
    assert counts(outcome, A) == (1, 0, 0, 0)
    assert counts(outcome, B) == (0, 0, 0, 2)


def test_a_count_moves_the_books_by_its_difference() -> None:
    keep = book(rule("keep", store="a", buffer=Buffer(units=4)))
    history = [sold(0, "a", 4), moved(HOUR, -1, MovementKind.COUNT), sold(2 * HOUR, "b", 9)]
    outcome = replay(history, {"MUG": 6}, keep)
    # Two of four were lost, so three are left after the count where history had one.
    assert counts(outcome, A)[:3] == (2, 2, 0)
    assert counts(outcome, B)[:3] == (3, 6, 0)


def test_units_that_wait_for_an_explanation_are_oversold_when_an_order_claims_them() -> None:
    def waits(seconds: float, store: str, units: int) -> Told:
        return moved(seconds, units, MovementKind.SUSPENSE, store=store)

    history = [waits(0, "a", -2), waits(1, "b", -1), waits(60, "a", 2)]
    history += [sold(60, "a", 2, order="1"), waits(70, "b", 1), sold(70, "b", 1, order="2")]
    outcome = replay(history, {"MUG": 2}, delay=600)
    # Both stores showed two; three were sold, and the one that was not there is the last told.
    assert counts(outcome, A) == (2, 0, 0, 0)
    assert counts(outcome, B) == (1, 0, 1, 1)


def test_units_reserved_are_not_free_to_be_sold() -> None:
    history = [moved(0, -2, MovementKind.RESERVATION), sold(9, "a", 3)]
    late = replay(history, {"MUG": 4}, delay=60)
    assert counts(late, A) == (3, 0, 1, 1)  # one more is shown until the reservation is known
    assert counts(replay(history, {"MUG": 4}), A) == (2, 1, 0, 1)


def test_a_store_that_sells_from_one_place_oversells_only_what_is_nowhere() -> None:
    outlet = rule("outlet only", locations=(LocationId("outlet"),))
    history = [moved(0, 5, place="outlet"), sold(9, "a", 4, place="outlet")]
    assert counts(replay(history, {"MUG": 2}, book(outlet)), A) == (4, 0, 0, 1)


def test_a_sku_is_shown_from_its_opening_on_and_first_numbers_correct_nothing() -> None:
    history = [opened(HOUR, 3), sold(2 * HOUR, "a", 2)]
    outcome = replay(history, {}, delay=60)
    assert counts(outcome, A) == (2, 0, 0, 0)
    assert counts(outcome, B) == (0, 0, 0, 1)
    keep = book(rule("keep", store="a", buffer=Buffer(units=1)))
    assert hours(replay(history, {}, keep), A) == HOURS - 1


def test_a_listing_counts_from_the_moment_it_was_there() -> None:
    keep = book(rule("keep", buffer=Buffer(units=2)))
    outcome = replay([], {"MUG": 5}, keep, since={("a", "MUG"): 7 * HOUR})
    assert hours(outcome, A) == 2 * (HOURS - 7)
    assert hours(outcome, B) == 2 * HOURS
    early = replay([sold(HOUR, "a")], {"MUG": 5}, since={("a", "MUG"): 7 * HOUR})
    assert (counts(early, A), early.unjudged) == ((0, 0, 0, 0), 1)


def test_a_listing_that_rules_leave_alone_stays_as_it_was_but_for_its_own_sales() -> None:
    held = book(rule("hands off", store="a", hold=True))
    history = [moved(0, -6), sold(HOUR, "a", 2), sold(2 * HOUR, "a", 2)]
    outcome = replay(history, {"MUG": 9}, held, first={("a", "MUG"): 3})
    assert counts(outcome, A) == (3, 1, 0, 0)
    assert counts(outcome, B)[3] == 3  # 9, then 3, 1 and 0


def test_a_sale_of_a_listing_nobody_knows_takes_place_and_is_not_judged() -> None:
    history = [sold(0, "a", 9, listing="OLD"), sold(1, "b", 2)]
    outcome = replay(history, {"MUG": 5})
    assert outcome.unjudged == 9
    assert counts(outcome, A) == (0, 0, 0, 1)
    assert counts(outcome, B) == (0, 2, 0, 1)


def test_rules_hold_while_their_hours_do() -> None:
    lunch = Schedule(zone=UTC, opens=after(2 * HOUR), closes=after(4 * HOUR))
    keep = replace(rule("lunch", store="a", buffer=Buffer(units=3)), schedule=lunch)
    outcome = replay([], {"MUG": 9}, book(keep))
    assert hours(outcome, A) == 3 * 2
    assert (counts(outcome, A)[3], counts(outcome, B)[3]) == (2, 0)


def test_a_velocity_buffer_comes_and_goes_with_the_sales() -> None:
    fast = book(rule("fast", velocity_buffer=Velocity(window=timedelta(hours=1))))
    outcome = replay([sold(0, "a", 2), sold(1, "b", 7)], {"MUG": 10}, fast)
    # Two sold, so two of eight are kept back; six sell and keep the two that are left; an hour
    # later nothing sells any more, and both stores show two.
    assert counts(outcome, A) == (2, 0, 0, 3)
    assert counts(outcome, B) == (6, 1, 0, 2)
    assert hours(outcome, A) == pytest.approx(2, abs=1e-3)


def test_moments_before_the_ones_already_told_are_taken_for_now() -> None:
    history: list[Told] = [sold(60, "a"), sold(0, "b")]
    assert counts(replay(history, {"MUG": 1}, delay=30), B) == (1, 0, 1, 0)


def test_what_happens_after_the_end_of_the_replay_is_still_booked_in_its_last_moment() -> None:
    outcome = replay([sold(60, "a")], {"MUG": 1}, book(rule("x", fixed=2)), ended_at=after(60))
    assert outcome.stores[A].oversold_in[-1] == 0
    assert counts(outcome, A)[0] == 1


def test_all_stores_together_are_the_sum_and_have_a_peak_of_their_own() -> None:
    keep = book(rule("keep", buffer=Buffer(units=2)))
    outcome = replay([], {"MUG": 4}, keep, since={("b", "MUG"): 5 * HOUR})
    assert [outcome.stores[at].listings for at in (A, B)] == [1, 1]
    assert [at.meter.peak for at in (*outcome.stores.values(), outcome.total)] == [2, 2, 4]
    assert outcome.total.meter.unit_hours == pytest.approx(2 * HOURS + 2 * 5)
