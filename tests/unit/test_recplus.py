"""A census of REC+ lists every stock row once, or raises."""

import math

import pytest

from stocksync.connectors import recplus
from stocksync.contracts.connector import StockWriter, StoreAccount
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import Counted, Gap, NotCounted
from stocksync.errors import (
    ConfigurationError,
    StoreUnavailable,
    UnexpectedResponse,
)
from tests.unit.recplus_kit import Shelf, census, connector, rows
from tests.unit.scripted_store import NOW, Asked, Said, now


def test_it_is_a_stock_writer_that_shows_no_secret() -> None:
    one, _ = connector([])
    assert isinstance(one, StockWriter)
    assert repr(one) == "RecPlusConnector(store='shop')"


def test_missing_credentials_are_all_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        recplus.connect(StoreAccount(store=StoreId("shop"), url="https://shop.test"), now=now)
    assert caught.value.problems == (
        "store shop: username is missing",
        "store shop: password is missing",
    )


@pytest.mark.parametrize(("count", "most"), [(0, 1000), (1, 1000), (25, 10), (30, 10), (7, 7)])
async def test_a_census_lists_every_code_once_in_exactly_as_many_calls_as_pages(
    count: int, most: int
) -> None:
    one, store = connector(Shelf(rows(count), most=most))
    shown = await census(one)
    assert [o.listing for o in shown] == [f"C{n:04}" for n in range(count)]
    assert [o.reading for o in shown] == [Counted(n, NOW) for n in range(count)]
    assert one.api_calls == max(1, math.ceil(count / most))
    first = store.asked[0]
    assert (first.method, first.path) == ("GET", "/api/v1/stock")
    assert first.query == {"limit": "1000", "offset": "0"}


@pytest.mark.parametrize(("count", "most"), [(0, 1000), (3, 1000), (25, 10), (30, 10)])
async def test_a_bare_array_is_walked_to_its_end_too(count: int, most: int) -> None:
    one, _ = connector(Shelf(rows(count), most=most, bare=True))
    assert [o.listing for o in await census(one)] == [f"C{n:04}" for n in range(count)]


@pytest.mark.parametrize(
    ("stock", "gap"),
    [("", Gap.UNTRACKED), (None, Gap.UNTRACKED), ("2.5", Gap.UNREADABLE), (-4, Gap.UNREADABLE)],
)
async def test_what_is_not_a_count_is_never_zero_and_spoils_no_neighbour(
    stock: object, gap: Gap
) -> None:
    one, _ = connector(Shelf([{"code": "A", "stock": stock}, {"code": "B", "stock": "5.0"}]))
    odd, plain = await census(one)
    assert isinstance(odd.reading, NotCounted)
    assert odd.reading.gap is gap
    assert plain.reading == Counted(5, NOW)


async def test_a_row_without_a_quantity_is_untracked() -> None:
    one, _ = connector(Shelf([{"code": "A"}, {"code": "B", "stock": 1}]))
    odd, _ = await census(one)
    assert isinstance(odd.reading, NotCounted)
    assert odd.reading.gap is Gap.UNTRACKED


async def test_codes_stay_exactly_as_they_stand_and_empty_ones_are_never_the_same() -> None:
    codes = ["00123", 123, " 123", "abc", "ABC", "A,B", "", None]
    stock = [{"id": n, "code": code, "stock": n} for n, code in enumerate(codes)]
    one, _ = connector(Shelf(stock))
    shown = await census(one)
    assert [o.code for o in shown] == ["00123", "123", " 123", "abc", "ABC", "A,B", None, None]
    assert len({o.listing for o in shown}) == len(codes)


async def test_a_code_that_two_rows_share_has_no_readable_number() -> None:
    one, _ = connector(
        Shelf([{"code": "A", "stock": 5}, {"code": "A", "stock": 3}, {"code": "B", "stock": 1}])
    )
    both, other = await census(one)
    assert (both.listing, other.reading) == ("A", Counted(1, NOW))
    assert isinstance(both.reading, NotCounted)
    assert both.reading.gap is Gap.UNREADABLE


async def test_a_row_inserted_on_the_way_is_found_and_none_comes_twice() -> None:
    def insert(shelf: Shelf, call: int) -> None:
        if call == 2:
            shelf.stock.insert(0, {"code": "NEW", "stock": 9})

    one, _ = connector(Shelf(rows(25), most=10, between=insert))
    listings = [o.listing for o in await census(one)]
    assert sorted(listings) == sorted({"NEW", *(f"C{n:04}" for n in range(25))})


async def test_a_row_removed_on_the_way_hides_no_other() -> None:
    def remove(shelf: Shelf, call: int) -> None:
        if call == 2:
            del shelf.stock[3]

    one, _ = connector(Shelf(rows(25), most=10, between=remove))
    listings = [o.listing for o in await census(one)]
    assert {f"C{n:04}" for n in range(25) if n != 3} <= set(listings)
    assert len(listings) == len(set(listings))


@pytest.mark.parametrize(
    "body",
    [
        {"stock": None},
        {"stock": {}},
        {"products": []},
        {"stock": [None]},
        {"stock": ["A"]},
        {"stock": [{"sku": "A", "amount": 5}]},
        {"stock": [{"code": "A", "amount": 5}], "total_count": 1},
        {"stock": [], "total_count": 3},
        {"stock": rows(3), "total_count": 4},
        {"stock": rows(3), "total_count": 6},
        {"stock": rows(3), "total_count": 10**12},
        None,
        "stock",
        {},
    ],
)
async def test_a_census_that_cannot_be_complete_raises(body: object) -> None:
    one, store = connector(lambda _: Said(body))
    with pytest.raises(UnexpectedResponse):
        await census(one)
    assert len(store.asked) <= 3


async def test_a_store_that_always_has_one_more_page_is_left() -> None:
    def endless(asked: Asked) -> Said:
        start = int(asked.query["offset"])
        return Said({"stock": rows(5, first=start), "total_count": 20 if start < 5 else start + 99})

    one, store = connector(endless)
    with pytest.raises(UnexpectedResponse, match="does not end"):
        await census(one)
    assert len(store.asked) == 18


async def test_a_census_cut_by_a_failing_store_raises() -> None:
    shelf = Shelf(rows(25), most=10)
    one, _ = connector(lambda asked: shelf(asked) if shelf.calls < 2 else Said(status=503))
    with pytest.raises(StoreUnavailable):
        await census(one)
