"""Gather what the overview shows: each store in words, the sums, and the charts of the last day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from stocksync import metrics
from stocksync.contracts.dispatch import StoreStatus
from stocksync.contracts.ledger import Hold, Intent, StoreRecord
from stocksync.domain.identifiers import StoreId
from stocksync.domain.merge import Role
from stocksync.domain.movements import PRESENT, MovementKind
from stocksync.domain.stock import ListingState
from stocksync.engine.context import Context
from stocksync.ops.charts import BarChart, stacked
from stocksync.ops.desk import Desk

HOURS: Final = 24
_WORKING: Final = {"pull": "reading now", "look": "looking at a hint", "push": "writing now"}
_NAMED_KINDS: Final = {MovementKind.SALE: "sold", MovementKind.RETURN: "returned"}
_OTHER_KINDS: Final = "counted, adjusted, other"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A word for how something is, and its tone: good, busy, warn or bad."""

    tone: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRow:
    """One store as the overview tells of it."""

    id: StoreId
    platform: str
    role: Role
    state: State
    error: str
    last_pull_at: datetime | None
    next_pull_at: datetime | None
    listings: Mapping[str, int]
    drift_listings: int
    drift_units: int
    holds: int
    intents: int
    oldest_intent_at: datetime | None
    waited_seconds: float

    @property
    def total(self) -> int:
        return sum(self.listings.values())

    @property
    def apart(self) -> dict[str, int]:
        """Return the listings that are not simply linked."""
        return {
            state: number
            for state, number in self.listings.items()
            if state != ListingState.LINKED.value
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What there is in all, and what should worry somebody."""

    on_hand: int
    oversold: int
    suspense: Mapping[str, int]
    holds: int

    @property
    def suspense_units(self) -> int:
        return sum(abs(units) for units in self.suspense.values())


async def now_of(desk: Desk) -> dict[str, Any]:
    """Return what changes from minute to minute: the sums and the stores."""
    context = desk.context()
    ledger = context.ledger
    holds, intents = await ledger.holds(), await ledger.intents()
    states = Counter(await ledger.states())
    statuses = {status.store: status for status in desk.dispatcher.statuses()}
    rows = []
    for store, at in context.stores.items():
        counts = {state.value: states[store, state.value] for state in ListingState}
        if at.seat.switches:
            # Rules link these listings to SKUs; they have no code of their own to be unlinked by.
            counts["linked"] += counts.pop("unlinked")
        configured = desk.settings.store(store)
        record = await ledger.store(store)
        rows.append(
            _row(
                record,
                statuses.get(store),
                platform=configured.platform if configured else "",
                role=at.seat.role,
                listings={state: number for state, number in counts.items() if number},
                holds=[hold for hold in holds if hold.store == store],
                intents=[intent for intent in intents if intent.store == store],
            )
        )
    return {"stores": rows, "sums": await _sums(context, len(holds)), "now": context.now()}


def _row(
    record: StoreRecord,
    status: StoreStatus | None,
    *,
    platform: str,
    role: Role,
    listings: Mapping[str, int],
    holds: Sequence[Hold],
    intents: Sequence[Intent],
) -> StoreRow:
    store = record.store
    error = (status.error if status else "") or record.last_error
    return StoreRow(
        id=store,
        platform=platform,
        role=role,
        state=state_of_store(record, status, held=bool(holds)),
        error=error,
        last_pull_at=record.last_pull_at,
        next_pull_at=status.next_pull_at if status else None,
        listings=listings,
        drift_listings=int(measured("drift_listings", store)),
        drift_units=int(measured("drift_units", store)),
        holds=len(holds),
        intents=len(intents),
        oldest_intent_at=min((at.created_at for at in intents), default=None),
        waited_seconds=measured("rate_limit_wait_seconds_total", store),
    )


def measured(name: str, store: StoreId) -> float:
    """Return what a metric says of a store; nothing measured yet is zero."""
    value = metrics.REGISTRY.get_sample_value(f"stocksync_{name}", {"store": store})
    return value or 0.0


def state_of_store(record: StoreRecord, status: StoreStatus | None, *, held: bool) -> State:
    """Say how a store is; what is wrong with it comes before what it is doing."""
    outcome = status.outcome if status else "ok"
    if outcome == "failed" or record.failures:
        times = f" {record.failures} times" if record.failures > 1 else ""
        return State(tone="bad", text=f"failing{times}")
    if outcome == "held" or held:
        return State(tone="warn", text="held, waits for you")
    if status is not None and status.working is not None:
        return State(tone="busy", text=_WORKING[status.working])
    if outcome == "skipped":
        return State(tone="busy", text="another runner works on it")
    if record.last_pull_at is None:
        return State(tone="busy", text="not read yet")
    return State(tone="good", text="in order")


async def _sums(context: Context, holds: int) -> Sums:
    totals = await context.ledger.totals()
    prefix = "suspense:"
    return Sums(
        on_hand=sum(units for at, units in totals.items() if at.startswith(PRESENT)),
        oversold=await context.ledger.oversold(),
        suspense={
            at.removeprefix(prefix): units
            for at, units in totals.items()
            if at.startswith(prefix) and units
        },
        holds=holds,
    )


async def charts_of(context: Context) -> tuple[BarChart, BarChart]:
    """Return the movements and the writes of the last day, hour by hour."""
    hour = context.now().replace(minute=0, second=0, microsecond=0)
    moments = [hour + timedelta(hours=1 - HOURS + at) for at in range(HOURS + 1)]
    activities = await context.ledger.activity(moments)
    movements: dict[str, list[int]] = {
        name: [activity.movements.get(kind.value, 0) for activity in activities]
        for kind, name in _NAMED_KINDS.items()
    }
    movements[_OTHER_KINDS] = [
        sum(number for kind, number in activity.movements.items() if kind not in _NAMED_KINDS)
        for activity in activities
    ]
    corrections = {
        name: [activity.corrections.get(name, 0) for activity in activities]
        for name in ("confirmed", "unknown", "failed")
    }
    began = moments[:-1]
    return (
        stacked("Movements booked per hour", began, movements, colours=(0, 1, 5)),
        stacked("Corrections written per hour", began, corrections, colours=(0, 2, 4)),
    )
