"""Laws of the domain, for any numbers (the table of questions and laws is in CONTRIBUTING)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.agreements import agreement, agreement_of
from stocksync.domain.availability import Steps, available, kit_levels, share_of, target
from stocksync.domain.doubts import likely_change, lowest_change
from stocksync.domain.gates import Gate, Limits, check
from stocksync.domain.identifiers import MAIN_LOCATION, ListingId, LocationId, Sku, StoreId
from stocksync.domain.intake import Seat, as_lines, decide, movements_for
from stocksync.domain.merge import (
    Change,
    ChangeKind,
    Role,
    Terms,
    merge,
)
from stocksync.domain.movements import Movement, MovementKind, at, fold, levels, sides
from stocksync.domain.plan import Line, correction_for, plan_hash
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer, Increases, Match, Policy, Rule, Wishes
from stocksync.domain.shares import share_out
from stocksync.domain.stock import (
    Counted,
    Gap,
    ListingRecord,
    NotCounted,
    Observation,
    StockLevel,
)
from stocksync.domain.stories import OwnWrite
from stocksync.domain.twins import Claim, quarantines

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A = StoreId("a")
MUG = Sku("MUG")

stores = st.text("abcdef", min_size=1, max_size=3).map(StoreId)
units = st.integers(0, 10_000)
signed = st.integers(-10_000, 10_000)
percents = st.integers(0, 100).map(lambda part: Fraction(part, 100))
shares = st.dictionaries(stores, percents, max_size=6)
locations = st.sampled_from(["main", "north", "south"]).map(LocationId)
stock = st.dictionaries(
    locations, st.builds(StockLevel, on_hand=signed, reserved=st.integers(0, 50)), max_size=3
)
buffers = st.builds(Buffer, units=st.integers(0, 50), percent=percents)
policies = st.builds(
    Policy,
    buffer=buffers,
    cap=st.none() | st.integers(0, 100),
    zero_at_or_below=st.none() | st.integers(0, 20),
    pack=st.integers(1, 12),
    round_to=st.integers(1, 10),
    locations=st.none() | st.lists(locations, unique=True).map(tuple),
)


def movement(kind: MovementKind, change: int, location: LocationId, key: str) -> Movement:
    source, destination, count = sides(kind, change, location, "a")
    return Movement(
        key=key, sku=MUG, kind=kind, source=source, destination=destination, units=count,
        occurred_at=NOON,
    )  # fmt: skip


movements = st.lists(
    st.tuples(
        st.sampled_from([MovementKind.SALE, MovementKind.RETURN, MovementKind.COUNT]),
        signed.filter(bool),
        locations,
    ),
    max_size=12,
).map(
    lambda drawn: [movement(kind, n, where, str(at)) for at, (kind, n, where) in enumerate(drawn)]
)


@given(movements, st.randoms(use_true_random=False))
def test_the_order_of_movements_does_not_matter(booked: list[Movement], random: object) -> None:
    shuffled = list(booked)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(shuffled) == fold(booked)


@given(movements)
def test_every_movement_leaves_the_sum_of_all_accounts_at_zero(booked: list[Movement]) -> None:
    assert sum(fold(booked).values()) == 0


@given(units, shares)
def test_shares_add_up_to_their_part_of_the_units_and_never_to_more(
    count: int, by: dict[StoreId, Fraction]
) -> None:
    given_out = share_out(count, by)
    total = sum(by.values())
    if total <= 1:
        assert sum(given_out.values()) == count * total // 1
    assert all(0 <= share <= count for share in given_out.values())
    assert share_out(count, dict(reversed(by.items()))) == given_out


def test_the_last_unit_goes_to_the_store_with_the_highest_priority() -> None:
    halves = {StoreId("a"): Fraction(1, 2), StoreId("b"): Fraction(1, 2)}
    assert share_out(1, halves, {StoreId("b"): 5}) == {"a": 0, "b": 1}
    assert share_out(11, {StoreId("a"): Fraction(1, 2)}) == {"a": 5}


@given(stock, policies)
def test_available_is_never_below_zero_and_never_more_than_what_is_free(
    held: dict[LocationId, StockLevel], policy: Policy
) -> None:
    free = sum(max(0, level.on_hand - level.reserved) for level in held.values())
    assert 0 <= available(held, policy) <= free


@given(stock, policies)
def test_a_target_is_never_below_zero_nor_above_its_units_and_always_the_same(
    held: dict[LocationId, StockLevel], policy: Policy
) -> None:
    promised = available(held, policy)
    wanted = target(promised, policy)
    assert wanted is not None
    assert 0 <= wanted * policy.pack <= promised
    assert wanted == target(promised, policy, Steps())
    assert wanted % policy.round_to == 0 or wanted == policy.cap


@given(stock, policies, policies)
def test_the_steps_lead_from_stock_to_the_target(
    held: dict[LocationId, StockLevel], policy: Policy, other: Policy
) -> None:
    steps = Steps()
    own = replace(policy, share=Fraction(1, 3))
    everyone = {A: own, StoreId("b"): replace(other, share=Fraction(2, 3))}
    wanted = target(share_of(available(held, own, steps), A, everyone, steps), own, steps)
    for before, after in zip(steps.all, steps.all[1:], strict=False):
        assert before.after == after.before
    assert steps.all[-1].after == wanted


@pytest.mark.parametrize(
    ("wishes", "on_hand", "expected"),
    [
        (Wishes(), 7, 7),
        (Wishes(buffer=Buffer(units=2)), 7, 5),
        (Wishes(buffer=Buffer(percent=Fraction(1, 4))), 10, 7),  # a quarter of 10 keeps back 3
        (Wishes(buffer=Buffer(units=20)), 7, 0),
        (Wishes(share=Fraction(1, 2)), 7, 3),
        (Wishes(cap=5), 7, 5),
        (Wishes(cap=0), 7, 0),
        (Wishes(zero_at_or_below=7), 7, 0),
        (Wishes(zero_at_or_below=6), 7, 7),
        (Wishes(pack=3), 7, 2),
        (Wishes(round_to=5), 9, 5),
        (Wishes(fixed=99), 0, 99),
        (Wishes(fixed=99, cap=5), 7, 99),
        (Wishes(hold=True), 7, None),
        (Wishes(hold=False), 7, 7),
        (Wishes(pack=3, cap=1, zero_at_or_below=1), 7, 0),
    ],
)
def test_each_wish_does_what_its_name_says(
    wishes: Wishes, on_hand: int, expected: int | None
) -> None:
    policy = Rulebook(rules=[Rule(name="r", place="x:1", wishes=wishes)]).policy(MUG, A)
    held = {MAIN_LOCATION: StockLevel(on_hand=on_hand)}
    assert target(share_of(available(held, policy), A, {A: policy}), policy) == expected


def test_a_location_rule_keeps_units_back_there_and_only_there() -> None:
    north = LocationId("north")
    rules = [
        Rule(
            name="n",
            place="x:1",
            match=Match(location=north),
            wishes=Wishes(buffer=Buffer(units=4)),
        ),
        Rule(name="w", place="x:2", wishes=Wishes(locations=(MAIN_LOCATION, north))),
    ]
    held = {
        MAIN_LOCATION: StockLevel(on_hand=3),
        north: StockLevel(on_hand=10),
        LocationId("south"): StockLevel(on_hand=50),
    }
    assert available(held, Rulebook(rules=rules).policy(MUG, A)) == 3 + 6
    closed = replace(rules[0], wishes=Wishes(hold=True))
    assert available(held, Rulebook(rules=[closed, rules[1]]).policy(MUG, A)) == 3
    both = replace(rules[0], wishes=Wishes(hold=True, buffer=Buffer(units=4)))
    assert available(held, Rulebook(rules=[both, rules[1]]).policy(MUG, A)) == 3
    assert available(held, Rulebook(rules=[closed, *rules]).policy(MUG, A)) == 3
    opened = replace(rules[0], wishes=Wishes(hold=False))
    assert available(held, Rulebook(rules=[closed, *rules, opened]).policy(MUG, A)) == 3 + 6


def test_the_last_rule_that_matches_sets_a_field_and_absent_inherits() -> None:
    rules = [
        Rule(name="all", place="x:1", wishes=Wishes(cap=5, buffer=Buffer(units=1))),
        Rule(name="mugs", place="x:2", match=Match(sku="MUG*"), wishes=Wishes(cap=0)),
        Rule(name="b", place="x:3", match=Match(store=StoreId("b")), wishes=Wishes(cap=9)),
    ]
    policy = Rulebook(rules=rules).policy(MUG, A)
    assert (policy.cap, policy.buffer.units) == (0, 1)
    assert policy.reasons["cap"].name == "mugs"
    assert Rulebook(rules=rules).policy(MUG, StoreId("b")).cap == 9
    assert Rulebook(rules=rules).policy(Sku("mug"), A).cap == 5  # a glob minds the case


@given(st.permutations(range(3)))
def test_the_order_of_rules_that_set_different_fields_does_not_matter(order: list[int]) -> None:
    rules = [
        Rule(name="1", place="x:1", wishes=Wishes(cap=5)),
        Rule(name="2", place="x:2", wishes=Wishes(pack=2)),
        Rule(name="3", place="x:3", wishes=Wishes(round_to=4)),
    ]
    policy = Rulebook(rules=[rules[at] for at in order]).policy(MUG, A)
    assert (policy.cap, policy.pack, policy.round_to) == (5, 2, 4)


def record(baseline: int | None = 10, **more: object) -> ListingRecord:
    shown = None if baseline is None else Counted(baseline, NOON)
    return ListingRecord(
        store=A, listing=ListingId("1"), code="MUG", sku=MUG, reading=shown, baseline=baseline,
        settled=True, version=1, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def seen(quantity: int) -> Observation:
    return Observation(ListingId("1"), "MUG", Counted(quantity, NOON))


@given(signed, signed)
def test_merging_names_every_unit_once_and_merging_twice_adds_nothing(
    baseline: int, reading: int
) -> None:
    change = merge(record(baseline), seen(reading), Terms())
    assert (change.units if change else 0) == reading - baseline
    after = change.record if change else record(baseline)
    assert after.baseline == reading
    assert merge(after, seen(reading), Terms()) is None
    assert agreement_of(seen(reading)) == agreement(ListingId("1"), "MUG", reading)
    assert agreement_of(seen(reading + 1)) != agreement_of(seen(reading))


@given(st.lists(st.tuples(signed, signed), min_size=2, max_size=5), st.randoms())
def test_changes_of_stores_add_whatever_their_order(
    pairs: list[tuple[int, int]], random: object
) -> None:
    def book(of: list[tuple[int, int]]) -> int:
        moved = 0
        for baseline, reading in of:
            change = merge(record(baseline), seen(reading), Terms())
            moved += change.units if change else 0
        return moved

    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert book(shuffled) == book(pairs) == sum(reading - base for base, reading in pairs)


@pytest.mark.parametrize(
    ("terms", "reading", "kind", "moved"),
    [
        (Terms(), 8, ChangeKind.SALE, -2),
        (Terms(), 12, ChangeKind.RETURN, 2),
        (Terms(pack=6), 8, ChangeKind.SALE, -12),
        (Terms(role=Role.MASTER), 12, ChangeKind.COUNT, 2),
        (Terms(role=Role.MIRROR), 8, ChangeKind.DRIFT, 0),
        (Terms(role=Role.OBSERVE), 8, ChangeKind.NOTED, 0),
        (Terms(accept_increases=Increases.NO), 12, ChangeKind.REFUSED_INCREASE, 0),
        (Terms(accept_increases=Increases.NO), 8, ChangeKind.SALE, -2),
        (Terms(accept_increases=Increases.HOLD), 12, ChangeKind.HELD_INCREASE, 2),
    ],
)
def test_a_stores_role_says_what_its_change_means(
    terms: Terms, reading: int, kind: ChangeKind, moved: int
) -> None:
    change = merge(record(10), seen(reading), terms)
    assert change is not None
    assert (change.kind, change.units) == (kind, moved)


def test_a_number_that_we_wrote_ourselves_moves_nothing() -> None:
    change = merge(record(10, unanswered=frozenset({OwnWrite("i1", 8, NOON)})), seen(8), Terms())
    assert change is not None
    assert (change.kind, change.units, change.record.baseline) == (ChangeKind.OWN_WRITE, 0, 8)


NUMBERS = st.integers(-50, 50)


@given(NUMBERS, NUMBERS, st.sets(NUMBERS, max_size=4))
def test_the_first_news_after_an_unanswered_write_leaves_no_more_for_sale_than_any_explanation(
    number: int, before: int, targets: set[int]
) -> None:
    writes = [OwnWrite(str(target), target, NOON) for target in targets]
    lowest = lowest_change(number, before, writes, NOON)
    assert lowest == min(number - value for value in {before, *targets})
    assert lowest_change(number, before, writes, None) == lowest, "never read before"
    likely = likely_change(number, before, targets)
    assert likely in {number - value for value in {before, *targets}}
    assert lowest <= likely
    assert likely <= 0 or number > before, "nothing came back where the number fell"


@pytest.mark.parametrize(
    ("number", "before", "target", "change"),
    [(8, 10, 15, -2), (6, 10, 7, -1), (6, 10, 5, -4), (13, 12, 33, 1), (31, 12, 33, -2),
     (36, 10, 37, -1), (12, 10, 14, -2)],
)  # fmt: skip
def test_the_likely_change_is_a_small_one_and_a_fall_is_a_sale(
    number: int, before: int, target: int, change: int
) -> None:
    assert likely_change(number, before, {target}) == change


@given(NUMBERS, NUMBERS, st.sets(NUMBERS, max_size=4))
def test_a_write_that_may_still_come_never_more_than_doubles_what_was_sold(
    number: int, before: int, targets: set[int]
) -> None:
    writes = [OwnWrite(str(target), target, NOON) for target in targets]
    sold = max(0, before - number)
    lowest = lowest_change(number, before, writes, NOON + timedelta(seconds=1))
    assert number - before - sold <= lowest <= number - before
    doubled = [target for target in targets if before < target <= before + sold]
    assert lowest == number - max([before, *doubled])


@pytest.mark.parametrize("gap", list(Gap))
def test_a_gap_moves_nothing(gap: Gap) -> None:
    row = Observation(ListingId("1"), "MUG", NotCounted(gap, "''", NOON))
    change = merge(record(10), row, Terms())
    assert change is not None
    assert change.units == 0
    assert change.record.baseline == (10 if gap is Gap.UNREADABLE else None)
    assert merge(change.record, row, Terms()) is None


def test_first_contact_books_nothing() -> None:
    change = merge(record(None), seen(7), Terms())
    assert change is not None
    assert (change.kind, change.units, change.record.baseline) == (ChangeKind.FIRST_CONTACT, 0, 7)


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_plan_carried_out_leaves_nothing_to_plan(shown: int, wanted: int) -> None:
    correction = correction_for(record(shown), wanted)
    assert (correction is None) == (shown == wanted)
    after = record(correction.quantity if correction else shown)
    assert correction_for(after, wanted) is None


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 9))))
def test_a_plan_is_named_by_its_lines_and_not_by_their_order(
    rows: list[tuple[str, int, int]],
) -> None:
    lines = [
        Line(store=StoreId(store), listing=ListingId(str(at)), sku="X", before=old, after=new)
        for at, (store, old, new) in enumerate(rows)
    ]
    assert plan_hash(lines) == plan_hash(reversed(lines))
    if lines:
        other = [replace(lines[0], after=99), *lines[1:]]
        assert plan_hash(other) != plan_hash(lines)


def lines_of(pairs: list[tuple[int, int]]) -> list[Line]:
    return [
        Line(store=A, listing=ListingId(str(number)), sku="", before=old, after=new)
        for number, (old, new) in enumerate(pairs)
    ]


def test_a_day_of_fifteen_percent_sales_passes_and_a_mass_change_does_not() -> None:
    sold = lines_of([(5, 4)] * 15)
    assert check(sold, listings=100, in_stock=100) is None
    trip = check(lines_of([(5, 4)] * 31), listings=100, in_stock=100)
    assert trip is not None
    assert trip.gate is Gate.MASS_CHANGE


def test_a_shop_that_falls_to_zero_as_a_whole_is_held_however_small() -> None:
    trip = check(lines_of([(5, 0)] * 3), listings=3, in_stock=3)
    assert trip is not None
    assert trip.gate is Gate.MASS_ZERO
    assert check(lines_of([(5, 0)] * 2), listings=2, in_stock=2) is None  # two can sell out


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60))
def test_what_a_person_approved_trips_no_gate(pairs: list[tuple[int, int]]) -> None:
    lines = lines_of(pairs)
    approved = frozenset(line.key for line in lines)
    limits = Limits(changed_floor=1, zeroed_floor=1, all_zero_floor=1)
    assert check(lines, listings=1, in_stock=1, approved=approved, limits=limits) is None


def test_twins_are_set_aside_and_homoglyphs_and_leading_zeros_are_not() -> None:
    claims = [
        Claim(ListingId(str(number)), Sku(code))
        for number, code in enumerate(
            ["abc-1", "ABC-1", "X1", "X1", "00123", "123", "\u0410BC", "ABC", "\u00e9", "e\u0301"]
        )
    ]
    assert set(quarantines(claims)) == {"0", "1", "2", "3", "8", "9"}


def test_an_alias_links_a_twin_on_purpose() -> None:
    claims = [
        Claim(ListingId("1"), MUG, on_purpose=True),
        Claim(ListingId("2"), MUG, on_purpose=True),
    ]
    assert quarantines(claims) == {}


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 5))
def test_a_kit_is_as_many_as_its_scarcest_part_allows(have: int, cups: int, mugs: int) -> None:
    parts = {Sku("CUP"): cups, Sku("MUG"): mugs}
    held = {sku: {MAIN_LOCATION: StockLevel(on_hand=have)} for sku in parts}
    assert kit_levels(parts, held)[MAIN_LOCATION].on_hand == have // max(cups, mugs)


def test_a_kits_sale_moves_its_parts() -> None:
    kit = Sku("KIT")
    book = Rulebook(bundles={kit: {Sku("CUP"): 2, Sku("BOX"): 1}, Sku("BOX"): {Sku("LID"): 3}})
    change = Change(
        kind=ChangeKind.SALE, before=5, after=3, record=replace(record(3), sku=kit), units=-2
    )
    booked = movements_for(change, {}, book, at=NOON, run="r")
    assert {(move.sku, move.units, move.source) for move in booked} == {
        ("CUP", 4, at(MAIN_LOCATION)),
        ("LID", 6, at(MAIN_LOCATION)),
    }


def test_suspended_units_leave_sale_without_being_sold() -> None:
    change = Change(
        kind=ChangeKind.SALE, before=10, after=7, record=record(7), units=-1, suspended=2
    )
    balances = fold(movements_for(change, {}, Rulebook(), at=NOON, run="r"))
    held = levels({account: n for (_, account), n in balances.items()})
    assert held[MAIN_LOCATION].on_hand == -3
    assert balances[MUG, "suspense:a"] == 2  # type: ignore[index]


def test_a_renamed_listing_starts_over_and_books_nothing() -> None:
    renamed = Observation(ListingId("1"), "CUP", Counted(4, NOON))
    [change] = decide(
        {ListingId("1"): (record(10), renamed)}, Seat(store=A), twins={}, book=Rulebook()
    )
    assert (change.kind, change.units) == (ChangeKind.FIRST_CONTACT, 0)
    assert (change.record.sku, change.record.baseline, change.record.settled) == ("CUP", 4, False)
    assert as_lines([change]) == []
