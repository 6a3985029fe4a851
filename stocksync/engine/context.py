"""What every part of the engine is handed: the books, the rules, the clock and the names."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stocksync.contracts.connector import StockWriter
from stocksync.contracts.ledger import Ledger
from stocksync.domain.gates import LineKey
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.merge import Role
from stocksync.domain.rulebook import Rulebook
from stocksync.engine.tenure import Tenure


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One configured store as the engine works with it; `turn` lets one job at a time at it.

    `tenure` is how long the job that has its turn may still change the store.
    """

    seat: Seat
    connector: StockWriter
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    tenure: Tenure = field(default_factory=Tenure)

    @property
    def id(self) -> StoreId:
        return self.seat.store

    @property
    def may_write(self) -> bool:
        return self.seat.role is not Role.OBSERVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a person decided: these lines may go, these first plans too, these increases may not."""

    lines: frozenset[LineKey] = frozenset()
    listings: frozenset[tuple[StoreId, ListingId]] = frozenset()
    refused: frozenset[LineKey] = frozenset()

    def __or__(self, other: "Approval") -> "Approval":
        return Approval(
            lines=self.lines | other.lines,
            listings=self.listings | other.listings,
            refused=self.refused | other.refused,
        )


def ready() -> str:
    """Know of nothing that keeps the books from being written."""
    return ""


def never(holder: str) -> bool:
    """Know of nobody that they are gone."""
    return not holder


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The outside world, handed in: time, identity and the network are never reached for.

    `zombie_horizon_seconds`: how long a write without an answer may still arrive
    (`reliability §2.4`). `holder` names this runner in leases; `is_gone` tells whether another
    named runner is known to be dead, so that nobody waits for it. `allocating` lets one store at a
    time announce that it takes units which no other may have. `monotonic` counts seconds that
    nobody can set: durations and deadlines go by it, never by `now`. `frozen` says why nothing may
    be booked or sent at all, and is empty as long as it may.
    """

    ledger: Ledger
    book: Rulebook
    stores: Mapping[StoreId, Store]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    holder: str
    is_gone: Callable[[str], bool] = never
    approval: Approval = field(default_factory=Approval)
    allocating: asyncio.Lock = field(default_factory=asyncio.Lock)
    zombie_horizon_seconds: float = 900.0
    monotonic: Callable[[], float] = time.monotonic
    frozen: Callable[[], str] = ready

    def in_force(self) -> "Context":
        """Return the same world with the rules of this moment, for one job from end to end."""
        book = self.book.at(self.now())
        return self if book is self.book else replace(self, book=book)

    def horizon(self) -> datetime:
        """Return the moment before which an unanswered write can no longer arrive."""
        return self.now() - timedelta(seconds=self.zombie_horizon_seconds)
