"""The first path: what happened in one store is booked once, and every other store follows."""

from stocksync.domain.merge import FirstContact, Role
from tests.world import world


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
