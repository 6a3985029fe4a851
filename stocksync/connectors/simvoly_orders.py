"""The orders of a Simvoly site: created since, in seconds, joined to variants that have no id.

`seeds/003…` lists orders by `created_at_min` (inclusive, seconds since 1970) and by nothing that
changes later. Statuses come in lower case; of them only `canceled` takes an order back.
"""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from stocksync.connectors.http import Answer
from stocksync.connectors.offset_walk import OffsetWalk
from stocksync.connectors.order_feed import (
    PAGES_MAX,
    FeedOrder,
    OrderPages,
    dated,
    is_cancelled,
    line_of,
    lines_in,
    numbered,
    order_id,
    text_of,
)
from stocksync.connectors.quantity import whole_units
from stocksync.connectors.simvoly_variants import listing_of, named_variants
from stocksync.domain.identifiers import ListingId
from stocksync.errors import UnexpectedResponse

ORDERS_PAGE: Final = 50
_Products = dict[str, dict[str, Any] | None]


class SimvolyOrders(OrderPages):
    """What a Simvoly connector can tell of orders."""

    async def _orders_since(self, since: datetime) -> AsyncGenerator[Sequence[FeedOrder]]:
        """Walk all orders by offset; `OffsetWalk` survives a list that grows at its front."""
        earliest = int(since.timestamp())
        walk, products = OffsetWalk(what="orders"), _Products()
        for _ in range(PAGES_MAX):
            asked = {
                "created_at_min": str(earliest),
                "limit": str(ORDERS_PAGE),
                "skip": str(walk.start),
            }
            envelope = self._accepted(await self._http.read("/orders", asked))
            rows, total = envelope.get("items"), whole_units(envelope.get("totalCount"))
            if not isinstance(rows, list) or total is None:
                raise UnexpectedResponse("the list of orders lacks its items or its total")
            fresh = walk.take([order_id(row) for row in rows], total)
            wanted = [row for row in rows if order_id(row) in fresh and created(row) >= earliest]
            yield [await self._order(row, products) for row in wanted]
            if walk.ended:
                return
        raise UnexpectedResponse("the list of orders does not end")

    async def _order(self, order: Mapping[str, Any], products: _Products) -> FeedOrder:
        """Read an order: each line by its own id, its variant by product and options."""
        name = order_id(order)
        placed_at = datetime.fromtimestamp(created(order), UTC)
        rows = lines_in(order, "items", name)
        names = numbered(text_of(row.get("id")) or f"product:{_fallback(row)}" for row in rows)
        lines = []
        for row, line in zip(rows, names, strict=True):
            lines.append(
                line_of(
                    name,
                    line,
                    quantity=row.get("quantity"),
                    placed_at=placed_at,
                    taken_back=is_cancelled(order.get("status")),
                    listing=await self._listing(row, products),
                    code=text_of(row.get("sku")),
                )
            )
        return FeedOrder(name, lines)

    async def _listing(self, row: Mapping[str, Any], products: _Products) -> ListingId | None:
        """Name the variant that a line sold; None: only its code says what it was.

        A line names its options, a variant only has their values, in the order of the product. Two
        and more of them need the product to be put in that order.
        """
        product_id, chosen = text_of(row.get("productId")), _chosen(row)
        if product_id is None or ":" in product_id or chosen is None:
            return None
        if len(chosen) <= 1:
            return listing_of(product_id, [value for _, value in chosen])
        if product_id not in products:
            found = await self._product(product_id)
            products[product_id] = None if found is None else found[0]
        product = products[product_id]
        return None if product is None else variant_sold(product, chosen, text_of(row.get("sku")))

    @abstractmethod
    def _accepted(self, answer: Answer) -> dict[str, Any]:
        """Return the object that an answer holds, or raise."""

    @abstractmethod
    async def _product(self, product_id: str) -> tuple[dict[str, Any], datetime] | None:
        """Read one product; None when there is none."""


def created(order: Mapping[str, Any]) -> int:
    """Read when an order was created, in seconds since 1970."""
    shown = order.get("created")
    text = str(shown) if isinstance(shown, int | str) and not isinstance(shown, bool) else ""
    readable = text.isascii() and text.isdecimal() and 0 < len(text) <= len("9999999999")
    dated(datetime.fromtimestamp(int(text), UTC) if readable else None, order_id(order))
    return int(text)


def variant_sold(
    product: Mapping[str, Any], chosen: Sequence[tuple[str, str]], sku: str | None
) -> ListingId | None:
    """Find the variant with the chosen options: by their names, by their values, by its SKU.

    The documents contradict themselves on how many options a product names (`stores.md §4.3`), so
    values alone are enough where only one variant has them all.
    """
    variants = named_variants(product)
    options = product.get("options")
    order = [at.get("name") for at in options or () if isinstance(at, dict)]
    named = dict(chosen)
    in_order = [named[name] for name in order if name in named]
    values = sorted(value for _, value in chosen)
    for found in (
        {at for at, variant in variants if (variant.get("options") or []) == in_order},
        {at for at, variant in variants if _values(variant) == values},
        {at for at, variant in variants if sku and text_of(variant.get("sku")) == sku},
    ):
        if len(found) == 1:
            return found.pop()
    return None


def _values(variant: Mapping[str, Any]) -> list[str]:
    return sorted(str(value) for value in variant.get("options") or [])


def _chosen(row: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    """Take the options of a line; None when they cannot be understood."""
    shown = row.get("variation") or []
    if not isinstance(shown, list) or not all(isinstance(at, dict) for at in shown):
        return None
    pairs = [(at.get("name"), at.get("value")) for at in shown]
    found = [(name, value) for name, value in pairs if type(name) is type(value) is str]
    return found if len(found) == len(pairs) else None


def _fallback(row: Mapping[str, Any]) -> str:
    values = "/".join(value for _, value in _chosen(row) or [])
    return f"{row.get('productId')}:{values}:{text_of(row.get('sku'))}"
