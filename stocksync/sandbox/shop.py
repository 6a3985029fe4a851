"""The state behind one fake store: what it sells, what happened to it, and what it was asked."""

import contextlib
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from stocksync.sandbox.faults import Faults
from stocksync.sandbox.items import Item, whole
from stocksync.sandbox.orders import Order, OrderBook, OrderLine


class UnknownCode(KeyError):
    """No item of this store has that code."""


class Write(NamedTuple):
    """One change made through the store's API, raw values as they were stored."""

    code: str | None
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived, whether or not it was then answered."""

    method: str
    path: str
    query: dict[str, str]
    body: object


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Shop:
    """One fake store of one platform.

    Change `items` only through `add`, `remove` and `rename`, so that listings notice.
    `sold` and `returned` count units of tracked items by code.
    """

    def __init__(
        self, platform: str, *, now: Callable[[], datetime] = _utc_now, first_order_id: int = 1001
    ) -> None:
        """Open an empty store; `now` dates its orders and changes, and must carry a zone."""
        self.platform = platform
        self.now = now
        self.items: list[Item] = []
        self.order_book = OrderBook(first_order_id)
        self.webhooks: list[dict[str, Any]] = []
        self.print_states: dict[str, str] = {}
        self.requests: list[Request] = []
        self.writes: list[Write] = []
        self.faults = Faults()
        self.sold: Counter[str] = Counter()
        self.returned: Counter[str] = Counter()
        self.in_flight = 0
        self.in_flight_max = 0
        self.version = 0
        self._late: list[Callable[[], object]] = []
        self._next_product_id = 1
        self._indexed_version = -1
        self._by_code: dict[str | None, list[Item]] = {}
        self._by_product: dict[int, list[Item]] = {}
        self._products: list[list[Item]] = []

    @property
    def orders(self) -> list[Order]:
        """List what was bought, oldest first; carts are not among it."""
        return self.order_book.orders

    @property
    def order_listeners(self) -> list[Callable[[Order], object]]:
        """Name who is told of every new order."""
        return self.order_book.listeners

    def add(
        self,
        code: str | None,
        quantity: object = 0,
        *,
        title: str | None = None,
        product_id: int | None = None,
        at: int | None = None,
        **facts: Any,
    ) -> Item:
        """Put a new item on sale, at the end of the listing or at position `at`."""
        if product_id is None:
            product_id = self._next_product_id
        self._next_product_id = max(self._next_product_id, product_id + 1)
        item = Item(
            product_id=product_id,
            code=code,
            title=f"Item {code}" if title is None else title,
            quantity=quantity,
            changed_at=self.now(),
            **facts,
        )
        self.items.insert(len(self.items) if at is None else at, item)
        self.version += 1
        return item

    def remove(self, code: str | None) -> Item:
        """Take the first item with this code off sale."""
        item = self.item(code)
        self.items = [other for other in self.items if other is not item]
        self.version += 1
        return item

    def rename(self, code: str, new_code: str) -> None:
        """Give the first item with this code another one."""
        self.item(code).code = new_code
        self.version += 1

    def replace_product(self, product_id: int, items: list[Item]) -> None:
        """Put these items where the product's items were."""
        old = self.product(product_id)
        place = next(n for n, item in enumerate(self.items) if item.product_id == product_id)
        kept = [item for item in self.items if all(item is not gone for gone in old)]
        self.items = [*kept[:place], *items, *kept[place:]]
        self.version += 1

    def find(self, code: str | None) -> list[Item]:
        """List the items that share this code; empty when there is none."""
        self._index()
        return self._by_code.get(code, [])

    def item(self, code: str | None) -> Item:
        """Find the first item with this code, or raise `UnknownCode`."""
        found = self.find(code)
        if not found:
            raise UnknownCode(code)
        return found[0]

    def product(self, product_id: int) -> list[Item]:
        """List the items of one product; empty when there is no such product."""
        self._index()
        return self._by_product.get(product_id, [])

    def products(self) -> Sequence[list[Item]]:
        """List all products in listing order, each with its items."""
        self._index()
        return self._products

    def quantity(self, code: str) -> int | None:
        """Say what a buyer sees; None where it is not tracked or not a whole number."""
        return self.item(code).shown

    def set_quantity(self, code: str, units: object) -> None:
        """Edit the number in the store's admin: no order, no API write."""
        item = self.item(code)
        item.put(units)
        item.changed_at = self.now()

    def sell(self, code: str, units: int) -> int:
        """Sell up to `units` as one order and say how many were really sold.

        A store never sells below zero unless the item can be backordered; it sells any number
        of what it does not track, and nothing of what shows no whole number.
        """
        sold = self.sell_together([(code, units)])
        return sold.units if sold else 0

    def sell_together(self, wanted: Sequence[tuple[str, int]]) -> Order | None:
        """Sell several codes as one order, each as far as it can be sold; None: nothing was."""
        goods = []
        for code, units in wanted:
            item, sellable = self.item(code), self._sellable(code, units)
            if sellable > 0:
                self._hand_over(item, sellable)
                goods.append((item, sellable))
        return self.order_book.place(goods, self.now()) if goods else None

    def fill_cart(self, wanted: Sequence[tuple[str, int]]) -> Order:
        """Let a buyer put goods into a cart and leave it there; nothing is sold."""
        goods = [(self.item(code), units) for code, units in wanted]
        return self.order_book.place(goods, self.now(), is_cart=True)

    def check_out(self, order_id: int) -> Order:
        """Let the buyer come back and buy what is in the cart, all of it."""
        cart = next(cart for cart in self.order_book.carts if cart.order_id == order_id)
        for line in cart.lines:
            self._hand_over(self.item(line.code), line.units)
        self.order_book.check_out(cart, self.now())
        return cart

    def take_back(self, code: str, units: int) -> int:
        """Put returned units back on the shelf (no order changes) and say how many."""
        item = self.item(code)
        if units <= 0 or item.shown is None:
            return 0
        item.shift(units)
        item.changed_at = self.now()
        self.returned[code] += units
        return units

    def cancel(self, order_id: int) -> None:
        """Cancel an order: its units go back on the shelf and its status changes."""
        order = next(order for order in self.orders if order.order_id == order_id)
        if order.is_cancelled:
            return
        order.is_cancelled = True
        for line in order.lines:
            if line.code is not None:
                self.take_back(line.code, line.units)

    def write(self, item: Item, value: object) -> None:
        """Store a quantity that came in through the API."""
        before = item.quantity
        item.put(value)
        item.changed_at = self.now()
        self.writes.append(Write(item.code, before, item.quantity))

    def count(self, method: str | None = None) -> int:
        """Count the requests that arrived, of one method or of all."""
        return sum(method in {None, request.method} for request in self.requests)

    def on_hand(self) -> dict[str, int]:
        """Add up what buyers see, by code."""
        totals: Counter[str] = Counter()
        for item in self.items:
            if item.code and (shown := item.shown) is not None:
                totals[item.code] += shown
        return dict(totals)

    @contextlib.contextmanager
    def untouched(self) -> Iterator[None]:
        """Undo every change made inside the block."""
        items, writes = list(self.items), len(self.writes)
        saved = [copy.deepcopy(vars(item)) for item in items]
        try:
            yield
        finally:
            for item, facts in zip(items, saved, strict=True):
                vars(item).update(facts)
            self.items = items
            self.version += 1
            del self.writes[writes:]

    def later(self, action: Callable[[], object]) -> None:
        """Keep a write that got lost on its way until `apply_late`."""
        self._late.append(action)

    def apply_late(self) -> int:
        """Carry out the writes that got lost on their way, and say how many."""
        late, self._late = self._late, []
        for action in late:
            action()
        return len(late)

    def _sellable(self, code: str, units: int) -> int:
        """Say how many of the wanted units the store would sell."""
        item = self.item(code)
        if not item.is_tracked:
            return units
        shown = item.shown
        if shown is None:
            return 0
        return units if item.can_backorder else min(units, max(shown, 0))

    def _hand_over(self, item: Item, units: int) -> None:
        if item.is_tracked:
            item.shift(-units)
            self.sold[item.code or ""] += units
        item.changed_at = self.now()

    def _index(self) -> None:
        if self._indexed_version == self.version:
            return
        self._by_code, self._by_product = {}, {}
        for item in self.items:
            self._by_code.setdefault(item.code, []).append(item)
            self._by_product.setdefault(item.product_id, []).append(item)
        self._products = list(self._by_product.values())
        self._indexed_version = self.version


__all__ = ["Item", "Order", "OrderLine", "Request", "Shop", "UnknownCode", "Write", "whole"]
