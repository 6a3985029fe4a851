"""The fake stores answer with exactly the fields of the vendors' own examples."""

from typing import Any

import pytest

from stocksync.sandbox.shop import Shop
from tests.unit.sandbox_kit import SAMPLES, caller, sample

QUANTITY_FIELDS = {"quantity", "quantity_monitor", "can_backorder"}


def varied(platform: str) -> Shop:
    """Open a store with one product in two variations, and one order for it."""
    shop = Shop(platform)
    for number, size in enumerate(("S", "L"), start=1):
        shop.add(
            f"T-{size}", number, product_id=7, title="Tee", parent_code="T", options={"Size": size}
        )
    shop.sell("T-L", 1)
    return shop


def single(platform: str) -> Shop:
    """Open a store with one simple product and one order for it."""
    shop = Shop(platform)
    shop.add("MUG-1", 5, product_id=7)
    shop.sell("MUG-1", 1)
    return shop


async def fetched(shop: Shop, url: str, **options: Any) -> Any:
    async with caller(shop, **options) as client:
        answer = await client.get(url)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.json")), ids=lambda path: path.stem)
def test_every_sample_is_json_with_something_in_it(path: Any) -> None:
    assert sample(str(path.relative_to(SAMPLES).with_suffix("")))


async def test_a_rec_product_has_the_fields_of_the_manual_at_every_level() -> None:
    wanted = sample("recplus/product")

    shown = await fetched(varied("recplus"), "/api/v1/products/T-S?identifier=code")

    assert shown.keys() == wanted.keys()
    for part in ("stock", "price", "bundle", "categories", "delivery"):
        assert shown[part].keys() == wanted[part].keys(), part
    for part in ("options", "variations"):
        assert shown[part][0].keys() == wanted[part][0].keys(), part


async def test_a_rec_listing_has_the_envelope_and_the_basic_rows_of_the_manual() -> None:
    wanted = sample("recplus/products_list")

    shown = await fetched(varied("recplus"), "/api/v1/products")
    stock = await fetched(varied("recplus"), "/api/v1/stock")

    assert shown.keys() == wanted.keys()
    assert shown["paging"].keys() == wanted["paging"].keys()
    assert shown["products"][0].keys() == wanted["products"][0].keys()
    assert stock.keys() - {"stock"} == wanted.keys() - {"products"}
    assert stock["stock"][0].keys() == sample("recplus/stock_update_request")[0].keys()


async def test_a_rec_order_has_the_fields_of_the_manual_down_to_its_lines() -> None:
    wanted = sample("recplus/order")
    shop = varied("recplus")

    shown = await fetched(shop, f"/api/v1/orders/{shop.orders[0].order_id}")

    assert shown.keys() == wanted.keys()
    assert shown["totals"].keys() == wanted["totals"].keys()
    assert {line["line_type"] for line in shown["lines"]} == {"OPTION", "PRODUCT", "DELIVERY"}
    assert all(line.keys() == wanted["lines"][0].keys() for line in shown["lines"])


async def test_a_b2b_product_has_the_fields_of_the_manual_plus_its_quantity() -> None:
    wanted = set(sample("b2bwave/products")[0])

    shown = (await fetched(single("b2bwave"), "/api/products"))[0]
    bare = (await fetched(single("b2bwave"), "/api/products", shows_quantity=False))[0]

    assert shown.keys() == wanted | QUANTITY_FIELDS
    assert bare.keys() == wanted


async def test_a_b2b_write_answers_with_the_fields_of_the_created_product() -> None:
    async with caller(single("b2bwave")) as client:
        answer = await client.post(
            "/api/products/update_quantity", json={"code": "MUG-1", "quantity": "99"}
        )

    assert answer.json().keys() == sample("b2bwave/product_created").keys()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/product/7", "product"),
        ("/orders/1001", "order"),
    ],
)
async def test_a_freewebstore_look_up_has_the_fields_of_the_manual(url: str, name: str) -> None:
    shown = await fetched(single("freewebstore"), url)

    assert shown.keys() == sample(f"freewebstore/{name}").keys()


async def test_freewebstore_lists_have_another_schema_than_its_look_ups() -> None:
    shop = single("freewebstore")

    listed = await fetched(shop, "/product/")
    orders = await fetched(shop, "/orders/")
    detail = await fetched(shop, "/product/7")

    assert listed["products"][0].keys() == sample("freewebstore/products")["products"][0].keys()
    assert orders["orders"][0].keys() == sample("freewebstore/orders")["orders"][0].keys()
    assert listed["products"][0]["id"] == "7"
    assert detail["id"] == 7
    assert listed["products"][0]["sku"] == detail["code"] == "MUG-1"


async def test_freewebstore_answers_writes_and_refusals_as_its_manual_does() -> None:
    shop = single("freewebstore")
    async with caller(shop) as client:
        done = await client.put("/product/7", json={"stock": 3})
        refused = await client.put("/product/7", json={"stock": "many"})
        forbidden = await client.get("/product/", headers={"x-api-key": "wrong"})

    assert done.json() == {**sample("freewebstore/update_response"), "productId": 7}
    assert refused.status_code == 400
    assert refused.json().keys() == sample("freewebstore/update_400").keys()
    assert forbidden.status_code == 403
    assert forbidden.json() == sample("freewebstore/forbidden")


async def test_a_simvoly_product_and_its_variants_have_the_fields_of_the_manual() -> None:
    wanted = sample("simvoly/products")

    shown = await fetched(varied("simvoly"), "/api/site/products")

    assert shown.keys() == wanted.keys()
    product, wanted_product = shown["items"][0], wanted["items"][0]
    assert product.keys() == wanted_product.keys()
    assert product["variants"][0].keys() == wanted_product["variants"][0].keys()
    assert product["options"][0].keys() == wanted_product["options"][0].keys()


async def test_a_simvoly_order_has_the_fields_of_the_manual_down_to_its_items() -> None:
    wanted = sample("simvoly/order")
    shop = varied("simvoly")

    shown = await fetched(shop, f"/api/site/orders/{shop.orders[0].order_id}")

    assert shown.keys() == wanted.keys()
    assert shown["items"][0].keys() == wanted["items"][0].keys()
    assert shown["items"][0]["variation"] == [{"name": "Size", "value": "L"}]


async def test_simvoly_webhooks_and_errors_look_like_those_of_the_manual() -> None:
    request = {**sample("simvoly/webhook_create_request"), "target": "https://here.example/hook"}
    async with caller(Shop("simvoly")) as client:
        created = await client.post("/api/site/webhooks", json=request)
        listed = await client.get("/api/site/webhooks")
        missing = await client.get("/api/site/products/1")

    assert created.json().keys() == sample("simvoly/webhook_created").keys()
    assert listed.json() == [created.json()]
    assert missing.json().keys() == sample("simvoly/error").keys()


async def test_ideal_factory_records_are_what_is_sent_to_create_them_plus_ids() -> None:
    shop = Shop("idealfactory")
    shop.add("CWT001", None, product_id=1)
    shop.add("CWT001-L", None, product_id=1, variant_id=4, tags=["tshirt", "white"])
    shop.print_states |= {"ITEM-001": "ready", "ITEM-002": "processing"}

    product = await fetched(shop, "/api/v1/products/1")
    variant = await fetched(shop, "/api/v1/product-variants/4")

    assert product.keys() == sample("idealfactory/product_create").keys() | {"id", "uuid"}
    assert variant.keys() == sample("idealfactory/variant_create").keys() | {"id", "uuid"}
    assert variant["ecommerce_tags"] == "tshirt,white"
    for item, name in (("ITEM-001", "ready"), ("ITEM-002", "processing")):
        status = await fetched(shop, f"/api/v1/order-items/{item}/print")
        assert status == sample(f"idealfactory/print_status_{name}")
