"""Gather what is known of runs: those in the books, and the one that goes on now."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from stocksync.contracts.dispatch import Dispatcher, RunEvent
from stocksync.contracts.ledger import RunRecord
from stocksync.engine.context import Context
from stocksync.errors import UnknownName

RUNS_SHOWN: Final = 50
LINES_SHOWN: Final = 500
#: How long to wait for an event that is there already.
_AT_ONCE_SECONDS: Final = 0.05
#: What a store goes through: it is read and written, or only planned for.
_STAGES: Final = {"read": 1, "planned": 2}
_LAST_STAGE: Final = 2
_SUMS: Final = ("readings", "movements", "corrections", "confirmed", "unknown", "failed")
_SAID: Final = {
    "read": "read",
    "written": "brought up to date",
    "planned": "looked at",
    "ok": "nothing to do",
    "held": "held, waits for you",
    "failed": "failed",
    "skipped": "left out: another runner works on it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has come: `done` of `whole` steps, and each store's last one in words."""

    run: str
    ended: bool
    outcome: str
    done: int
    whole: int
    stages: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run with the sums of what it did to all its stores."""

    record: RunRecord
    sums: Mapping[str, int]
    seconds: float | None

    @property
    def is_plan(self) -> bool:
        return self.record.kind == "plan"


async def rows_of(context: Context) -> list[RunRow]:
    """Return the last runs, newest first."""
    return [row_of(record) for record in await context.ledger.runs(RUNS_SHOWN)]


def row_of(record: RunRecord) -> RunRow:
    """Sum up what a run did to its stores."""
    ended = record.finished_at
    return RunRow(
        record=record,
        sums={name: sum(int(at.get(name, 0)) for at in record.stores) for name in _SUMS},
        seconds=None if ended is None else (ended - record.started_at).total_seconds(),
    )


async def progress_of(dispatcher: Dispatcher, run: str, *, stores: int) -> Progress | None:
    """Return how far a run has come that this process started; None for any other."""
    events = await _events_so_far(dispatcher, run)
    if events is None:
        return None
    ended = next((event for event in events if event.stage == "ended"), None)
    last = {event.store: event.stage for event in events if event.stage != "ended"}
    done = sum(_STAGES.get(stage, _LAST_STAGE) for stage in last.values())
    whole = max(stores * _LAST_STAGE, done, 1)
    return Progress(
        run=run,
        ended=ended is not None,
        outcome=ended.outcome if ended else "running",
        done=whole if ended else done,
        whole=whole,
        stages={store: _SAID.get(stage, stage) for store, stage in last.items()},
    )


async def _events_so_far(dispatcher: Dispatcher, run: str) -> list[RunEvent] | None:
    """Take the events that are there, and wait for no other."""
    found: list[RunEvent] = []
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_AT_ONCE_SECONDS):
                async for event in dispatcher.events(run):
                    found.append(event)  # noqa: PERF401 - what came before the time was up is kept
    except UnknownName:
        return None
    return found
