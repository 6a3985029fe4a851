"""REC+ through its connector: every stock row once, and writes that are never guessed at."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from stocksync.connectors import recplus
from stocksync.connectors.recplus import RecPlusConnector
from stocksync.contracts.connector import StockWriter, StoreAccount, WriteOutcome
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Counted, Gap, NotCounted, Observation
from stocksync.errors import (
    ConfigurationError,
    OutcomeUnknown,
    StoreRejected,
    StoreUnavailable,
    UnexpectedResponse,
)
from tests.unit.scripted_store import NOW, Asked, Said, ScriptedStore, now

SAMPLES = Path(__file__).parents[1] / "samples" / "recplus"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def connector(script: Callable[[Asked], Said] | list[Said]) -> tuple[RecPlusConnector, Any]:
    store = ScriptedStore(script)
    account = StoreAccount(
        store=StoreId("shop"),
        url="https://shop.test",
        credentials={"username": "u", "password": "canary-7f3a"},
    )
    return recplus.connect(account, now=now, transport=store.transport), store


def rows(count: int, *, first: int = 0) -> list[dict[str, Any]]:
    return [{"code": f"C{n:04}", "stock": n, "cost": ""} for n in range(first, first + count)]


class Shelf:
    """`/stock` of a site: clamps the limit, tells a total or not, and may change on the way."""

    def __init__(
        self,
        stock: list[dict[str, Any]],
        *,
        most: int = 1000,
        bare: bool = False,
        between: Callable[["Shelf", int], None] | None = None,
    ) -> None:
        self.stock = stock
        self.most = most
        self.bare = bare
        self.between = between
        self.calls = 0

    def __call__(self, asked: Asked) -> Said:
        self.calls += 1
        if self.between:
            self.between(self, self.calls)
        wanted = asked.query["codes"].split(",") if "codes" in asked.query else None
        shown = [row for row in self.stock if wanted is None or row["code"] in wanted]
        offset = int(asked.query.get("offset", "0"))
        limit = min(int(asked.query.get("limit", "25")), self.most)
        page = shown[offset : offset + limit]
        if self.bare:
            return Said(page)
        paging = {"offset": offset, "limit": limit, "next_page_href": "//evil.test/stock.json"}
        return Said(
            {"stock": page, "count": len(page), "total_count": len(shown), "paging": paging}
        )


async def census(one: RecPlusConnector) -> list[Observation]:
    return [shown async for page in one.census() for shown in page]


def correction(code: str, quantity: int = 84, expected: int = 90) -> Correction:
    return Correction(listing=ListingId(code), quantity=quantity, expected=expected, code=code)


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


# --- where there is no /stock ------------------------------------------------------------------


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


# --- reading some ------------------------------------------------------------------------------


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


# --- writing -----------------------------------------------------------------------------------


async def test_a_batch_is_one_bare_array_sent_once_to_stock() -> None:
    one, store = connector([Said(status=204)])
    results = await one.write([correction("xyz"), correction("A/B,C", 0)])
    assert [(r.listing, r.outcome) for r in results] == [
        ("xyz", WriteOutcome.APPLIED),
        ("A/B,C", WriteOutcome.APPLIED),
    ]
    (asked,) = store.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/api/v1/stock", {})
    assert asked.sent == [{"code": "xyz", "stock": 84}, {"code": "A/B,C", "stock": 0}]
    assert asked.headers["content-type"] == "application/json"
    documented = {key: type(value) for key, value in sample("stock_update_request.json")[0].items()}
    assert {"code": str, "stock": int}.items() <= documented.items()


BATCH = [correction("B"), correction("A"), correction("C")]
GOOD, UNSURE = WriteOutcome.APPLIED, WriteOutcome.UNKNOWN
BAD, MISSING = WriteOutcome.REJECTED, WriteOutcome.NOT_FOUND


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", [GOOD, GOOD, GOOD]),
        ({"success": True}, [GOOD, GOOD, GOOD]),
        ([{"code": c, "stock": 84} for c in "ABC"], [GOOD, GOOD, GOOD]),
        ({"stock": [{"code": c, "stock": "84"} for c in "CAB"]}, [GOOD, GOOD, GOOD]),
        ({c: {"stock": 84} for c in "ABC"}, [GOOD, GOOD, GOOD]),
        ([{"code": "A", "status": 200}], [UNSURE, GOOD, UNSURE]),
        ({"code": "B", "stock": 84}, [GOOD, UNSURE, UNSURE]),
        (
            [{"code": "A", "status": 404}, {"code": "B", "error": "no"}, {"code": "C"}],
            [BAD, MISSING, GOOD],
        ),
        (
            {
                "stock": [{"code": "A", "stock": 84}],
                "errors": [{"code": "B", "status": 404, "message": "Stock not found"}],
            },
            [MISSING, GOOD, UNSURE],
        ),
        ({"errors": [{"code": "C", "message": "locked"}]}, [UNSURE, UNSURE, BAD]),
        ([{"code": "A", "stock": 90}, {"code": "B", "stock": 83}], [UNSURE, BAD, UNSURE]),
        ({}, [UNSURE, UNSURE, UNSURE]),
        ([], [UNSURE, UNSURE, UNSURE]),
        ({"stock": []}, [UNSURE, UNSURE, UNSURE]),
        ({"message": "hello"}, [UNSURE, UNSURE, UNSURE]),
        ("ok", [UNSURE, UNSURE, UNSURE]),
    ],
)
async def test_each_correction_gets_the_outcome_the_reply_proves(
    body: object, expected: list[WriteOutcome]
) -> None:
    one, store = connector([Said(body)])
    results = await one.write(BATCH)
    assert [result.listing for result in results] == ["B", "A", "C"]
    assert [result.outcome for result in results] == expected
    assert len(store.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"errors": [{"status": 400, "message": "stock canary-7f3a is required"}]}),
        (200, {"errors": [{"status": 400, "message": "stock is required"}]}),
        (200, {"success": False, "message": "stock is required"}),
    ],
)
async def test_a_refused_batch_is_rejected_as_a_whole_in_the_words_of_the_store(
    status: int, body: object
) -> None:
    one, store = connector([Said(body, status)])
    with pytest.raises(StoreRejected, match="is required") as caught:
        await one.write(BATCH)
    assert "canary" not in str(caught.value)
    assert len(store.asked) == 1


@pytest.mark.parametrize("said", [Said(status=500), Said(b"<html>", 200), Said(status=429)])
async def test_a_write_without_an_answer_is_unknown_and_never_sent_again(said: Said) -> None:
    one, store = connector(lambda _: said)
    with pytest.raises(OutcomeUnknown):
        await one.write(BATCH)
    assert len(store.asked) == 1


async def test_a_listing_without_a_code_is_never_written() -> None:
    one, store = connector([Said(status=204)])
    codeless = Correction(listing=ListingId("no-code:7"), quantity=1, expected=2)
    results = await one.write([codeless, correction("A")])
    assert [r.outcome for r in results] == [BAD, GOOD]
    assert store.asked[0].sent == [{"code": "A", "stock": 84}]
    assert [r.outcome for r in await one.write([codeless])] == [BAD]
    assert len(store.asked) == 1


async def test_a_batch_over_the_limit_is_a_mistake_of_ours() -> None:
    one, store = connector([])
    with pytest.raises(ValueError, match="100"):
        await one.write([correction(f"C{n}") for n in range(101)])
    assert store.asked == []


async def test_a_dry_run_asks_for_the_difference_only() -> None:
    one, store = connector([Said([{"code": "A", "stock": 84}])])
    assert await one.dry_run([correction("A")]) == [{"code": "A", "stock": 84}]
    assert store.asked[0].query == {"diffOnly": "true"}
