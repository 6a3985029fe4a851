"""Gather all that is known of one SKU: its numbers, its history, and why each target is its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stocksync.contracts.ledger import BookedMovement, Intent, IntentState
from stocksync.domain.identifiers import Sku
from stocksync.domain.movements import at as at_location
from stocksync.domain.movements import held as held_at
from stocksync.domain.stock import ListingRecord, Presence
from stocksync.engine.context import Context
from stocksync.engine.explain import SkuView, shown, view
from stocksync.engine.story import Story, stories
from stocksync.ops.charts import LineChart, Point, stepped

MOVEMENTS_SHOWN: Final = 50
#: The chart looks this far back, in movements and in writes of each listing.
POINTS_MAX: Final = 300
ON_HAND: Final = "on hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One listing as its store would write it, and what is under way for it."""

    story: Story
    state: str
    reading: int | bool | None
    target: int | bool | None
    baseline: int | bool | None

    @property
    def differs(self) -> bool:
        """Tell whether the store shows another number than it should."""
        return None not in (self.reading, self.target) and self.reading != self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuPage:
    """Everything that the page of a SKU shows."""

    found: SkuView
    listings: Sequence[Shown]
    movements: Sequence[BookedMovement]
    more: bool
    chart: LineChart | None
    now: datetime

    @property
    def is_kit(self) -> bool:
        return dict(self.found.parts) != {self.found.sku: 1}

    @property
    def is_known(self) -> bool:
        """Tell whether the ledger knows it; only then can it be adjusted."""
        return bool(self.found.levels)


async def page_of(context: Context, sku: Sku, *, movements: int = MOVEMENTS_SHOWN) -> SkuPage:
    """Gather one SKU.

    Raises:
        UnknownName: Neither the ledger nor any store knows it.
    """
    found = await view(context, sku)
    booked = await context.ledger.history(sku, max(movements + 1, POINTS_MAX))
    return SkuPage(
        found=found,
        listings=[_shown(story) for story in await stories(context, found)],
        movements=booked[:movements],
        more=len(booked) > movements,
        chart=await _chart(context, found, booked[:POINTS_MAX]),
        now=context.now(),
    )


def _shown(story: Story) -> Shown:
    values = story.view.as_json()
    return Shown(
        story=story,
        state=values["state"],
        reading=values["reading"],
        target=values["target"],
        baseline=values["baseline"],
    )


async def _chart(
    context: Context, found: SkuView, booked: Sequence[BookedMovement]
) -> LineChart | None:
    """Draw what the books said over time, and what each listing is known to have shown."""
    series: dict[str, Sequence[Point]] = {ON_HAND: on_hand_over_time(booked, found.total.on_hand)}
    several = len({at.record.store for at in found.listings}) < len(found.listings)
    for at in found.listings:
        record = at.record
        name = f"{record.store} {record.listing}" if several else str(record.store)
        if not at.switch:
            writes = await context.ledger.writes(record.store, record.listing, POINTS_MAX)
            read_at = (await context.ledger.store(record.store)).last_pull_at
            series[name] = shown_over_time(record, writes, read_at)
    return stepped("On hand and what each store showed", series, now=context.now())


def on_hand_over_time(booked: Sequence[BookedMovement], now: int) -> list[Point]:
    """Go back from the units of now, movement by movement; `booked` is newest first."""
    points: list[Point] = []
    units = now
    for at in booked:
        points.append((at.recorded_at, units))
        units -= change_of(at)
    return points[::-1]


def change_of(booked: BookedMovement) -> int:
    """Return what a movement did to the units that are there, free and reserved together."""
    movement = booked.movement
    arrived = movement.units if _is_here(movement.destination) else 0
    return arrived - (movement.units if _is_here(movement.source) else 0)


def _is_here(account: str) -> bool:
    return account.startswith((at_location(""), held_at("")))  # type: ignore[arg-type]


def shown_over_time(
    record: ListingRecord, writes: Sequence[Intent], read_at: datetime | None
) -> list[Point]:
    """Return when a listing is known to have shown what: writes that were proved, and now.

    A reading that stays as it was is not written down again: where the store still lists it, it
    holds until the store was last read, at `read_at`.
    """
    points = {
        intent.resolved_at: intent.target
        for intent in writes
        if intent.state is IntentState.CONFIRMED and intent.resolved_at is not None
    }
    number = shown(record.reading)
    if record.reading is not None and number is not None:
        points[record.reading.read_at] = int(number)
        is_listed = record.presence is Presence.PRESENT
        if is_listed and read_at is not None and read_at > max(points):
            points[read_at] = points[max(points)]
    return sorted(points.items())


def places(found: SkuView) -> Mapping[str, tuple[int, int]]:
    """Return on hand and reserved at each location."""
    return {at: (level.on_hand, level.reserved) for at, level in found.levels.items()}
