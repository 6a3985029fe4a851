"""Orders as a store tells of them, and what they explain of a level (`reliability §2.2`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stocksync.domain.identifiers import ListingId, StoreId

#: What a level shows and no order explains is believed to be more than a late order after this.
FEED_SETTLE: Final = timedelta(minutes=10)
#: The same where no orders are read: until then a person may know what happened.
LEVEL_SETTLE: Final = timedelta(hours=24)
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
class KnownLine:
    """An order line as the books know it; `revision` counts how often its units changed.

    `listing` is what it sold; None when no listing was known by that name.
    """

    store: StoreId
    order: str
    line: str
    units: int
    revision: int = 1
    listing: ListingId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNews:
    """A line whose units are not those the books know of; `known` is None for a new line."""

    line: OrderLine
    known: KnownLine | None = None

    @property
    def sold(self) -> int:
        """Return the units sold since the books were written; below zero after a cancellation."""
        return self.line.units - (self.known.units if self.known else 0)

    @property
    def revision(self) -> int:
        """Return how often the units of this line have been told, this time included."""
        return self.known.revision + 1 if self.known else 1

    def remembered(self, store: StoreId, listing: ListingId | None) -> KnownLine:
        """Return the line as the books will know it."""
        return KnownLine(
            store=store,
            order=self.line.order,
            line=self.line.line,
            units=self.line.units,
            revision=self.revision,
            listing=listing,
        )


def news_of(
    lines: Iterable[OrderLine], known: Mapping[tuple[str, str], KnownLine]
) -> list[LineNews]:
    """Pick the lines that say something new; reading a feed again says nothing (`I2`, `I19`)."""
    latest = {line.key: line for line in lines}
    latest = _taken_out(latest, known) | latest
    news = [LineNews(line=line, known=known.get(key)) for key, line in latest.items()]
    return [each for each in news if each.known is None or each.sold]


def _taken_out(
    told: Mapping[tuple[str, str], OrderLine], known: Mapping[tuple[str, str], KnownLine]
) -> dict[tuple[str, str], OrderLine]:
    """Return lines that an order had and has no more: a store just leaves them out."""
    placed_at = {order: line.placed_at for (order, _), line in told.items()}
    return {
        key: OrderLine(
            order=line.order,
            line=line.line,
            units=0,
            placed_at=placed_at[line.order],
            listing=line.listing,
        )
        for key, line in known.items()
        if line.order in placed_at
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """What the feed told of one listing since its level was last explained.

    `overwritten` is how many of the units may never show in the level, because our last write
    was decided before they were sold and took place after (`reliability §2.2`, `T - o <= x <= T`).
    """

    units: int = 0
    overwritten: int = 0


NOTHING_SOLD: Final = Sold()


def may_be_overwritten(line: OrderLine, written_at: datetime | None) -> bool:
    """Tell whether our last write may have taken the place of this order's own change."""
    return written_at is not None and line.placed_at <= written_at + CLOCKS_APART
