"""Rules that speak of time and speed, at work in the engine: what is written when, and when not."""

from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest

from stocksync.contracts.ledger import HoldState
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Increases, Mode, Policy, Rule, Velocity
from stocksync.domain.schedule import Schedule
from stocksync.files.expressions import condition_from
from tests.world import NOON, World, rule, world

HOUR = timedelta(hours=1)
QUICK = Velocity(window=HOUR)


async def stores(*rules: Rule, shown: int = 10) -> World:
    at = world({"a": {"MUG": shown}, "b": {"MUG": shown}}, rules=rules)
    await at.count(MUG=shown)
    await at.sync()
    return at


def written(at: World) -> int:
    return sum(len(shop.written) for shop in at.shops.values())


async def test_units_kept_back_for_what_sells_now_are_shown_again_when_the_hour_is_over() -> None:
    at = await stores(rule("fast", velocity_buffer=QUICK))
    at.sell("a", "MUG", 2)
    await at.sync()
    assert at.shows("b") == {"MUG": 6}
    assert at.shows("a") == {"MUG": 6}
    at.clock.pass_(3500)
    before = written(at)
    await at.sync()
    assert written(at) == before
    at.clock.pass_(100)
    await at.sync()
    assert (at.shows("a"), at.shows("b")) == ({"MUG": 8}, {"MUG": 8})
    assert await at.on_hand("MUG") == 8
    before = written(at)
    await at.sync()
    assert written(at) == before
    assert await at.ledger.due(StoreId("a")) == []


async def test_what_waits_for_the_hour_to_be_over_is_found_after_a_restart_too() -> None:
    rules = (rule("fast", velocity_buffer=QUICK),)
    at = await stores(*rules)
    at.sell("a", "MUG", 2)
    await at.sync()
    at.open(rules)
    at.clock.pass_(3 * 86_400)
    await at.sync()
    assert at.shows("b") == {"MUG": 8}


async def test_the_measured_time_of_corrections_is_remembered_for_each_store() -> None:
    at = await stores()
    at.sell("a", "MUG", 2)
    before = (await at.ledger.store(StoreId("b"))).delay_seconds
    await at.sync("a")
    at.clock.pass_(40)
    await at.sync("b")
    after = (await at.ledger.store(StoreId("b"))).delay_seconds
    assert before < 40 <= after


async def test_a_rule_with_hours_writes_when_it_opens_and_again_when_it_closes() -> None:
    sale = replace(
        rule("sale", cap=3),
        schedule=Schedule(zone=NOON.tzinfo, opens=NOON + HOUR, closes=NOON + 2 * HOUR),  # type: ignore[arg-type]
    )
    at = await stores(sale)
    assert at.shows("a") == {"MUG": 10}
    at.clock.pass_(3600)
    await at.sync()
    assert at.shows("a") == {"MUG": 3}
    before = written(at)
    await at.sync()
    assert written(at) == before
    at.clock.pass_(3600)
    await at.sync()
    assert at.shows("a") == {"MUG": 10}


async def test_a_hold_is_over_at_its_moment_and_the_store_is_brought_to_its_target() -> None:
    at = await stores(rule("rest", store="b", hold=NOON + HOUR))
    at.sell("a", "MUG", 4)
    await at.sync()
    assert at.shows("b") == {"MUG": 10}
    at.clock.pass_(3600)
    await at.sync()
    assert at.shows("b") == {"MUG": 6}


TWICE = rule("twice", accept_increases=Increases.TWICE)


async def test_an_increase_is_believed_when_the_next_look_shows_it_too() -> None:
    at = await stores(TWICE)
    at.shops[StoreId("a")].stock[ListingId("MUG")] = 13
    await at.sync()
    assert await at.on_hand("MUG") == 10
    assert at.shows("a") == {"MUG": 13}  # not believed, and not overwritten
    assert at.shows("b") == {"MUG": 10}
    await at.sync()
    assert await at.on_hand("MUG") == 13
    assert at.shows("b") == {"MUG": 13}


async def test_an_increase_that_has_gone_at_the_next_look_moves_nothing() -> None:
    at = await stores(TWICE)
    at.shops[StoreId("a")].stock[ListingId("MUG")] = 13
    await at.sync()
    at.shops[StoreId("a")].stock[ListingId("MUG")] = 10
    await at.sync()
    at.shops[StoreId("a")].stock[ListingId("MUG")] = 12
    await at.sync()
    assert await at.on_hand("MUG") == 10
    assert written(at) == 0


async def test_of_an_increase_that_shrinks_only_what_both_looks_show_is_believed() -> None:
    at = await stores(TWICE)
    for number, on_hand in ((13, 10), (12, 12), (15, 12), (16, 12), (16, 16)):
        at.shops[StoreId("a")].stock[ListingId("MUG")] = number
        await at.sync("a")
        assert await at.on_hand("MUG") == on_hand, number


async def test_a_sale_is_believed_at_once_where_increases_need_two_looks() -> None:
    at = await stores(TWICE)
    at.shops[StoreId("a")].stock[ListingId("MUG")] = 13
    await at.sync("a")
    at.sell("a", "MUG", 5)
    await at.sync("a")
    assert await at.on_hand("MUG") == 8


async def test_a_sku_whose_expression_fails_is_left_alone_and_others_go_on() -> None:
    odd = replace(rule("odd", cap=1), when=condition_from("int(sku) < 5"))
    at = world({"a": {"3": 9, "X": 9}, "b": {"3": 9, "X": 9}}, rules=[odd])
    await at.count(**{"3": 9, "X": 9})
    at.sell("a", "3", 1)
    at.sell("a", "X", 1)
    run = await at.sync()
    assert run.outcome == "ok"
    assert at.shows("b") == {"3": 1, "X": 9}
    assert await at.ledger.holds(states=(HoldState.OPEN,)) == []


@pytest.mark.parametrize("mode", [Mode.ALLOCATED, Mode.AUTO])
async def test_units_kept_back_and_units_given_to_one_store_each_do_not_oversell(
    mode: Mode,
) -> None:
    at = await stores(rule("m", mode=mode), rule("fast", velocity_buffer=QUICK), shown=4)
    for _ in range(3):
        await at.sync()
    for store in ("a", "b"):
        number = at.shows(store)["MUG"]
        assert isinstance(number, int)
        if number:
            at.sell(store, "MUG", 1)
        for _ in range(2):
            await at.sync()
        shown = [each.stock[ListingId("MUG")] for each in at.shops.values()]
        assert sum(at for at in shown if isinstance(at, int)) <= await at.on_hand("MUG")
    at.clock.pass_(2 * 3600)
    for _ in range(4):
        await at.sync()
    shown = [each.stock[ListingId("MUG")] for each in at.shops.values()]
    assert sum(at for at in shown if isinstance(at, int)) == await at.on_hand("MUG")


class Counting(Rulebook):
    """Rules that remember for which SKUs they were asked."""

    asked: ClassVar[set[str]] = set()

    def policy(self, sku: Sku, store: StoreId) -> Policy:
        self.asked.add(sku)
        return super().policy(sku, store)


async def test_in_a_cycle_rules_are_asked_only_for_skus_that_changed() -> None:
    shown: dict[str, object] = {f"MUG-{number}": 10 for number in range(40)}
    rules = (rule("all", cap=99),)
    at = world({"a": dict(shown), "b": dict(shown)}, rules=rules, book=Counting())
    await at.count(**dict.fromkeys(shown, 10))
    await at.sync()
    Counting.asked.clear()
    await at.sync()
    assert Counting.asked == set()
    at.sell("a", "MUG-7", 1)
    at.sell("b", "MUG-9", 2)
    await at.sync()
    assert Counting.asked == {"MUG-7", "MUG-9"}
    assert (at.shows("b")["MUG-7"], at.shows("a")["MUG-9"]) == (9, 8)
