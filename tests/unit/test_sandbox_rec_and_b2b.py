"""The fake REC+ and B2B Wave shops have the write shapes and the traps of their platforms."""

from typing import Any

from stocksync.sandbox.items import Location
from stocksync.sandbox.shop import Shop
from tests.unit.sandbox_kit import caller, code_of, rows, sample, stocked

SKUS = [f"SKU-{number}" for number in range(7)]


async def test_rec_lists_variations_and_their_product_as_one_derived_row() -> None:
    shop = Shop("recplus")
    for code, units in (("T-S", 981), ("T-L", 999)):
        shop.add(code, units, product_id=1, parent_code="T", options={"Size": code[-1]})
    async with caller(shop) as client:
        listed = (await client.get("/api/v1/stock")).json()
        await client.post("/api/v1/stock", json=[{"code": "T", "stock": 5}])
        product = (await client.get("/api/v1/products/T?identifier=code")).json()

    assert [(row["code"], row["stock"]) for row in listed["stock"]] == [
        ("T-S", 981),
        ("T-L", 999),
        ("T", 1980),
    ]
    assert listed["total_count"] == 3
    assert product["stock"]["qty"] == 1980
    assert shop.writes == []


async def test_rec_paging_gives_hrefs_like_those_of_the_manual() -> None:
    async with caller(stocked("recplus", 83)) as client:
        paging = (await client.get("/api/v1/products?fields=")).json()["paging"]

    assert paging == sample("recplus/products_list")["paging"]


async def test_rec_reads_only_the_asked_codes() -> None:
    async with caller(stocked("recplus")) as client:
        answer = await client.get("/api/v1/stock", params={"codes": "SKU-2,SKU-5,NOT-THERE"})

    assert [row["code"] for row in rows(answer)] == ["SKU-2", "SKU-5"]
    assert answer.json()["total_count"] == 2


async def test_rec_takes_a_bare_array_only_and_names_the_rows_it_could_not_write() -> None:
    shop = stocked("recplus")
    batch = [{"code": "SKU-1", "stock": 1}, {"code": "NOT-THERE", "stock": 2}]
    async with caller(shop) as client:
        wrapped = await client.post("/api/v1/stock", json={"stock": batch})
        bare = await client.post("/api/v1/stock", json=batch)

    assert wrapped.status_code == 400
    assert wrapped.json().keys() == sample("recplus/error").keys()
    written, unknown = bare.json()["stock"]
    assert (written["code"], written["stock"]) == ("SKU-1", 1)
    assert unknown["errors"][0]["status"] == 404
    assert shop.writes == [("SKU-1", 11, 1)]


async def test_rec_rehearses_without_changing_anything() -> None:
    shop = stocked("recplus")
    async with caller(shop) as client:
        answer = await client.post(
            "/api/v1/stock?diffOnly=true", json=[{"code": "SKU-1", "stock": 1}]
        )

    assert answer.json()["stock"][0]["stock"] == 1
    assert shop.quantity("SKU-1") == 11
    assert shop.writes == []


async def test_rec_can_answer_writes_with_nothing_and_lists_with_a_bare_array() -> None:
    shop = stocked("recplus")
    async with caller(shop, write_answer="204", stock_shape="array") as client:
        written = await client.post("/api/v1/stock", json=[{"code": "SKU-1", "stock": 1}])
        listed = await client.get("/api/v1/stock")

    assert (written.status_code, written.content) == (204, b"")
    assert isinstance(listed.json(), list)
    assert shop.quantity("SKU-1") == 1


async def test_rec_refuses_a_batch_with_a_poisonous_code_whole() -> None:
    shop = stocked("recplus")
    batch = [{"code": code, "stock": 1} for code in ("SKU-1", "SKU-2")]
    async with caller(shop, poison_codes=["SKU-2"]) as client:
        answer = await client.post("/api/v1/stock", json=batch)

    assert answer.status_code == 400
    assert shop.writes == []


async def test_rec_does_not_move_bundles_that_follow_their_components() -> None:
    shop = Shop("recplus")
    shop.add("KIT", 5, is_bundle_synced=True)
    async with caller(shop) as client:
        answer = await client.post("/api/v1/stock", json=[{"code": "KIT", "stock": 9}])

    assert answer.json()["stock"][0]["stock"] == 5
    assert shop.quantity("KIT") == 5


async def test_rec_order_lines_repeat_quantities_that_are_not_sales() -> None:
    shop = Shop("recplus")
    shop.add("T-S", 9, parent_code="T", options={"Size": "S", "Colour": "Red"})
    shop.sell("T-S", 3)
    async with caller(shop) as client:
        order = (await client.get("/api/v1/orders?fields=*")).json()["orders"][0]

    lines = [(line["line_type"], line["qty"]) for line in order["lines"]]
    assert lines == [("OPTION", 3), ("OPTION", 3), ("PRODUCT", 3), ("DELIVERY", 1)]
    assert order["totals"]["qty"] == 3


async def test_b2b_changes_the_first_of_two_products_with_one_code() -> None:
    shop = Shop("b2bwave")
    first, second = shop.add("A", 1), shop.add("A", 2)
    async with caller(shop) as client:
        body = {"code": "A", "quantity": "9"}
        await client.post("/api/products/update_quantity", json=body)

    assert (first.quantity, second.quantity) == (9, 2)


async def test_b2b_shows_the_sum_of_a_products_places() -> None:
    shop = Shop("b2bwave")
    places = [Location(location_id=n, code=f"P{n}", quantity=10) for n in (1, 2, 3)]
    item = shop.add("APN 1020", 30, locations=places)
    async with caller(shop) as client:
        request = sample("b2bwave/update_quantity_quantities_request")
        answer = await client.post("/api/products/update_quantity", json=request)
        by_code = {"code": "APN 1020", "product": {"quantities": [_at("P3", 1)]}}
        await client.post("/api/products/update_quantity", json=by_code)

    assert answer.json()["quantity"] == 123 + 321 + 10
    assert item.quantity == 123 + 321 + 1


def _at(code: str, units: int) -> dict[str, Any]:
    return {"warehouse_code": code, "quantity": units}


async def test_b2b_answers_an_unknown_product_with_404() -> None:
    async with caller(stocked("b2bwave")) as client:
        body = {"code": "NOT-THERE", "quantity": "1"}
        answer = await client.post("/api/products/update_quantity", json=body)

    assert answer.status_code == 404
    assert answer.json().keys() == {"error"}


async def test_b2b_filters_by_code() -> None:
    async with caller(stocked("b2bwave")) as client:
        exact = await client.get("/api/products", params={"code_eq": "SKU-2"})
        part = await client.get("/api/products", params={"code_cont": "KU-"})

    assert [code_of(row) for row in rows(exact)] == ["SKU-2"]
    assert len(rows(part)) == 7


async def test_b2b_orders_ignore_the_page_number_unless_paginated() -> None:
    shop = stocked("b2bwave")
    for sku in SKUS:
        shop.sell(sku, 1)
    async with caller(shop) as client:
        pages = [
            [row["order"]["id"] for row in (await client.get(f"/api/orders?{query}")).json()]
            for query in (
                "per_page=2&page=1",
                "per_page=2&page=2",
                "paginated=1&per_page=2&page=2",
            )
        ]

    assert pages == [[1007, 1006], [1007, 1006], [1005, 1004]]
