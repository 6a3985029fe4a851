"""Each fake store has the paging, the write shapes and the traps of its platform."""

from typing import Any

import httpx
import pytest

from stocksync.sandbox.items import Location
from stocksync.sandbox.shop import Shop
from tests.unit.sandbox_kit import (
    LISTING_PLATFORMS,
    caller,
    code_of,
    listing_url,
    rows,
    sample,
    write,
)

SKUS = [f"SKU-{number}" for number in range(7)]


def stocked(platform: str, skus: int = 7) -> Shop:
    shop = Shop(platform)
    for number in range(skus):
        shop.add(f"SKU-{number}", 10 + number)
    return shop


@pytest.mark.parametrize("platform", LISTING_PLATFORMS)
async def test_pages_together_show_every_item_once_and_then_nothing(platform: str) -> None:
    shop = stocked(platform)
    async with caller(shop) as client:
        pages = [
            rows(await client.get(listing_url(platform, limit=3, offset=offset)))
            for offset in (0, 3, 6, 9)
        ]

    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [code_of(row) for page in pages for row in page] == SKUS


@pytest.mark.parametrize(
    ("platform", "url", "shown"),
    [
        ("recplus", "/api/v1/stock", 25),
        ("recplus", "/api/v1/stock?limit=5000", 1000),
        ("b2bwave", "/api/products", 200),
        ("freewebstore", "/product/", 100),
        ("simvoly", "/api/site/products", 30),
        ("simvoly", "/api/site/products?limit=5000", 50),
    ],
)
async def test_page_sizes_have_a_default_and_a_limit(platform: str, url: str, shown: int) -> None:
    async with caller(stocked(platform, 1010)) as client:
        assert len(rows(await client.get(url))) == shown


@pytest.mark.parametrize("platform", LISTING_PLATFORMS)
async def test_a_write_changes_what_buyers_see_and_is_put_down(platform: str) -> None:
    shop = stocked(platform)
    async with caller(shop) as client:
        answer = await write(client, shop, "SKU-3", 0)

    assert answer.status_code == 200
    assert shop.quantity("SKU-3") == 0
    assert shop.writes == [("SKU-3", 13, 0)]
    assert shop.quantity("SKU-4") == 14


@pytest.mark.parametrize("platform", [*LISTING_PLATFORMS, "idealfactory"])
async def test_wrong_credentials_are_refused_and_change_nothing(platform: str) -> None:
    shop = stocked(platform)
    async with caller(shop) as client:
        wrong = {"authorization": "Bearer wrong", "x-api-key": "wrong"}
        answer = await client.get("/", headers=wrong, auth=None)

    assert answer.status_code == (403 if platform == "freewebstore" else 401)


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


@pytest.mark.parametrize(
    ("write_shape", "body", "after"),
    [
        ("flat", {"stock": 3}, 3),
        ("flat", {"core": {"stock": 3}}, 10),
        ("core", {"core": {"stock": 3}}, 3),
        ("core", {"stock": 3}, 10),
    ],
)
async def test_freewebstore_says_updated_in_both_shapes_and_means_one(
    write_shape: str, body: dict[str, Any], after: int
) -> None:
    shop = stocked("freewebstore")
    async with caller(shop, write_shape=write_shape) as client:
        answer = await client.put(f"/product/{shop.item('SKU-0').product_id}", json=body)

    assert answer.status_code == 200
    assert answer.json()["message"] == "Product Updated"
    assert shop.quantity("SKU-0") == after


async def test_freewebstore_nests_its_listing_in_the_newer_revision() -> None:
    async with caller(stocked("freewebstore"), write_shape="core") as client:
        answer = (await client.get("/product/")).json()

    assert answer["products"]["found"] == 7
    assert len(answer["products"]["items"]) == 7


async def test_freewebstore_wants_a_json_content_type_even_to_read() -> None:
    async with caller(stocked("freewebstore")) as client:
        answer = await client.get("/product/", headers={"content-type": "text/plain"})

    assert answer.status_code == 415


async def test_freewebstore_lists_orders_without_and_details_with_lines() -> None:
    shop = stocked("freewebstore")
    shop.sell("SKU-1", 2)
    async with caller(shop) as client:
        listed = (await client.get("/orders/", params={"sort": "created"})).json()["orders"][0]
        details = (await client.get(f"/orders/{listed['id']}")).json()

    assert "order_details" not in listed
    assert [(d["sku"], d["quantity"]) for d in details["order_details"]] == [("SKU-1", 2)]


async def simvoly_update(
    client: httpx.AsyncClient, shop: Shop, method: str = "PUT", **changes: Any
) -> httpx.Response:
    url = f"/api/site/products/{shop.items[0].product_id}"
    product = (await client.get(url)).json()
    return await client.request(method, url, json={**product, **changes})


async def test_simvoly_lets_the_given_variants_be_all_there_are() -> None:
    shop = Shop("simvoly")
    for size in "SML":
        shop.add(f"T-{size}", 5, product_id=1, options={"Size": size}, price=20)
    given = [{"options": ["S"], "sku": "T-S", "quantity": 9, "price": 20}]
    async with caller(shop) as client:
        answer = await simvoly_update(client, shop, variants=given)

    assert [item.code for item in shop.items] == ["T-S"]
    assert answer.json()["variants"][0]["quantity"] == 9
    assert shop.writes == [("T-S", 5, 9)]


async def test_simvoly_empties_what_a_given_variant_does_not_say() -> None:
    shop = Shop("simvoly")
    shop.add("T", 5, price=20)
    async with caller(shop) as client:
        await simvoly_update(client, shop, variants=[{"sku": "T", "quantity": 4}])

    assert (shop.item("T").quantity, shop.item("T").price) == (4, 0)


@pytest.mark.parametrize(("drops_zero", "after"), [(False, 0), (True, 5)])
async def test_simvoly_may_take_zero_for_empty(drops_zero: bool, after: int) -> None:
    shop = Shop("simvoly")
    shop.add("T", 5)
    async with caller(shop, drops_zero=drops_zero) as client:
        answer = await write(client, shop, "T", 0)

    assert answer.status_code == 200
    assert shop.quantity("T") == after


@pytest.mark.parametrize("missing", ["type", "title"])
async def test_simvoly_needs_type_and_title_even_to_update(missing: str) -> None:
    shop = stocked("simvoly", 1)
    async with caller(shop) as client:
        answer = await simvoly_update(client, shop, **{missing: ""})

    assert answer.status_code == 400
    assert answer.json()["success"] is False


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH"])
async def test_simvoly_knows_one_update_method(method: str) -> None:
    shop = stocked("simvoly", 1)
    async with caller(shop, update_method=method) as client:
        answers = {
            tried: (await simvoly_update(client, shop, tried)).status_code
            for tried in ("PUT", "POST", "PATCH")
        }

    assert answers == {"PUT": 405, "POST": 405, "PATCH": 405} | {method: 200}


async def test_simvoly_wants_callers_to_name_themselves() -> None:
    async with caller(stocked("simvoly")) as client:
        del client.headers["user-agent"]
        answer = await client.get("/api/site/products")

    assert answer.status_code == 400


async def test_simvoly_orders_are_filtered_by_inclusive_seconds() -> None:
    shop = stocked("simvoly")
    shop.sell("SKU-1", 2)
    placed = int(shop.orders[0].placed_at.timestamp())
    async with caller(shop) as client:
        found = [
            (await client.get("/api/site/orders", params=params)).json()["totalCount"]
            for params in (
                {"created_at_min": placed, "created_at_max": placed},
                {"created_at_min": placed + 1},
            )
        ]

    assert found == [1, 0]


async def test_ideal_factory_updates_availability_and_lists_nothing() -> None:
    shop = Shop("idealfactory")
    item = shop.add("P", None, product_id=1)
    shop.add("V", None, product_id=1, variant_id=3, tags=["print"])
    async with caller(shop) as client:
        update = sample("idealfactory/product_update")
        product = (await client.put("/api/v1/products/1", json=update)).json()
        tags = {"ecommerce_tags": "print,out-of-stock"}
        variant = (await client.put("/api/v1/product-variants/3", json=tags)).json()
        listed = await client.get("/api/v1/products")
        unknown = await client.get("/api/v1/product-variants/1")

    assert product.items() >= update.items()
    assert item.active is False
    assert variant["ecommerce_tags"] == "print,out-of-stock"
    assert shop.writes == [("P", True, False), ("V", "print", "print,out-of-stock")]
    assert (listed.status_code, unknown.status_code) == (404, 404)


@pytest.mark.parametrize("code", ["APN 1020", "1/2 INCH", "50%25OFF", "A?x=1&y#z", "Ærø-7"])
async def test_odd_codes_arrive_whole_in_paths(code: str) -> None:
    shop = Shop("recplus")
    shop.add(code, 5)
    path = "".join(f"%{byte:02X}" for byte in code.encode())
    async with caller(shop) as client:
        answer = await client.get(f"/api/v1/products/{path}?identifier=code")

    assert answer.json()["code"] == code
