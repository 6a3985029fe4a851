"""The orders of a REC+ shop: placed since, with statuses of the merchant's own (`seeds/000…`).

`since_timestamp` is when an order was placed; that it was cancelled later shows only when it is
read again. Dates are by the clock of the shop, which no answer names (`stores.md §1.7, §1.9`).
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from stocksync.connectors.http import segment
from stocksync.connectors.offset_walk import OffsetWalk
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
)
from stocksync.connectors.recplus_rows import code_of, rows_and_total
from stocksync.errors import UnexpectedResponse

#: Whole orders are long: a thousand of them would not fit into one answer.
ORDERS_PAGE: Final = 100
#: A wrong time zone moves a date by less than this; an older order was never asked for.
_SURELY_OLD: Final = timedelta(days=1)


class RecPlusOrders(OrderPages):
    """What a REC+ connector can tell of orders."""

    _zone: tzinfo

    async def _orders_since(self, since: datetime) -> AsyncGenerator[Sequence[FeedOrder]]:
        """Walk `/orders`; seconds since 1970 mean the same on every clock, so these are sent."""
        asked = {"since_timestamp": str(int(since.timestamp())), "fields": "*"}
        walk = OffsetWalk(what="orders")
        for _ in range(PAGES_MAX):
            window = {"limit": str(ORDERS_PAGE), "offset": str(walk.start)}
            rows, total = rows_and_total(await self._http.read("/orders", asked | window), "orders")
            fresh = walk.take([order_id(row) for row in rows], total)
            whole = [await self._whole(row) for row in rows if order_id(row) in fresh]
            yield [
                order_from(row, self._zone)
                for row in whole
                if not _is_old(row, self._zone, since - _SURELY_OLD)
            ]
            if walk.ended:
                return
        raise UnexpectedResponse("GET /orders does not end")

    async def _whole(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Look an order up where the list shows no lines: "most" collections know `fields=*`."""
        if "lines" in row:
            return row
        name = order_id(row)
        answer = await self._http.read(f"/orders/{segment(name)}")
        if order_id(answer.body) != name:
            raise UnexpectedResponse(f"order {name} was answered with another one")
        found: Mapping[str, Any] = answer.body
        return found


def order_from(order: Mapping[str, Any], zone: tzinfo) -> FeedOrder:
    """Read an order: its PRODUCT lines, named by the code of the product or variation sold.

    The other lines (OPTION, DELIVERY, COUPON) repeat a quantity and sell nothing. An order was
    placed when it was begun: a write of ours may have met it from then on.
    """
    name = order_id(order)
    times = (moment(order.get(key), zone) for key in ("start_date", "payment_date"))
    placed_at = dated(next((at for at in times if at is not None), None), name)
    rows = lines_in(order, "lines", name)
    sold = [row for row in rows if row.get("line_type") == "PRODUCT"]
    names = numbered(code_of(row.get("id")) or f"code:{_code(row)}" for row in sold)
    lines = []
    for row, line in zip(sold, names, strict=True):
        code = _code(row)
        taken_back = is_cancelled(order.get("status")) or is_cancelled(row.get("status"))
        lines.append(
            line_of(
                name,
                line,
                quantity=row.get("qty"),
                placed_at=placed_at,
                taken_back=taken_back,
                listing=code,
                code=code,
            )
        )
    return FeedOrder(name, lines)


def _code(row: Mapping[str, Any]) -> str | None:
    related = row.get("rel_data")
    product = related.get("product") if isinstance(related, dict) else None
    return code_of(product.get("code")) if isinstance(product, dict) else None


def _is_old(order: Mapping[str, Any], zone: tzinfo, bound: datetime) -> bool:
    times = [moment(order.get(key), zone) for key in ("start_date", "payment_date")]
    known = [at for at in times if at is not None]
    return bool(known) and max(known) < bound
