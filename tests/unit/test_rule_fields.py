"""What the newer fields of a rule do to a target: speed, floors, last units, time, expressions."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.availability import Steps
from stocksync.domain.identifiers import MAIN_LOCATION, Sku, StoreId
from stocksync.domain.matching import glob_matches
from stocksync.domain.plan import target_for
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer, Match, Mode, Rule, Velocity, Wishes, merged
from stocksync.domain.schedule import Schedule
from stocksync.domain.stock import StockLevel
from stocksync.domain.velocity import RecentSales, SoldUnits, delay_after
from stocksync.files.expressions import condition_from

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)  # a Friday
MUG, BOWL, SET = Sku("MUG"), Sku("BOWL"), Sku("SET")
A, B, C = StoreId("a"), StoreId("b"), StoreId("c")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def rule(name: str = "r", match: Match | None = None, **wishes: object) -> Rule:
    return Rule(
        name=name,
        place="x:1",
        match=match or Match(),
        wishes=Wishes(**wishes),  # type: ignore[arg-type]
    )


def shown(
    *rules: Rule,
    on_hand: int = 10,
    store: StoreId = A,
    stores: tuple[StoreId, ...] = (A, B, C),
    sales: Mapping[Sku, list[SoldUnits]] | None = None,
    steps: Steps | None = None,
) -> int | None:
    recent = RecentSales(at=NOON, sold=sales or {}, delays={A: 6 * MINUTE})
    return target_for(
        MUG,
        store,
        stores=stores,
        levels={MUG: {MAIN_LOCATION: StockLevel(on_hand=on_hand)}},
        rulebook=Rulebook(rules=rules),
        sales=recent,
        steps=steps,
    )


def sold(*minutes_ago_and_units: tuple[float, int]) -> dict[Sku, list[SoldUnits]]:
    return {MUG: [SoldUnits(NOON - ago * MINUTE, units) for ago, units in minutes_ago_and_units]}


HOURLY = Velocity(window=HOUR)


def test_what_sold_in_the_window_is_kept_back_and_a_sale_counts_until_the_window_is_over() -> None:
    fast = rule(velocity_buffer=HOURLY)
    assert shown(fast) == 10
    assert shown(fast, sales=sold((1, 2), (59.9, 3))) == 5
    assert shown(fast, sales=sold((1, 2), (60, 3))) == 8
    assert shown(fast, sales=sold((1, 99))) == 0
    assert shown(sales=sold((1, 2))) == 10  # no rule asks for it


def test_a_cover_keeps_back_what_sells_in_that_time_and_rounds_up() -> None:
    some = rule(velocity_buffer=Velocity(window=HOUR, cover=5 * MINUTE))
    assert shown(some, sales=sold((1, 12))) == 9
    assert shown(some, sales=sold((1, 13))) == 8
    measured = rule(velocity_buffer=Velocity(window=HOUR, measured=True))
    assert shown(measured, sales=sold((1, 10))) == 9  # a tenth of an hour
    assert shown(measured, sales=sold((1, 3)), store=B) == 7  # never measured: all of them


def test_a_kit_is_kept_back_by_its_fastest_part() -> None:
    book = Rulebook(rules=[rule(velocity_buffer=HOURLY)], bundles={SET: {MUG: 2, BOWL: 1}})
    levels = {sku: {MAIN_LOCATION: StockLevel(on_hand=20)} for sku in (MUG, BOWL)}
    for mugs, bowls, left in ((0, 0, 10), (3, 0, 8), (3, 4, 6), (0, 11, 0)):
        recent = {
            sku: [SoldUnits(NOON, units)] for sku, units in ((MUG, mugs), (BOWL, bowls)) if units
        }
        sales = RecentSales(at=NOON, sold=recent)
        wanted = target_for(SET, A, stores=[A], levels=levels, rulebook=book, sales=sales)
        assert wanted == left, (mugs, bowls)


@pytest.mark.parametrize(("known", "waited", "after"), [(0, 1.2, 2), (100, 3, 90), (4, 9.0, 9)])
def test_a_slow_push_counts_at_once_and_is_forgotten_slowly(
    known: int, waited: float, after: int
) -> None:
    assert delay_after(known, waited) == after


def test_a_floor_lifts_what_shares_round_away_and_never_above_what_is_available() -> None:
    tenth = rule("share", share=Fraction(1, 10))
    assert shown(tenth, rule(floor=2), on_hand=9, stores=(A,)) == 2
    assert shown(tenth, rule(floor=2), on_hand=2, stores=(A,)) == 2
    assert shown(tenth, rule(floor=2), on_hand=1, stores=(A,)) == 0
    assert shown(tenth, rule(floor=2), rule("b", buffer=Buffer(units=8)), on_hand=9) == 0
    assert shown(rule(floor=5), rule("c", cap=3)) == 3  # a cap has the later word
    assert shown(rule(floor=4), rule("p", pack=3)) == 3  # nine units are three packs


def test_a_floor_gives_nothing_to_a_store_whose_units_are_its_own() -> None:
    own = rule("m", mode=Mode.ALLOCATED)
    assert [shown(own, rule(floor=3), on_hand=3, store=at) for at in (A, B, C)] == [1, 1, 1]


def test_the_last_units_are_shown_by_the_stores_of_the_highest_priority_only() -> None:
    rules = (rule("l", last_units=3), rule("p", Match(store=B), priority=5))
    assert [shown(*rules, on_hand=4, store=at) for at in (A, B, C)] == [4, 4, 4]
    assert [shown(*rules, on_hand=3, store=at) for at in (A, B, C)] == [0, 3, 0]
    assert shown(*rules, on_hand=3, stores=(A, C)) == 3  # who does not list it has no priority
    assert shown(*rules, on_hand=0, store=A) == 0


def test_null_takes_back_what_rules_before_it_set_and_zero_does_not() -> None:
    capped = rule("c", cap=4)
    assert shown(capped, rule("z", cap=0)) == 0
    freed = Rule(name="n", place="x:2", wishes=Wishes(resets=frozenset({"cap"})))
    assert shown(capped, freed) == 10
    assert shown(capped, freed, rule("again", cap=7)) == 7
    assert Rulebook(rules=[capped, freed]).policy(MUG, A).reasons["cap"] == freed


def schedule(**parts: object) -> Schedule:
    return Schedule(**{"zone": UTC, **parts})  # type: ignore[arg-type]


def test_a_schedule_opens_on_its_moment_and_is_over_on_the_other() -> None:
    window = schedule(opens=NOON, closes=NOON + HOUR)
    second = timedelta(seconds=1)
    answers = [
        window.is_open(at) for at in (NOON - second, NOON, NOON + HOUR - second, NOON + HOUR)
    ]
    assert answers == [False, True, True, False]


def test_hours_that_cross_midnight_belong_to_the_day_on_which_they_began() -> None:
    night = schedule(weekdays=frozenset({4}), hours=(time(18), time(8)))
    friday_night = NOON.replace(hour=18)
    assert not night.is_open(friday_night - MINUTE)
    assert night.is_open(friday_night)
    assert night.is_open(friday_night + 13 * HOUR)  # seven on Saturday morning
    assert not night.is_open(friday_night + 14 * HOUR)
    assert not night.is_open(friday_night - 11 * HOUR)  # seven on Friday is Thursday's night
    assert not night.is_open(friday_night + timedelta(days=1))


def test_hours_go_by_the_clock_on_the_wall_when_it_is_changed() -> None:
    london = schedule(zone=ZoneInfo("Europe/London"), hours=(time(9), time(17)))
    winter, summer = datetime(2026, 10, 25, 9, tzinfo=UTC), datetime(2026, 10, 24, 8, tzinfo=UTC)
    assert london.is_open(winter)
    assert london.is_open(summer)
    assert not london.is_open(winter - MINUTE)
    assert not london.is_open(summer - MINUTE)


def test_the_rules_of_a_moment_have_a_fingerprint_of_their_own_and_come_back_to_it() -> None:
    timed = replace(rule("t", cap=2), schedule=schedule(opens=NOON, closes=NOON + HOUR))
    held = rule("h", hold=NOON + 2 * HOUR)
    book = Rulebook(rules=[rule("c", cap=9), timed, held], fingerprint="f")
    moments = [NOON - MINUTE, NOON, NOON + HOUR, NOON + 2 * HOUR, NOON - MINUTE]
    books = [book.at(moment) for moment in moments]
    assert [at.policy(MUG, A).cap for at in books] == [9, 2, 9, 9, 9]
    assert [bool(at.policy(MUG, A).hold) for at in books] == [True, True, True, False, True]
    prints = [at.fingerprint for at in books]
    assert len({*prints[:2], prints[3]}) == 3
    assert prints[0] == prints[2] == prints[4]
    assert books[1].policy(MUG, A).hold == NOON + 2 * HOUR


def test_rules_without_times_are_the_same_at_every_moment() -> None:
    book = Rulebook(rules=[rule(cap=1)])
    assert book.at(NOON) is book


def when(text: str, **wishes: object) -> Rule:
    return replace(rule("w", None, **wishes), when=condition_from(text))


def test_an_expression_decides_for_which_skus_and_stores_a_rule_holds() -> None:
    chosen = when("sku.startsWith('M') && store == 'a'", cap=1)
    assert [shown(chosen, store=at) for at in (A, B)] == [1, 10]
    book = Rulebook(
        rules=[when("groups.exists(g, g == 'x') && platform == 'recplus'", cap=2)],
        groups={"x": ["BO*"], "y": ["*"]},
        platforms={A: "recplus", B: "simvoly"},
    )
    assert [book.policy(sku, at).cap for sku in (MUG, BOWL) for at in (A, B)] == [
        None,
        None,
        2,
        None,
    ]


def test_an_expression_without_an_answer_holds_the_sku_and_says_why() -> None:
    steps = Steps()
    odd = when("int(sku) > 5", cap=1)
    assert shown(odd, steps=steps) is None
    assert steps.all[-1].name == "hold"
    assert steps.all[-1].note.startswith("w: no answer: ")
    assert steps.all[-1].rule is not None
    assert steps.all[-1].rule.name == "w"
    assert Rulebook(rules=[odd]).policy(Sku("6"), A).cap == 1
    assert Rulebook(rules=[odd]).policy(Sku("5"), A).cap is None
    assert Rulebook(rules=[when("sku", cap=1)]).policy(MUG, A).hold


def test_an_expression_is_asked_only_where_its_rule_would_hold() -> None:
    odd = replace(when("int(sku) > 5", cap=1), match=Match(sku="[0-9]*"))
    assert shown(odd) == 10


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sku ==", "is not an expression in CEL"),
        ("skus == 'A'", "speaks about 'skus', which is unknown; did you mean 'sku'?"),
        ("on_hand > 3", "speaks about 'on_hand', which is unknown"),
    ],
)
def test_an_expression_that_cannot_be_is_refused_when_it_is_read(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"CEL|unknown") as caught:
        condition_from(text)
    assert str(caught.value).startswith(problem)


SKUS = st.text("AB-1", min_size=1, max_size=3)
GLOBS = st.one_of(SKUS, st.text("AB-1*?", min_size=1, max_size=3))
GROUPS = {"g": ["A*", "B1", "-?", "-*1"], "none": []}
MATCHES = st.builds(
    Match,
    sku=st.one_of(st.just(""), GLOBS),
    store=st.sampled_from([None, A, B]),
    platform=st.sampled_from(["", "recplus", "simvoly"]),
    group=st.sampled_from(["", "", "g", "none"]),
)


def speaks(match: Match, sku: str, store: StoreId, platform: str) -> bool:
    """The plain reading of a match: everything it names must fit."""
    return (
        match.store in (None, store)
        and match.platform in ("", platform)
        and (not match.sku or glob_matches(match.sku, Sku(sku)))
        and (not match.group or any(glob_matches(at, Sku(sku)) for at in GROUPS[match.group]))
    )


@given(st.lists(MATCHES, max_size=6), st.lists(SKUS, min_size=1, max_size=5))
def test_the_index_finds_exactly_the_rules_that_a_plain_reading_finds(
    matches: list[Match], skus: list[str]
) -> None:
    rules = [rule(str(number), match, cap=number) for number, match in enumerate(matches)]
    platforms = {A: "recplus", B: "simvoly"}
    book = Rulebook(rules=rules, groups=GROUPS, platforms=platforms)
    for sku in skus:
        for store, platform in platforms.items():
            plain = merged(at for at in rules if speaks(at.match, sku, store, platform))
            assert book.policy(Sku(sku), store) == plain


@given(
    st.integers(0, 50),
    st.lists(st.integers(1, 100), min_size=1, max_size=3),
    st.integers(0, 20),
    st.integers(0, 5),
)
def test_shares_within_the_whole_never_promise_more_than_is_there_whatever_else_is_set(
    on_hand: int, weights: list[int], buffer: int, last_units: int
) -> None:
    total = sum(weights)
    stores = (A, B, C)[: len(weights)]
    rules = [rule("b", buffer=Buffer(units=buffer), last_units=last_units)]
    rules += [
        rule(str(at), Match(store=at), share=Fraction(weight, total))
        for at, weight in zip(stores, weights, strict=True)
    ]
    each = [shown(*rules, on_hand=on_hand, store=at, stores=stores) or 0 for at in stores]
    assert all(units >= 0 for units in each)
    assert sum(each) <= max(0, on_hand - buffer)


@given(st.permutations(range(4)), st.integers(0, 30))
def test_the_order_of_rules_about_different_skus_or_fields_does_not_matter(
    order: list[int], on_hand: int
) -> None:
    rules = [
        rule("1", Match(sku="MUG"), cap=7),
        rule("2", Match(sku="BOWL"), cap=1),
        rule("3", Match(sku="M*"), buffer=Buffer(units=2)),
        rule("4", Match(store=B), cap=0),
    ]
    assert shown(*(rules[at] for at in order), on_hand=on_hand) == shown(*rules, on_hand=on_hand)
