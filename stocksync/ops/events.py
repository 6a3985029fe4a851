"""Server-sent events of a run: from its beginning, with heartbeats, until it ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from fastapi import HTTPException, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

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
_DIGITS_MAX: Final = 8
_Step = asyncio.Future[RunEvent]


class Streams:
    """The runs that somebody watches now; each is one connection that stays open."""

    def __init__(self, desk: Desk, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._desk = desk
        self._heartbeat_seconds = heartbeat_seconds
        self.open = 0

    async def events(self, run: str, request: Request) -> StreamingResponse:
        """Watch a run: an event for each store read and written, and one when it ends.

        Every event has `id`, `event` (its stage) and `data` (JSON: `run`, `at`, `stage`, `store`,
        `outcome`). A client that comes back sends `Last-Event-ID` and gets the rest.
        """
        if self.open >= STREAMS_MAX:
            raise HTTPException(503, "too many runs are watched at once", {"Retry-After": "5"})
        self.open += 1
        watch = Watch(self._desk.dispatcher.events(run), self._close)
        try:
            await watch.begin()
            after = _last_seen(request)
            if isinstance(watch.refused, UnknownName):
                watch.follow(await self._remembered(run))
                after = 0  # the numbers that were seen are those of events that are forgotten
        except BaseException:
            watch.close()
            raise
        return Stream(watch, after, self._heartbeat_seconds)

    async def _remembered(self, run: str) -> AsyncIterator[RunEvent]:
        """Tell of a run that is over what the books know: that it ended, and how.

        Raises:
            UnknownName: The books do not know it, or know no end of it.
        """
        record = await self._desk.context().ledger.run(run) if run.isprintable() else None
        if record is None:
            raise UnknownName(f"no run is called {run!r}")
        if record.finished_at is None:
            raise UnknownName(f"run {run!r} is not one that this process can tell of")
        return _end_of(record)

    def _close(self) -> None:
        self.open -= 1


class Watch:
    """The events of one run as they come; `close` lets go of them, however often it is called."""

    def __init__(self, events: AsyncIterator[RunEvent], closed: Callable[[], None]) -> None:
        self._closed: Callable[[], None] | None = closed
        self.follow(events)

    def follow(self, events: AsyncIterator[RunEvent]) -> None:
        """Take events from here, from the next one on."""
        self._events = events
        self._step = _next(events)

    async def begin(self) -> None:
        """Wait a moment for the first event, so that a refusal can still be answered as one."""
        await asyncio.wait([self._step], timeout=FIRST_SECONDS)

    @property
    def refused(self) -> BaseException | None:
        """Return what came in place of the first event."""
        return self._step.exception() if self._step.done() else None

    async def next(self, seconds: float) -> RunEvent | None:
        """Return the next event; None when there is none for that long.

        Raises:
            StopAsyncIteration: The run ended.
        """
        done, _ = await asyncio.wait([self._step], timeout=seconds)
        if not done:
            return None
        event = self._step.result()
        self._step = _next(self._events)
        return event

    def close(self) -> None:
        """Let go of the run; it goes on without being watched."""
        if not self._step.cancel() and not self._step.cancelled():
            self._step.exception()  # looked at, so that nobody is told of it later
        if self._closed is not None:
            self._closed()
            self._closed = None


class Stream(StreamingResponse):
    """The answer that a client watches; a client that goes away leaves nothing behind."""

    def __init__(self, watch: Watch, after: int, heartbeat_seconds: float) -> None:
        self._watch = watch
        lines = _lines(watch, after, heartbeat_seconds)
        super().__init__(lines, media_type=CONTENT_TYPE, headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what comes until the run ends or nobody listens any more."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watch.close()


async def _lines(watch: Watch, after: int, heartbeat_seconds: float) -> AsyncIterator[str]:
    """Write events as they come, and a sign of life where none comes for long."""
    number = 0
    while True:
        try:
            event = await watch.next(heartbeat_seconds)
        except StopAsyncIteration:
            return
        if event is None:
            yield _HEARTBEAT
            continue
        number += 1
        if number > after:
            yield _written(number, event)


def _last_seen(request: Request) -> int:
    """Read `Last-Event-ID`; whatever is no number of ours is the beginning."""
    seen = request.headers.get("last-event-id", "")
    plain = seen.isascii() and seen.isdigit() and len(seen) <= _DIGITS_MAX
    return int(seen) if plain else 0


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
