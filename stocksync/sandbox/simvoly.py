"""A fake Simvoly site: products with variants, orders and webhooks under /api/site (seeds/003)."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from starlette.types import ASGIApp

from stocksync.sandbox.application import application
from stocksync.sandbox.items import Item, whole
from stocksync.sandbox.shop import Shop
from stocksync.sandbox.simvoly_records import order, product
from stocksync.sandbox.wire import Action, Answer, Call, has_bearer, page, route

LIMIT_DEFAULT: Final = 30
LIMIT_MAX: Final = 50
PRODUCT_TYPES: Final = {"physical", "digital", "service", "membership"}
EVENTS: Final = {
    "order_created",
    "order_updated",
    "product_created",
    "product_updated",
    "form_submitted",
    "contact_updated",
    "booking_created",
}


def app(
    shop: Shop,
    *,
    api_key: str,
    update_method: Literal["PUT", "POST", "PATCH"] = "PUT",
    drops_zero: bool = False,
) -> ASGIApp:
    """Serve a Simvoly site.

    The manual lost the method of its update, so it is chosen here. It says that "only
    non-empty fields" are set: with `drops_zero` a quantity of 0 counts as empty.
    """
    return application(shop, Simvoly(shop, api_key, update_method, drops_zero=drops_zero))


@dataclass
class Simvoly:
    """What a call means to a Simvoly site."""

    shop: Shop
    api_key: str
    update_method: Literal["PUT", "POST", "PATCH"] = "PUT"
    drops_zero: bool = False

    def handle(self, call: Call) -> Answer:
        """Check the key and that the caller names itself, and carry out the call."""
        if not has_bearer(call, self.api_key):
            return self.error(401, "Unauthorized")
        if not call.headers.get("user-agent"):
            return self.error(400, "A User-Agent header is required")
        routes: dict[str, Action] = {
            "GET /api/site/products": self._list_products,
            "GET /api/site/products/*": self._product,
            f"{self.update_method} /api/site/products/*": self._update,
            "GET /api/site/orders": self._list_orders,
            "GET /api/site/orders/*": self._order,
            "GET /api/site/webhooks": self._list_webhooks,
            "POST /api/site/webhooks": self._create_webhook,
        }
        if answer := route(call, routes):
            return answer
        is_product = call.segments[:3] == ("api", "site", "products")
        return self.error(405, "Not allowed") if is_product else self.error(404, "Not found")

    def offset(self, call: Call) -> int | None:
        """Say which row a listing starts from; None when the call is no listing."""
        if call.method != "GET" or call.segments[2:] != ("products",):
            return None
        return call.number("skip", 0)

    def empty_listing(self, call: Call) -> Answer:
        """Answer a listing as if there were nothing."""
        return self._listing(call, [], 0)

    def error(self, status: int, message: str) -> Answer:
        """Give an error the shape of the manual's example."""
        return Answer(status, {"success": False, "message": message})

    def _listing(self, call: Call, items: list[dict[str, Any]], count: int) -> Answer:
        limit, skip = _limit(call), call.number("skip", 0)
        return Answer(200, {"totalCount": count, "limit": limit, "skip": skip, "items": items})

    def _group(self, identifier: str) -> list[Item]:
        return self.shop.product(int(identifier)) if identifier.isdecimal() else []

    def _list_products(self, call: Call) -> Answer:
        groups = self.shop.products()
        if title := call.query.get("title"):
            groups = [group for group in groups if title.lower() in group[0].title.lower()]
        shown = page(groups, call.number("skip", 0), _limit(call))
        return self._listing(call, [product(group) for group in shown], len(groups))

    def _list_orders(self, call: Call) -> Answer:
        """List orders, newest first; both time limits are inclusive whole seconds."""
        earliest = call.number("created_at_min", 0)
        latest = call.number("created_at_max", 10**15)
        orders = [
            placed
            for placed in reversed(self.shop.orders)
            if earliest <= int(placed.placed_at.timestamp()) <= latest
        ]
        shown = page(orders, call.number("skip", 0), _limit(call))
        return self._listing(call, [order(placed) for placed in shown], len(orders))

    def _product(self, _call: Call, identifier: str) -> Answer:
        group = self._group(identifier)
        return Answer(200, product(group)) if group else self.error(404, "Not found")

    def _order(self, _call: Call, identifier: str) -> Answer:
        found = [placed for placed in self.shop.orders if str(placed.order_id) == identifier]
        return Answer(200, order(found[0])) if found else self.error(404, "Not found")

    def _list_webhooks(self, _call: Call) -> Answer:
        return Answer(200, [_without_target(hook) for hook in self.shop.webhooks])

    def _update(self, call: Call, identifier: str) -> Answer:
        group, body = self._group(identifier), call.body
        if not group:
            return self.error(404, "Not found")
        if not isinstance(body, dict) or body.get("type") not in PRODUCT_TYPES:
            return self.error(400, "The type field is required")
        if not body.get("title"):
            return self.error(400, "The title field is required")
        variants = body.get("variants") or []
        if not all(isinstance(given, dict) for given in variants):
            return self.error(400, "The variants field is invalid")
        if any(given.get("quantity") and whole(given["quantity"]) is None for given in variants):
            return self.error(400, "The quantity field must be a number")
        for item in group:
            item.title, item.product_type = str(body["title"]), str(body["type"])
            if body.get("description"):
                item.facts["description"] = body["description"]
        if variants:
            self._replace_variants(group, variants)
        return Answer(200, product(self._group(identifier)))

    def _replace_variants(self, group: list[Item], variants: Sequence[Mapping[str, Any]]) -> None:
        """Let the given variants be all there are; what one does not say is empty afterwards."""
        remaining = list(group)
        kept = []
        for given in variants:
            item = _match(remaining, given)
            if item is None:
                item = dataclasses.replace(group[0], quantity=0, facts={**group[0].facts})
            else:
                remaining = [other for other in remaining if other is not item]
            self._fill(item, given)
            kept.append(item)
        self.shop.replace_product(group[0].product_id, kept)

    def _fill(self, item: Item, given: Mapping[str, Any]) -> None:
        values = [str(value) for value in given.get("options") or []]
        names = [*item.options, *(f"Option {n}" for n in range(len(item.options), len(values)))]
        item.options = dict(zip(names, values, strict=False))
        item.code = str(given.get("sku") or "")
        item.price = given.get("price", 0)
        item.on_sale = bool(given.get("onSale", False))
        item.regular_price = given.get("regularPrice", 0)
        item.sale_price = given.get("salePrice", 0)
        item.weight = given.get("weight", 0)
        quantity = given.get("quantity", 0)
        if self.drops_zero and not whole(quantity):
            return
        if quantity != item.quantity:
            self.shop.write(item, quantity)

    def _create_webhook(self, call: Call) -> Answer:
        body = call.body
        if not isinstance(body, dict) or not body.get("target"):
            return self.error(400, "The target field is required")
        events = body.get("events")
        if not isinstance(events, list) or not events or not set(events) <= EVENTS:
            return self.error(400, "The events field is invalid")
        hook = {
            "id": f"rh_{24488493954 + len(self.shop.webhooks)}",
            "secret": body.get("secret", ""),
            "events": events,
            "target": body["target"],
        }
        self.shop.webhooks.append(hook)
        return Answer(200, _without_target(hook))


def _match(items: Sequence[Item], given: Mapping[str, Any]) -> Item | None:
    """Find the variant meant: by its SKU, else by its options; variants have no id."""
    sku, options = given.get("sku") or "", list(given.get("options") or [])
    by_sku = [item for item in items if sku and item.code == sku]
    by_options = [item for item in items if list(item.options.values()) == options]
    found = by_sku or by_options
    return found[0] if found else None


def _limit(call: Call) -> int:
    return call.number("limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)


def _without_target(hook: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hook.items() if name != "target"}
