"""Where REC+ has no stock list, and when single codes are read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Counted, Gap, NotCounted
from stocksync.errors import (
    UnexpectedResponse,
)
from tests.unit.recplus_kit import Shelf, census, connector, rows, sample
from tests.unit.scripted_store import NOW, Asked, Said


def site_without_stock(products: Sequence[Mapping[str, Any]]) -> Callable[[Asked], Said]:
    def answer(asked: Asked) -> Said:
        if asked.path == "/api/v1/stock":
            return Said(sample("error.json"), 404)
        if asked.path == "/api/v1/products":
            assert asked.query["fields"] == "*"
            assert asked.query["sort"] == "id"
            start, limit = int(asked.query["offset"]), 2
            page = products[start : start + limit]
            return Said({"products": page, "total_count": len(products)})
        assert asked.query == {"identifier": "code"}
        code = asked.path.removeprefix("/api/v1/products/")
        for product in products:
            variations = product.get("variations", [])
            if code in [product["code"], *(item["code"] for item in variations)]:
                return Said(product)
        return Said(sample("error.json"), 404)

    return answer


async def test_the_documented_product_shows_its_variations_and_not_their_sum() -> None:
    one, _ = connector(site_without_stock([sample("product.json")]))
    shown = {o.listing: o.reading for o in await census(one)}
    assert shown == {
        "Sauce-1105410-yes-yes": Counted(981, NOW),
        "Sauce-1105410-no-yes": Counted(999, NOW),
    }


async def test_the_documented_product_list_reads_as_it_stands() -> None:
    whole = sample("products_list.json")
    one, _ = connector(site_without_stock(whole["products"]))
    shown = await census(one)
    assert [o.code for o in shown] == ["Sauce-gift-voucher", "Sauce-997706", "Sauce-1105410"]
    assert all(isinstance(o.reading, NotCounted) for o in shown)
    cut, _ = connector(lambda a: Said(status=405) if a.path.endswith("stock") else Said(whole))
    with pytest.raises(UnexpectedResponse):
        await census(cut)


async def test_digital_products_and_bundles_that_follow_their_parts_are_untracked() -> None:
    plain = {"id": 1, "code": "P", "stock": {"qty": 7}, "variations": []}
    digital = {"id": 2, "code": "D", "stock": {"qty": 7}, "is_digital": True}
    bundle = {
        "id": 3,
        "code": "B",
        "stock": {"qty": 7},
        "bundle": {"is_bundle": True, "sync_stock_with_components": True},
    }
    one, _ = connector(site_without_stock([plain, digital, bundle]))
    shown = {o.listing: o.reading for o in await census(one)}
    assert shown[ListingId("P")] == Counted(7, NOW)
    for listing in ("D", "B"):
        number = shown[ListingId(listing)]
        assert isinstance(number, NotCounted)
        assert number.gap is Gap.UNTRACKED


async def test_single_codes_are_read_from_products_where_there_is_no_stock_resource() -> None:
    one, _ = connector(site_without_stock([sample("product.json")]))
    shown = await one.read([ListingId("Sauce-1105410-no-yes"), ListingId("nothing")])
    assert {listing: o.reading for listing, o in shown.items()} == {
        "Sauce-1105410-no-yes": Counted(999, NOW)
    }


async def test_a_batch_is_read_in_one_call_and_what_is_unknown_is_absent() -> None:
    one, store = connector(Shelf(rows(200)))
    wanted = [ListingId(f"C{n:04}") for n in range(99)] + [ListingId("nothing")]
    shown = await one.read(wanted)
    assert shown.keys() == set(wanted[:-1])
    (asked,) = store.asked
    assert asked.query["codes"] == ",".join(wanted)
    assert int(asked.query["limit"]) >= 100


async def test_codes_are_compared_exactly_whatever_the_store_finds() -> None:
    loose = [{"code": "abc", "stock": 1}, {"code": "ABCD", "stock": 2}, {"code": "ABC", "stock": 3}]
    one, _ = connector(lambda _: Said({"stock": loose, "total_count": 3}))
    shown = await one.read([ListingId("ABC"), ListingId("AB")])
    assert {listing: o.reading for listing, o in shown.items()} == {"ABC": Counted(3, NOW)}


async def test_a_store_that_ignores_the_filter_is_walked_and_nothing_looks_absent() -> None:
    shelf = Shelf(rows(30), most=10)

    def deaf(asked: Asked) -> Said:
        query = {key: value for key, value in asked.query.items() if key != "codes"}
        return shelf(Asked(asked.method, asked.path, asked.raw_path, query, asked.headers, b""))

    one, _ = connector(deaf)
    shown = await one.read([ListingId("C0029")])
    assert shown[ListingId("C0029")].reading == Counted(29, NOW)


async def test_a_code_with_a_comma_is_never_put_into_the_list_of_codes() -> None:
    product = {
        "id": 9,
        "code": "A",
        "stock": {"qty": 12},
        "variations": [{"code": "A,B", "stock": 5}, {"code": "A,C", "stock": 7}],
    }
    one, store = connector(lambda _: Said(product))
    shown = await one.read([ListingId("A,B")])
    assert shown[ListingId("A,B")].reading == Counted(5, NOW)
    assert shown.keys() == {"A,B"}
    (asked,) = store.asked
    assert asked.raw_path == "/api/v1/products/A%2CB"
    assert asked.query == {"identifier": "code"}


async def test_long_codes_are_split_over_addresses_that_servers_accept() -> None:
    codes = [f"{n:03}" + "é" * 200 for n in range(20)]
    shelf = Shelf([{"code": code, "stock": n} for n, code in enumerate(codes)])
    one, store = connector(shelf)
    assert len(await one.read([ListingId(code) for code in codes])) == 20
    assert len(store.asked) > 1
