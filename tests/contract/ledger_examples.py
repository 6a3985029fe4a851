"""The examples that the ledger's tests are made of: a mug, a shop, a clock that stands still."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from stocksync.contracts.ledger import Hold, HoldState, Intent, IntentState, RunRecord
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import MAIN_LOCATION, ListingId, Sku, StoreId
from stocksync.domain.movements import Account, Movement, MovementKind, at
from stocksync.domain.plan import Line
from stocksync.domain.stock import ListingRecord

SHOP, TRADE = StoreId("shop"), StoreId("trade")
MUG, BOWL = Sku("MUG"), Sku("BOWL")
HERE, SOLD = at(MAIN_LOCATION), Account("sold:shop")


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@dataclass
class Clock:
    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time


def says_everything(*examples: Any) -> bool:
    """Tell whether every field is said by an example, so that none can be forgotten unnoticed."""
    return all(
        any(getattr(example, each.name) not in (each.default, None) for example in examples)
        for each in fields(examples[0])
    )


def opening(key: str, units: int, *, sku: Sku = MUG, **other: Any) -> Movement:
    """Units that were there from the start."""
    sides: dict[str, Any] = {"source": Account("opening"), "destination": HERE}
    named = {"key": key, "sku": sku, "units": units, "kind": MovementKind.OPENING}
    return Movement(**{**sides, **named, "occurred_at": NOON, **other})


def sale(key: str, units: int, *, sku: Sku = MUG, **other: Any) -> Movement:
    """Units that left our shelf for a customer of the shop."""
    sides = {"source": HERE, "destination": SOLD, "kind": MovementKind.SALE}
    return opening(key, units, sku=sku, **{**sides, **other})


def listing(name: str, *, store: StoreId = SHOP, **other: Any) -> ListingRecord:
    return ListingRecord(store=store, listing=ListingId(name), **{"sku": MUG, **other})


def intent(id_: str, name: str = "a", *, target: int = 4, **other: Any) -> Intent:
    values: dict[str, Any] = {"state": IntentState.OPEN, "created_at": NOON, "store": SHOP}
    return Intent(
        id=id_,
        run="r1",
        listing=ListingId(name),
        sku=MUG,
        before=5,
        target=target,
        **values | other,
    )


def hold(hash_: str, *, reason: str = "too many", **other: Any) -> Hold:
    line = Line(store=SHOP, listing=ListingId("a"), sku=MUG, before=None, after=3, why="first")
    values: dict[str, Any] = {"state": HoldState.OPEN, "created_at": NOON, "store": SHOP}
    return Hold(hash=hash_, gate=Gate.MASS_CHANGE, reason=reason, lines=(line,), **values | other)


def run(id_: str, *, started_at: datetime = NOON, **other: Any) -> RunRecord:
    return RunRecord(id=id_, kind="pull", trigger="clock", started_at=started_at, **other)
