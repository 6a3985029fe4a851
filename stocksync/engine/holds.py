"""Keep the plans that a gate stopped until a person decides, or until their cause has gone."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Final

from stocksync import metrics
from stocksync.contracts.ledger import Hold, HoldState
from stocksync.domain.gates import REFUSABLE, STOPPING, Gate, LineKey, Trip
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.plan import Line, plan_hash
from stocksync.engine.context import Approval, Context

UNDECIDED: Final = (HoldState.OPEN, HoldState.REJECTED)
_STANDING: Final = (HoldState.OPEN, HoldState.APPROVED, HoldState.REJECTED)


async def approved_for(context: Context, store: StoreId) -> Approval:
    """Return what people decided for a store: by hand for this run, or about its holds."""
    given = context.approval
    for hold in await context.ledger.holds(store, (HoldState.APPROVED, HoldState.REJECTED)):
        lines = frozenset(line.key for line in hold.lines)
        listings = frozenset((line.store, line.listing) for line in hold.lines)
        if hold.state is HoldState.REJECTED:
            given |= Approval(refused=lines if hold.gate in REFUSABLE else frozenset())
        elif hold.gate is Gate.FIRST_CONTACT:
            given |= Approval(lines=lines, listings=listings)
        else:
            given |= Approval(lines=lines)
    return given


async def undecided(context: Context, store: StoreId) -> frozenset[tuple[StoreId, ListingId]]:
    """Return the listings that are not written meanwhile.

    Nobody decided about their increase, or two tools fight over them.
    """
    return frozenset(
        (line.store, line.listing)
        for hold in await context.ledger.holds(store, UNDECIDED)
        if hold.gate is Gate.FLAPPING
        or (hold.gate is Gate.INCREASE and hold.state is HoldState.OPEN)
        for line in hold.lines
    )


async def stopping(context: Context, store: StoreId) -> list[Hold]:
    """Return the holds because of which a store is neither believed nor written to now.

    One whose every line this run was told to carry out stops it no more.
    """
    return [
        hold
        for hold in await context.ledger.holds(store, UNDECIDED)
        if hold.gate in STOPPING
        and any(line.key not in context.approval.lines for line in hold.lines)
    ]


def again(hold: Hold) -> Trip:
    """Let a hold stand that nothing ended."""
    return Trip(gate=hold.gate, reason=hold.reason, lines=hold.lines)


def answer(
    standing: Sequence[Hold],
    trips: Iterable[Trip],
    store: StoreId,
    now: datetime,
    *,
    pending: AbstractSet[LineKey] = frozenset(),
    complete: bool = True,
    believed: bool = True,
) -> tuple[list[Hold], list[str]]:
    """Return the holds to write, and the names of all that hold something now.

    A plan that is held already keeps its hold. An open one whose cause has gone is withdrawn; an
    approved one is carried out once none of its lines is `pending` any more. A look that was not
    `complete` ends nothing, and one that was not `believed` ends no decision: it waits for a look
    that another gate does not stop.
    """
    by_hash = {hold.hash: hold for hold in standing}
    writes, names = [], []
    for trip in trips:
        name = plan_hash(trip.lines)
        names.append(name)
        if name in by_hash:
            by_hash.pop(name)
            continue
        metrics.GATE_TRIPS.labels(store, trip.gate.value).inc()
        writes.append(_opened(name, store, trip, now))
    for hold in by_hash.values() if complete else ():
        if hold.state is not HoldState.OPEN and not believed:
            continue
        if hold.state is HoldState.APPROVED and any(line.key in pending for line in hold.lines):
            continue
        ended = HoldState.APPLIED if hold.state is HoldState.APPROVED else HoldState.WITHDRAWN
        writes.append(replace(hold, state=ended, decided_at=hold.decided_at or now))
    return writes, names


def among(standing: Iterable[Hold], writes: Iterable[Hold]) -> list[Hold]:
    """Return the holds as they were read that are to be written: a person may decide meanwhile."""
    changed = {hold.hash for hold in writes}
    return [hold for hold in standing if hold.hash in changed]


def _opened(name: str, store: StoreId, trip: Trip, now: datetime) -> Hold:
    """Begin a hold."""
    return Hold(
        hash=name,
        store=store,
        gate=trip.gate,
        reason=trip.reason,
        lines=trip.lines,
        state=HoldState.OPEN,
        created_at=now,
    )


async def standing(context: Context, store: StoreId, gates: Iterable[Gate]) -> list[Hold]:
    """Return the holds of these gates that are not over yet."""
    wanted = frozenset(gates)
    holds = await context.ledger.holds(store, _STANDING)
    return [hold for hold in holds if hold.gate in wanted]


async def mistakes(context: Context, store: StoreId) -> list[tuple[datetime, Line]]:
    """Return what people took for mistakes of a store, each with when they said so.

    From then on the store was held until the mistake was set aside: the next number that was agreed
    on for that listing is what was left of it.
    """
    return [
        (hold.decided_at, line)
        for hold in await context.ledger.holds(store, (HoldState.WITHDRAWN,))
        if hold.decided_by and hold.decided_at is not None and hold.gate in REFUSABLE
        for line in hold.lines
    ]


async def approved(context: Context, store: StoreId, gates: Iterable[Gate]) -> bool:
    """Tell whether a person's approval for one of these gates is still being carried out."""
    wanted = frozenset(gates)
    return any(
        hold.gate in wanted for hold in await context.ledger.holds(store, (HoldState.APPROVED,))
    )
