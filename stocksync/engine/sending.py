"""The time in which a store may be changed: what cannot end in it is not begun."""

import asyncio
from collections.abc import Sequence

from stocksync.contracts.connector import WriteResult
from stocksync.contracts.ledger import Intent, IntentState
from stocksync.domain.stock import Correction
from stocksync.engine.outcomes import Job
from stocksync.errors import LeaseLost, OutcomeUnknown


async def require_time(job: Job, intents: Sequence[Intent]) -> None:
    """Refuse to send what might arrive when another runner has the store (`reliability §2.5 i`).

    Raises:
        LeaseLost: Nothing was sent, and the intents say so; the listings stay due.
    """
    if job.store.tenure.may_begin(job.context.monotonic()):
        return
    reason = "not sent: the right to work on the store could not be renewed and ends too soon"
    await job.close(intents, IntentState.SUPERSEDED, reason)
    raise LeaseLost(f"{job.store.id}: {reason}")


async def in_time(job: Job, batch: Sequence[Correction]) -> Sequence[WriteResult]:
    """Write, and be done before the lease ends, the wait for a turn at the store included."""
    left = job.store.tenure.left(job.context.monotonic())
    try:
        async with asyncio.timeout(left):
            return await job.store.connector.write(batch)
    except TimeoutError:
        raise OutcomeUnknown("cut off: the right to work on the store was about to end") from None
