"""A fake Freewebstore: products and orders at the root, in both known write shapes (seeds/002)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from starlette.types import ASGIApp

from stocksync.sandbox.application import application
from stocksync.sandbox.freewebstore_records import (
    listed_order,
    listed_product,
    order_details,
    product,
)
from stocksync.sandbox.items import Item, whole
from stocksync.sandbox.orders import Order
from stocksync.sandbox.shop import Shop
from stocksync.sandbox.wire import Action, Answer, Call, page, route, same

PER_PAGE_DEFAULT: Final = 100
PER_PAGE_MAX: Final = 250

#: Attributes that a listing can be sorted by; any other is ignored.
SORTS: Final[dict[str, Callable[[Item], Any]]] = {
    "id": lambda item: item.product_id,
    "name": lambda item: item.title,
    "sku": lambda item: item.code or "",
    "stock": lambda item: whole(item.quantity) or 0,
    "updatedon": lambda item: item.changed_at,
}

ERROR_NAMES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
}


def app(
    shop: Shop,
    *,
    api_key: str,
    write_shape: Literal["flat", "core"] = "flat",
    per_page_max: int = PER_PAGE_MAX,
    all_holds_carts: bool = True,
) -> ASGIApp:
    """Serve a Freewebstore.

    `write_shape="flat"` is the manual we have; `"core"` its newer public revision, which nests
    writes and lists. A write in the other shape is answered as a success and changes nothing.
    Whether a list of all orders holds carts is not documented: `all_holds_carts`.
    """
    store = Freewebstore(shop, api_key, write_shape, per_page_max, all_holds_carts=all_holds_carts)
    return application(shop, store)


@dataclass
class Freewebstore:
    """What a call means to a Freewebstore."""

    shop: Shop
    api_key: str
    write_shape: Literal["flat", "core"] = "flat"
    per_page_max: int = PER_PAGE_MAX
    all_holds_carts: bool = True
    _kept: Sequence[Item] = ()
    _kept_for: tuple[int, str, str] | None = None

    def handle(self, call: Call) -> Answer:
        """Check the key and the content type, which every request needs, and carry it out."""
        if not same(call.headers.get("x-api-key", ""), self.api_key):
            return self.error(403, "User is not authorized to access this resource")
        if not call.is_json:
            return self.error(415, "Content-Type must be application/json")
        routes: dict[str, Action] = {
            "GET /product": self._list_products,
            "GET /product/*": self._product,
            "PUT /product/*": self._update,
            "GET /orders": self._list_orders,
            "GET /orders/*": self._order,
            "GET /order/*": self._order,
        }
        return route(call, routes) or self._missing("Resource")

    def offset(self, call: Call) -> int | None:
        """Say which row a listing starts from; None when the call is no listing."""
        if call.method != "GET" or call.segments != ("product",):
            return None
        return call.number("start", 0)

    def empty_listing(self, _call: Call) -> Answer:
        """Answer a listing as if there were nothing."""
        return self._envelope([], 0)

    def error(self, status: int, message: str) -> Answer:
        """Give an error the shape of the manual's 403 example."""
        name = ERROR_NAMES.get(status, "Internal Server Error")
        return Answer(status, {"statusCode": status, "error": name, "message": message})

    def _missing(self, what: str) -> Answer:
        return Answer(404, {"message": f"{what} not found"})

    def _item(self, identifier: str) -> Item | None:
        found = self.shop.product(int(identifier)) if identifier.isdecimal() else []
        return found[0] if found else None

    def _envelope(self, rows: list[dict[str, Any]], found: int, name: str = "products") -> Answer:
        if self.write_shape == "flat":
            return Answer(200, {name: rows})
        return Answer(200, {name: {"found": found, "items": rows}})

    def _list_products(self, call: Call) -> Answer:
        items = self._sorted(call.query.get("sort", ""), call.query.get("sort_order", "asc"))
        limit = call.number("per_page", PER_PAGE_DEFAULT, least=1, most=self.per_page_max)
        rows = [listed_product(item) for item in page(items, call.number("start", 0), limit)]
        return self._envelope(rows, len(items))

    def _sorted(self, sort: str, order: str) -> Sequence[Item]:
        """Sort the listing; the order by id is kept, since only additions can change it."""
        asked = (self.shop.version, sort, order)
        if asked == self._kept_for:
            return self._kept
        key = SORTS.get(sort)
        if key is None:
            return self.shop.items
        items = sorted(self.shop.items, key=key, reverse=order == "desc")
        if sort == "id":
            self._kept, self._kept_for = items, asked
        return items

    def _product(self, _call: Call, identifier: str) -> Answer:
        item = self._item(identifier)
        return Answer(200, product(item)) if item else self._missing("Product")

    def _order(self, _call: Call, identifier: str) -> Answer:
        orders = self.shop.order_book.everything()
        found = [order for order in orders if str(order.order_id) == identifier]
        return Answer(200, order_details(found[0])) if found else self._missing("Order")

    def _update(self, call: Call, identifier: str) -> Answer:
        item = self._item(identifier)
        if item is None:
            return self._missing("Product")
        body = call.body
        if not isinstance(body, dict):
            return _invalid("The body is not an object")
        fields = body.get("core", {}) if self.write_shape == "core" else body
        if isinstance(fields, dict) and "stock" in fields:
            units = whole(fields["stock"])
            if units is None:
                return _invalid("The property [stock] is not a number")
            self.shop.write(item, units)
        return Answer(200, {"message": "Product Updated", "productId": item.product_id})

    def _list_orders(self, call: Call) -> Answer:
        """List orders without lines, newest first unless asked otherwise."""
        query = call.query
        orders = [order for order in self._with(query.get("status")) if _between(order, query)]
        if query.get("sort") not in {"created", "orderno"}:
            orders.reverse()
        limit = call.number("limit", 100, least=1, most=self.per_page_max)
        shown = page(orders, call.number("offset", 0), limit)
        return self._envelope([listed_order(order) for order in shown], len(orders), "orders")

    def _with(self, status: str | None) -> list[Order]:
        """Choose orders by a status; a word that the manual does not list chooses nothing out."""
        book = self.shop.order_book
        if status == "cart":
            return list(book.carts)
        if status in {"canceled", "cancelled"} and self.write_shape == "core":
            return [order for order in book.orders if order.is_cancelled]
        return book.everything() if self.all_holds_carts else list(book.orders)


def _between(order: Order, query: Any) -> bool:
    start, end = query.get("startdate"), query.get("enddate")
    return (not start or datetime.fromisoformat(start) <= order.placed_at) and (
        not end or order.placed_at <= datetime.fromisoformat(end)
    )


def _invalid(*messages: str) -> Answer:
    """Refuse a write in the shape of the manual's 400 example."""
    return Answer(
        400,
        {
            "errors": [{"message": message} for message in messages],
            "type": "ProductValidationException",
            "count": len(messages),
        },
    )
