"""The ledger's grammar: units move between two accounts, and a level is what they left there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType

from stocksync.domain.identifiers import ListingId, LocationId, Sku, StoreId
from stocksync.domain.stock import StockLevel

Account = NewType("Account", str)

_AT: Final = "loc:"
_HELD: Final = "hold:"
#: How the accounts begin whose units are there; together they are what is on hand.
PRESENT: Final = (_AT, _HELD)


def at(location: LocationId) -> Account:
    """Units at a location that nobody has a claim on."""
    return Account(f"{_AT}{location}")


def held(location: LocationId) -> Account:
    """Units at a location that are reserved."""
    return Account(f"{_HELD}{location}")


def suspense(store: StoreId) -> Account:
    """Units whose cause is not known yet: kept from sale, not booked as sold."""
    return Account(f"suspense:{store}")


class MovementKind(StrEnum):
    """Why units moved."""

    OPENING = "opening"
    SALE = "sale"
    RETURN = "return"
    COUNT = "count"
    ADJUSTMENT = "adjustment"
    SUSPENSE = "suspense"
    RESERVATION = "reservation"
    RELEASE = "release"


#: The account on the other side of a location, by kind; `{}` is the store or the person's reason.
COUNTER: Final[Mapping[MovementKind, str]] = MappingProxyType(
    {
        MovementKind.OPENING: "opening",
        MovementKind.SALE: "sold:{}",
        MovementKind.RETURN: "returned:{}",
        MovementKind.COUNT: "counted:{}",
        MovementKind.ADJUSTMENT: "adjusted:{}",
        MovementKind.SUSPENSE: "suspense:{}",
    }
)


#: Kinds that say something even when no unit moves: this SKU is known, and there are none.
EVIDENCE: Final = frozenset({MovementKind.OPENING, MovementKind.COUNT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Units of one SKU that left one account for another, once, for a reason.

    `key` is unique: the same key never books twice. `store` and `listing` say where the change
    was seen; `document` names the order, file or person behind it.
    """

    key: str
    sku: Sku
    kind: MovementKind
    source: Account
    destination: Account
    units: int
    occurred_at: datetime
    store: StoreId | None = None
    listing: ListingId | None = None
    document: str = ""
    reason: str = ""
    run: str = ""

    def __post_init__(self) -> None:
        if self.units < 0 or (self.units == 0 and self.kind not in EVIDENCE):
            raise ValueError(f"a {self.kind} moves at least one unit, got {self.units}")
        if self.source == self.destination:
            raise ValueError(f"units cannot move from {self.source} to itself")
        if self.occurred_at.tzinfo is None:
            raise ValueError("occurred_at needs a time zone")


def sides(
    kind: MovementKind, units: int, location: LocationId, counterpart: str
) -> tuple[Account, Account, int]:
    """Return source, destination and units for a signed change of what is at a location."""
    here = at(location)
    if kind in (MovementKind.RESERVATION, MovementKind.RELEASE):
        there = held(location)
    else:
        there = Account(COUNTER[kind].format(counterpart))
    return (there, here, units) if units > 0 else (here, there, -units)


Balances = Mapping[tuple[Sku, Account], int]


def fold(movements: Iterable[Movement]) -> dict[tuple[Sku, Account], int]:
    """Sum movements into balances. The order of movements does not matter."""
    balances: dict[tuple[Sku, Account], int] = defaultdict(int)
    for movement in movements:
        balances[movement.sku, movement.source] -= movement.units
        balances[movement.sku, movement.destination] += movement.units
    return dict(balances)


def levels(balances: Mapping[Account, int]) -> dict[LocationId, StockLevel]:
    """Read one SKU's stock levels out of its account balances."""
    free: dict[LocationId, int] = defaultdict(int)
    reserved: dict[LocationId, int] = defaultdict(int)
    for account, units in balances.items():
        if account.startswith(_AT):
            free[LocationId(account.removeprefix(_AT))] += units
        elif account.startswith(_HELD):
            reserved[LocationId(account.removeprefix(_HELD))] += units
    return {
        location: StockLevel(
            on_hand=free.get(location, 0) + reserved.get(location, 0),
            reserved=reserved.get(location, 0),
        )
        for location in sorted({*free, *reserved})
    }
