"""What a census does not show is absent, then perhaps gone, and never zero."""

from collections.abc import AsyncIterator, Mapping, Sequence

from stocksync.contracts.ledger import HoldState
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.merge import FirstContact
from stocksync.domain.stock import ListingRecord, Observation, Presence
from stocksync.engine.decisions import decide
from stocksync.errors import StoreUnavailable
from tests.world import Shop, World, world

B = StoreId("b")
MUG = ListingId("MUG")


class Hiding(Shop):
    """A store whose list leaves out what its owner hides, and that still knows it by name."""

    hidden: frozenset[ListingId] = frozenset()
    asked: list[ListingId]

    async def census(self) -> AsyncIterator[Sequence[Observation]]:
        async for page in super().census():
            yield [seen for seen in page if seen.listing not in self.hidden]

    async def read(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        self.asked += listings
        return await super().read(listings)


async def agreed(listings: int = 2, **options: object) -> tuple[World, Hiding]:
    """Return two stores that agree on MUG and others, and the one whose list will have holes."""
    stock: dict[str, object] = dict.fromkeys(["MUG", *(f"S{n:03}" for n in range(listings - 1))], 5)
    at = world({"a": dict(stock), "b": dict(stock)}, **options)
    await at.count(**dict.fromkeys(stock, 5))
    shop = at.shops[B]
    shop.__class__ = Hiding
    assert isinstance(shop, Hiding)
    shop.asked = []
    await at.sync()
    return at, shop


async def record(at: World, listing: str = "MUG") -> ListingRecord:
    return (await at.ledger.records(B))[ListingId(listing)]


async def presence(at: World, listing: str = "MUG") -> tuple[Presence, int]:
    found = await record(at, listing)
    return found.presence, found.missed


async def test_one_complete_census_that_misses_a_listing_makes_it_absent_and_nothing_else() -> None:
    at, shop = await agreed()
    booked = await at.movements()
    del shop.stock[MUG]
    assert (await at.sync()).outcome == "ok"
    assert await presence(at) == (Presence.ABSENT, 1)
    assert (await record(at)).baseline == 5
    assert await at.movements() == booked
    assert at.shows("a")["MUG"] == 5
    assert shop.asked == [], "one miss is not asked about"


async def test_two_complete_censuses_and_a_direct_look_make_it_gone() -> None:
    at, shop = await agreed()
    booked = await at.movements()
    del shop.stock[MUG]
    await at.sync()
    await at.sync()
    assert shop.asked == [MUG]
    assert await presence(at) == (Presence.GONE, 2)
    assert (await record(at)).baseline is None
    assert await at.movements() == booked
    shop.asked.clear()
    await at.sync()
    assert shop.asked == [], "what is gone is not asked for any more"


async def test_a_listing_that_is_found_by_name_is_hidden_and_not_gone() -> None:
    at, shop = await agreed()
    shop.hidden = frozenset({MUG})
    for _ in range(4):
        await at.sync()
    assert await presence(at) == (Presence.ABSENT, 2)
    assert (await record(at)).baseline == 5
    shop.hidden = frozenset()
    at.sell("b", "MUG", 2)
    await at.sync()
    assert await presence(at) == (Presence.PRESENT, 0)
    assert await at.on_hand("MUG") == 3


async def test_a_hidden_listing_costs_no_row_once_that_is_known() -> None:
    at, shop = await agreed()
    shop.hidden = frozenset({MUG})
    for _ in range(3):
        await at.sync()
    version = (await record(at)).version
    await at.sync()
    assert (await record(at)).version == version


async def test_a_store_that_does_not_answer_a_direct_look_proves_nothing() -> None:
    at, shop = await agreed()
    del shop.stock[MUG]
    await at.sync()
    shop.read_errors = [StoreUnavailable("down")]
    assert (await at.sync()).outcome == "ok"
    assert await presence(at) == (Presence.ABSENT, 1)
    await at.sync()
    assert await presence(at) == (Presence.GONE, 2)


async def test_a_census_that_fails_misses_nothing() -> None:
    at, shop = await agreed()
    del shop.stock[MUG]
    await at.sync()
    shop.census_errors = [StoreUnavailable("down")]
    await at.sync()
    assert await presence(at) == (Presence.ABSENT, 1)


async def test_a_look_at_a_few_listings_misses_nothing() -> None:
    at, shop = await agreed()
    del shop.stock[MUG]
    await at.sync("b", skus=["MUG"])
    assert await presence(at) == (Presence.PRESENT, 0)


async def test_at_most_fifty_are_asked_for_in_one_pull() -> None:
    at, shop = await agreed(listings=400)
    for number in range(60):
        del shop.stock[ListingId(f"S{number:03}")]
    await at.sync("b")
    await at.sync("b")
    assert len(shop.asked) == 50
    await at.sync("b")
    assert len(shop.asked) == 60
    assert await presence(at, "S059") == (Presence.GONE, 2)


async def test_hidden_listings_do_not_keep_others_from_being_found_gone() -> None:
    at, shop = await agreed(listings=400)
    shop.hidden = frozenset(ListingId(f"S{number:03}") for number in range(60))
    for _ in range(3):
        await at.sync("b")
    del shop.stock[ListingId("S300")]
    await at.sync("b")
    await at.sync("b")
    assert await presence(at, "S300") == (Presence.GONE, 2)


async def test_a_listing_that_was_only_absent_keeps_its_baseline_when_it_comes_back() -> None:
    at, shop = await agreed()
    del shop.stock[MUG]
    await at.sync()
    shop.stock[MUG] = 4
    await at.sync()
    assert await presence(at) == (Presence.PRESENT, 0)
    assert await at.on_hand("MUG") == 4


async def test_a_listing_that_was_gone_comes_back_as_a_new_one_and_books_nothing() -> None:
    at, shop = await agreed(first_contact=FirstContact.HOLD)
    del shop.stock[MUG]
    await at.sync()
    await at.sync()
    booked = await at.movements()
    shop.stock[MUG] = 90
    run = await at.sync()
    assert await at.movements() == booked
    assert await presence(at) == (Presence.PRESENT, 0)
    assert at.report(run, "b")["outcome"] == "held"
    [hold] = await at.ledger.holds()
    assert hold.gate is Gate.FIRST_CONTACT
    assert at.shows("a")["MUG"] == 5
    await decide(at.context, hold.hash, HoldState.APPROVED, by="anna")
    await at.sync()
    assert at.shows("b")["MUG"] == 5


async def test_a_listing_recreated_under_another_id_is_a_new_one() -> None:
    at = world({"a": {"MUG": 5}, "b": {"1": 5}}, codes={"b": {ListingId("1"): "MUG"}})
    await at.count(MUG=5)
    await at.sync()
    shop = at.shops[B]
    shop._codes = {ListingId("2"): "MUG"}
    shop.stock = shop._stock = {ListingId("2"): 1}
    booked = await at.movements()
    await at.sync()
    assert await at.movements() == booked
    assert at.shows("b") == {"2": 5}
    assert at.shows("a") == {"MUG": 5}


async def test_no_longer_counted_is_an_event_and_no_sale() -> None:
    at, shop = await agreed()
    booked = await at.movements()
    shop.stock[MUG] = None
    await at.sync()
    assert (await record(at)).baseline is None
    assert await at.movements() == booked
    assert at.shows("a")["MUG"] == 5


async def test_counted_again_is_a_first_contact() -> None:
    at, shop = await agreed(first_contact=FirstContact.HOLD)
    shop.stock[MUG] = None
    await at.sync()
    at.sell("a", "MUG", 1)
    await at.sync()
    booked = await at.movements()
    shop.stock[MUG] = 0
    run = await at.sync()
    assert await at.movements() == booked, "0 after untracked is no sale of everything"
    assert at.report(run, "b")["outcome"] == "held"
    assert at.shows("a")["MUG"] == 4
    assert shop.stock[MUG] == 0, "the first plan waits for a person"


async def test_a_listing_that_is_absent_and_not_counted_comes_back_too() -> None:
    at, shop = await agreed()
    shop.stock[MUG] = None
    await at.sync()
    shop.hidden = frozenset({MUG})
    await at.sync()
    assert await presence(at) == (Presence.ABSENT, 1)
    shop.hidden = frozenset()
    await at.sync()
    assert await presence(at) == (Presence.PRESENT, 0)
