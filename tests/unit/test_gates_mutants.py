"""Merchants whose gates have one fault each: the test that is about it fails on every one."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stocksync.domain import flapping, gates, intake, merge, mistakes, restored
from stocksync.domain.gates import Gate
from stocksync.domain.orders import NOTHING_SOLD
from stocksync.domain.stock import Presence
from stocksync.engine import findings, gating, holds, look, push
from tests.unit import test_census_rules as census
from tests.unit import test_gates_and_fights as fights
from tests.unit import test_gates_at_work as at_work
from tests.unit import test_mass_stories as stories
from tests.unit import test_rejections_in_the_books as rejections

Check = Callable[[], Awaitable[None]]


def nothing(*_: object, **__: object) -> None:
    """Close no gate."""


async def nobody(*_: object, **__: object) -> list[Any]:
    """Know of none."""
    return []


def story(name: str) -> Check:
    [found] = [each for each in stories.STORIES if each.name == name]
    return lambda: stories.test_a_mass_change_books_nothing_and_writes_nobody(found)


def keeps_the_baseline(record: Any, looked: Any, gap: Any) -> Any:
    change = _gap(record, looked, gap)
    return change and replace(change, record=replace(change.record, baseline=record.baseline))


def stays_settled(record: Any, looked: Any, gap: Any) -> Any:
    change = _gap(record, looked, gap)
    return change and replace(change, record=replace(change.record, settled=record.settled))


def gone_at_once(missing: Any, asked: Any, glance: Any) -> Any:
    found = _vanished(missing, asked, glance)
    return [replace(at, presence=Presence.GONE, baseline=None) for at in found]


def keeps_what_is_gone(missing: Any, asked: Any, glance: Any) -> Any:
    known = {at.listing: at for at in asked}
    return [
        replace(at, baseline=known[at.listing].baseline, settled=True)
        if at.listing in known
        else at
        for at in _vanished(missing, asked, glance)
    ]


def believes_silence(missing: Any, asked: Any, glance: Any) -> Any:
    glance.gone |= {at.listing for at in asked}
    return _vanished(missing, asked, glance)


def zero_when_missed(missing: Any, asked: Any, glance: Any) -> Any:
    return [replace(at, baseline=0) for at in _vanished(missing, asked, glance)]


def takes_any_hand(changes: Any, *, feed: bool) -> Any:
    return [at for at in changes if at.before is not None and at.after is not None]


def the_very_number(number: int, values: set[int]) -> int:
    return 0 if number in values else number - min(values)


def ends_decisions(*args: Any, believed: bool = True, **rest: Any) -> Any:
    return _answer(*args, **rest)


_answer = holds.answer
_gap, _vanished = merge._gap, look.vanished

MUTANTS: list[tuple[str, object, str, object, Check]] = [
    ("no limit on units", gating, "check_units", nothing,
     at_work.test_a_store_that_loses_more_than_a_quarter_of_its_units_is_held),
    ("no limit on gaps", gating, "check_untracked", nothing, story("all untracked")),
    ("no limit on absence", gating, "check_absence", nothing, story("half vanish")),
    ("an empty list is a list", gating, "check_census", nothing, story("empty list")),
    ("any number is a number", gating, "check_range", nothing, story("huge in a third")),
    ("any mass of changes", gating, "check", nothing, story("shifted by a row")),
    ("no memory of states", gating, "moments_like_now", lambda *_: [], story("six hours ago")),
    ("half of it is all of it", gating, "is_all_of_it", lambda **_: True,
     at_work.test_listings_that_go_back_while_others_stay_are_returned_and_not_restored),
    ("remembers for ever", restored, "LOOK_BACK", timedelta(days=365),
     at_work.test_a_state_older_than_thirty_days_is_no_backup),
    ("sees no fight", gating, "fights", lambda *_: False,
     fights.test_after_three_flips_a_listing_is_frozen_and_named_and_others_go_on),
    ("two flips are a fight", flapping, "FLIPS_MAX", 1, fights.test_two_flips_are_no_fight),
    ("a sale is a fight", gating, "by_another_hand", takes_any_hand,
     fights.test_a_capped_listing_that_sells_well_is_no_fight),
    ("never quiet", flapping, "WITHIN", timedelta(days=9),
     fights.test_a_frozen_listing_that_stays_quiet_for_an_hour_is_written_again),
    ("freezes nothing", holds, "undecided", nobody,
     fights.test_after_three_flips_a_listing_is_frozen_and_named_and_others_go_on),
    ("writes to a held store", push, "_is_stopped", nobody,
     at_work.test_a_held_store_is_not_written_to_by_a_push_of_its_own),
    ("believes a part of a held store", holds, "stopping", nobody,
     at_work.test_a_look_at_a_part_of_a_held_store_books_nothing),
    ("a no is a maybe", holds, "REFUSABLE", frozenset(),
     at_work.test_one_number_out_of_range_holds_the_store_and_is_put_right_when_rejected),
    ("books what was rejected", intake, "disbelieved", lambda change, *_, **__: change,
     at_work.test_a_few_listings_that_all_go_back_are_a_restored_store),
    ("learns from mistakes", holds, "mistakes", nobody,
     at_work.test_a_mistake_that_a_person_rejected_teaches_nothing),
    ("books a return beside the sale", findings, "hidden_by_mistakes", nobody,
     rejections.test_orders_told_after_their_sell_out_was_rejected_are_sales_and_no_return),
    ("waits for what was told", mistakes, "_beside", lambda *_: NOTHING_SOLD,
     rejections.test_units_that_waited_for_an_order_are_explained_by_it_beside_a_mistake),
    ("knows the very number only", mistakes, "least_sale", the_very_number,
     rejections.test_what_is_sold_from_a_mistake_is_sold_and_the_mistake_is_not_believed),
    ("any look ends a decision", holds, "answer", ends_decisions,
     rejections.test_a_decision_outlives_the_looks_that_another_gate_stops),
    ("one miss is the end", findings, "vanished", gone_at_once,
     census.test_one_complete_census_that_misses_a_listing_makes_it_absent_and_nothing_else),
    ("a missed listing is zero", findings, "vanished", zero_when_missed,
     census.test_one_complete_census_that_misses_a_listing_makes_it_absent_and_nothing_else),
    ("silence is proof", findings, "vanished", believes_silence,
     census.test_a_listing_that_is_found_by_name_is_hidden_and_not_gone),
    ("what was gone is remembered", findings, "vanished", keeps_what_is_gone,
     census.test_a_listing_that_was_gone_comes_back_as_a_new_one_and_books_nothing),
    ("asks without end", look, "DIRECT_READS_MAX", 1000,
     census.test_at_most_fifty_are_asked_for_in_one_pull),
    ("asks nobody", look, "_ask_by_name", nobody,
     census.test_two_complete_censuses_and_a_direct_look_make_it_gone),
    ("untracked keeps its baseline", merge, "_gap", keeps_the_baseline,
     census.test_counted_again_is_a_first_contact),
    ("counted again is nothing new", merge, "_gap", stays_settled,
     census.test_counted_again_is_a_first_contact),
]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "name", "fault", "check"),
    [mutant[1:] for mutant in MUTANTS],
    ids=[mutant[0] for mutant in MUTANTS],
)
async def test_a_fault_is_found(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, fault: object, check: Check
) -> None:
    monkeypatch.setattr(where, name, fault)
    with pytest.raises(AssertionError):
        await check()


def test_every_gate_has_a_fault_that_is_found() -> None:
    assert len({mutant[0] for mutant in MUTANTS}) == len(MUTANTS)
    assert {each.gate for each in stories.STORIES} | {Gate.MASS_UNITS, Gate.FLAPPING} == (
        gates.STOPPING | {Gate.FLAPPING}
    )
