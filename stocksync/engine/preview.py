"""Look and decide without acting: the whole plan of a run, by name, with nothing written."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from stocksync.domain.gates import Trip
from stocksync.domain.identifiers import LocationId, Sku, StoreId
from stocksync.domain.intake import as_lines as changes_as_lines
from stocksync.domain.intake import marked_due
from stocksync.domain.movements import Account, Movement, fold, levels
from stocksync.domain.plan import Line, plan_hash
from stocksync.domain.stock import Levels, ListingRecord, StockLevel
from stocksync.domain.targets import Picture, as_lines, skus_behind
from stocksync.engine.booking import movements_of
from stocksync.engine.context import Approval, Context, Store
from stocksync.engine.findings import Findings, find
from stocksync.engine.pull import glance_at
from stocksync.engine.push import due_listings, plan_of
from stocksync.engine.work import advice
from stocksync.errors import ConnectorError


@dataclass(slots=True, kw_only=True)
class StorePlan:
    """What a run would do at one store: changes it would book, numbers it would write."""

    store: StoreId
    incoming: list[Line] = field(default_factory=list)
    outgoing: list[Line] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    readings: int = 0
    movements: int = 0
    api_calls: int = 0
    error: str = ""

    @property
    def outcome(self) -> str:
        if self.error:
            return "failed"
        return "held" if self.trips else "ok"

    def as_json(self) -> dict[str, Any]:
        """Return the fields of `sync --json` for a run that only looked."""
        return {
            "store": self.store,
            "outcome": self.outcome,
            "readings": self.readings,
            "movements": self.movements,
            "corrections": len(self.outgoing),
            "confirmed": 0,
            "unknown": 0,
            "failed": 0,
            "api_calls": self.api_calls,
            "error": self.error or "; ".join(trip.reason for trip in self.trips),
            "holds": [plan_hash(trip.lines) for trip in self.trips],
        }

    def lines_json(self) -> list[dict[str, Any]]:
        """Return every line of this store once, with what will become of it."""
        held = {line.key: line for trip in self.trips for line in trip.lines}
        lines = {line.key: line for line in self.incoming + self.outgoing} | held
        return [
            {"listing": line.listing, "sku": line.sku, "before": line.before}
            | {"after": line.after, "why": line.why, "held": line.key in held}
            for line in lines.values()
        ]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run's plan, named by its content."""

    stores: tuple[StorePlan, ...]

    @property
    def lines(self) -> list[Line]:
        """Return every line once: what would be booked, what written, and what a gate holds."""
        found = {line.key: line for at in self.stores for line in at.incoming + at.outgoing}
        held = (line for at in self.stores for trip in at.trips for line in trip.lines)
        return list(({line.key: line for line in held} | found).values())

    @property
    def hash(self) -> str:
        return plan_hash(self.lines)

    def approval(self) -> Approval:
        """Allow exactly this plan, gates notwithstanding: a person asked for it by name."""
        return Approval(
            lines=frozenset(line.key for line in self.lines),
            listings=frozenset((line.store, line.listing) for line in self.lines),
        )


@dataclass(slots=True, kw_only=True)
class _Seen:
    """One store's findings, kept in memory instead of being booked."""

    plan: StorePlan
    findings: Findings | None = None
    movements: list[Movement] = field(default_factory=list)


async def preview(
    context: Context,
    stores: Collection[StoreId] | None = None,
    *,
    skus: Collection[Sku] | None = None,
) -> Plan:
    """Read every store and work out what a run would do now; nothing is booked or written.

    No job of this process works at these stores meanwhile: levels and baselines are of one moment.
    """
    chosen = [context.stores[at] for at in (stores or context.stores)]
    async with AsyncExitStack() as turns:
        for store in sorted(chosen, key=lambda at: at.id):
            await turns.enter_async_context(store.turn)
        seen = await asyncio.gather(*(_look(context, store, skus) for store in chosen))
        moved = [movement for at in seen for movement in at.movements]
        plans = [
            await _outgoing(context, store, at, moved, skus)
            for store, at in zip(chosen, seen, strict=True)
        ]
    return Plan(stores=tuple(plans))


async def _look(context: Context, store: Store, skus: Collection[Sku] | None) -> _Seen:
    """Read one store and decide what it means."""
    plan = StorePlan(store=store.id)
    calls = store.connector.api_calls
    try:
        remembered = await context.ledger.store(store.id)
        anew = remembered.links_fingerprint != context.book.fingerprint
        glance = await glance_at(context, store, skus, relink=anew)
        findings = await find(context, store, glance, relink=anew)
    except ConnectorError as error:
        plan.error = advice(error)
        return _Seen(plan=plan)
    finally:
        plan.api_calls = store.connector.api_calls - calls
    plan.readings = glance.readings
    plan.trips = findings.trips
    plan.incoming = changes_as_lines(findings.changes)
    if findings.stopped:
        return _Seen(plan=plan)
    movements = await movements_of(context, store, findings.changes, run="preview")
    plan.movements = len(movements)
    return _Seen(plan=plan, findings=findings, movements=movements)


async def _outgoing(
    context: Context,
    store: Store,
    seen: _Seen,
    moved: Collection[Movement],
    skus: Collection[Sku] | None,
) -> StorePlan:
    """Plan the writes to one store as they would be once every store's changes are booked."""
    if seen.findings is None:
        return seen.plan
    due = await _due(context, store, seen.findings, {at.sku for at in moved}, skus)
    behind = {sku for record in due for sku in skus_behind(record, store.seat, context.book)}

    def ahead(now: Picture) -> Picture:
        return replace(now, levels=after(now.levels, moved, behind))

    outgo = await plan_of(context, store, due, ahead)
    seen.plan.outgoing = as_lines(outgo.corrections, store.id)
    seen.plan.trips = seen.plan.trips + outgo.trips
    return seen.plan


async def _due(
    context: Context,
    store: Store,
    findings: Findings,
    moved: Collection[Sku],
    skus: Collection[Sku] | None,
) -> list[ListingRecord]:
    """Return the listings a push would look at, as they would stand after the pull."""
    now = context.now()
    records = {record.listing: record for record in await due_listings(context, store, skus)}
    affected = context.book.affected(set(moved))
    for record in await context.ledger.records_of(affected):
        if record.store == store.id:
            records.setdefault(record.listing, replace(record, due_since=now))
    switched = [at for shop, at in context.book.switches(affected) if shop == store.id]
    records |= await context.ledger.records(store.id, switched)
    for change in findings.changes:
        record = marked_due(change, now)
        records.pop(record.listing, None)
        if record.due_since is not None:
            records[record.listing] = record
    for record in findings.absent:
        records.pop(record.listing, None)
    return list(records.values())


def after(
    now: Mapping[Sku, Levels], moved: Collection[Movement], skus: Collection[Sku]
) -> dict[Sku, Levels]:
    """Return the levels of these SKUs as they will be once the movements are booked."""
    changes: dict[Sku, dict[Account, int]] = {}
    for (sku, account), units in fold(moved).items():
        if sku in skus:
            changes.setdefault(sku, {})[account] = units
    result: dict[Sku, Levels] = {**now}
    for sku, accounts in changes.items():
        result[sku] = _sum(now.get(sku, {}), levels(accounts))
    return result


def _sum(one: Levels, other: Levels) -> dict[LocationId, StockLevel]:
    """Add levels location by location."""
    nothing = StockLevel()
    return {
        at: StockLevel(
            on_hand=one.get(at, nothing).on_hand + other.get(at, nothing).on_hand,
            reserved=one.get(at, nothing).reserved + other.get(at, nothing).reserved,
        )
        for at in {*one, *other}
    }
