"""The orders of a Freewebstore: a list without lines, one look-up for each, baskets in between.

Old and new documents differ (`stores.md §3.6, §3.7`). Only the newer ones can list what was
cancelled; the numbers that stand for statuses are explained nowhere, so in the older ones an order
with any of them is a sale, unless a status says otherwise in words.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from stocksync.connectors.freewebstore_rows import fields_of, listed_rows
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
    text_of,
)
from stocksync.errors import UnexpectedResponse

ORDERS_PAGE: Final = 100
_Row = Mapping[str, Any]


class FreewebstoreOrders(OrderPages):
    """What a Freewebstore connector can tell of orders.

    An order whose row in the list is the same as before is not looked up again: its status, its
    total and `updatedon` are in it, and a look-up for each order at each poll would use up the
    calls that a day has.
    """

    _nested: bool
    _looked_up: dict[str, tuple[_Row, bool, FeedOrder]]

    async def _orders_since(self, since: datetime) -> AsyncGenerator[Sequence[FeedOrder]]:
        """List all orders first and baskets after: what is a basket then was never ordered.

        Whether `all` holds baskets is not documented, and nothing in a row tells one.
        """
        listed = await self._listed("all", since)
        baskets = await self._listed("cart", since) if listed else {}
        # An older store does not know this filter, and might answer with everything.
        cancelled = await self._listed("cancelled", since) if listed and self._nested else {}
        wanted = {
            name: row
            for name, row in listed.items()
            if name not in baskets and not _is_old(row, since)
        }
        for name, row in wanted.items():
            known, taken_back = self._looked_up.get(name), name in cancelled
            if known is None or known[:2] != (row, taken_back):
                order = order_from(row, await self._details(name), taken_back=taken_back)
                known = self._looked_up[name] = (row, taken_back, order)
            yield [known[2]]
        for name in self._looked_up.keys() - wanted:
            del self._looked_up[name]

    async def _listed(self, status: str, since: datetime) -> dict[str, _Row]:
        start = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        asked = {"status": status, "sort": "created", "startdate": start}
        walk, found = OffsetWalk(what="orders"), dict[str, _Row]()
        for _ in range(PAGES_MAX):
            window = {"limit": str(ORDERS_PAGE), "offset": str(walk.start)}
            answer = await self._http.read("/orders/", asked | window)
            rows, total = listed_rows(answer, "orders")
            named = {order_id(fields_of(row)): row for row in rows}
            walk.take([order_id(fields_of(row)) for row in rows], total)
            found |= {name: row for name, row in named.items() if name not in found}
            if walk.ended:
                return found
        raise UnexpectedResponse("the list of orders does not end")

    async def _details(self, name: str) -> _Row:
        """Look one order up; the appendix of the documents writes its path in the singular."""
        for path in ("/orders", "/order"):
            answer = await self._http.find(f"{path}/{segment(name)}")
            if answer is not None:
                if order_id(answer.body) != name:
                    raise UnexpectedResponse(f"order {name} was answered with another one")
                found: _Row = answer.body
                return found
        raise UnexpectedResponse(f"order {name} is listed and cannot be looked up")


def order_from(row: _Row, details: _Row, *, taken_back: bool) -> FeedOrder:
    """Read an order from its row in the list and its details, which differ in names and types.

    Lines have no id: one is named by its product and the choices made, and by its position among
    equal ones.
    """
    name = order_id(details)
    times = (moment(shown.get("created"), UTC) for shown in (details, row))
    placed_at = dated(next((at for at in times if at is not None), None), name)
    statuses = (row.get("status"), details.get("order_status"), details.get("status"))
    taken_back = taken_back or any(is_cancelled(status) for status in statuses)
    rows = lines_in(details, "order_details", name)
    lines = [
        line_of(
            name,
            line,
            quantity=sold.get("quantity"),
            placed_at=placed_at,
            taken_back=taken_back,
            listing=text_of(sold.get("productId")),
            code=text_of(sold.get("sku")),
        )
        for sold, line in zip(rows, numbered(_line_name(sold) for sold in rows), strict=True)
    ]
    return FeedOrder(name, lines)


def _line_name(sold: _Row) -> str:
    options = sold.get("options")
    choices = [at.get("choiceId") for at in options or () if isinstance(at, dict)]
    chosen = ",".join(sorted(str(choice) for choice in choices))
    return f"{text_of(sold.get('productId'))}:{text_of(sold.get('sku'))}:{chosen}"


def _is_old(row: _Row, since: datetime) -> bool:
    """Tell whether an order was neither placed nor changed since: the filter was not heard."""
    bound = since.replace(microsecond=0)
    times = [moment(row.get(key), UTC) for key in ("created", "updatedon")]
    known = [at for at in times if at is not None]
    return bool(known) and max(known) < bound
