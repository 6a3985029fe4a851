"""What may have happened where writes were never answered: each takes place once, or never."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.orders import NOTHING_SOLD, Sold
from stocksync.domain.stories import (
    ALL_EXPLAINED,
    STORIES_MAX,
    OwnWrite,
    Story,
    Unexplained,
    explain,
    missing_units,
    most_likely,
    withheld,
)

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ONE = frozenset({Story(1)})


def sent(*targets: int) -> list[OwnWrite]:
    return [OwnWrite(f"w{number}", target, NOON) for number, target in enumerate(targets)]


def stories(*missing: int) -> Unexplained:
    return frozenset(map(Story, missing))


def test_a_level_that_orders_explain_by_chance_may_still_be_a_late_write() -> None:
    """24 -> 23 was seen before its order; 3 more were sold; our 19 came late; then both orders."""
    left, outside = explain(19, 23, sent(19), Sold(units=4), ONE)
    assert {story.missing for story in left} == {0, 1}, "the write may account for the missing unit"
    assert outside == 0


def test_a_level_that_orders_explain_is_believed_while_a_write_is_open() -> None:
    left, outside = explain(20, 23, sent(31), Sold(units=3), ALL_EXPLAINED)
    assert {(story.missing, *story.arrived) for story in left} == {(0,), (8, "w0")}
    assert (withheld(left), outside) == (0, 0)


def test_a_missing_unit_stays_missing_where_no_write_can_account_for_it() -> None:
    assert explain(19, 23, (), Sold(units=4), ONE) == (ONE, 0)


def test_a_write_takes_place_once_in_each_story() -> None:
    write = sent(30)
    left = explain(29, 20, write, NOTHING_SOLD, ALL_EXPLAINED)[0]
    assert left == {Story(-9), Story(1, arrived=frozenset({"w0"}))}
    again = explain(28, 29, write, NOTHING_SOLD, left)[0]
    arrived = {story.missing for story in again if story.arrived}
    assert arrived == {2, -7}, "it came before this look or after the last one, and never twice"
    closed = explain(28, 28, (), NOTHING_SOLD, again)[0]
    assert {story.arrived for story in closed} == {frozenset()}, "a write that ended is forgotten"


def test_orders_told_late_show_which_ones_a_write_took_the_place_of() -> None:
    """4 untold; our write hides 3 that are told at once, and then those 4 are told."""
    late = explain(6, 10, (), NOTHING_SOLD, ALL_EXPLAINED)[0]
    assert late == stories(4)
    hidden, outside = explain(10, 10, (), Sold(units=3, overwritten=3), late)
    assert hidden == {Story(1, hidden=3)}, "1 to 4 are missing still"
    assert outside == 0
    assert explain(10, 10, (), Sold(units=4), hidden) == (ALL_EXPLAINED, 0)


def test_where_nothing_is_told_late_no_order_is_thought_hidden() -> None:
    """A write that was answered and an order of the same minute are an everyday thing."""
    assert explain(7, 10, (), Sold(units=3, overwritten=3), ALL_EXPLAINED) == (ALL_EXPLAINED, 0)
    hiding = Sold(units=3, overwritten=3)
    assert explain(10, 10, (), hiding, ALL_EXPLAINED) == (ALL_EXPLAINED, 0)
    assert explain(12, 10, (), hiding, ALL_EXPLAINED) == (ALL_EXPLAINED, 2)


@pytest.mark.parametrize(
    ("missing", "kept"),
    [((), 0), ((3,), 3), ((0, 7), 0), ((2, 54), 2), ((-2, 2), 2), ((-1, 2), 0), ((-4,), 0)],
)
def test_the_story_that_leaves_least_unexplained_says_what_is_kept_from_sale(
    missing: tuple[int, ...], kept: int
) -> None:
    assert withheld(stories(*missing)) == kept
    assert max(0, most_likely(stories(*missing))) == kept


def test_units_that_are_missing_whatever_took_place_are_one_story() -> None:
    assert missing_units(0) == ALL_EXPLAINED
    assert withheld(missing_units(5)) == 5


@given(
    st.integers(5, 40),
    st.lists(st.integers(0, 40), min_size=1, max_size=6),
    st.lists(
        st.tuples(
            st.integers(0, 3),  # sold before a write takes place
            st.none() | st.integers(0, 5),  # which write takes place now
            st.integers(0, 3),  # sold after it
            st.integers(0, 3),  # how many of the orders not told yet are told now
        ),
        min_size=1,
        max_size=9,
    ),
)
def test_what_really_happened_is_among_the_stories_and_nothing_comes_from_outside(
    level: int, targets: list[int], looks: list[tuple[int, int | None, int, int]]
) -> None:
    writes, taken = sent(*targets), set[int]()
    left, untold, told_again = ALL_EXPLAINED, 0, 0
    for before, write, after, told in [*looks, (0, None, 0, 99)]:
        baseline = level
        level -= before
        if write is not None and write < len(writes) and write not in taken:
            taken.add(write)
            level = writes[write].target
        level -= after
        untold += before + after
        told_again, untold = min(told, untold), untold - min(told, untold)
        left, outside = explain(level, baseline, writes, Sold(units=told_again), left)
        assert outside == 0
        assert len(left) <= STORIES_MAX
    assert not left or 0 in {story.missing for story in left}
