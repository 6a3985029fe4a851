"""Orders that buyers placed in a fake store, before a platform gives them its own shape."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from stocksync.sandbox.items import Item


@dataclass(slots=True, kw_only=True)
class OrderLine:
    """One bought thing; `code` is the variation's own code where there are variations."""

    line_id: int
    product_id: int
    code: str | None
    parent_code: str | None
    title: str
    product_type: str
    price: float
    units: int
    options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Order:
    """One order; `placed_at` carries a zone, each platform writes it in its own way.

    `status` is the word of a merchant who has chosen one; empty: the platform's own. A cart holds
    goods that nobody has bought yet.
    """

    order_id: int
    placed_at: datetime
    lines: list[OrderLine]
    status: str = ""
    is_cancelled: bool = False
    is_cart: bool = False

    @property
    def units(self) -> int:
        """Count the units of all lines."""
        return sum(line.units for line in self.lines)

    @property
    def total(self) -> float:
        """Add up price times units of all lines, rounded to cents."""
        return round(sum(line.price * line.units for line in self.lines), 2)


class OrderBook:
    """The orders and carts of one store, numbered in the order they came."""

    def __init__(self, first_order_id: int) -> None:
        """Open an empty book."""
        self.orders: list[Order] = []
        self.carts: list[Order] = []
        self.listeners: list[Callable[[Order], object]] = []
        self._next_order_id = first_order_id
        self._next_line_id = first_order_id * 10

    def place(
        self, goods: Iterable[tuple[Item, int]], at: datetime, *, is_cart: bool = False
    ) -> Order:
        """Write down an order, or a cart, for units of some items."""
        order = Order(
            order_id=self._next_order_id,
            placed_at=at,
            lines=[self._line(item, units) for item, units in goods],
            is_cart=is_cart,
        )
        self._next_order_id += 1
        (self.carts if is_cart else self.orders).append(order)
        if not is_cart:
            self._tell(order)
        return order

    def check_out(self, cart: Order, at: datetime) -> None:
        """Let a cart become an order, under the id it has."""
        self.carts.remove(cart)
        cart.is_cart, cart.placed_at = False, at
        self.orders.append(cart)
        self._tell(cart)

    def everything(self) -> list[Order]:
        """List orders and carts together, in the order they were begun."""
        return sorted([*self.orders, *self.carts], key=lambda order: order.order_id)

    def _tell(self, order: Order) -> None:
        for listener in self.listeners:
            listener(order)

    def _line(self, item: Item, units: int) -> OrderLine:
        line = OrderLine(
            line_id=self._next_line_id,
            product_id=item.product_id,
            code=item.code,
            parent_code=item.parent_code,
            title=item.title,
            product_type=item.product_type,
            price=item.price,
            units=units,
            options=dict(item.options),
        )
        # The gap leaves room for the option and delivery lines that REC+ adds to an order.
        self._next_line_id += 10
        return line
