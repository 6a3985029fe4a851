"""A fake B2B Wave shop: products, their quantities and orders under /api (seeds/001)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from starlette.types import ASGIApp

from stocksync.sandbox.application import application
from stocksync.sandbox.b2bwave_records import (
    listed_product,
    order,
    order_statuses,
    written_product,
)
from stocksync.sandbox.items import Item, Location, whole
from stocksync.sandbox.shop import Shop
from stocksync.sandbox.wire import Action, Answer, Call, has_basic, page, route

PER_PAGE_DEFAULT: Final = 200
PER_PAGE_MAX: Final = 500
FILTERS: Final = {"code_eq", "name_eq", "code_cont", "name_cont"}


def app(
    shop: Shop,
    *,
    app_code: str,
    token: str,
    shows_quantity: bool = True,
    time_zone: tzinfo = UTC,
) -> ASGIApp:
    """Serve a B2B Wave shop; with `shows_quantity=False` lists look exactly as in its manual.

    Credentials and paging are not in the manual; they are what its public clients use.
    """
    store = B2BWave(shop, app_code, token, shows_quantity=shows_quantity, time_zone=time_zone)
    return application(shop, store)


@dataclass
class B2BWave:
    """What a call means to a B2B Wave shop."""

    shop: Shop
    app_code: str
    token: str
    shows_quantity: bool = True
    time_zone: tzinfo = UTC

    def handle(self, call: Call) -> Answer:
        """Check the credentials and carry out the call."""
        if not has_basic(call, self.app_code, self.token):
            return self.error(401, "Unauthorized")
        routes: dict[str, Action] = {
            "GET /api/products": self._list_products,
            "POST /api/products/update_quantity": self._update_quantity,
            "PATCH /api/products/*": self._update_product,
            "GET /api/orders": self._list_orders,
            "GET /api/order_statuses": self._list_order_statuses,
        }
        plain = replace(call, segments=_plain(call.segments))
        return route(plain, routes) or self.error(404, "Not found")

    def offset(self, call: Call) -> int | None:
        """Say which row a listing starts from; None when the call is no listing."""
        if call.method != "GET" or _plain(call.segments) != ("api", "products"):
            return None
        return (call.number("page", 1, least=1) - 1) * _per_page(call)

    def empty_listing(self, _call: Call) -> Answer:
        """Answer a listing as if there were nothing."""
        return Answer(200, [])

    def error(self, status: int, message: str) -> Answer:
        """Give an error a shape; the manual shows none."""
        return Answer(status, {"error": message})

    def _list_products(self, call: Call) -> Answer:
        items = self.shop.items
        if FILTERS & call.query.keys():
            items = [item for item in items if _wanted(item, call.query)]
        start = (call.number("page", 1, least=1) - 1) * _per_page(call)
        return Answer(
            200,
            [
                listed_product(item, shows_quantity=self.shows_quantity)
                for item in page(items, start, _per_page(call))
            ],
        )

    def _named(self, body: Mapping[str, Any]) -> Item | None:
        """Find the product that a write names; of several with one code, the first."""
        identifier, code = body.get("id"), body.get("code")
        if identifier is not None:
            text = str(identifier)
            found = self.shop.product(int(text)) if text.isdecimal() else []
        else:
            found = self.shop.find(code) if isinstance(code, str) and code else []
        return found[0] if found else None

    def _update_quantity(self, call: Call) -> Answer:
        body = call.body
        if not isinstance(body, dict):
            return self.error(400, "A JSON object is required")
        item = self._named(body)
        if item is None:
            return self.error(404, "Product not found")
        product = body.get("product")
        if isinstance(product, dict) and isinstance(product.get("quantities"), list):
            return self._update_locations(item, product["quantities"])
        return self._write(item, body.get("quantity"))

    def _update_product(self, call: Call, identifier: str) -> Answer:
        body = call.body
        product = body.get("product") if isinstance(body, dict) else None
        item = self._named({"id": identifier})
        if item is None:
            return self.error(404, "Product not found")
        if not isinstance(product, dict):
            return self.error(400, "product is required")
        if "quantity" not in product:
            return Answer(200, written_product(item))
        return self._write(item, product["quantity"])

    def _write(self, item: Item, quantity: object) -> Answer:
        units = whole(quantity)
        if units is None:
            return self.error(422, "quantity is not a number")
        self.shop.write(item, units)
        return Answer(200, written_product(item))

    def _update_locations(self, item: Item, quantities: list[Any]) -> Answer:
        """Set the named places; the product then shows the sum over all of its places."""
        changes: list[tuple[Location, int]] = []
        for row in quantities:
            place = _place(item, row) if isinstance(row, dict) else None
            units = whole(row.get("quantity")) if isinstance(row, dict) else None
            if place is None:
                return self.error(404, "Warehouse not found")
            if units is None:
                return self.error(422, "quantity is not a number")
            changes.append((place, units))
        for place, units in changes:
            place.quantity = units
        self.shop.write(item, sum(place.quantity for place in item.locations))
        return Answer(200, written_product(item))

    def _list_orders(self, call: Call) -> Answer:
        """List orders and carts, newest first; a page number is ignored without `paginated=1`.

        A day begins by the shop's own clock.
        """
        query = call.query
        orders = [
            placed
            for placed in reversed(self.shop.order_book.everything())
            if self._day(query.get("submitted_at_gteq", "0001-01-02")) <= placed.placed_at
            and placed.placed_at <= self._day(query.get("submitted_at_lteq", "9999-12-30"))
            and query.get("id_eq") in {None, str(placed.order_id)}
        ]
        number = call.number("page", 1, least=1) if query.get("paginated") == "1" else 1
        start = (number - 1) * _per_page(call)
        return Answer(200, [order(placed) for placed in page(orders, start, _per_page(call))])

    def _list_order_statuses(self, _call: Call) -> Answer:
        return Answer(200, order_statuses())

    def _day(self, text: str) -> datetime:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=self.time_zone)


def _plain(segments: tuple[str, ...]) -> tuple[str, ...]:
    """Drop the `.json` that some clients write."""
    return (*segments[:-1], segments[-1].removesuffix(".json")) if segments else ()


def _per_page(call: Call) -> int:
    return call.number("per_page", PER_PAGE_DEFAULT, least=1, most=PER_PAGE_MAX)


def _wanted(item: Item, query: Mapping[str, str]) -> bool:
    code, name = item.code or "", item.title
    return (
        query.get("code_eq") in {None, code}
        and query.get("name_eq") in {None, name}
        and query.get("code_cont", "") in code
        and query.get("name_cont", "") in name
    )


def _place(item: Item, row: Mapping[str, Any]) -> Location | None:
    """Find the place that a row names, by number or by code."""
    named = row.get("warehouse_id"), row.get("warehouse_code")
    for place in item.locations:
        if str(named[0]) == str(place.location_id) or named[1] == place.code:
            return place
    return None
