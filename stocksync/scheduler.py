"""APScheduler jobs: what is asked for, and how often."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from stocksync.contracts.dispatch import Kind
from stocksync.domain.identifiers import StoreId

JITTER_PART: Final = 10
#: The hot lane is asked for this many times between two pulls.
HOT_PER_POLL: Final = 4
#: Below this, the hot lane would only be in the way of the pulls.
HOT_LEAST: Final = timedelta(seconds=5)
#: A service that is restarted often must still come to its sweeps.
FIRST_SWEEP_PART: Final = 4
#: Where APScheduler logs how jobs ended.
_WORKERS: Final = "apscheduler.executors.default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a store is read: in whole at `poll`, and compared with its targets at `sweep`."""

    poll: timedelta
    sweep: timedelta

    @property
    def hot(self) -> timedelta | None:
        """Return how often its urgent listings are read in between; None for a fast store."""
        every = self.poll / HOT_PER_POLL
        return every if every >= HOT_LEAST else None

    def jobs(self) -> dict[Kind, timedelta]:
        """Return every kind of job with its interval."""
        jobs: dict[Kind, timedelta] = {"pull": self.poll, "sweep": self.sweep}
        return jobs if self.hot is None else jobs | {"hot": self.hot}


class Schedule:
    """Asks for jobs; it never does them, so none is missed or doubled.

    The zone is UTC and the triggers are intervals: no clock change can make a store wait or run
    twice. What it asks for twice while a store works, the store does once.
    """

    def __init__(
        self, ask: Callable[[StoreId, Kind], object], *, now: Callable[[], datetime]
    ) -> None:
        self._ask = ask
        self._now = now
        self._rhythms: dict[StoreId, Rhythm] = {}
        self._clock = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def follow(self, rhythms: Mapping[StoreId, Rhythm]) -> None:
        """Take these stores instead of those before; who keeps its rhythm notices nothing."""
        for store in self._rhythms.keys() - rhythms.keys():
            self._forget(store)
        for store, rhythm in rhythms.items():
            if self._rhythms.get(store) != rhythm:
                self._forget(store)
                self._add(store, rhythm)
        self._rhythms = dict(rhythms)

    def every(self, interval: timedelta, work: Callable[[], Awaitable[object]], name: str) -> None:
        """Do something of our own again and again, the first time after one interval."""
        self._clock.add_job(work, _trigger(interval), id=name, name=name, replace_existing=True)

    def next_pull(self, store: StoreId) -> datetime | None:
        """Return when the store is asked for next; None when it is not."""
        job = self._clock.get_job(_name("pull", store))
        # A job of a clock that does not run yet has no time.
        return getattr(job, "next_run_time", None) if job is not None else None

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._clock.start()

    def stop(self) -> None:
        """Ask for nothing more; work under way is cancelled, which is no error to report."""
        logging.getLogger(_WORKERS).addFilter(_is_no_end)
        self._clock.shutdown(wait=False)

    def _add(self, store: StoreId, rhythm: Rhythm) -> None:
        """Pull at once, and let the rest come in its time."""
        now = self._now()
        first = {"pull": now, "sweep": now + rhythm.sweep / FIRST_SWEEP_PART}
        for kind, interval in rhythm.jobs().items():
            self._clock.add_job(
                self._fire,
                _trigger(interval),
                args=(store, kind),
                id=_name(kind, store),
                name=f"{kind} {store}",
                next_run_time=first.get(kind, now + interval),
            )

    def _forget(self, store: StoreId) -> None:
        known = self._rhythms.get(store)
        for kind in known.jobs() if known else ():
            self._clock.remove_job(_name(kind, store))

    async def _fire(self, store: StoreId, kind: Kind) -> None:
        # A coroutine, because APScheduler runs plain functions in threads of its own.
        self._ask(store, kind)


def _is_no_end(record: logging.LogRecord) -> bool:
    """Tell whether a line is about anything but a job that our stop cancelled."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _name(kind: Kind, store: StoreId) -> str:
    return f"{kind}:{store}"


def _trigger(interval: timedelta) -> IntervalTrigger:
    """Make the trigger of an interval: whose jitter keeps stores from marching in step."""
    seconds = interval.total_seconds()
    return IntervalTrigger(seconds=seconds, jitter=int(seconds / JITTER_PART) or None)
