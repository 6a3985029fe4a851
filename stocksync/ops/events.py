"""Server-sent events of a run: from its beginning, with heartbeats, until it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import HTTPException, Request
from fastapi.responses import StreamingResponse

from stocksync.contracts.dispatch import RunEvent
from stocksync.contracts.ledger import RunRecord
from stocksync.errors import UnknownName
from stocksync.ops.desk import Desk

HEARTBEAT_SECONDS: Final = 15.0
#: How long the first event may take before the answer begins without one.
FIRST_SECONDS: Final = 0.5
STREAMS_MAX: Final = 100
CONTENT_TYPE: Final = "text/event-stream"
HEADERS: Final = {"X-Accel-Buffering": "no"}
_HEARTBEAT: Final = ": still here\n\n"
_Step = asyncio.Future[RunEvent]


class Streams:
    """The runs that somebody watches now; each is one connection that stays open."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open = 0

    async def events(self, run: str, request: Request) -> StreamingResponse:
        """Watch a run: an event for each store read and written, and one when it ends.

        Every event has `id`, `event` (its stage) and `data` (JSON: `run`, `at`, `stage`, `store`,
        `outcome`). A client that comes back sends `Last-Event-ID` and gets the rest.
        """
        if self._open >= STREAMS_MAX:
            raise HTTPException(503, "too many runs are watched at once", {"Retry-After": "5"})
        seen = request.headers.get("last-event-id", "")
        after = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < len("1" * 9) else 0
        events = self._desk.dispatcher.events(run)
        first = _next(events)
        await asyncio.wait([first], timeout=FIRST_SECONDS)
        if first.done() and isinstance(first.exception(), UnknownName):
            events, first = await self._remembered(run)
        lines = self._lines(events, first, after)
        return StreamingResponse(lines, media_type=CONTENT_TYPE, headers=HEADERS)

    async def _remembered(self, run: str) -> tuple[AsyncIterator[RunEvent], _Step]:
        """Tell of a run that is over what the books know: that it ended, and how.

        Raises:
            UnknownName: The books do not know it, or know no end of it.
        """
        record = await self._desk.context().ledger.run(run) if run.isprintable() else None
        if record is None or record.finished_at is None:
            raise UnknownName(f"no run is called {run!r}")
        events = _end_of(record)
        return events, _next(events)

    async def _lines(
        self, events: AsyncIterator[RunEvent], step: _Step, after: int
    ) -> AsyncIterator[str]:
        """Write events as they come, and a sign of life where none comes for long."""
        number = 0
        self._open += 1
        try:
            while True:
                done, _ = await asyncio.wait([step], timeout=HEARTBEAT_SECONDS)
                if not done:
                    yield _HEARTBEAT
                    continue
                if isinstance(step.exception(), StopAsyncIteration):
                    return
                number += 1
                if number > after:
                    yield _written(number, step.result())
                step = _next(events)
        finally:
            self._open -= 1
            step.cancel()


def _next(events: AsyncIterator[RunEvent]) -> _Step:
    return asyncio.ensure_future(anext(events))


async def _end_of(record: RunRecord) -> AsyncIterator[RunEvent]:
    at = record.finished_at or record.started_at
    yield RunEvent(run=record.id, at=at, stage="ended", outcome=record.outcome)


def _written(number: int, event: RunEvent) -> str:
    data: dict[str, Any] = {
        "run": event.run,
        "at": event.at.isoformat(timespec="milliseconds"),
        "stage": event.stage,
        "store": event.store,
        "outcome": event.outcome,
    }
    # A stage may be any word of ours, but a line of its own in this form it must stay.
    name = event.stage.replace("\n", " ").replace("\r", " ")
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
