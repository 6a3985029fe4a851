"""Pages of B2B Wave prove their end, and ids are the identity."""

import pytest

from stocksync.contracts.connector import StockWriter
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Counted, Gap, NotCounted
from stocksync.errors import (
    UnexpectedResponse,
)
from tests.unit.b2bwave_kit import Shop, census, connector, products, sample
from tests.unit.scripted_store import NOW, Said


def test_it_is_a_stock_writer_that_shows_no_secret() -> None:
    one, _ = connector([])
    assert isinstance(one, StockWriter)
    assert repr(one) == "B2BWaveConnector(store='trade')"


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (3, 1), (499, 1), (500, 3), (501, 2)])
async def test_a_short_page_ends_the_walk(count: int, calls: int) -> None:
    one, store = connector(Shop(products(count)))
    shown = await census(one)
    assert [o.listing for o in shown] == [str(n) for n in range(count, 0, -1)]
    assert one.api_calls == calls
    assert store.asked[0].query == {"paginated": "1", "per_page": "500", "page": "1"}
    assert store.asked[0].headers["authorization"] == "Basic dHJhZGU6Y2FuYXJ5LTdmM2E="


@pytest.mark.parametrize("count", [200, 201, 399, 400, 650])
async def test_a_store_with_pages_of_two_hundred_is_not_cut(count: int) -> None:
    one, _ = connector(Shop(products(count), size=200))
    assert len(await census(one)) == count


@pytest.mark.parametrize("count", [3, 501, 1234])
async def test_a_store_that_sends_everything_at_once_is_complete(count: int) -> None:
    one, store = connector(Shop(products(count), all_at_once=True))
    assert len(await census(one)) == count
    assert len(store.asked) <= 2


@pytest.mark.parametrize(("count", "size"), [(1200, None), (700, 200)])
async def test_a_store_that_repeats_its_first_page_is_not_complete(
    count: int, size: int | None
) -> None:
    one, store = connector(Shop(products(count), size=size, obeys_page=False))
    with pytest.raises(UnexpectedResponse, match="repeats"):
        await census(one)
    assert len(store.asked) == 2


async def test_one_empty_answer_after_a_full_page_is_not_the_end() -> None:
    whole = products(600)
    one, _ = connector([Said(whole[:500]), Said([]), Said(whole[500:])])
    assert len(await census(one)) == 600


async def test_a_page_that_repeats_later_aborts_the_walk() -> None:
    whole = products(1000)
    pages = {"1": whole[:500], "2": whole[500:]}
    one, _ = connector(lambda asked: Said(pages.get(asked.query["page"], whole[500:])))
    with pytest.raises(UnexpectedResponse, match="page 3 repeats"):
        await census(one)


async def test_pages_that_overlap_give_every_product_once() -> None:
    whole = products(600)
    pages = {"1": whole[:500], "2": whole[450:]}
    one, _ = connector(lambda asked: Said(pages[asked.query["page"]]))
    listings = [o.listing for o in await census(one)]
    assert len(listings) == len(set(listings)) == 600


async def test_the_documented_list_reads_as_it_stands_and_its_missing_quantity_is_not_zero() -> (
    None
):
    for body in (sample("products.json"), [{"product": sample("products.json")[0]}]):
        one, _ = connector([Said(body)])
        (shown,) = await census(one)
        assert (shown.listing, shown.code, shown.title) == ("12", "00001", "Test Product")
        assert isinstance(shown.reading, NotCounted)
        assert shown.reading.gap is Gap.UNREADABLE


async def test_the_documented_product_shows_ten() -> None:
    one, _ = connector([Said([sample("product_created.json")])])
    (shown,) = await census(one)
    assert shown.reading == Counted(10, NOW)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"quantity": "99"}, 99),
        ({"quantity": "99.0"}, 99),
        ({"quantity": 0}, 0),
        ({"quantity": -3, "can_backorder": True}, -3),
        ({"quantity": None}, Gap.UNREADABLE),
        ({"quantity": ""}, Gap.UNREADABLE),
        ({"quantity": "2.5"}, Gap.UNREADABLE),
        ({"quantity": 5, "quantity_monitor": False}, Gap.UNTRACKED),
        ({"quantity": 0, "quantity_monitor": False}, Gap.UNTRACKED),
        ({"quantity": 5, "quantity_monitor": None}, 5),
    ],
)
async def test_a_quantity_is_counted_untracked_or_unreadable_and_never_made_up(
    fields: dict[str, object], expected: int | Gap
) -> None:
    one, _ = connector([Said([{"id": 1, "code": "A"} | fields])])
    (shown,) = await census(one)
    if isinstance(shown.reading, NotCounted):
        assert shown.reading.gap is expected
    else:
        assert shown.reading == Counted(int(expected), NOW)


async def test_codes_may_be_missing_or_shared_because_ids_are_the_identity() -> None:
    stock = [
        {"id": 1, "code": "X", "quantity": 1},
        {"id": "2", "code": "X", "quantity": 2},
        {"id": 3, "code": None, "quantity": 3},
        {"id": 4, "quantity": 4},
        {"id": 5, "code": "", "quantity": 5},
        {"id": 6, "code": "APN 1020", "quantity": 6},
    ]
    one, _ = connector([Said(stock)])
    shown = await census(one)
    assert [o.listing for o in shown] == ["1", "2", "3", "4", "5", "6"]
    assert [o.code for o in shown] == ["X", "X", None, None, None, "APN 1020"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        None,
        {"products": None},
        [None],
        [[]],
        [{"code": "A"}],
        [{"id": True}],
        [{"id": ""}],
        "x",
    ],
)
async def test_what_is_not_a_list_of_products_raises(body: object) -> None:
    one, _ = connector(lambda _: Said(body))
    with pytest.raises(UnexpectedResponse):
        await census(one)


async def test_after_a_census_a_listing_is_read_by_its_code_and_picked_by_its_id() -> None:
    stock = [*products(600), {"id": 9001, "code": "C5", "quantity": 77}]
    one, store = connector(Shop(stock))
    await census(one)
    before = len(store.asked)
    shown = await one.read([ListingId("9001")])
    assert {listing: o.reading for listing, o in shown.items()} == {"9001": Counted(77, NOW)}
    (asked,) = store.asked[before:]
    assert asked.query["code_eq"] == "C5"


async def test_a_fresh_process_walks_once_instead_of_asking_for_each_listing() -> None:
    one, store = connector(Shop(products(30)))
    shown = await one.read([ListingId(str(n)) for n in range(1, 21)])
    assert len(shown) == 20
    assert len(store.asked) == 1


async def test_the_walk_for_a_few_listings_stops_when_they_were_seen() -> None:
    one, store = connector(Shop(products(1600)))
    await one.read([ListingId("1600")])
    assert len(store.asked) == 1


async def test_many_codes_cost_no_more_than_the_pages_of_the_store() -> None:
    one, store = connector(Shop(products(30)))
    await census(one)
    await one.read([ListingId(str(n)) for n in range(1, 21)])
    assert len(store.asked) == 2


async def test_a_listing_whose_code_changed_is_found_and_one_that_is_gone_is_absent() -> None:
    shop = Shop(products(10))
    one, _ = connector(shop)
    await census(one)
    shop.stock[0]["code"] = "renamed"
    del shop.stock[1]
    shown = await one.read([ListingId("10")])
    assert shown[ListingId("10")].code == "renamed"
    assert await one.read([ListingId("9")]) == {}


async def test_a_store_that_ignores_the_filter_still_gives_the_right_product() -> None:
    one, _ = connector(Shop(products(600), obeys_filter=False))
    await census(one)
    shown = await one.read([ListingId("3")])
    assert {listing: o.reading for listing, o in shown.items()} == {"3": Counted(3, NOW)}
