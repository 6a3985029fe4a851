"""Remember to look where stores hinted: once for many hints, and soon even if they never stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from stocksync.contracts.dispatch import Kind
from stocksync.domain.gates import LIMITS
from stocksync.domain.hints import means_whole_store
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context

WINDOW_SECONDS: Final = 2.0
CENSUS_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How hints become looks, and whose time it is.

    A look begins `window_seconds` after the first of its hints, and as long after the look before
    it; `census_seconds` after one that read the whole store.
    """

    window_seconds: float = WINDOW_SECONDS
    census_seconds: float = CENSUS_SECONDS
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep


class Reminders:
    """At most one alarm per store; a hint while it is set changes nothing."""

    def __init__(self, due: Callable[[StoreId], object], pace: Pace) -> None:
        self._due = due
        self._pace = pace
        self._alarms: dict[StoreId, asyncio.Task[None]] = {}
        self._free_at: dict[StoreId, float] = {}

    def remind(self, store: StoreId) -> None:
        """Let the store be due when its window ends; a steady stream of hints postpones nothing."""
        alarm = self._alarms.get(store)
        if alarm is None or alarm.done():
            self._alarms[store] = asyncio.create_task(self._wait(store), name=f"hints {store}")

    def begun(self, store: StoreId, kind: Kind) -> None:
        """Note that hints are being answered now: the next look keeps its distance."""
        of_census = kind == "pull"
        distance = self._pace.census_seconds if of_census else self._pace.window_seconds
        self._free_at[store] = self._pace.monotonic() + distance

    def stop(self) -> None:
        """Forget every alarm; the hints stay in the books."""
        for alarm in self._alarms.values():
            alarm.cancel()

    async def _wait(self, store: StoreId) -> None:
        rest = self._pace.window_seconds
        while rest > 0:
            await self._pace.pause(rest)
            rest = self._free_at.get(store, 0.0) - self._pace.monotonic()
        self._due(store)


async def job_for(context: Context, store: StoreId, *, booked: int) -> Kind | None:
    """Choose what answers the waiting hints of a store: a look, a pull of all, or nothing.

    `booked` are the movements of its looks since the last pull. Looks together may change no more
    than a gate lets one pull change; then a pull sees the whole, and the gates can judge it.
    """
    hints = await context.ledger.hints(store)
    if not hints:
        return None
    if means_whole_store(hints):
        return "pull"
    if booked >= LIMITS.zeroed_floor:
        _, counted, _ = await context.ledger.counts(store)
        if booked > LIMITS.zeroed_part * counted:
            return "pull"
    return "look"
