"""What buyers ordered in stores whose orders are read, beside what the books say of each order."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from stocksync.domain.movements import Movement, MovementKind
from stocksync.sandbox.items import Item
from stocksync.sandbox.orders import Order, OrderBook
from tests.simulation.merchant import Merchant
from tests.simulation.trace import Trace


class LateBook(OrderBook):
    """The orders of a store that lists each of them some time after it took the goods off."""

    def __init__(self, seconds: Callable[[], float], later: Callable[..., object]) -> None:
        super().__init__(first_order_id=1001)
        self.ever: list[Order] = []
        self._seconds = seconds
        self._later = later

    def place(
        self, goods: Iterable[tuple[Item, int]], at: datetime, *, is_cart: bool = False
    ) -> Order:
        order = super().place(goods, at, is_cart=is_cart)
        self.ever.append(order)
        seconds = self._seconds()
        if seconds:
            self.orders.remove(order)
            self._later(seconds, self._show, order)
        return order

    def _show(self, order: Order) -> None:
        self.orders.append(order)
        self.orders.sort(key=lambda each: each.order_id)


class Sales:
    """Follows the movements of stores whose orders are read (I2, I3, I4, I14)."""

    def __init__(self, merchant: Merchant, trace: Trace) -> None:
        self._merchant = merchant
        self._trace = trace
        self._skus = {(at, code): sku for (at, sku), code in merchant.codes.items()}
        self.booked: Counter[tuple[str, str, str]] = Counter()
        self.others: Counter[tuple[str, str]] = Counter()

    def book(self, movement: Movement) -> None:
        """Follow one movement that was not booked before."""
        store = movement.store
        if store is None or store not in self._merchant.fed:
            return
        units = -movement.units if movement.source.startswith("loc:") else movement.units
        if not movement.document.startswith("order "):
            if movement.kind is MovementKind.ADJUSTMENT and movement.source.startswith("suspense:"):
                units = 0  # these units had left sale before
            if movement.kind is MovementKind.OPENING and movement.sku not in self._merchant.opening:
                units = 0  # a product that was put on sale meanwhile, and is taken over as it is
            self.others[store, movement.sku] += units
            self._trace.reached(f"a {movement.kind.value} in a store whose orders are read")
            return
        order = movement.document.removeprefix("order ")
        self.booked[store, order, movement.sku] -= units
        known = self.booked[store, order, movement.sku]
        most = self._ordered(store, order, at_most=True).get(movement.sku, 0)
        if not 0 <= known <= most:
            said = f"{store} order {order}: {known} of {movement.sku} booked, {most} ordered"
            self._trace.broken("I2", said)
        self._trace.reached("an order was booked" if units < 0 else "a cancellation was booked")

    def _ordered(self, store: str, name: str, *, at_most: bool = False) -> Mapping[str, int]:
        found = [order for order in self._orders(store) if str(order.order_id) == name]
        return self._parts(store, found, at_most=at_most)

    def _orders(self, store: str) -> list[Order]:
        book: Any = self._merchant.shops[store].order_book
        return list(book.ever)

    def _parts(self, store: str, orders: Iterable[Order], *, at_most: bool) -> Counter[str]:
        parts: Counter[str] = Counter()
        for order in orders:
            for line in order.lines if at_most or not order.is_cancelled else ():
                sku = self._skus[store, str(line.code)]
                pack = self._merchant.wanted[store, sku].pack
                for part, needed in self._merchant.parts(sku).items():
                    parts[part] += line.units * pack * needed
        return parts

    def sold(self) -> Counter[str]:
        """Count the units of each SKU that buyers have, from all stores whose orders are read."""
        total: Counter[str] = Counter()
        for store in self._merchant.fed:
            total.update(self._parts(store, self._orders(store), at_most=False))
        return total

    def error(self) -> int:
        """Count the units by which the ledger is wrong about these stores."""
        sold, booked = self.sold(), Counter[str]()
        for (_, _, sku), units in self.booked.items():
            booked[sku] += units
        wrong = sum(abs(sold[sku] - booked[sku]) for sku in sold.keys() | booked.keys())
        return wrong + sum(abs(units) for units in self.others.values())

    def judge(self) -> None:
        """I3, I4: each order is booked exactly, and nothing else moved a unit in the end."""
        for store in sorted(self._merchant.fed):
            for order in self._orders(store):
                name = str(order.order_id)
                for sku, units in self._ordered(store, name, at_most=True).items():
                    wanted = 0 if order.is_cancelled else units
                    known = self.booked[store, name, sku]
                    if known != wanted:
                        said = f"{store} order {name}: {known} of {sku} booked, {wanted} sold"
                        self._trace.broken("I3" if known < wanted else "I4", said)
        for (store, sku), units in sorted(self.others.items()):
            if units:
                self._trace.broken("I4", f"{store}: {units:+} of {sku} moved without an order")
