"""What we hold, what a store says it has, and what we want it to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from stocksync.domain.identifiers import ListingId, LocationId, Sku, StoreId
from stocksync.domain.stories import ALL_EXPLAINED, OwnWrite, Unexplained, withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevel:
    """Units of one SKU at one location; on_hand includes what is reserved."""

    on_hand: int = 0
    reserved: int = 0


Levels = Mapping[LocationId, StockLevel]


class Gap(StrEnum):
    """Why a listing has no number. Never a reason to write zero."""

    UNTRACKED = "untracked"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Counted:
    """The quantity a store showed us, and when; may be negative where a store says so."""

    quantity: int
    read_at: datetime

    def __post_init__(self) -> None:
        if self.read_at.tzinfo is None:
            raise ValueError("read_at needs a time zone")


@dataclass(frozen=True, slots=True)
class Offered:
    """Whether a store that has no quantities offers a listing at all."""

    on: bool
    read_at: datetime


@dataclass(frozen=True, slots=True)
class NotCounted:
    """A listing the store knows but gives no usable number for."""

    gap: Gap
    shown: str
    read_at: datetime


Reading = Counted | Offered | NotCounted


def shown_number(reading: Reading | None) -> int | None:
    """Return the number a baseline is made of: the quantity, or 1/0 for offered or not."""
    if isinstance(reading, Counted):
        return reading.quantity
    if isinstance(reading, Offered):
        return int(reading.on)
    return None


class Observation(NamedTuple):
    """One listing as a store showed it: its own id, its code, and what it says.

    `group` names listings that the store writes together (a product with all its variants).
    A tuple, because a census makes a million of them.
    """

    listing: ListingId
    code: str | None
    reading: Reading
    group: str = ""
    title: str = ""


class Presence(StrEnum):
    """Whether the store still lists it. Absence is concluded from complete censuses only."""

    PRESENT = "present"
    ABSENT = "absent"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRecord:
    """What the ledger remembers of one listing.

    `baseline` is the number store and ledger last agreed on; None before first contact.
    `unanswered` are the writes whose outcome is not known. `unexplained` are units (the store's
    own) whose cause is not known since `unexplained_since`: see `domain.stories`. `missed` complete
    censuses in a row did not show it. `settled` is false until the first plan for this listing was
    agreed. `due_since` is when the change was seen that makes a push due. `attempts` counts refused
    writes in a row; no write is tried before `retry_at`. `version` grows with each change.
    """

    store: StoreId
    listing: ListingId
    code: str | None = None
    sku: Sku | None = None
    group: str = ""
    title: str = ""
    presence: Presence = Presence.PRESENT
    quarantine: str = ""
    reading: Reading | None = None
    baseline: int | None = None
    settled: bool = False
    due_since: datetime | None = None
    attempts: int = 0
    retry_at: datetime | None = None
    version: int = 0
    unexplained: Unexplained = ALL_EXPLAINED
    unexplained_since: datetime | None = None
    missed: int = 0
    unanswered: frozenset[OwnWrite] = frozenset()

    @property
    def key(self) -> tuple[StoreId, ListingId]:
        return (self.store, self.listing)

    @property
    def read_at(self) -> datetime | None:
        """Return when it was last read."""
        return None if self.reading is None else self.reading.read_at

    @property
    def own_values(self) -> frozenset[int]:
        """Return the numbers that, when read, are ours and not a customer's."""
        return frozenset(write.target for write in self.unanswered)

    @property
    def suspended(self) -> int:
        """Return the units that left sale without being booked as sold."""
        return withheld(self.unexplained)


class ListingState(StrEnum):
    """One word for people and metrics: what can be done with a listing now."""

    LINKED = "linked"
    UNLINKED = "unlinked"
    QUARANTINED = "quarantined"
    UNTRACKED = "untracked"
    UNREADABLE = "unreadable"
    ABSENT = "absent"
    GONE = "gone"


def state_of(record: ListingRecord, *, maps_stock: bool = False) -> ListingState:
    """Name the state of a listing; `maps_stock` when rules link it to SKUs by `availability`."""
    if record.presence is not Presence.PRESENT:
        return ListingState(record.presence.value)
    if record.quarantine:
        return ListingState.QUARANTINED
    if isinstance(record.reading, NotCounted):
        return ListingState(record.reading.gap.value)
    if record.sku is None and not maps_stock:
        return ListingState.UNLINKED
    return ListingState.LINKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A number we want a store to show, and the one we believe it shows now.

    `partial`: it is to become more, once other stores show less. `companion`: nothing about it is
    to change, but the store writes its whole group at once.
    """

    listing: ListingId
    quantity: int
    expected: int
    sku: Sku | None = None
    code: str | None = None
    group: str = ""
    partial: bool = False
    companion: bool = False
