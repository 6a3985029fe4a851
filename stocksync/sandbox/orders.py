"""Orders that buyers placed in a fake store, before a platform gives them its own shape."""

from dataclasses import dataclass, field
from datetime import datetime


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
    """One order; `placed_at` carries a zone, each platform writes it in its own way."""

    order_id: int
    placed_at: datetime
    lines: list[OrderLine]
    is_cancelled: bool = False

    @property
    def units(self) -> int:
        """Count the units of all lines."""
        return sum(line.units for line in self.lines)

    @property
    def total(self) -> float:
        """Add up price times units of all lines, rounded to cents."""
        return round(sum(line.price * line.units for line in self.lines), 2)
