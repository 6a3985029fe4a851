"""What is taken out of a webhook's body: names worth a look, or the whole store, and no error."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.connectors.webhooks import EVERYTHING, NAMES_MAX, NOTHING, names_in
from stocksync.sandbox.orders import Order
from stocksync.sandbox.shop import Shop
from stocksync.sandbox.webhooks import order_deliveries

SAMPLES = Path(__file__).parents[1] / "samples"
PLATFORMS = ("recplus", "simvoly", "idealfactory")


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def test_the_documented_recplus_objects_name_codes_and_never_parent_ids() -> None:
    sold = {"Sauce-1105410-yes-yes", "Sauce-997706"}
    assert names_in("recplus", "", sample("recplus/order.json")) == sold
    wrapped = {"event": "new.order", "data": json.loads(sample("recplus/order.json"))}
    assert names_in("recplus", "", json.dumps(wrapped).encode()) == sold
    product = json.loads(sample("recplus/product.json"))
    codes = {product["code"], *(each["code"] for each in product["variations"])}
    assert names_in("recplus", "", json.dumps(product).encode()) == codes
    several = {"event": "batch-update.product", "data": [{"code": "A"}, {"code": 7}]}
    assert names_in("recplus", "", json.dumps(several).encode()) == {"A", "7"}
    assert names_in("recplus", "", sample("recplus/webhook_wrapped.json")) == NOTHING


def test_the_documented_simvoly_objects_name_products() -> None:
    for event in ("order_created", "order_updated"):
        body = sample(f"simvoly/webhook_{event}.json")
        assert names_in("simvoly", event, body) == {"24"}
        assert names_in("simvoly", "", body) == {"24"}
    for event in ("product_created", "product_updated"):
        body = sample(f"simvoly/webhook_{event}.json")
        assert names_in("simvoly", event, body) == {"111"}
        assert names_in("simvoly", "", body) == {"111"}
    assert names_in("simvoly", "booking_created", body) == NOTHING


@pytest.mark.parametrize(
    ("product", "names"),
    [
        ({"code": ""}, EVERYTHING),
        ({"code": None, "variations": []}, EVERYTHING),
        ({"code": " 07 "}, {" 07 "}),
        ({"code": "A", "variations": [{"code": None}, {}, {"code": "B"}]}, {"A", "B"}),
        ({"variations": [{"code": f"C{at}"} for at in range(NAMES_MAX)]}, None),
        ({"variations": [{"code": f"C{at}"} for at in range(NAMES_MAX + 1)]}, EVERYTHING),
        ({"code": "A", "variations": "none"}, EVERYTHING),
        ({"lines": [{"rel_data": None}, {"rel_data": {"option": {"code": "X"}}}]}, EVERYTHING),
    ],
)
def test_names_are_taken_as_they_stand_or_not_at_all(product: Any, names: set[str] | None) -> None:
    found = names_in("recplus", "", json.dumps(product).encode())
    assert found == names if names is not None else len(found) == NAMES_MAX


KEYS = st.sampled_from(["event", "data", "code", "variations", "lines", "rel_data", "product"]) | (
    st.sampled_from(["id", "items", "productId", "variants"]) | st.text()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(platform=st.sampled_from(PLATFORMS), event=st.text(), body=JSON)
def test_whatever_json_comes_the_names_can_be_kept(platform: str, event: str, body: Any) -> None:
    found = names_in(platform, event, json.dumps(body).encode())
    assert len(found) <= NAMES_MAX
    assert all(
        len(name) <= 200 and "\0" not in name and name.encode() is not None for name in found
    )


@given(platform=st.sampled_from(PLATFORMS), body=st.binary())
def test_whatever_bytes_come_nothing_breaks(platform: str, body: bytes) -> None:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        assert names_in(platform, "", body) == EVERYTHING


def sold_in(platform: str, **hook: Any) -> tuple[Shop, Order]:
    shop = Shop(platform)
    item = shop.add("MUG", 5, product_id=24)
    assert item.product_id == 24
    shop.webhooks.append(hook)
    placed: list[Order] = []
    shop.order_listeners.append(placed.append)
    shop.sell("MUG", 2)
    [order] = placed
    return shop, order


@pytest.mark.parametrize("wrap", [True, False])
def test_the_sandbox_sends_what_recplus_would(wrap: bool) -> None:
    hook = {
        "target": "https://t",
        "events": ["new.order"],
        "wrap": wrap,
        "authorization": "Bearer x",
    }
    [sent] = order_deliveries(*sold_in("recplus", **hook))
    assert (sent.target, sent.headers["authorization"]) == ("https://t", "Bearer x")
    assert ("event" in json.loads(sent.body)) is wrap
    assert names_in("recplus", "", sent.body) == {"MUG"}


def test_the_sandbox_sends_what_simvoly_would_to_those_who_asked() -> None:
    hook = {"target": "https://t", "events": ["order_created"], "secret": "k"}
    shop, order = sold_in("simvoly", **hook)
    shop.webhooks.append({"target": "https://u", "events": ["product_updated"], "secret": ""})
    [sent] = order_deliveries(shop, order)
    assert sent.headers["x-webhook-topic"] == "order_created"
    assert len(sent.headers["x-webhook-signature"]) == 128
    assert names_in("simvoly", "order_created", sent.body) == {"24"}
