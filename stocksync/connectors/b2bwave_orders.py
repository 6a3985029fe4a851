"""The orders of a B2B Wave shop, which its manual leaves out: as its clients saw them.

`stores.md §2.6`: wrapped rows and lines, decimal quantities, filters by day, carts among the
orders under a status that is "temporary", and pages that are ignored unless asked for twice.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from stocksync.connectors.b2bwave_pages import PER_PAGE, unwrapped
from stocksync.connectors.order_feed import (
    PAGES_MAX,
    FeedOrder,
    OrderPages,
    dated,
    is_cancelled,
    line_of,
    lines_in,
    moment,
    numbered,
    order_id,
    text_of,
)
from stocksync.errors import UnexpectedResponse

_PAGED: Final = {"paginated": "1", "per_page": str(PER_PAGE)}
_YES: Final = (True, 1, "1", "true")
#: The status of a cart in a new shop, for a shop that does not list its statuses.
_TEMPORARY: Final = frozenset({"1"})
_NO_STATUSES: Final = (404, 405, 410)


class B2BWaveOrders(OrderPages):
    """What a B2B Wave connector can tell of orders."""

    _zone: tzinfo

    async def _orders_since(self, since: datetime) -> AsyncGenerator[Sequence[FeedOrder]]:
        """Walk the pages to an empty one: how long a page is nobody promised.

        The filter knows days, and not by which clock: a day more is asked for, and left out here.
        """
        day = (since.astimezone(UTC) - timedelta(days=1)).date().isoformat()
        before: list[str] = []
        carts: frozenset[str] | None = None
        for number in range(1, PAGES_MAX + 1):
            asked = {"page": str(number), "submitted_at_gteq": day}
            answer = await self._http.read("/orders", _PAGED | asked)
            rows = [unwrapped(row, "order") for row in _rows(answer.body, "orders")]
            if not rows:
                return
            ids = [order_id(row) for row in rows]
            if ids == before:
                raise UnexpectedResponse(f"page {number} of the orders repeats the page before")
            before = ids
            carts = await self._carts() if carts is None else carts
            read = (order_from(row, self._zone) for row in rows if not _is_cart(row, carts))
            yield [order for order, placed_at in read if placed_at >= _second(since)]
        raise UnexpectedResponse("the pages of the orders do not end")

    async def _carts(self) -> frozenset[str]:
        """Return the ids of the statuses that a cart may have; a merchant can edit them."""
        answer = await self._http.find("/order_statuses", absent=_NO_STATUSES)
        if answer is None:
            return _TEMPORARY
        rows = [unwrapped(row, "order_status") for row in _rows(answer.body, "order_statuses")]
        return frozenset(str(row.get("id")) for row in rows if row.get("is_temp") in _YES)


def order_from(order: Mapping[str, Any], zone: tzinfo) -> tuple[FeedOrder, datetime]:
    """Read an order and when it was placed.

    Clients saw neither ids of lines nor of products: where they are missing a line is named by its
    code and its position among equal ones.
    """
    name = order_id(order)
    placed_at = dated(moment(order.get("submitted_at"), zone), name)
    rows = [unwrapped(row, "order_product") for row in lines_in(order, "order_products", name)]
    taken_back = is_cancelled(order.get("status_order_name"))
    names = numbered(
        text_of(row.get("id")) or f"code:{text_of(row.get('product_code'))}" for row in rows
    )
    lines = [
        line_of(
            name,
            line,
            quantity=row.get("quantity"),
            placed_at=placed_at,
            taken_back=taken_back,
            listing=text_of(row.get("product_id")),
            code=text_of(row.get("product_code")),
        )
        for row, line in zip(rows, names, strict=True)
    ]
    return FeedOrder(name, lines), placed_at


def _rows(body: object, key: str) -> list[Any]:
    rows = body.get(key) if isinstance(body, dict) else body
    if not isinstance(rows, list):
        raise UnexpectedResponse(f"GET /{key} was answered without a list")
    return rows


def _is_cart(order: Mapping[str, Any], carts: frozenset[str]) -> bool:
    return order.get("is_temp") in _YES or str(order.get("status_order_id")) in carts


def _second(since: datetime) -> datetime:
    return since.replace(microsecond=0)
