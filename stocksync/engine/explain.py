"""Say why a number is what it is: every step from readings and movements to the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from stocksync.contracts.ledger import BookedMovement
from stocksync.domain.availability import Step, Steps
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.plan import levels_of_sku
from stocksync.domain.stock import (
    Levels,
    ListingRecord,
    NotCounted,
    Offered,
    Reading,
    StockLevel,
    state_of,
)
from stocksync.domain.targets import Picture, target_of
from stocksync.engine.context import Context
from stocksync.engine.picture import picture_for
from stocksync.engine.stocktake import unknown_sku
from stocksync.errors import UnknownName


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingView:
    """One listing of a SKU: what it shows, what was agreed, what it should show, and why."""

    record: ListingRecord
    target: int | None
    steps: tuple[Step, ...]
    switch: bool

    def as_json(self) -> dict[str, Any]:
        """Return a row of `listings` in `stock show --json` (`DESIGN §5`)."""
        return {
            "store": self.record.store,
            "listing": self.record.listing,
            "reading": shown(self.record.reading),
            "baseline": self._number(self.record.baseline),
            "target": self._number(self.target),
            "state": state_of(self.record, maps_stock=self.switch).value,
        }

    def _number(self, number: int | None) -> int | bool | None:
        return bool(number) if self.switch and number is not None else number


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuView:
    """Everything known of one SKU."""

    sku: Sku
    levels: Levels
    available: int
    parts: Mapping[Sku, int]
    listings: Sequence[ListingView]
    movements: Sequence[BookedMovement]

    @property
    def total(self) -> StockLevel:
        return StockLevel(
            on_hand=sum(level.on_hand for level in self.levels.values()),
            reserved=sum(level.reserved for level in self.levels.values()),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the object of `stock show --json` (`DESIGN §5`)."""
        return {
            "sku": self.sku,
            "on_hand": self.total.on_hand,
            "reserved": self.total.reserved,
            "available": self.available,
            "locations": {at: level.on_hand for at, level in self.levels.items()},
            "listings": [listing.as_json() for listing in self.listings],
        }


def shown(reading: Reading | None) -> int | bool | None:
    """Return what a store showed as a plain value; None when it was no number."""
    if reading is None or isinstance(reading, NotCounted):
        return None
    return reading.on if isinstance(reading, Offered) else reading.quantity


async def view(context: Context, sku: Sku, *, store: StoreId | None = None) -> SkuView:
    """Gather what is known of a SKU.

    Raises:
        UnknownName: Neither the ledger nor any store knows it.
    """
    book = context.book
    records = [at for at in await context.ledger.records_of([sku]) if at.store in context.stores]
    switches = await _switches(context, sku)
    parts = book.parts(sku)
    behind = {
        part for at in switches for other in book.availability[at.key] for part in book.parts(other)
    }
    levels = await context.ledger.levels({*parts, *behind})
    own = levels_of_sku(sku, book, levels)
    if own is None and not records and not switches:
        raise UnknownName(await unknown_sku(context, sku))
    picture = await picture_for(context, records)
    picture = replace(picture, levels=levels, listed_in={sku: {at.store for at in records}})
    listings = [_listing(context, record, picture) for record in [*records, *switches]]
    return SkuView(
        sku=sku,
        levels=own or {},
        available=max(0, sum(at.on_hand - at.reserved for at in (own or {}).values())),
        parts=parts,
        listings=[at for at in listings if store is None or at.record.store == store],
        movements=await context.ledger.history(sku, 20),
    )


async def _switches(context: Context, sku: Sku) -> list[ListingRecord]:
    """Return the listings that are offered or not depending on this SKU."""
    found: list[ListingRecord] = []
    for store, listing in sorted(context.book.switches({sku})):
        if store in context.stores:
            found += (await context.ledger.records(store, [listing])).values()
    return found


def _listing(context: Context, record: ListingRecord, picture: Picture) -> ListingView:
    """Work out one listing's target, writing down each step."""
    steps = Steps()
    seat = context.stores[record.store].seat
    switch = seat.switches
    target = target_of(record, seat, picture, context.book, steps=steps)
    if switch:
        names = ", ".join(context.book.availability[record.key])
        steps.add("offered when any of these can be sold", None, target, None, names)
    return ListingView(record=record, target=target, steps=tuple(steps.all), switch=switch)


def step_json(step: Step) -> dict[str, Any]:
    """Return a step with its rule's name and place."""
    return {
        "name": step.name,
        "before": step.before,
        "after": step.after,
        "rule": step.rule.name if step.rule else None,
        "note": step.note,
        "place": step.rule.place if step.rule else None,
    }


def movement_json(booked: BookedMovement) -> dict[str, Any]:
    """Return a movement as a row of `history --json`."""
    movement = booked.movement
    return {
        "number": booked.number,
        "occurred_at": _iso(movement.occurred_at),
        "recorded_at": _iso(booked.recorded_at),
        "kind": movement.kind.value,
        "units": movement.units,
        "from": movement.source,
        "to": movement.destination,
        "store": movement.store,
        "listing": movement.listing,
        "document": movement.document,
        "reason": movement.reason,
        "run": movement.run,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
