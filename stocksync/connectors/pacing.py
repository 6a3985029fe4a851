"""When the next request to one store may be sent: places, even spacing, and pauses it asked for."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from stocksync.domain.identifiers import StoreId
from stocksync.errors import RateLimited

PAUSE_SECONDS_MAX: Final = 3600.0
_MEBIBYTE: Final = 1024 * 1024
_DEFAULT_PAUSE_SECONDS_MAX: Final = 60.0
_DOUBLINGS_MAX: Final = 6
_JITTER_SHARE: Final = 0.25
_DIGITS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """How long, how big, how fast. `deadline_seconds` covers one request to its last byte."""

    deadline_seconds: float = 30.0
    wire_bytes_max: int = 16 * _MEBIBYTE
    body_bytes_max: int = 16 * _MEBIBYTE
    requests_per_second: float | None = None
    concurrency_max: int = 4
    read_attempts_max: int = 3
    patience_seconds: float = 30.0


def asked_wait(header: str | None, *, now: datetime) -> float | None:
    """Read a Retry-After in seconds or as an HTTP date; at most an hour; None when it says nothing.

    A date that has passed says nothing: one of the two clocks is wrong.
    """
    if header is None:
        return None
    if _DIGITS.fullmatch(header):
        return min(float(header), PAUSE_SECONDS_MAX)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    seconds = (until - now).total_seconds()
    return min(seconds, PAUSE_SECONDS_MAX) if seconds > 0 else None


class Gate:
    """Let requests to one store pass: so many at once, evenly spaced, none during a pause."""

    def __init__(
        self,
        *,
        store: StoreId,
        concurrency_max: int,
        requests_per_second: float | None,
        monotonic: Callable[[], float],
        waited: Callable[[float], object],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._places = asyncio.Semaphore(concurrency_max)
        self._spacing = 1.0 / requests_per_second if requests_per_second else 0.0
        self._monotonic = monotonic
        self._waited = waited
        self._sleep = sleep
        self._jitter = jitter
        self._next_at = float("-inf")
        self._paused_until = float("-inf")
        self._refusals = 0

    @asynccontextmanager
    async def turn(self, *, patience_seconds: float) -> AsyncIterator[None]:
        """Hold one place while a request is under way.

        Raises:
            RateLimited: The store asked for a pause that ends later than our patience.
        """
        give_up_at = self._monotonic() + patience_seconds
        self._check_patience(give_up_at)
        async with self._places:
            await self._wait_for_slot(give_up_at)
            yield

    def pause(self, seconds: float | None) -> float:
        """Leave the store alone from now on; return for how long. None: longer each time."""
        self._refusals += 1
        if seconds is None:
            grown = min(2.0 ** min(self._refusals - 1, _DOUBLINGS_MAX), _DEFAULT_PAUSE_SECONDS_MAX)
            seconds = grown * (1 + _JITTER_SHARE * self._jitter())
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)
        return seconds

    def answered(self) -> None:
        """Forget earlier refusals: the store serves us again."""
        self._refusals = 0

    def _check_patience(self, give_up_at: float) -> None:
        now = self._monotonic()
        if self._paused_until > max(now, give_up_at):
            raise RateLimited(
                f"{self._store} asked us to wait", retry_after_seconds=self._paused_until - now
            )

    async def _wait_for_slot(self, give_up_at: float) -> None:
        while True:
            self._check_patience(give_up_at)
            now = self._monotonic()
            slot = max(now, self._next_at, self._paused_until)
            self._next_at = slot + self._spacing
            if slot <= now:
                return
            await self._sleep(slot - now)
            self._waited(slot - now)
            if self._monotonic() >= self._paused_until:
                return
