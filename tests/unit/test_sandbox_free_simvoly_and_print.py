"""The fake Freewebstore, Simvoly and Ideal Factory have the traps of their platforms."""

from typing import Any

import httpx
import pytest

from stocksync.sandbox.shop import Shop
from tests.unit.sandbox_kit import caller, sample, stocked, write


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
