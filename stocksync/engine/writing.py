"""One write to one store: look again, announce, write once, and believe only evidence."""

from collections.abc import Mapping, Sequence
from typing import Final

from stocksync import metrics
from stocksync.contracts.connector import ReadBack, WriteOutcome, WriteResult
from stocksync.contracts.ledger import Intent, IntentState
from stocksync.domain.doubts import least_sale
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Correction, ListingRecord, Observation, shown_number
from stocksync.engine.batches import halves
from stocksync.engine.claims import announce, whole_groups
from stocksync.engine.evidence import read_too_early
from stocksync.engine.look import Glance, look_at
from stocksync.engine.outcomes import Job, confirm, park, question
from stocksync.engine.pull import book_news
from stocksync.engine.sending import in_time, require_time
from stocksync.errors import (
    AuthFailed,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    StoreRejected,
    StoreUnavailable,
    UnexpectedResponse,
)

#: A disk may be slow: what was seen so long before a write is looked at once more.
ANNOUNCE_SECONDS_MAX: Final = 30.0
_NOT_SENT: Final = (StoreUnavailable, RateLimited, AuthFailed)


async def write_batch(
    job: Job, corrections: Sequence[Correction], planned: Mapping[ListingId, ListingRecord]
) -> bool:
    """Carry out one batch; True when there is something to decide again.

    The store is looked at first: what moved on is booked and decided anew, and nothing was
    announced for it; what may be older than our last write stays due. `planned` are the records as
    they were when these numbers were worked out: a listing that was marked due since then stays
    due. Raises what keeps the store from being written at all; intents then say so.
    """
    context, store = job.context, job.store
    batch, others = await whole_groups(context, store, corrections)
    looked_at = context.monotonic()
    glance = await look_at(context, store, [at.listing for at in batch])
    seen_at = context.monotonic()
    early = await read_too_early(context, store, glance.news.values())
    settled = [at for at in batch if at.listing not in early]
    steady, changed, vanished = _sort(settled, glance.news)
    if vanished:
        await park(job, vanished, (), "the store does not know this listing any more")
    if changed:
        await _book_changed(job, glance, changed)
    whole = store.connector.capabilities.whole_group_writes
    if job.report.stopped or (whole and len(steady) < len(batch)):
        # A gate stopped the store, or a group that is written whole moved on, or it may have:
        return job.report.stopped or len(steady) < len(settled)
    intents, kept = await announce(context, store, steady, run=job.run, lease=job.lease)
    late = bool(kept) and context.monotonic() - seen_at > ANNOUNCE_SECONDS_MAX
    if late or (whole and len(kept) < len(steady)):
        why = "the look at it is too old by now" if late else "a group is not written in part"
        await job.close([intents[at.listing] for at in kept], IntentState.SUPERSEDED, why)
        return True
    again = bool(changed) or len(kept) < len(steady)
    if kept:
        job.report.corrections += sum(not at.companion for at in kept)
        again |= await _send(job, kept, intents, {**others, **planned})
        metrics.EXPOSURE.labels(store.id).inc(context.monotonic() - looked_at)
    return again


async def _book_changed(job: Job, glance: Glance, changed: Sequence[ListingId]) -> None:
    """Book what happened to the listings that moved on since they were planned."""
    news = Glance(
        started_at=glance.started_at,
        readings=len(changed),
        news={at: glance.news[at] for at in changed},
    )
    await book_news(job.context, job.store, job.report, news, run=job.run, lease=job.lease)


def _sort(
    corrections: Sequence[Correction], news: Mapping[ListingId, Observation]
) -> tuple[list[Correction], list[ListingId], list[ListingId]]:
    """Tell corrections that still stand from those whose listing moved on or vanished."""
    steady, changed, vanished = [], [], []
    for correction in corrections:
        seen = news.get(correction.listing)
        if seen is None:
            vanished.append(correction.listing)
        elif shown_number(seen.reading) == correction.expected:
            steady.append(correction)
        else:
            changed.append(correction.listing)
    return steady, changed, vanished


async def _send(
    job: Job,
    batch: Sequence[Correction],
    intents: Mapping[ListingId, Intent],
    planned: Mapping[ListingId, ListingRecord],
) -> bool:
    """Write one batch once; a batch refused as a whole is cut in two to find what spoils it."""
    mine = [intents[correction.listing] for correction in batch]
    await require_time(job, mine)
    try:
        results = await in_time(job, batch)
    except (OutcomeUnknown, UnexpectedResponse) as error:
        return await question(job, mine, str(error))
    except _NOT_SENT as error:
        await job.close(mine, IntentState.SUPERSEDED, str(error))
        raise
    except StoreRejected as error:
        if len(batch) == 1 or job.store.connector.capabilities.whole_group_writes:
            await park(job, [at.listing for at in batch], mine, str(error))
            return False
        left, right = halves(batch)
        try:
            first = await _send(job, left, intents, planned)
        except Exception:
            unsent = [intents[at.listing] for at in right]
            await job.close(unsent, IntentState.SUPERSEDED, "never sent")
            raise
        return await _send(job, right, intents, planned) or first
    return await _conclude(job, batch, results, intents, planned)


async def _conclude(
    job: Job,
    batch: Sequence[Correction],
    results: Sequence[WriteResult],
    intents: Mapping[ListingId, Intent],
    planned: Mapping[ListingId, ListingRecord],
) -> bool:
    """Take the store's answers one by one, proving by a look those that need proof."""
    by_outcome: dict[WriteOutcome, list[tuple[Correction, str]]] = {}
    for correction, result in zip(batch, results, strict=True):
        by_outcome.setdefault(result.outcome, []).append((correction, result.detail))
    for outcome in (WriteOutcome.REJECTED, WriteOutcome.NOT_FOUND):
        for correction, detail in by_outcome.get(outcome, ()):
            text = detail or f"the store answered: {outcome.value}"
            await park(job, [correction.listing], [intents[correction.listing]], text)
    stale = [intents[at.listing] for at, _ in by_outcome.get(WriteOutcome.STALE, ())]
    if stale:
        await job.close(stale, IntentState.SUPERSEDED, "the store moved on before the write")
    again = bool(stale)
    applied = [correction for correction, _ in by_outcome.get(WriteOutcome.APPLIED, ())]
    if applied:
        again |= await _prove(job, applied, intents, planned)
    unsure = [intents[at.listing] for at, _ in by_outcome.get(WriteOutcome.UNKNOWN, ())]
    if unsure:
        again |= await question(job, unsure, "the store's answer leaves this listing out")
    return again


async def _prove(
    job: Job,
    applied: Sequence[Correction],
    intents: Mapping[ListingId, Intent],
    planned: Mapping[ListingId, ListingRecord],
) -> bool:
    """Confirm acknowledged writes; where the store's word is not enough, after reading back."""
    read_back = job.store.connector.capabilities.read_back
    doubted = [
        correction
        for correction in applied
        if read_back is ReadBack.ALWAYS or (read_back is ReadBack.ZERO and not correction.quantity)
    ]
    seen: Mapping[ListingId, Observation] = {}
    if doubted:
        try:
            seen = (await look_at(job.context, job.store, [at.listing for at in doubted])).news
        except ConnectorError as error:
            unproved = [intents[correction.listing] for correction in applied]
            await job.close(unproved, IntentState.UNKNOWN, f"not proved: {error}")
            raise
    may_lag = job.store.seat.settle_seconds > 0  # then the old number proves nothing
    kept = [
        at
        for at in doubted
        if not may_lag
        and at.quantity != at.expected
        and at.listing in seen
        and shown_number(seen[at.listing].reading) == at.expected
    ]
    if kept:
        await _park_unmoved(job, [intents[at.listing] for at in kept])
    moved = [at for at in doubted if at not in kept and _is_still_old(at, seen.get(at.listing))]
    sure = [at for at in applied if at not in kept and at not in moved]
    await confirm(job, sure, intents, planned)
    if not moved:
        return False
    detail = "the store answered yes, but its number is nearer to the old one"
    return await question(job, [intents[at.listing] for at in moved], detail)


async def _park_unmoved(job: Job, intents: Sequence[Intent]) -> None:
    """Park listings that show the old number after a write.

    It may have been taken, and as many sold since: where orders are read they will tell.
    """
    state = IntentState.UNKNOWN if job.store.seat.feed else IntentState.REJECTED
    detail = "the store answered yes, but still shows the old number"
    await park(job, [at.listing for at in intents], intents, detail, state=state)


def _is_still_old(correction: Correction, seen: Observation | None) -> bool:
    """Tell whether a number is the old one less a sale, rather than the one we wrote less a sale.

    A store may answer yes and not take the number (`ReadBack`), and sell before it is asked again.
    """
    shown = None if seen is None else shown_number(seen.reading)
    if shown is None or shown == correction.quantity:
        return False
    likely = least_sale(shown, {correction.expected, correction.quantity})
    return likely == shown - correction.expected
