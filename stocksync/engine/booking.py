"""Write down what one look at a store means, all of it in one commit, or the hold only."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from stocksync import metrics
from stocksync.contracts.ledger import Commit, Intent, IntentState, Lease
from stocksync.domain.gates import STOPPING, Gate
from stocksync.domain.identifiers import Sku
from stocksync.domain.intake import marked_due, movements_for, opening_for
from stocksync.domain.merge import Change, FirstContact
from stocksync.domain.movements import Movement
from stocksync.domain.orders import FEED_SETTLE, LEVEL_SETTLE
from stocksync.domain.sales import movements_of_orders, settled
from stocksync.domain.stock import Levels, ListingRecord
from stocksync.engine import holds
from stocksync.engine.context import Context, Store
from stocksync.engine.evidence import read_too_early
from stocksync.engine.feed import Feed
from stocksync.engine.findings import Findings
from stocksync.engine.intents import numbers_seen, resolve_by_readings
from stocksync.engine.look import Glance
from stocksync.engine.report import StoreReport

GATES: Final = (*STOPPING, Gate.INCREASE, Gate.FLAPPING)


async def book(
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
    whole, sane = glance.complete, not findings.stopped
    held, names = holds.answer(
        standing, findings.trips, store.id, now, complete=whole, believed=sane
    )
    read = holds.among(standing, held)
    commit = Commit(holds=held, as_read=read, answered=glance.answered, lease=lease)
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
    commit.movements += await orders_booked(context, glance.feed, run=run)
    commit.records = [marked_due(change, now) for change in findings.changes] + findings.absent
    _, ended = await _settled(context, findings.relinked, run=run)
    commit.movements += ended
    if glance.complete:
        await _give_up(context, store, commit, run=run)
    moved = {movement.sku for movement in commit.movements}
    commit.due_skus = context.book.affected(moved) if moved else set()
    commit.due_listings = context.book.switches(commit.due_skus)
    commit.due_since = glance.started_at
    commit.intents = await _resolved(context, store, glance)
    remembered = await context.ledger.store(store.id)
    whole = glance.complete
    commit.store = replace(
        remembered,
        last_pull_at=now,
        last_sweep_at=now if whole else remembered.last_sweep_at,
        links_fingerprint=context.book.fingerprint if whole else remembered.links_fingerprint,
    )
    if glance.feed is not None:
        commit.lines = glance.feed.lines
        began = glance.feed.started_at
        first = remembered.feed_from or began
        commit.store = replace(commit.store, feed_from=first, feed_at=began)


async def _resolved(context: Context, store: Store, glance: Glance) -> list[Intent]:
    """Close the unanswered writes that can no longer arrive, nor be hidden by an old number."""
    unknown = await context.ledger.intents(store.id, (IntentState.UNKNOWN,))
    read = [glance.news[at.listing] for at in unknown if at.listing in glance.news]
    early = await read_too_early(context, store, read)
    return resolve_by_readings(
        [at for at in unknown if at.listing not in early],
        numbers_seen(glance.news),
        context.horizon() - timedelta(seconds=store.seat.settle_seconds),
        now=context.now(),
        complete=glance.complete,
    )


async def orders_booked(context: Context, feed: Feed | None, *, run: str) -> list[Movement]:
    """Return the movements of what the orders told."""
    if feed is None or not feed.news:
        return []
    skus = {record.sku for _, record in feed.news if record.sku is not None}
    levels = await context.ledger.levels(context.book.stocked(skus))
    return movements_of_orders(feed.news, levels, context.book, at=context.now(), run=run)


async def _give_up(context: Context, store: Store, commit: Commit, *, run: str) -> None:
    """Stop waiting for what would have explained units that were withheld long ago."""
    now = context.now()
    patience = FEED_SETTLE if store.seat.feed else LEVEL_SETTLE
    changed = {record.listing for record in commit.records}
    late = [
        record
        for record in await context.ledger.unexplained(store.id)
        if record.unexplained_since is not None
        and record.unexplained_since <= now - patience
        and not record.unanswered
        and record.listing not in changed
    ]
    records, movements = await _settled(context, late, run=run)
    commit.records += records
    commit.movements += movements


async def _settled(
    context: Context, waiting: Sequence[ListingRecord], *, run: str
) -> tuple[list[ListingRecord], list[Movement]]:
    """Book away what these listings withhold."""
    skus = {record.sku for record in waiting if record.sku is not None}
    known = await context.ledger.levels(context.book.stocked(skus)) if skus else {}
    return settled(waiting, context.book, known=known, at=context.now(), run=run)


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
