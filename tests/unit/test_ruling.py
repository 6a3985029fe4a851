"""What rules say is told in the words of the rules themselves, with the stock of this moment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.identifiers import LocationId, Sku, StoreId
from stocksync.domain.rules import Buffer, ConditionFailed, Increases, Match, Mode, Rule, Velocity
from stocksync.domain.schedule import Schedule
from stocksync.engine.ruling import (
    document,
    matches_of,
    rulings_for,
    sets_of,
    times_of,
    wish_json,
    wish_text,
)
from stocksync.files.timewords import hold_from, velocity_from
from stocksync.files.wishwords import buffer_from, share_from
from tests.world import NOON, rule, world

MUG, SHOP, WEB = Sku("MUG"), StoreId("shop"), StoreId("web")
MINUTES = st.integers(1, 60 * 24 * 30).map(lambda at: timedelta(minutes=at))


@pytest.mark.parametrize(
    ("value", "text", "json"),
    [
        (Buffer(), "0", "0"),
        (Buffer(units=2), "2", "2"),
        (Buffer(percent=Fraction(1, 8)), "12.5%", "12.5%"),
        (Buffer(units=3, percent=Fraction(1, 10)), "3 + 10%", "3 + 10%"),
        (Fraction(1, 2), "50%", "50%"),
        (Velocity(window=timedelta(hours=1)), "1h", "1h"),
        (Velocity(window=timedelta(minutes=90), cover=timedelta(seconds=45)), "90m cover 45s",
         "90m cover 45s"),
        (Velocity(window=timedelta(days=2), measured=True), "2d cover measured",
         "2d cover measured"),
        (datetime(2026, 12, 24, 18, tzinfo=UTC), "until 2026-12-24 18:00 UTC",
         "until 2026-12-24 18:00 UTC"),
        (True, "yes", True),
        (False, "no", False),
        (0, "0", 0),
        (7, "7", 7),
        (None, "nothing", None),
        ((LocationId("main"), LocationId(" x")), 'main, " x"', ["main", " x"]),
        (Increases.TWICE, "twice", "twice"),
        (Mode.AUTO, "auto", "auto"),
    ],
)  # fmt: skip
def test_a_wish_is_written_as_in_the_rules(value: object, text: str, json: object) -> None:
    assert wish_text(value) == text
    assert wish_json(value) == json


@given(
    st.one_of(
        st.tuples(
            st.just(buffer_from),
            st.builds(
                Buffer,
                units=st.integers(0, 99),
                percent=st.integers(1, 100).map(lambda part: Fraction(part, 100)),
            ),
        ),
        st.tuples(st.just(share_from), st.integers(0, 200).map(lambda part: Fraction(part, 200))),
        st.tuples(st.just(velocity_from), st.builds(Velocity, window=MINUTES)),
        st.tuples(
            st.just(velocity_from), st.builds(Velocity, window=MINUTES, measured=st.just(True))
        ),
        st.tuples(st.just(hold_from), MINUTES.map(lambda at: NOON + at)),
    )
)
def test_what_is_written_can_be_read_back(case: tuple[Callable[[object], object], object]) -> None:
    reader, value = case
    assert reader(wish_json(value)) == value


class Never:
    """A condition without an answer."""

    text = "nobody knows"

    def holds(self, *_: object) -> bool:
        raise ConditionFailed("no answer: planted")


NIGHTLY = Schedule(zone=UTC, closes=NOON + timedelta(days=1), text="until 2030-01-02 12:00 (UTC)")


def test_a_rule_says_where_when_and_under_which_condition_it_holds() -> None:
    whole = replace(
        rule("r", sku="M*", store="web", cap=3, resets=frozenset({"buffer", "hold"})),
        schedule=NIGHTLY,
        when=Never(),
    )
    assert list(matches_of(whole)) == [
        ("sku", "M*"),
        ("store", "web"),
        ("schedule", "until 2030-01-02 12:00 (UTC)"),
        ("when", "nobody knows"),
    ]
    assert times_of(whole) == "schedule until 2030-01-02 12:00 (UTC); when nobody knows"
    assert list(sets_of(whole)) == [
        ("buffer", "taken back"),
        ("hold", "taken back"),
        ("cap", "3"),
    ]
    assert times_of(rule("plain", cap=1)) == ""


async def test_each_wish_is_told_with_its_rule_and_what_was_taken_back() -> None:
    rules = [
        rule("back", buffer=Buffer(units=2), cap=9),
        replace(rule("web cap", store="web", cap=4), schedule=NIGHTLY),
        rule("not for mugs", sku="MUG", resets=frozenset({"buffer"})),
    ]
    at = world({"shop": {"MUG": 9}, "web": {"MUG": 9}}, rules=rules)
    await at.count(MUG=9)
    await at.sync()
    shop, web = await rulings_for(at.context, MUG, [SHOP, WEB])
    assert (shop.target, web.target) == (9, 4)
    assert [(wish.name, wish.text(), wish.rule.name) for wish in web.wishes] == [
        ("buffer", "taken back", "not for mugs"),
        ("cap", "4", "web cap"),
    ]
    [told] = document(MUG, [web])["stores"]
    assert told["wishes"] == [
        {"name": "buffer", "value": "0", "taken_back": True, "rule": "not for mugs",
         "place": "test.yaml:not for mugs", "schedule": None, "when": None},
        {"name": "cap", "value": 4, "taken_back": False, "rule": "web cap",
         "place": "test.yaml:web cap", "schedule": NIGHTLY.text, "when": None},
    ]  # fmt: skip
    assert (told["target"], told["failed"], told["locations"]) == (4, "", {})


async def test_targets_count_what_sold_of_late_where_a_rule_keeps_back_for_that() -> None:
    hour = Velocity(window=timedelta(hours=1))
    rules = [rule("fast", store="web", velocity_buffer=hour)]
    at = world({"shop": {"MUG": 9}, "web": {"MUG": 9}}, rules=rules)
    await at.count(MUG=9)
    await at.sync()
    at.sell("shop", "MUG", 2)
    await at.sync()
    shop, web = await rulings_for(at.context, MUG, [SHOP, WEB])
    assert (shop.target, web.target) == (7, 5)
    at.clock.pass_(3600)
    [later] = await rulings_for(at.context, MUG, [WEB])
    assert later.target == 7


async def test_an_expression_without_an_answer_is_told() -> None:
    at = world({"shop": {"MUG": 9}}, rules=[replace(rule("odd", cap=1), when=Never())])
    await at.count(MUG=9)
    await at.sync()
    [shop] = await rulings_for(at.context, MUG, [SHOP])
    assert shop.target is None
    assert shop.failed == "odd: no answer: planted"
    assert [(wish.name, wish.text()) for wish in shop.wishes] == [("hold", "yes")]


async def test_rules_about_places_and_switches_are_told_as_they_are() -> None:
    at_main = Rule(
        name="counter",
        place="f:1",
        match=Match(location=LocationId("main")),
        wishes=rule("x", buffer=Buffer(units=9)).wishes,
    )
    at = world({"shop": {"MUG": 9}}, rules=[at_main], switches={"print": {"product:1": True}})
    await at.count(MUG=9)
    await at.sync()
    shop, printer = await rulings_for(at.context, MUG, [SHOP, StoreId("print")])
    assert (shop.target, printer.target) == (0, False)
    [told] = document(MUG, [shop])["stores"]
    assert told["locations"] == {
        "main": [
            {"sets": {"buffer": "9"}, "rule": "counter", "place": "f:1", "schedule": None,
             "when": None}
        ]
    }  # fmt: skip


async def test_a_sku_that_the_books_do_not_know_has_rules_and_no_target() -> None:
    at = world({"shop": {"MUG": 9}}, rules=[rule("all", cap=3)])
    [shop] = await rulings_for(at.context, Sku("NEW"), [SHOP])
    assert (shop.target, list(shop.steps)) == (None, [])
    assert [wish.rule.name for wish in shop.wishes] == ["all"]
