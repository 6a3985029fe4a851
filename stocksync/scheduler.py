"""APScheduler jobs: names and intervals, nothing else."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from stocksync.domain.identifiers import StoreId

JITTER_PART: Final = 10


def build(
    polls: Mapping[StoreId, timedelta], ask: Callable[[StoreId], object], *, now: datetime
) -> AsyncIOScheduler:
    """Ask for a pull of each store at its `poll`, the first time at once.

    Jobs only ask; they never run long, so none is missed or doubled. The zone is UTC and the
    triggers are intervals: no clock change can make a store wait or run twice.
    """

    async def fire(store: StoreId) -> None:
        # A coroutine, because APScheduler runs plain functions in threads of its own.
        ask(store)

    scheduler = AsyncIOScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for store, poll in polls.items():
        seconds = poll.total_seconds()
        scheduler.add_job(
            fire,
            IntervalTrigger(seconds=seconds, jitter=int(seconds / JITTER_PART) or None),
            args=(store,),
            id=f"pull:{store}",
            name=f"pull {store}",
            next_run_time=now,
            replace_existing=True,
        )
    return scheduler
