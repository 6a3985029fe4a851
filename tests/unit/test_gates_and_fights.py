"""Two tools that fight over a listing: it is frozen alone, and let go when there is peace."""

import pytest

from stocksync.contracts.ledger import HoldState
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.merge import Role
from stocksync.domain.rules import Increases
from tests.unit.gates_kit import say, state, the_hold
from tests.world import World, rule, world

A = StoreId("a")
MUG = ListingId("MUG")


async def fought(**options: object) -> World:
    """Let another tool put 8 over our 5, twice within some minutes."""
    rules = [rule("five of each", sku="MUG", fixed=5)]
    stock: dict[str, object] = {"MUG": 5, "CUP": 5}
    at = world({"a": dict(stock), "b": {"CUP": 5}}, rules=rules, **options)
    await at.count(MUG=5, CUP=5)
    await at.sync()
    for _ in range(2):
        at.shops[A].stock[MUG] = 8
        at.clock.pass_(300)
        await at.sync()
    return at


async def test_after_three_flips_a_listing_is_frozen_and_named_and_others_go_on() -> None:
    at = await fought()
    hold = await the_hold(at)
    assert (hold.gate, [(line.listing, line.before, line.after) for line in hold.lines]) == (
        Gate.FLAPPING,
        [("MUG", 5, 8)],
    )
    assert at.shops[A].written == [(MUG, 5)], "pushes stop within three flips"
    at.sell("b", "CUP", 1)
    run = await at.sync()
    assert at.report(run, "a")["holds"] == [hold.hash]
    assert at.shows("a") == {"MUG": 8, "CUP": 4}
    assert len(at.shops[A].written) == 2


async def test_two_flips_are_no_fight() -> None:
    at = world({"a": {"MUG": 8}}, rules=[rule("five of each", sku="MUG", fixed=5)])
    await at.count(MUG=5)
    await at.sync()
    assert at.shows("a")["MUG"] == 5, "one flip is ours"
    at.shops[A].stock[MUG] = 8
    assert (await at.sync()).outcome == "ok"
    assert at.shows("a")["MUG"] == 5


@pytest.mark.parametrize("role", [Role.MIRROR, Role.MASTER])
async def test_a_fight_is_noticed_whatever_a_stores_role(role: Role) -> None:
    at = await fought(roles={"a": role})
    assert (await the_hold(at)).gate is Gate.FLAPPING


async def test_increases_that_a_rule_refuses_again_and_again_are_a_fight() -> None:
    at = world({"a": {"MUG": 5}}, rules=[rule("never more", accept_increases=Increases.NO)])
    await at.count(MUG=5)
    await at.sync()
    for _ in range(3):
        at.shops[A].stock[MUG] = 8
        await at.sync()
    assert (await the_hold(at)).gate is Gate.FLAPPING
    assert at.shows("a")["MUG"] == 8


async def test_a_capped_listing_that_sells_well_is_no_fight() -> None:
    at = world({"a": {"MUG": 5}}, rules=[rule("never many", cap=5)])
    await at.count(MUG=50)
    await at.sync()
    for sold in range(1, 12):
        at.sell("a", "MUG", 1)
        assert (await at.sync()).outcome == "ok"
        assert await at.on_hand("MUG") == 50 - sold
        assert at.shows("a")["MUG"] == 5


async def test_a_frozen_listing_that_stays_quiet_for_an_hour_is_written_again() -> None:
    at = await fought()
    name = (await the_hold(at)).hash
    at.clock.pass_(3000)
    await at.sync()
    assert await state(at, name) is HoldState.OPEN
    assert at.shows("a")["MUG"] == 8
    at.clock.pass_(700)
    assert (await at.sync()).outcome == "ok"
    assert await state(at, name) is HoldState.WITHDRAWN
    assert at.shows("a")["MUG"] == 5


async def test_a_frozen_listing_that_still_moves_stays_frozen() -> None:
    at = await fought()
    name = (await the_hold(at)).hash
    for shown in (7, 8, 7):
        at.clock.pass_(3000)
        at.shops[A].stock[MUG] = shown
        await at.sync()
    assert await state(at, name) is HoldState.OPEN
    assert at.shops[A].written == [(MUG, 5)]


async def test_a_look_at_a_part_does_not_end_a_quiet_fight() -> None:
    at = await fought()
    name = (await the_hold(at)).hash
    at.clock.pass_(4000)
    await at.sync("a", skus=["MUG"])
    assert await state(at, name) is HoldState.OPEN
    assert at.shows("a")["MUG"] == 8


async def test_a_frozen_listing_that_a_person_approves_is_written_and_may_flip_anew() -> None:
    at = await fought()
    name = await say(at, HoldState.APPROVED)
    assert (await at.sync()).outcome == "ok"
    assert await state(at, name) is HoldState.APPLIED
    assert at.shows("a")["MUG"] == 5
    at.shops[A].stock[MUG] = 8
    assert (await at.sync()).outcome == "ok", "the flips before the approval are forgiven"
    assert at.shows("a")["MUG"] == 5
    at.shops[A].stock[MUG] = 8
    assert (await at.sync()).outcome == "held"
    assert at.shows("a")["MUG"] == 8


async def test_a_rejected_fight_stays_frozen_until_it_is_quiet() -> None:
    at = await fought()
    name = await say(at, HoldState.REJECTED)
    assert (await at.sync()).outcome == "held"
    assert at.shows("a")["MUG"] == 8
    at.clock.pass_(4000)
    assert (await at.sync()).outcome == "ok"
    assert await state(at, name) is HoldState.WITHDRAWN
    assert at.shows("a")["MUG"] == 5
