"""One write to one store: intent first, look again, write once, and believe only evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from stocksync import metrics
from stocksync.contracts.connector import ReadBack, WriteOutcome, WriteResult
from stocksync.contracts.ledger import Commit, Intent, IntentState, Lease
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import (
    Correction,
    Counted,
    ListingRecord,
    Observation,
    Offered,
    shown_number,
)
from stocksync.engine.batches import halves
from stocksync.engine.context import Context, Store
from stocksync.engine.intents import closed, count_outcome, open_intents
from stocksync.engine.look import Glance, look_at
from stocksync.engine.pull import book_news
from stocksync.engine.report import StoreReport
from stocksync.engine.retry import decided_again
from stocksync.errors import (
    AuthFailed,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    StoreRejected,
    StoreUnavailable,
    UnexpectedResponse,
)

BACK_OFF_SECONDS_MAX: Final = 3600
_NOT_SENT: Final = (StoreUnavailable, RateLimited, AuthFailed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one store's writes have in common."""

    context: Context
    store: Store
    report: StoreReport
    run: str
    lease: Lease

    async def close(self, intents: Sequence[Intent], state: IntentState, detail: str = "") -> None:
        """Record how intents ended, without touching their listings."""
        now = self.context.now()
        ended = [closed(intent, state, now, detail) for intent in intents]
        await self.context.ledger.commit(Commit(intents=ended, lease=self.lease))
        count_outcome(self.store.id, state.value, len(ended))


async def write_batch(job: Job, corrections: Sequence[Correction]) -> bool:
    """Carry out one batch; True when there is something to decide again.

    Raises what keeps the store from being written at all; intents then say so.
    """
    context, store = job.context, job.store
    records = await context.ledger.records(store.id, [at.listing for at in corrections])
    intents = open_intents(context, store.id, corrections, run=job.run)
    await context.ledger.commit(Commit(intents=list(intents.values()), lease=job.lease))
    try:
        glance = await look_at(context, store, intents)
    except ConnectorError as error:
        await job.close(list(intents.values()), IntentState.SUPERSEDED, str(error))
        raise
    steady, changed, vanished = _sort(corrections, glance.news)
    if vanished:
        detail = "the store does not know this listing any more"
        await _refuse(job, {at: intents[at] for at in vanished}, detail)
    if changed:
        moved_on = [intents[at] for at in changed]
        await job.close(moved_on, IntentState.SUPERSEDED, "the store showed another number")
        news = Glance(
            started_at=glance.started_at,
            readings=len(changed),
            news={at: glance.news[at] for at in changed},
        )
        await book_news(context, store, job.report, news, run=job.run, lease=job.lease)
    if not steady:
        return bool(changed)
    job.report.corrections += len(steady)
    again = await _send(job, steady, intents, records)
    gap = (context.now() - glance.started_at).total_seconds()
    metrics.EXPOSURE.labels(store.id).inc(gap)
    return again or bool(changed)


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
    records: Mapping[ListingId, ListingRecord],
) -> bool:
    """Write one batch once; a batch refused as a whole is cut in two to find what spoils it."""
    mine = [intents[correction.listing] for correction in batch]
    try:
        results = await job.store.connector.write(batch)
    except (OutcomeUnknown, UnexpectedResponse) as error:
        return await _question(job, mine, str(error))
    except _NOT_SENT as error:
        await job.close(mine, IntentState.SUPERSEDED, str(error))
        raise
    except StoreRejected as error:
        if len(batch) == 1 or job.store.connector.capabilities.whole_group_writes:
            await _refuse(job, {intent.listing: intent for intent in mine}, str(error))
            return False
        left, right = halves(batch)
        first = await _send(job, left, intents, records)
        return await _send(job, right, intents, records) or first
    return await _conclude(job, batch, results, intents, records)


async def _conclude(
    job: Job,
    batch: Sequence[Correction],
    results: Sequence[WriteResult],
    intents: Mapping[ListingId, Intent],
    records: Mapping[ListingId, ListingRecord],
) -> bool:
    """Take the store's answers one by one, proving by a look those that need proof."""
    by_outcome: dict[WriteOutcome, list[tuple[Correction, str]]] = {}
    for correction, result in zip(batch, results, strict=True):
        by_outcome.setdefault(result.outcome, []).append((correction, result.detail))
    for outcome in (WriteOutcome.REJECTED, WriteOutcome.NOT_FOUND):
        for correction, detail in by_outcome.get(outcome, ()):
            text = detail or f"the store answered: {outcome.value}"
            await _refuse(job, {correction.listing: intents[correction.listing]}, text)
    stale = [intents[at.listing] for at, _ in by_outcome.get(WriteOutcome.STALE, ())]
    if stale:
        await job.close(stale, IntentState.SUPERSEDED, "the store moved on before the write")
    again = bool(stale)
    unsure = [intents[at.listing] for at, _ in by_outcome.get(WriteOutcome.UNKNOWN, ())]
    if unsure:
        again |= await _question(job, unsure, "the store's answer leaves this listing out")
    applied = [correction for correction, _ in by_outcome.get(WriteOutcome.APPLIED, ())]
    if applied:
        again |= await _prove(job, applied, intents, records)
    return again


async def _prove(
    job: Job,
    applied: Sequence[Correction],
    intents: Mapping[ListingId, Intent],
    records: Mapping[ListingId, ListingRecord],
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
    kept = {
        at.listing: intents[at.listing]
        for at in doubted
        if at.listing in seen and shown_number(seen[at.listing].reading) == at.expected
    }
    if kept:
        await _refuse(job, kept, "the store answered yes, but still shows the old number")
    await _confirm(job, [at for at in applied if at.listing not in kept], intents, records)
    return False


async def _confirm(
    job: Job,
    taken: Sequence[Correction],
    intents: Mapping[ListingId, Intent],
    planned: Mapping[ListingId, ListingRecord],
) -> None:
    """Agree on the new numbers: baseline and intent in one commit."""
    if not taken:
        return
    now = job.context.now()

    async def commit() -> None:
        fresh = await job.context.ledger.records(job.store.id, [at.listing for at in taken])
        records = [
            agreed(fresh[at.listing], at.quantity, now, planned[at.listing].version) for at in taken
        ]
        ended = [closed(intents[at.listing], IntentState.CONFIRMED, now) for at in taken]
        await job.context.ledger.commit(Commit(records=records, intents=ended, lease=job.lease))

    await decided_again(commit)
    job.report.confirmed += len(taken)
    count_outcome(job.store.id, "confirmed", len(taken))
    for correction in taken:
        since = planned[correction.listing].due_since
        if since is not None:
            metrics.PROPAGATION.labels(job.store.id).observe((now - since).total_seconds())


def agreed(
    record: ListingRecord, quantity: int, now: datetime, planned_version: int
) -> ListingRecord:
    """Return a record that store and ledger agree on; it stays due if it was marked meanwhile."""
    switch = isinstance(record.reading, Offered)
    return replace(
        record,
        reading=Offered(bool(quantity), now) if switch else Counted(quantity, now),
        baseline=quantity,
        settled=True,
        due_since=None if record.version == planned_version else record.due_since,
        attempts=0,
        retry_at=None,
    )


async def _refuse(job: Job, intents: Mapping[ListingId, Intent], detail: str) -> None:
    """Park listings whose write was refused: tried again later, each time after a longer wait."""
    now = job.context.now()

    async def commit() -> None:
        fresh = await job.context.ledger.records(job.store.id, intents.keys())
        records = [
            replace(
                record,
                attempts=record.attempts + 1,
                retry_at=now + timedelta(seconds=back_off(record.attempts)),
            )
            for record in fresh.values()
        ]
        ended = [closed(at, IntentState.REJECTED, now, detail) for at in intents.values()]
        await job.context.ledger.commit(Commit(records=records, intents=ended, lease=job.lease))

    await decided_again(commit)
    job.report.failed += len(intents)
    names = ", ".join(sorted(intents)[:3])
    job.report.worsen("failed", f"{len(intents)} writes refused ({names}): {detail}")
    count_outcome(job.store.id, "rejected", len(intents))


def back_off(attempts: int) -> int:
    """Return the seconds to wait after so many refusals before: 60, doubled up to an hour."""
    return min(BACK_OFF_SECONDS_MAX, 60 << min(attempts, 10))


async def _question(job: Job, intents: Sequence[Intent], detail: str) -> bool:
    """Record writes that were not answered, then look at once: soon is when a look says most."""
    await job.close(intents, IntentState.UNKNOWN, detail)
    job.report.unknown += len(intents)
    glance = await look_at(job.context, job.store, [intent.listing for intent in intents])
    await book_news(job.context, job.store, job.report, glance, run=job.run, lease=job.lease)
    return True
