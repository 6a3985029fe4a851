"""Write down what became of writes: taken, refused, or not known."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from stocksync import metrics
from stocksync.contracts.ledger import Commit, Intent, IntentState, Lease
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Correction, Counted, ListingRecord, Offered
from stocksync.engine.context import Context, Store
from stocksync.engine.intents import closed, count_outcome
from stocksync.engine.look import look_at
from stocksync.engine.pull import book_news
from stocksync.engine.report import StoreReport
from stocksync.engine.retry import decided_again

BACK_OFF_SECONDS_MAX: Final = 3600


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


async def confirm(
    job: Job,
    taken: Sequence[Correction],
    intents: Mapping[ListingId, Intent],
    planned: Mapping[ListingId, ListingRecord],
) -> None:
    """Agree on the new numbers: baseline and intent in one commit.

    What was only written along keeps its record as it is: nothing about it was decided.
    """
    if not taken:
        return
    now = job.context.now()
    wanted = [at for at in taken if not at.companion]

    async def commit() -> None:
        fresh = await job.context.ledger.records(job.store.id, [at.listing for at in wanted])
        records = [agreed(fresh[at.listing], at, now, planned[at.listing].version) for at in wanted]
        ended = [closed(intents[at.listing], IntentState.CONFIRMED, now) for at in taken]
        await job.context.ledger.commit(Commit(records=records, intents=ended, lease=job.lease))

    await decided_again(commit)
    job.report.confirmed += len(wanted)
    count_outcome(job.store.id, "confirmed", len(wanted))
    for correction in wanted:
        since = planned[correction.listing].due_since
        if since is not None and not correction.partial:
            waited = max(0.0, (now - since).total_seconds())  # the clock may have been set back
            metrics.PROPAGATION.labels(job.store.id).observe(waited)
            job.report.waited = max(job.report.waited, waited)


def agreed(
    record: ListingRecord, taken: Correction, now: datetime, planned_version: int
) -> ListingRecord:
    """Return a record that store and ledger agree on.

    It stays due if it was marked meanwhile, or is to show more yet.
    """
    quantity, done = taken.quantity, record.version == planned_version and not taken.partial
    switch = isinstance(record.reading, Offered)
    return replace(
        record,
        reading=Offered(bool(quantity), now) if switch else Counted(quantity, now),
        baseline=quantity,
        settled=True,
        due_since=None if done else record.due_since,
        attempts=0,
        retry_at=None,
    )


async def park(
    job: Job,
    listings: Collection[ListingId],
    intents: Sequence[Intent],
    detail: str,
    *,
    state: IntentState = IntentState.REJECTED,
) -> None:
    """Park listings whose write was refused: tried again later, each time after a longer wait.

    `state` is how their intents end: `UNKNOWN` when the write may have taken place after all.
    """
    now = job.context.now()

    async def commit() -> None:
        fresh = await job.context.ledger.records(job.store.id, listings)
        records = [
            replace(
                record,
                attempts=record.attempts + 1,
                retry_at=now + timedelta(seconds=back_off(record.attempts)),
            )
            for record in fresh.values()
        ]
        ended = [closed(at, state, now, detail) for at in intents]
        await job.context.ledger.commit(Commit(records=records, intents=ended, lease=job.lease))

    await decided_again(commit)
    job.report.failed += len(listings)
    names = ", ".join(sorted(listings)[:3])
    job.report.worsen("failed", f"{len(listings)} writes refused ({names}): {detail}")
    count_outcome(job.store.id, "rejected", len(listings))


def back_off(attempts: int) -> int:
    """Return the seconds to wait after so many refusals before: 60, doubled up to an hour."""
    return min(BACK_OFF_SECONDS_MAX, 60 << min(attempts, 10))


async def question(job: Job, intents: Sequence[Intent], detail: str) -> bool:
    """Record writes that were not answered, then look at once: soon is when a look says most."""
    await job.close(intents, IntentState.UNKNOWN, detail)
    job.report.unknown += len(intents)
    glance = await look_at(job.context, job.store, [intent.listing for intent in intents])
    await book_news(job.context, job.store, job.report, glance, run=job.run, lease=job.lease)
    return True
