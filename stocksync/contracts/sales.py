"""What the ledger promises about orders: which lines it knows, and what still waits for one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.orders import KnownLine
from stocksync.domain.stock import ListingRecord


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

    async def numbers(
        self, store: StoreId, listings: Collection[ListingId], since: datetime
    ) -> Mapping[ListingId, Sequence[Shown]]:
        """Return what these listings were agreed to show, in order, from a moment on.

        The number that held at that moment comes first. A listing never agreed on is left out.
        """
        ...
