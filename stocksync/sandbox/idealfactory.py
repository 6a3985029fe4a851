"""A fake Ideal Factory OMS: products and variants by id under /api/v1, no stock (seeds/004)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import ASGIApp

from stocksync.sandbox.application import application
from stocksync.sandbox.items import Item
from stocksync.sandbox.shop import Shop, Write
from stocksync.sandbox.wire import Answer, Call, has_bearer

#: Fields of a product that can be updated, with their types (§ Updates an existing product).
PRODUCT_FIELDS: Final[Mapping[str, type]] = {
    "category_id": int,
    "name": str,
    "code": str,
    "order_column": int,
    "active": bool,
    "description": str,
    "default_dpi": int,
    "team_id": int,
    "editor_category_id": str,
    "default_location_id": int,
}
#: Fields of a variant that can be updated, with their types (§ Updates an existing variant).
VARIANT_FIELDS: Final[Mapping[str, type]] = {
    "name": str,
    "product_variant_category_id": int,
    "product_id": int,
    "price_id": int,
    "editor_product_id": str,
    "weight": int,
    "length": int,
    "width": int,
    "height": int,
    "description": str,
    "country_id": int,
    "customs_code": str,
    "customs_description": str,
    "long_customs_description": str,
    "default_dpi": int,
    "seo_details": str,
    "ecommerce_tags": str,
    "default_location_id": int,
}


def app(shop: Shop, *, token: str) -> ASGIApp:
    """Serve an Ideal Factory OMS; there is no list of anything and nobody shops here."""
    return application(shop, IdealFactory(shop, token))


@dataclass
class IdealFactory:
    """What a call means to an Ideal Factory OMS."""

    shop: Shop
    token: str

    def handle(self, call: Call) -> Answer:
        """Check the token and carry out the call."""
        if not has_bearer(call, self.token):
            return self.error(401, "Unauthenticated.")
        match call.segments:
            case ("api", "v1", "products", identifier):
                return self._product(call, identifier)
            case ("api", "v1", "product-variants", identifier):
                return self._variant(call, identifier)
            case ("api", "v1", "order-items", identifier, "print") if call.method == "GET":
                return self._print_status(identifier)
            case _:
                return self.error(404, "Not found")

    def offset(self, _call: Call) -> int | None:
        """Nothing can be listed here."""
        return None

    def empty_listing(self, call: Call) -> Answer:
        """Nothing can be listed here."""
        return self.error(404, f"{call.path} cannot be listed")

    def error(self, status: int, message: str) -> Answer:
        """Give an error a shape; the manual says JSON and shows none."""
        return Answer(status, {"message": message})

    def _product(self, call: Call, identifier: str) -> Answer:
        number = int(identifier) if identifier.isdecimal() else 0
        items = [item for item in self.shop.product(number) if item.variant_id is None]
        if not items:
            return self.error(404, "Product not found")
        item = items[0]
        if call.method == "PUT":
            return self._update(call, item, PRODUCT_FIELDS)
        return Answer(200, product(item)) if call.method == "GET" else self.error(405, "No")

    def _variant(self, call: Call, identifier: str) -> Answer:
        items = [item for item in self.shop.items if str(item.variant_id) == identifier]
        if not items:
            return self.error(404, "Product variant not found")
        item = items[0]
        if call.method == "PUT":
            return self._update(call, item, VARIANT_FIELDS)
        return Answer(200, variant(item)) if call.method == "GET" else self.error(405, "No")

    def _update(self, call: Call, item: Item, fields: Mapping[str, type]) -> Answer:
        """Set the given fields; unknown ones are ignored, wrongly typed ones refused."""
        body = call.body
        if not isinstance(body, dict):
            return self.error(400, "A JSON object is required")
        given = {name: value for name, value in body.items() if name in fields}
        for name, value in given.items():
            if type(value) is not fields[name]:
                return self.error(400, f"The {name} field must be a {fields[name].__name__}.")
        before = _availability(item)
        item.title = given.pop("name", item.title)
        item.active = given.pop("active", item.active)
        if "ecommerce_tags" in given:
            item.tags = [tag for tag in given.pop("ecommerce_tags").split(",") if tag]
        item.facts.update(given)
        item.changed_at = self.shop.now()
        self.shop.writes.append(Write(item.code, before, _availability(item)))
        return Answer(200, product(item) if item.variant_id is None else variant(item))

    def _print_status(self, identifier: str) -> Answer:
        status = self.shop.print_states.get(identifier)
        if status is None:
            return self.error(404, "Order item not found")
        url = f"https://example.com/print-files/{identifier}.pdf" if status == "ready" else None
        return Answer(200, {"ecommerce_order_item_id": identifier, "status": status, "url": url})


def product(item: Item) -> dict[str, Any]:
    """Write a product: the fields it is created with and its ids."""
    return {
        "id": item.product_id,
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"product/{item.product_id}")),
        "category_id": 1,
        "code": item.code,
        "order_column": 1,
        "description": "",
        "default_dpi": 300,
        "team_id": 5,
        "editor_category_id": "TSHIRT_CAT",
        "default_location_id": 2,
        **item.facts,
        "name": item.title,
        "active": item.active,
    }


def variant(item: Item) -> dict[str, Any]:
    """Write a variant: it has neither a code nor a quantity."""
    return {
        "id": item.variant_id,
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"variant/{item.variant_id}")),
        "product_id": item.product_id,
        "country_id": 1,
        "weight": 200,
        "length": 70,
        "width": 50,
        "height": 5,
        "description": "",
        "default_dpi": 300,
        **item.facts,
        "name": item.title,
        "ecommerce_tags": ",".join(item.tags),
    }


def _availability(item: Item) -> object:
    return item.active if item.variant_id is None else ",".join(item.tags)
