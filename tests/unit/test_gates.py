"""Gates close on what is too big to be true, one unit beyond each limit, and not before."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stocksync.domain.flapping import Written, by_another_hand, fights, shown_since
from stocksync.domain.gates import (
    REFUSABLE,
    STOPPING,
    Gate,
    Limits,
    Trip,
    check,
    check_absence,
    check_range,
    check_units,
    check_untracked,
    suspects,
)
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.merge import Change, ChangeKind
from stocksync.domain.plan import Line
from stocksync.domain.restored import (
    Moment,
    differing,
    is_all_of_it,
    moments_like_now,
    number_at,
)
from stocksync.domain.stock import ListingRecord

A = StoreId("a")
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
RUNBOOK = Path(__file__).parents[2] / "deploy" / "runbooks" / "PlanHeld.md"


def lines(pairs: Iterable[tuple[int | None, int | None]]) -> list[Line]:
    return [
        Line(store=A, listing=ListingId(str(at)), sku="", before=before, after=after)
        for at, (before, after) in enumerate(pairs)
    ]


def gate_of(trip: Trip | None) -> Gate | None:
    return trip.gate if trip is not None else None


def hour(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def test_a_quarter_of_the_units_may_go_down_and_not_one_more() -> None:
    assert check_units(lines([(10, 5)] * 20), shown=400) is None
    trip = check_units(lines([(10, 5)] * 19 + [(10, 4)]), shown=400)
    assert gate_of(trip) is Gate.MASS_UNITS
    assert trip is not None
    assert trip.reason == "101 of 400 units would go down at once"


def test_a_quarter_of_the_units_may_come_and_not_one_more() -> None:
    assert check_units(lines([(5, 10)] * 20), shown=400) is None
    assert gate_of(check_units(lines([(5, 10)] * 19 + [(5, 11)]), shown=400)) is Gate.MASS_UNITS


def test_few_listings_may_move_many_units() -> None:
    assert check_units(lines([(100, 1)] * 19), shown=2000) is None
    assert gate_of(check_units(lines([(100, 1)] * 20), shown=2000)) is Gate.MASS_UNITS


def test_units_that_come_do_not_make_up_for_those_that_go() -> None:
    both = lines([(10, 4)] * 20 + [(4, 10)] * 20)
    assert gate_of(check_units(both, shown=300)) is Gate.MASS_UNITS


def test_units_a_person_approved_are_not_counted() -> None:
    moved = lines([(10, 0)] * 40)
    approved = frozenset(line.key for line in moved[:21])
    assert check_units(moved, shown=400, approved=approved) is None
    assert check_units(moved, shown=400) is not None


def test_below_zero_is_as_much_out_of_stock_as_zero() -> None:
    assert gate_of(check(lines([(5, -5)] * 3), listings=3, in_stock=3)) is Gate.MASS_ZERO
    assert gate_of(check(lines([(5, -1)] * 21), listings=100, in_stock=100)) is Gate.MASS_ZERO
    assert check(lines([(-5, -6), (0, -1)] * 5), listings=40, in_stock=40) is None


def test_three_in_ten_listings_may_change_and_not_one_more_and_twenty_are_few() -> None:
    assert check(lines([(5, 4)] * 30), listings=100, in_stock=100) is None
    assert gate_of(check(lines([(5, 4)] * 31), listings=100, in_stock=100)) is Gate.MASS_CHANGE
    assert check(lines([(5, 4)] * 19), listings=20, in_stock=20) is None
    assert gate_of(check(lines([(5, 4)] * 20), listings=20, in_stock=20)) is Gate.MASS_CHANGE


def test_a_plan_of_ours_is_held_by_its_own_gate_zeros_or_not() -> None:
    ours = check(lines([(5, 0)] * 20), listings=20, in_stock=20, change=Gate.MASS_PUSH)
    assert gate_of(ours) is Gate.MASS_PUSH


def test_a_fifth_of_the_listings_may_lose_their_count_and_not_one_more() -> None:
    assert check_untracked(lines([(5, None)] * 20), listings=100) is None
    gone = lines([(5, None)] * 21)
    assert gate_of(check_untracked(gone, listings=100)) is Gate.MASS_UNTRACKED
    assert check_untracked(gone, listings=100, approved={gone[0].key}) is None
    assert check_untracked(lines([(5, None)] * 9), listings=10) is None
    assert gate_of(check_untracked(lines([(5, None)] * 3), listings=3)) is Gate.MASS_UNTRACKED
    assert check_untracked(lines([(5, None)] * 2), listings=2) is None


def test_a_fifth_of_the_listings_may_vanish_and_not_one_more() -> None:
    assert check_absence(lines([(5, None)] * 20), present=100) is None
    gone = lines([(5, None)] * 21)
    assert gate_of(check_absence(gone, present=100)) is Gate.MASS_ABSENCE
    assert check_absence(gone, present=100, approved={gone[0].key}) is None
    assert check_absence(lines([(5, None)] * 9), present=10) is None
    assert gate_of(check_absence(lines([(5, None)] * 10), present=40)) is Gate.MASS_ABSENCE


def in_range(
    before: int | None, after: int, *, most: int | None = None, approved: bool = False
) -> bool:
    [line] = lines([(before, after)])
    past = {} if most is None else {line.listing: most}
    allowed = frozenset({line.key}) if approved else frozenset()
    return check_range(suspects([line]), past, approved=allowed) is None


def test_a_million_is_a_quantity_and_one_more_is_not() -> None:
    assert in_range(900_000, 1_000_000, most=900_000)
    assert not in_range(900_000, 1_000_001, most=900_000)
    assert in_range(0, -1_000_000)
    assert not in_range(0, -1_000_001)
    assert not in_range(1_000_000, 1_000_001, most=1_000_000)
    assert in_range(900_000, 1_000_001, approved=True)
    assert suspects(lines([(5, None)])) == []


def test_a_listing_met_for_the_first_time_has_only_the_great_limit() -> None:
    assert in_range(None, 1_000_000)
    assert not in_range(None, 1_000_001)
    assert in_range(None, 1_000_000, most=3)  # of an older listing with the same id


def test_a_listing_that_is_sold_without_end_stays_beyond_the_limit_in_peace() -> None:
    assert in_range(9_999_999, 9_999_998, most=9_999_999)


def test_a_hundred_times_its_most_is_too_much_for_a_listing_that_showed_a_hundred_or_more() -> None:
    assert in_range(10, 20_000, most=200)
    assert not in_range(10, 20_001, most=200)
    assert in_range(5, 10_000, most=5)
    assert not in_range(5, 10_001, most=5)
    assert in_range(300, 30_000)  # its past may be younger than its number


def test_only_lines_out_of_range_are_held_and_named() -> None:
    trip = check_range(suspects(lines([(5, 4), (5, 2_000_000)])), {})
    assert trip is not None
    assert (trip.gate, [line.listing for line in trip.lines]) == (Gate.OUT_OF_RANGE, ["1"])
    assert "(1: 2000000)" in trip.reason


def test_limits_can_be_set() -> None:
    tight = Limits(units_floor=1, absent_floor=1, zeroed_floor=1, quantity_max=10)
    assert check_units(lines([(10, 5)]), shown=19, limits=tight) is not None
    assert check_absence(lines([(10, None)]), present=4, limits=tight) is not None
    assert check_untracked(lines([(10, None)]), listings=4, limits=tight) is not None
    assert suspects(lines([(5, 11)]), tight) != []
    assert check_range(lines([(5, 11)]), {}, limits=tight) is not None


def past_of(*numbers: int) -> list[tuple[datetime, int]]:
    """Return what a listing showed: another number every hour from noon on."""
    return [(hour(at), number) for at, number in enumerate(numbers)]


def test_five_listings_that_show_what_they_showed_at_one_moment_are_noticed() -> None:
    pasts = {ListingId(name): past_of(9, 7, 5) for name in "abcde"}
    shown = dict.fromkeys(pasts, 7)
    assert moments_like_now(shown, pasts) == [Moment(began=hour(1), ended=hour(2), same=5)]
    del shown[ListingId("e")]
    assert moments_like_now(shown, pasts) == []  # four may be chance


def test_earlier_numbers_of_different_moments_are_no_restored_store() -> None:
    names = [ListingId(name) for name in "abcdef"]
    pasts = dict(zip(names, [past_of(9, 7, 5), past_of(7, 9, 5)] * 3, strict=True))
    assert moments_like_now(dict.fromkeys(names, 7), pasts) == []


def test_more_than_four_of_five_must_have_gone_back() -> None:
    names = [ListingId(str(number)) for number in range(10)]
    pasts = {name: past_of(9, 7) for name in names}
    shown = dict.fromkeys(names, 9)
    shown |= {names[0]: 8}
    assert [at.same for at in moments_like_now(shown, pasts)] == [9]
    shown |= {names[1]: 8}
    assert moments_like_now(shown, pasts) == []


def test_what_a_listing_shows_since_the_last_agreement_is_not_the_past() -> None:
    pasts = {ListingId(name): past_of(9, 7) for name in "abcde"}
    assert moments_like_now(dict.fromkeys(pasts, 7), pasts) == []


def test_the_likeliest_moment_comes_first_and_the_latest_of_equals() -> None:
    names = [ListingId(str(number)) for number in range(10)]
    pasts = {name: past_of(9, 7, 9, 7, 9, 7) for name in names}
    pasts[names[0]] = past_of(9, 7, 8, 7, 8, 7)
    moments = moments_like_now(dict.fromkeys(names, 9), pasts)
    assert [(at.began, at.same) for at in moments] == [(NOON, 10), (hour(4), 9), (hour(2), 9)]


def test_a_few_listings_that_go_back_are_no_restored_store_while_the_others_stay() -> None:
    assert is_all_of_it(back=9, stayed=2)
    assert not is_all_of_it(back=8, stayed=2)


def test_listings_that_are_now_as_they_were_or_are_new_do_not_speak_against_it() -> None:
    moment = Moment(began=NOON, ended=hour(1), same=5)
    same, other, new = (ListingId(name) for name in ("same", "other", "new"))
    pasts = {same: past_of(3, 4, 3), other: past_of(3, 4), new: [(hour(1), 8)]}
    assert differing(moment, {same: 3, other: 4, new: 8}, pasts) == 1
    assert number_at(past_of(3, 4), hour(1)) == 3
    assert number_at(past_of(3, 4), NOON) is None


@pytest.mark.parametrize(
    ("numbers", "own", "fight"),
    [
        ([9, 10, 9, 10], {9}, True),
        ([9, 10, 9, 10], {10}, True),
        ([9, 10, 9, 10], {8}, False),
        ([10, 9, 10], {9}, False),
        ([9, 10, 9, 7, 9, 10], {9}, True),
        ([9, 10, 9, 11], {9}, False),
        ([9, 9, 9, 9, 9], {9}, False),
        ([10], {10}, False),
    ],
)
def test_three_flips_between_our_number_and_another_are_a_fight(
    numbers: list[int], own: set[int], fight: bool
) -> None:
    assert fights(numbers, own) is fight


def test_what_a_listing_showed_is_told_by_agreements_and_by_our_writes() -> None:
    agreed = [(hour(0), 5), (hour(2), 5), (hour(4), 7)]
    assert shown_since([(hour(0), 4), (hour(2), 5), (hour(4), 7)], [], hour(2)) == [5, 7]
    writes = [
        Written(before=8, target=5, began=hour(2), taken=hour(2)),
        Written(before=5, target=6, began=hour(3)),  # not known to have arrived
    ]
    assert shown_since(agreed, writes, hour(1)) == [5, 8, 5, 7]
    assert shown_since(agreed, writes, hour(2)) == [5, 7]
    assert shown_since([], [], NOON) == []


def change(kind: ChangeKind, *, suspended: int = 0) -> Change:
    record = ListingRecord(store=A, listing=ListingId("x"), baseline=4)
    return Change(kind=kind, before=5, after=4, record=record, suspended=suspended)


def test_a_sale_is_no_move_in_a_fight_unless_orders_should_have_told_of_it() -> None:
    sold = [change(ChangeKind.SALE)]
    unexplained = [change(ChangeKind.SALE, suspended=1)]
    found = [change(ChangeKind.RETURN), change(ChangeKind.DRIFT)]
    ours = [change(ChangeKind.OWN_WRITE), change(ChangeKind.UNTRACKED)]
    assert by_another_hand([*sold, *unexplained, *found, *ours], feed=False) == found
    assert by_another_hand([*sold, *unexplained, *found], feed=True) == [*unexplained, *found]


def test_a_rejected_number_is_put_right_and_what_is_no_number_can_only_wait() -> None:
    gaps = {Gate.MASS_UNTRACKED, Gate.MASS_ABSENCE, Gate.EMPTY_CENSUS}
    assert gaps == STOPPING - REFUSABLE
    assert {Gate.INCREASE} == REFUSABLE - STOPPING


def test_the_runbook_names_every_gate_and_its_way_out() -> None:
    rows = [row for row in RUNBOOK.read_text().splitlines() if row.startswith("| `")]
    named = [name.strip("` ") for row in rows for name in row.split("|")[1].split(",")]
    assert sorted(named) == sorted(gate.value for gate in Gate)
    assert all(all(cell.strip() for cell in row.split("|")[1:-1]) for row in rows)
