"""What a listing sold that nobody could see at that time: it is not there any more, or not yet."""

import pytest

from stocksync.domain.identifiers import ListingId
from stocksync.domain.merge import FirstContact
from stocksync.domain.movements import MovementKind
from tests.unit.feed_kit import A, begun, booked, feed_of, feeding, waiting
from tests.world import World


@pytest.mark.parametrize("back_at", [7, 8])
async def test_what_a_listing_sold_that_a_census_leaves_out_is_booked_and_expected_to_show(
    back_at: int,
) -> None:
    at, a, _ = await begun()
    a.stock[ListingId("BOWL")] = 1  # or else the list would be empty, and refused
    a.buy("MUG", 3)
    assert a.stock.pop(ListingId("MUG")) == 7
    await at.sync()
    assert await booked(at) == [(MovementKind.SALE, 3, "order 1")]
    assert at.shows("b") == {"MUG": 7}
    a.stock[ListingId("MUG")] = back_at
    for _ in range(2):
        await at.sync()
    assert await at.on_hand("MUG") == back_at, "the level shows the sale, or one came back"
    assert at.shows("a")["MUG"] == at.shows("b")["MUG"] == back_at
    assert await waiting(at, "a") == 0


@pytest.mark.parametrize("missed", [1, 3])
async def test_what_a_listing_sold_is_booked_when_it_is_told_after_its_end(missed: int) -> None:
    """A sold-out product is taken down, and its last order is told late."""
    at, a, _ = await begun()
    a.stock[ListingId("BOWL")] = 1
    a.buy("MUG", 3, told=False)
    del a.stock[ListingId("MUG")]
    for _ in range(missed):
        await at.sync()
    a.tell()
    await at.sync()
    assert await booked(at) == [(MovementKind.SALE, 3, "order 1")]
    assert at.shows("b") == {"MUG": 7}


async def sell_before_it_is_met(at: World) -> None:
    """Let a store offer 10 mugs and sell 2 of them, and only then look at it."""
    shop = feed_of(at, A)
    shop.stock[ListingId("MUG")] = 10
    shop.buy("MUG", 2)
    for _ in range(3):
        await at.sync()


async def test_what_a_new_listing_sold_before_anybody_met_it_is_booked_once() -> None:
    at = feeding({"a": {"BOWL": 4}, "b": {"MUG": 10}})
    await at.count(MUG=10, BOWL=4)
    await at.sync()
    await sell_before_it_is_met(at)
    assert await booked(at) == [(MovementKind.SALE, 2, "order 1")]
    assert at.shows("a")["MUG"] == at.shows("b")["MUG"] == 8


async def test_what_an_unknown_sku_sold_before_it_was_adopted_is_no_part_of_its_opening() -> None:
    at = feeding({"a": {"BOWL": 4}, "b": {}}, first_contact=FirstContact.ADOPT)
    await at.sync()
    await sell_before_it_is_met(at)
    assert await booked(at) == []
    assert await at.on_hand("MUG") == 8
