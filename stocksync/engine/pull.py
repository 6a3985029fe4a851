"""One store, inwards: look, decide what happened, and book it, or hold it for a person."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stocksync import metrics
from stocksync.contracts.ledger import Commit, IntentState, Lease, StoreRecord
from stocksync.domain.gates import Gate, Trip, check, check_census
from stocksync.domain.identifiers import ListingId, Sku
from stocksync.domain.intake import as_lines, decide, marked_due, movements_for, opening_for
from stocksync.domain.merge import Change, ChangeKind, FirstContact, relink
from stocksync.domain.movements import Movement
from stocksync.domain.plan import Line
from stocksync.domain.stock import Levels, ListingRecord, Presence
from stocksync.engine import holds
from stocksync.engine.context import Approval, Context, Store
from stocksync.engine.intents import numbers_seen, resolve_by_readings
from stocksync.engine.look import (
    Glance,
    listings_of,
    look_at,
    missing_from,
    twins_of,
    walk_census,
    with_records,
)
from stocksync.engine.report import StoreReport
from stocksync.engine.retry import decided_again

GATES: Final = (Gate.MASS_CHANGE, Gate.MASS_ZERO, Gate.EMPTY_CENSUS, Gate.INCREASE)


@dataclass(slots=True, kw_only=True)
class Findings:
    """What one look means: changes to book, listings that vanished, and what a gate stops."""

    changes: list[Change]
    absent: list[ListingRecord]
    trips: list[Trip]
    stopped: bool = False


async def pull(
    context: Context,
    store: Store,
    report: StoreReport,
    *,
    run: str,
    lease: Lease,
    skus: Collection[Sku] | None = None,
) -> None:
    """Read the store and book what happened there since it was last agreed on.

    With `skus` only their listings are read; otherwise it answers every hint. Raises what the
    connector raises: nothing is booked then, and every listing keeps its baseline.
    """
    remembered = await context.ledger.store(store.id)
    anew = remembered.links_fingerprint != context.book.fingerprint
    hints = await context.ledger.hints(store.id) if skus is None else []
    glance = await glance_at(context, store, skus, relink=anew)
    glance.answered = hints
    report.readings += glance.readings
    await book_news(context, store, report, glance, run=run, lease=lease, relink=anew)


async def book_news(
    context: Context,
    store: Store,
    report: StoreReport,
    glance: Glance,
    *,
    run: str,
    lease: Lease,
    relink: bool = False,
) -> None:
    """Decide what a look means and write it down; decided anew when somebody else wrote first."""

    async def book() -> None:
        findings = await find(context, store, glance, relink=relink)
        await _book(context, store, report, findings, glance, run=run, lease=lease)

    await decided_again(book)


async def glance_at(
    context: Context, store: Store, skus: Collection[Sku] | None, *, relink: bool
) -> Glance:
    """Walk the whole census, or read the listings of a few SKUs."""
    listings = await listings_of(context, store, skus)
    if listings is None:
        return await walk_census(context, store, relink=relink)
    return await look_at(context, store, listings)


async def find(context: Context, store: Store, glance: Glance, *, relink: bool) -> Findings:
    """Decide what a look means under the rules, the gates and what people approved."""
    looks = await with_records(context, store, glance)
    counts = await context.ledger.counts(store.id)
    missing = await missing_from(context, store, glance, looks, counts[0])
    twins = await twins_of(context, store, looks, missing=missing, relink=relink)
    changes = decide(looks, store.seat, twins=twins, book=context.book)
    changes += await _set_aside(context, store, twins, looks.keys())
    absent = [
        replace(record, presence=Presence.ABSENT, due_since=None)
        for record in (await context.ledger.records(store.id, missing)).values()
    ]
    approval = await holds.approved_for(context, store.id)
    changes, trips = _increases(changes, approval)
    stopping = _gate(store, glance, changes, approval, counts)
    return Findings(
        changes=changes,
        absent=absent,
        trips=trips + ([stopping] if stopping else []),
        stopped=stopping is not None,
    )


async def _set_aside(
    context: Context, store: Store, twins: dict[ListingId, str], looked: Collection[ListingId]
) -> list[Change]:
    """Quarantine known listings that a new one turned into twins."""
    others = await context.ledger.records(store.id, twins.keys() - set(looked))
    return [
        relink(record, record.sku, record.code, twins[listing])
        for listing, record in others.items()
        if record.quarantine != twins[listing]
    ]


def _increases(changes: Iterable[Change], approval: Approval) -> tuple[list[Change], list[Trip]]:
    """Keep back the increases that a rule wants a person to see.

    Approved ones are returns; rejected ones are not believed, and the store is put right.
    """
    kept: list[Change] = []
    waiting: list[Line] = []
    for change in changes:
        if change.kind is not ChangeKind.HELD_INCREASE:
            kept.append(change)
            continue
        [line] = as_lines([change])
        if line.key in approval.lines:
            kept.append(replace(change, kind=ChangeKind.RETURN))
        elif line.key in approval.refused:
            refused = replace(change, kind=ChangeKind.REFUSED_INCREASE, units=0, suspended=0)
            kept.append(refused)
        else:
            waiting.append(line)
    if not waiting:
        return kept, []
    reason = f"{len(waiting)} listings show more than before, and a rule holds increases"
    return kept, [Trip(gate=Gate.INCREASE, reason=reason, lines=tuple(waiting))]


def _gate(
    store: Store,
    glance: Glance,
    changes: Sequence[Change],
    approval: Approval,
    counts: tuple[int, int, int],
) -> Trip | None:
    """Stop a look that is too big to be true; `counts` are present, counted and in stock."""
    present, counted, in_stock = counts
    if glance.complete and not store.seat.switches:
        line = Line(
            store=store.id, listing=ListingId("*"), sku="", before=present, after=0, why="census"
        )
        trip = check_census(glance.readings, present, approved=approval.lines, line=line)
        if trip is not None:
            return trip
    return check(as_lines(changes), listings=counted, in_stock=in_stock, approved=approval.lines)


async def _book(
    context: Context,
    store: Store,
    report: StoreReport,
    findings: Findings,
    glance: Glance,
    *,
    run: str,
    lease: Lease,
) -> None:
    """Write it all down in one commit: movements, baselines, due marks, holds; or the hold only."""
    now = context.now()
    standing = await holds.standing(context, store.id, GATES)
    whole = glance.complete
    held, names = holds.answer(standing, findings.trips, store.id, now, complete=whole)
    commit = Commit(holds=held, answered=glance.answered, lease=lease)
    if not findings.stopped:
        await _fill(context, store, commit, findings, glance, run=run)
    booked = await context.ledger.commit(commit)
    report.holds += names
    if names:
        reasons = "; ".join(trip.reason for trip in findings.trips)
        report.worsen("held", f"{reasons} (see `stocksync holds list`)")
    report.stopped |= findings.stopped
    if not findings.stopped:
        report.movements += booked
        report.moved |= commit.due_skus
        report.confirmed += sum(at.state is IntentState.CONFIRMED for at in commit.intents)
        _count(store, commit.movements, findings.changes)


async def _fill(
    context: Context,
    store: Store,
    commit: Commit,
    findings: Findings,
    glance: Glance,
    *,
    run: str,
) -> None:
    """Put into the commit what the findings change."""
    now = context.now()
    commit.movements = await movements_of(context, store, findings.changes, run=run)
    commit.records = [marked_due(change, now) for change in findings.changes] + findings.absent
    moved = {movement.sku for movement in commit.movements}
    commit.due_skus = context.book.affected(moved) if moved else set()
    commit.due_listings = context.book.switches(commit.due_skus)
    commit.due_since = glance.started_at
    unknown = await context.ledger.intents(store.id, (IntentState.UNKNOWN,))
    commit.intents = resolve_by_readings(unknown, numbers_seen(findings.changes), context.horizon())
    remembered = await context.ledger.store(store.id)
    whole = glance.complete
    commit.store = StoreRecord(
        store=store.id,
        last_pull_at=now,
        last_push_at=remembered.last_push_at,
        last_sweep_at=now if whole else remembered.last_sweep_at,
        rules_fingerprint=remembered.rules_fingerprint,
        links_fingerprint=context.book.fingerprint if whole else remembered.links_fingerprint,
    )


async def movements_of(
    context: Context, store: Store, changes: Sequence[Change], *, run: str
) -> list[Movement]:
    """Return the movements that book these changes, openings of adopted SKUs included."""
    now = context.now()
    parts = {
        part
        for change in changes
        if change.sku is not None
        for part in context.book.parts(change.sku)
    }
    levels: dict[Sku, Levels] = await context.ledger.levels(parts) if parts else {}
    movements = []
    for change in changes:
        if change.sku is not None and levels.keys() >= context.book.parts(change.sku).keys():
            # What the ledger never opened is not known to be zero: its changes book nothing.
            movements += movements_for(change, levels, context.book, at=now, run=run)
        adopts = store.seat.first_contact is FirstContact.ADOPT and change.sku not in levels
        if adopts and (opening := opening_for(change, context.book, at=now, run=run)):
            movements.append(opening)
    return movements


def _count(store: Store, movements: Iterable[Movement], changes: Iterable[Change]) -> None:
    """Show in the metrics what was booked."""
    for movement in movements:
        metrics.MOVEMENTS.labels(store.id, movement.kind.value).inc()
    for change in changes:
        if change.units:
            direction = "in" if change.units > 0 else "out"
            metrics.EXTERNAL_UNITS.labels(store.id, direction).inc(abs(change.units))
