"""The things that a fake store sells, with every awkward fact a platform knows about them."""

import re
from dataclasses import dataclass, field
from datetime import datetime

_WHOLE = re.compile(r"-?[0-9]+(\.0+)?")


@dataclass(slots=True, kw_only=True)
class Location:
    """Units of one B2B Wave product at one place; the platform calls it a warehouse."""

    location_id: int
    code: str
    quantity: int


@dataclass(kw_only=True)
class Item:
    """One thing that a store counts: a product without variations, or one variation.

    Variations of one product share `product_id` and `parent_code` and differ in `options`
    (name to value). `quantity` is the raw value that the store would send, so it may be an
    integer, a numeric string, "", None or nonsense.
    """

    product_id: int
    code: str | None
    title: str
    quantity: object
    parent_code: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    variant_id: int | None = None  # Ideal Factory only
    variant_codes: dict[str, dict[str, str]] = field(default_factory=dict)  # B2B Wave: no quantity
    quantity_monitor: bool = True
    can_backorder: bool = False
    is_option_stock: bool = False
    is_digital: bool = False
    is_bundle_synced: bool = False
    product_type: str = "physical"
    active: bool = True
    tags: list[str] = field(default_factory=list)
    locations: list[Location] = field(default_factory=list)
    price: float = 9.5
    on_sale: bool = False
    regular_price: float = 0
    sale_price: float = 0
    weight: float = 0
    cost: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    changed_at: datetime | None = None

    @property
    def is_tracked(self) -> bool:
        """Say whether the store counts this thing at all."""
        return (
            self.quantity_monitor
            and not self.is_option_stock
            and not self.is_digital
            and self.product_type == "physical"
        )

    @property
    def shown(self) -> int | None:
        """Say how many a buyer sees; None where it is not tracked or not a whole number."""
        return whole(self.quantity) if self.is_tracked else None

    def put(self, value: object) -> None:
        """Store a raw quantity; with locations, the first one takes up the difference."""
        units = whole(value)
        if self.locations and units is not None:
            self.locations[0].quantity += units - sum(at.quantity for at in self.locations)
        self.quantity = value

    def shift(self, units: int) -> None:
        """Add units (or take them away), keeping the way this quantity is written."""
        before = whole(self.quantity)
        if before is None:
            raise ValueError(f"{self.code!r} shows {self.quantity!r}, which cannot be counted")
        after = before + units
        if not isinstance(self.quantity, str):
            self.put(after)
            return
        _, dot, decimals = self.quantity.partition(".")
        self.put(f"{after}{dot}{decimals}")


def whole(raw: object) -> int | None:
    """Read a raw quantity as a buyer's page would; None for what is not a whole number."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float):
        return int(raw) if raw.is_integer() else None
    if isinstance(raw, str) and _WHOLE.fullmatch(raw):
        return int(raw.split(".", maxsplit=1)[0])
    return None
