"""Orders as a store tells of them, and what they explain of a level (`reliability §2.2`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stocksync.domain.identifiers import ListingId

#: What a level shows and no order explains is believed to be more than a late order after this.
FEED_SETTLE: Final = timedelta(minutes=10)
#: How much two clocks may differ, and how long an order takes from being placed to being counted.
CLOCKS_APART: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of an order: so many units of one listing, in the store's own units.

    `line` names it within its order and stays the same whenever the order is read. `listing` is
    given where the store names it, else `code` says what was bought. A line of a cancelled order,
    and one that was taken out, has 0 units.
    """

    order: str
    line: str
    units: int
    placed_at: datetime
    listing: ListingId | None = None
    code: str | None = None

    def __post_init__(self) -> None:
        if self.units < 0:
            raise ValueError(f"a line sells at least 0 units, got {self.units}")
        if self.placed_at.tzinfo is None:
            raise ValueError("placed_at needs a time zone")

    @property
    def key(self) -> tuple[str, str]:
        return (self.order, self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNews:
    """A line whose units are not those the books know of; `known` is None for a new line."""

    line: OrderLine
    listing: ListingId
    known: int | None

    @property
    def sold(self) -> int:
        """Return the units sold since the books were written; below zero after a cancellation."""
        return self.line.units - (self.known or 0)


def news_of(
    lines: Iterable[tuple[OrderLine, ListingId]], known: Mapping[tuple[str, str], int]
) -> list[LineNews]:
    """Pick the lines that say something new; reading a feed again says nothing (`I2`, `I19`)."""
    latest = {line.key: (line, listing) for line, listing in lines}
    return [
        LineNews(line=line, listing=listing, known=known.get(key))
        for key, (line, listing) in latest.items()
        if known.get(key) != line.units
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """What the feed told of one listing since its level was last explained.

    `overwritten` is how many of the units may never show in the level, because our last write
    was decided before they were sold and took place after (`reliability §2.2`, `T - o <= x <= T`).
    """

    units: int = 0
    overwritten: int = 0


NOTHING_SOLD: Final = Sold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """What is left of a level's change once orders are taken out of it, in the store's units.

    `withheld` units leave sale without being booked as sold: their order may still come.
    `released` units were withheld, and are now explained by an order. `outside` is what no order
    explains upwards: a return, a restock, somebody's edit.
    """

    withheld: int = 0
    released: int = 0
    outside: int = 0


def residue(number: int, bases: Iterable[int], sold: Sold, suspended: int) -> Residue:
    """Explain a level by orders.

    `bases` are the numbers the store may have shown before: the baseline and the targets of writes
    nobody answered. The one that leaves least unexplained is believed; of two, the lower ledger.
    `suspended` units of this listing wait for their order already.
    """
    left = min((number - base + sold.units for base in bases), key=lambda at: (abs(at), at))
    if left <= 0:
        return Residue(withheld=-left)
    released = min(left, suspended)
    left -= released
    left -= min(left, max(0, sold.overwritten))
    return Residue(released=released, outside=left)


def may_be_overwritten(line: OrderLine, written_at: datetime | None) -> bool:
    """Tell whether our last write may have taken the place of this order's own change."""
    return written_at is not None and line.placed_at <= written_at + CLOCKS_APART
