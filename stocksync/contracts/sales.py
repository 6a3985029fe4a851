"""What the ledger promises about sales: lines of orders, what waits for one, what sold of late."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.orders import KnownLine
from stocksync.domain.stock import ListingRecord
from stocksync.domain.velocity import SoldUnits


@dataclass(frozen=True, slots=True)
class Shown:
    """A number that store and ledger agreed on, from a moment on."""

    since: datetime
    number: int


class Sales(Protocol):
    """The part of the ledger that explains levels."""

    async def known_lines(
        self, store: StoreId, orders: Collection[str]
    ) -> Mapping[tuple[str, str], KnownLine]:
        """Return the lines of these orders that were committed, by order and line."""
        ...

    async def unexplained(self, store: StoreId) -> list[ListingRecord]:
        """Return the listings of which units wait for an explanation, the oldest first."""
        ...

    async def absent(self, store: StoreId) -> list[ListingRecord]:
        """Return the listings that the last census did not show and that are not gone, by id."""
        ...

    async def sold(
        self, skus: Collection[Sku], since: datetime
    ) -> Mapping[Sku, Sequence[SoldUnits]]:
        """Return the sales of these SKUs after a moment, as booked; a SKU without one is left out.

        A sale took place when its store said, and never later than it was recorded.
        """
        ...

    async def numbers(
        self, store: StoreId, listings: Collection[ListingId], since: datetime
    ) -> Mapping[ListingId, Sequence[Shown]]:
        """Return what these listings were agreed to show, in order, from a moment on.

        The number that held at that moment comes first. A listing never agreed on is left out.
        """
        ...
