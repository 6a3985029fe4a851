"""One store, outwards: work out what due listings should show, hold what is too much, write."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from stocksync import metrics
from stocksync.contracts.ledger import Commit, Lease
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import Sku
from stocksync.domain.stock import ListingRecord
from stocksync.domain.targets import (
    Outgo,
    Picture,
    as_lines,
    hold_back,
    plan_store,
)
from stocksync.domain.velocity import delay_after
from stocksync.engine import holds
from stocksync.engine.batches import batches, write_batches
from stocksync.engine.context import Context, Store
from stocksync.engine.look import listings_of
from stocksync.engine.outcomes import Job
from stocksync.engine.picture import picture_for
from stocksync.engine.report import StoreReport
from stocksync.engine.retry import decided_again
from stocksync.engine.writing import write_batch

ROUNDS_MAX: Final = 4
#: Listings planned at a time: one print product may stand for a thousand SKUs.
SLICE: Final = 1000
GATES: Final = (Gate.MASS_PUSH, Gate.FIRST_CONTACT)


async def push(
    context: Context,
    store: Store,
    report: StoreReport,
    *,
    run: str,
    lease: Lease,
    skus: Collection[Sku] | None = None,
    every: bool = False,
) -> None:
    """Bring the store's due listings to their targets; of these SKUs only, when named.

    `every` compares all listings with their targets, whether anything marked them due or not.
    Rounds follow each other while the store moves under our hands, up to `ROUNDS_MAX`.
    A store that a gate stopped is not written to. Raises what the connector raises; listings not
    written stay due.
    """
    if await _is_stopped(context, store, report):
        return
    job = Job(context=context, store=store, report=report, run=run, lease=lease)
    for number in range(ROUNDS_MAX):
        outgo = await _plan(job, skus, every=every and not number)
        again = False
        for batch in write_batches(outgo.corrections, store.connector.capabilities):
            if report.stopped:
                break  # what a look before a write showed closed a gate
            again |= await write_batch(job, batch, outgo.planned)
        if not again or report.stopped:
            break
    else:
        report.worsen("failed", "the store kept changing while it was written; the rest stays due")
    if report.corrections and await holds.approved(context, store.id, GATES):
        await _plan(job, skus)  # what was approved and is written now is over
    await _remember(context, store, report, lease, whole=skus is None)


async def _is_stopped(context: Context, store: Store, report: StoreReport) -> bool:
    """Tell whether a store shows numbers that nobody believes: none of ours is put over them."""
    stopping = await holds.stopping(context, store.id)
    for hold in stopping:
        report.worsen("held", f"{hold.reason} (see `stocksync holds list`)")
    report.holds += [hold.hash for hold in stopping if hold.hash not in report.holds]
    return bool(stopping)


async def _plan(job: Job, skus: Collection[Sku] | None, *, every: bool = False) -> Outgo:
    """Plan one round and commit what needs no write: settled listings, and holds."""

    async def decide() -> tuple[Outgo, list[str]]:
        due = await due_listings(job.context, job.store, skus, every=every)
        outgo = await plan_of(job.context, job.store, due)
        return outgo, await _commit_plan(job, outgo, whole=skus is None)

    outgo, names = await decided_again(decide)
    waiting = [name for name in names if name not in job.report.holds]
    job.report.holds += waiting
    if outgo.trips:
        reasons = "; ".join(trip.reason for trip in outgo.trips)
        job.report.worsen("held", f"{reasons} (see `stocksync holds list`)")
    lines = as_lines(outgo.corrections, job.store.id) + [
        line for trip in outgo.trips for line in trip.lines
    ]
    metrics.DRIFT_LISTINGS.labels(job.store.id).set(len(lines))
    units = sum(abs((line.after or 0) - (line.before or 0)) for line in lines)
    metrics.DRIFT_UNITS.labels(job.store.id).set(units)
    return outgo


async def due_listings(
    context: Context, store: Store, skus: Collection[Sku] | None, *, every: bool = False
) -> list[ListingRecord]:
    """Return the listings to work out targets for: the due ones, or all under new rules."""
    remembered = await context.ledger.store(store.id)
    anew = skus is None and remembered.rules_fingerprint != context.book.fingerprint
    if anew or every:
        return list((await context.ledger.records(store.id)).values())
    due = await context.ledger.due(store.id)
    only = await listings_of(context, store, skus)
    if only is None:
        return due
    chosen = frozenset(only)
    return [record for record in due if record.listing in chosen]


def as_it_is(picture: Picture) -> Picture:
    """Plan from the levels as the books have them."""
    return picture


async def plan_of(
    context: Context,
    store: Store,
    due: Sequence[ListingRecord],
    ahead: Callable[[Picture], Picture] = as_it_is,
) -> Outgo:
    """Work out a store's plan for these listings, gates included; `ahead` looks into the future."""
    outgo = Outgo()
    if not due:
        return outgo
    approval = await holds.approved_for(context, store.id)
    undecided = await holds.undecided(context, store.id)
    due = [record for record in due if record.key not in undecided]
    for some in batches(due, SLICE):
        picture = ahead(await picture_for(context, some))
        part = plan_store(some, store.seat, picture, context.book, now=context.now())
        outgo.corrections += part.corrections
        outgo.settled += part.settled
        outgo.waiting += part.waiting
    hold_back(
        outgo,
        {record.listing: record for record in due},
        store.seat,
        counts=await context.ledger.counts(store.id),
        approved_lines=approval.lines,
        approved_listings=approval.listings,
    )
    return outgo


async def _commit_plan(job: Job, outgo: Outgo, *, whole: bool) -> list[str]:
    """Write down what the plan settles without a write, and what it holds."""
    context, store = job.context, job.store
    standing = await holds.standing(context, store.id, GATES)
    pending = frozenset(line.key for line in as_lines(outgo.corrections, store.id))
    writes, names = holds.answer(
        standing, outgo.trips, store.id, context.now(), pending=pending, complete=whole
    )
    records = outgo.settled + outgo.allowed
    read = holds.among(standing, writes)
    await context.ledger.commit(
        Commit(records=records, holds=writes, as_read=read, lease=job.lease)
    )
    return names


async def _remember(
    context: Context, store: Store, report: StoreReport, lease: Lease, *, whole: bool
) -> None:
    """Note when the store was last pushed to; a quiet push leaves no trace."""
    remembered = await context.ledger.store(store.id)
    fingerprint = context.book.fingerprint if whole else remembered.rules_fingerprint
    if not report.corrections and fingerprint == remembered.rules_fingerprint:
        return
    after = replace(
        remembered,
        last_push_at=context.now(),
        rules_fingerprint=fingerprint,
        delay_seconds=delay_after(remembered.delay_seconds, report.waited),
    )
    await context.ledger.commit(Commit(store=after, lease=lease))
