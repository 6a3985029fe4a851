"""A fake REC+ shop: stock, products and orders under /api/v1 (seeds/000)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from http import HTTPStatus
from typing import Any, Final, Literal

from starlette.types import ASGIApp

from stocksync.sandbox.application import application
from stocksync.sandbox.items import Item, whole
from stocksync.sandbox.recplus_orders import basic_order, full_order
from stocksync.sandbox.recplus_records import (
    basic_product,
    full_product,
    has_variations,
    product_code,
    total,
)
from stocksync.sandbox.shop import Shop
from stocksync.sandbox.wire import Action, Answer, Call, has_basic, page, route

LIMIT_DEFAULT: Final = 25
LIMIT_MAX: Final = 1000

#: What the stock listing has a row for: a counted item, or a whole product with variations.
StockRow = Item | list[Item]


def app(
    shop: Shop,
    *,
    username: str,
    password: str,
    write_answer: Literal["200", "204"] = "200",
    stock_shape: Literal["envelope", "array"] = "envelope",
    poison_codes: Sequence[str] = (),
    time_zone: tzinfo = UTC,
    full_lists: bool = True,
) -> ASGIApp:
    """Serve a REC+ shop.

    A batch holding one of `poison_codes` is refused whole. The manual never shows what a
    stock listing or a stock write answers, so `stock_shape` and `write_answer` offer both
    readings of it. Order dates are written in `time_zone` without saying so. "Most" collections
    know `fields=*`: without `full_lists` that of orders does not.
    """
    store = RecPlus(
        shop=shop,
        username=username,
        password=password,
        write_answer=write_answer,
        stock_shape=stock_shape,
        poison_codes=frozenset(poison_codes),
        time_zone=time_zone,
        full_lists=full_lists,
    )
    return application(shop, store)


@dataclass
class RecPlus:
    """What a call means to a REC+ shop."""

    shop: Shop
    username: str
    password: str
    write_answer: Literal["200", "204"]
    stock_shape: Literal["envelope", "array"]
    poison_codes: frozenset[str]
    time_zone: tzinfo
    full_lists: bool = True
    _rows: list[StockRow] = field(default_factory=list)
    _rows_version: int = -1

    def handle(self, call: Call) -> Answer:
        """Check the credentials and carry out the call."""
        if not has_basic(call, self.username, self.password):
            return self.error(401, "Unauthorized")
        routes: dict[str, Action] = {
            "GET /api/v1/stock": self._list_stock,
            "GET /api/v1/stock/*": self._stock_of,
            "POST /api/v1/stock": self._write_stock,
            "PATCH /api/v1/stock": self._write_stock,
            "GET /api/v1/products": self._list_products,
            "GET /api/v1/products/*": self._product,
            "GET /api/v1/orders": self._list_orders,
            "GET /api/v1/orders/*": self._order,
        }
        return route(call, routes) or self.error(404, "Resource not found")

    def offset(self, call: Call) -> int | None:
        """Say which row a listing starts from; None when the call is no listing."""
        if call.method != "GET" or call.segments[2:] not in {("stock",), ("products",)}:
            return None
        return call.number("offset", 0)

    def empty_listing(self, call: Call) -> Answer:
        """Answer a listing as if there were nothing."""
        return self._listing(call, call.segments[2], [], 0)

    def error(self, status: int, message: str) -> Answer:
        """Give an error the shape of the manual's example."""
        is_refusal = status == HTTPStatus.UNAUTHORIZED
        headers = {"www-authenticate": 'Basic realm="API"'} if is_refusal else {}
        return Answer(status, {"errors": [{"status": status, "message": message}]}, headers)

    def _stock_rows(self) -> list[StockRow]:
        """List every variation and product; one with variations follows them, derived."""
        if self._rows_version != self.shop.version:
            self._rows = []
            for group in self.shop.products():
                self._rows += group
                if has_variations(group):
                    self._rows.append(group)
            self._rows_version = self.shop.version
        return self._rows

    def _list_stock(self, call: Call) -> Answer:
        rows = self._stock_rows()
        if "codes" in call.query:
            wanted = set(call.query["codes"].split(","))
            rows = [row for row in rows if _code(row) in wanted]
        limit = call.number("limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
        shown = [_stock(row) for row in page(rows, call.number("offset", 0), limit)]
        return self._listing(call, "stock", shown, len(rows))

    def _stock_of(self, _call: Call, identifier: str) -> Answer:
        group = self.shop.product(int(identifier)) if identifier.isdecimal() else []
        if not group:
            return self.error(404, "Product not found")
        return Answer(200, _stock(group if has_variations(group) else group[0]))

    def _listing(self, call: Call, name: str, rows: list[Any], count: int) -> Answer:
        if name == "stock" and self.stock_shape == "array":
            return Answer(200, rows)
        href = f"/{name}.json?fields={call.query.get('fields', '')}&identifier="
        limit = call.number("limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
        offset = call.number("offset", 0)
        at = f"{href}&limit={limit}&offset="
        last = max(0, (count - 1) // limit * limit)
        paging = {
            "offset": offset,
            "limit": limit,
            "first_page_href": f"{at}0",
            "last_page_href": f"{at}{last}",
            "next_page_href": f"{at}{offset + limit}" if offset + limit < count else None,
            "previous_page_href": f"{at}{max(0, offset - limit)}" if offset else None,
        }
        return Answer(
            200,
            {"href": href, name: rows, "count": len(rows), "total_count": count, "paging": paging},
        )

    def _write_stock(self, call: Call) -> Answer:
        rows = call.body
        if not call.is_json or not isinstance(rows, list):
            return self.error(400, "A direct array of stock objects is required")
        if any(isinstance(row, dict) and row.get("code") in self.poison_codes for row in rows):
            return self.error(400, "Invalid stock object")
        is_rehearsal = call.query.get("diffOnly") == "true"
        results = [self._write_row(row, is_rehearsal=is_rehearsal) for row in rows]
        if self.write_answer == "204" and not is_rehearsal:
            return Answer(204)
        if self.stock_shape == "array":
            return Answer(200, results)
        return Answer(200, {"stock": results})

    def _write_row(self, row: Any, *, is_rehearsal: bool) -> dict[str, Any]:
        """Write one row; a product that is derived from other rows stays as it is."""
        if not isinstance(row, dict) or not row.get("code") or whole(row.get("stock")) is None:
            return {"code": _asked(row), **_row_error(400, "code and stock are required")}
        code = str(row["code"])
        found = self.shop.find(code)
        if not found:
            derived = [group for group in self._stock_rows() if _code(group) == code]
            return _stock(derived[0]) if derived else {"code": code, **_row_error(404, "Not found")}
        item = found[0]
        if is_rehearsal:
            return {**_stock(item), "stock": row["stock"]}
        if not item.is_bundle_synced:
            self.shop.write(item, row["stock"])
            item.cost = str(row.get("cost", item.cost))
        return _stock(item)

    def _list_products(self, call: Call) -> Answer:
        groups = list(self.shop.products())
        if "ids" in call.query:
            wanted = set(call.query["ids"].split(","))
            groups = [group for group in groups if str(group[0].product_id) in wanted]
        if call.query.get("since_timestamp_field") == "updated":
            since = self._since(call)
            groups = [group for group in groups if _changed(group) >= since]
        if call.query.get("sort") == "code":
            groups.sort(key=product_code)
        else:
            # Unsorted, the manual's example runs from the newest product to the oldest.
            groups.sort(key=lambda group: group[0].product_id, reverse="sort" not in call.query)
        limit = call.number("limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
        shape = full_product if call.query.get("fields") == "*" else basic_product
        shown = [shape(group) for group in page(groups, call.number("offset", 0), limit)]
        return self._listing(call, "products", shown, len(groups))

    def _product(self, call: Call, identifier: str) -> Answer:
        """Look a product up by id or, if asked, by its code or a variation's code."""
        group: Sequence[Item] = []
        if call.query.get("identifier") == "code":
            found = self.shop.find(identifier)
            group = self.shop.product(found[0].product_id) if found else self._parent(identifier)
        elif identifier.isdecimal():
            group = self.shop.product(int(identifier))
        return Answer(200, full_product(group)) if group else self.error(404, "Product not found")

    def _parent(self, code: str) -> Sequence[Item]:
        return next((group for group in self.shop.products() if product_code(group) == code), [])

    def _since(self, call: Call) -> datetime:
        """Read `since_timestamp`: seconds since 1970, or a date in the site's own time."""
        text = call.query.get("since_timestamp", "0")
        if text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        return datetime.fromisoformat(text).replace(tzinfo=self.time_zone)

    def _list_orders(self, call: Call) -> Answer:
        since = self._since(call)
        orders = [order for order in reversed(self.shop.orders) if order.placed_at >= since]
        limit = call.number("limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
        is_full = self.full_lists and call.query.get("fields") == "*"
        shape = full_order if is_full else basic_order
        offset = call.number("offset", 0)
        shown = [shape(order, self.time_zone) for order in page(orders, offset, limit)]
        return self._listing(call, "orders", shown, len(orders))

    def _order(self, call: Call, identifier: str) -> Answer:
        by_invoice = call.query.get("identifier") == "invoice_id"
        for order in self.shop.orders:
            if str(order.order_id - 1000 if by_invoice else order.order_id) == identifier:
                return Answer(200, full_order(order, self.time_zone))
        return self.error(404, "Order not found")


def _code(row: StockRow) -> str:
    return (row.code or "") if isinstance(row, Item) else product_code(row)


def _stock(row: StockRow) -> dict[str, Any]:
    """Write a stock row; the manual names these three fields where it writes them."""
    if isinstance(row, Item):
        return {"code": row.code or "", "stock": row.quantity, "cost": row.cost}
    return {"code": product_code(row), "stock": total(row), "cost": ""}


def _row_error(status: int, message: str) -> dict[str, Any]:
    return {"errors": [{"status": status, "message": message}]}


def _asked(row: Any) -> object:
    return row.get("code") if isinstance(row, dict) else None


def _changed(group: Sequence[Item]) -> datetime:
    return max(item.changed_at or datetime.min.replace(tzinfo=UTC) for item in group)
