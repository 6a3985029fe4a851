"""The first path: what happened in one store is booked once, and every other store follows."""

from dataclasses import replace

from stocksync.contracts.ledger import Commit, HoldState
from stocksync.domain.merge import FirstContact, Role
from stocksync.domain.rules import Increases
from tests.world import rule, world


async def test_sales_in_two_stores_add_up_and_both_stores_show_the_rest() -> None:
    at = world({"a": {"MUG": 100}, "b": {"MUG": 100}})
    await at.count(MUG=100)
    await at.sync()
    at.sell("a", "MUG", 10)
    at.sell("b", "MUG", 30)
    run = await at.sync()
    assert run.outcome == "ok"
    assert await at.on_hand("MUG") == 60
    assert at.shows("a") == at.shows("b") == {"MUG": 60}


async def test_first_contact_books_nothing_and_waits_for_a_person() -> None:
    at = world({"a": {"MUG": 7}, "b": {"MUG": 9}}, first_contact=FirstContact.HOLD)
    await at.count(MUG=9)
    before = await at.movements()
    run = await at.sync()
    assert run.outcome == "held"
    assert await at.movements() == before
    assert at.shows("a") == {"MUG": 7}
    [hold] = await at.ledger.holds()
    assert [(line.listing, line.before, line.after) for line in hold.lines] == [("MUG", 7, 9)]


async def test_a_quiet_world_costs_no_write_and_no_movement() -> None:
    at = world({"a": {"MUG": 3, "CUP": 4}, "b": {"MUG": 3}})
    await at.count(MUG=3, CUP=4)
    await at.sync()
    booked = await at.movements()
    run = await at.sync()
    assert run.outcome == "ok"
    assert await at.movements() == booked
    assert [shop.written for shop in at.shops.values()] == [[], []]


async def test_a_sku_the_ledger_does_not_know_is_never_written() -> None:
    at = world({"a": {"MUG": 3, "NEW": 8}})
    await at.count(MUG=3)
    await at.sync()
    assert at.shows("a") == {"MUG": 3, "NEW": 8}
    assert at.shops["a"].written == []  # type: ignore[index]


async def test_an_adopted_sku_opens_with_what_the_store_shows() -> None:
    at = world({"a": {"MUG": 3}}, first_contact=FirstContact.ADOPT)
    await at.sync()
    assert await at.on_hand("MUG") == 3


async def test_a_mirror_is_noise_and_is_overwritten() -> None:
    at = world({"a": {"MUG": 5}, "m": {"MUG": 5}}, roles={"m": Role.MIRROR})
    await at.count(MUG=5)
    await at.sync()
    at.sell("m", "MUG", 2)
    await at.sync()
    assert await at.on_hand("MUG") == 5
    assert at.shows("m") == {"MUG": 5}


async def test_an_observed_store_is_never_written() -> None:
    at = world({"a": {"MUG": 5}, "o": {"MUG": 1}}, roles={"o": Role.OBSERVE})
    await at.count(MUG=5)
    await at.sync()
    at.sell("a", "MUG", 1)
    await at.sync()
    assert at.shows("o") == {"MUG": 1}
    assert await at.on_hand("MUG") == 4


async def test_an_approved_first_plan_is_written_and_then_over() -> None:
    at = world({"a": {"MUG": 7}}, first_contact=FirstContact.HOLD)
    await at.count(MUG=9)
    await at.sync()
    [hold] = await at.ledger.holds()
    approved = replace(hold, state=HoldState.APPROVED, decided_by="a person")
    await at.ledger.commit(Commit(holds=[approved]))
    assert (await at.sync()).outcome == "ok"
    assert at.shows("a") == {"MUG": 9}
    kept = await at.ledger.hold(hold.hash)
    assert kept is not None
    assert (kept.state, kept.decided_by) == (HoldState.APPLIED, "a person")


async def test_a_rejected_first_plan_is_never_written_and_stays_held() -> None:
    at = world({"a": {"MUG": 7}}, first_contact=FirstContact.HOLD)
    await at.count(MUG=9)
    await at.sync()
    [hold] = await at.ledger.holds()
    await at.ledger.commit(Commit(holds=[replace(hold, state=HoldState.REJECTED)]))
    assert (await at.sync()).outcome == "held"
    assert at.shows("a") == {"MUG": 7}
    assert await at.ledger.holds() == []


async def test_a_held_increase_waits_and_is_a_return_once_approved() -> None:
    rules = [rule("see increases first", accept_increases=Increases.HOLD)]
    at = world({"a": {"MUG": 5}, "b": {"MUG": 5}}, rules=rules)
    await at.count(MUG=5)
    await at.sync()
    at.sell("a", "MUG", -3)
    at.sell("b", "MUG", 1)
    assert (await at.sync()).outcome == "held"
    assert await at.on_hand("MUG") == 4
    [hold] = await at.ledger.holds()
    await at.ledger.commit(Commit(holds=[replace(hold, state=HoldState.APPROVED)]))
    await at.sync()
    assert await at.on_hand("MUG") == 7
    assert at.shows("a") == at.shows("b") == {"MUG": 7}


async def test_a_rejected_increase_is_not_believed_and_the_store_is_put_right() -> None:
    rules = [rule("see increases first", accept_increases=Increases.HOLD)]
    at = world({"a": {"MUG": 5}, "b": {"MUG": 5}}, rules=rules)
    await at.count(MUG=5)
    await at.sync()
    at.sell("a", "MUG", -3)
    await at.sync()
    [hold] = await at.ledger.holds()
    await at.ledger.commit(Commit(holds=[replace(hold, state=HoldState.REJECTED)]))
    assert (await at.sync()).outcome == "ok"
    assert await at.on_hand("MUG") == 5
    assert at.shows("a") == at.shows("b") == {"MUG": 5}


async def test_a_sale_of_a_sku_the_ledger_never_opened_books_nothing_and_zeroes_nobody() -> None:
    at = world({"a": {"NEW": 8}, "b": {"NEW": 5}})
    await at.sync()
    at.sell("a", "NEW", 1)
    await at.sync()
    assert await at.movements() == 0
    assert (at.shows("a"), at.shows("b")) == ({"NEW": 7}, {"NEW": 5})
    await at.count(NEW=6)
    await at.sync()
    assert at.shows("a") == at.shows("b") == {"NEW": 6}
