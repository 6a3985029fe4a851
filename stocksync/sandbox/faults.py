"""What can go wrong between a store and its caller, switchable one request at a time."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Any


class ConnectionDropped(Exception):
    """The connection ended before the answer did.

    In-process an application raises it and the caller's transport turns it into its own
    network error; over a socket `serve.py` closes the connection instead.
    """


class Fault(enum.Enum):
    """One way for an exchange to go wrong; the comment names its `details` and their defaults."""

    DROP_REQUEST = "drop_request"  # never processed
    DROP_REPLY = "drop_reply"  # processed, then no answer
    ERROR_BEFORE = "error_before"  # status=500, not processed
    ERROR_AFTER = "error_after"  # status=500, processed
    RATE_LIMITED = "rate_limited"  # retry_after=1: seconds, text, a datetime, or None for none
    SLOW = "slow"  # seconds=1.0, processed=True: before the wait (False: after it)
    HANGS = "hangs"  # processed=False; no answer ever
    TRUNCATED = "truncated"  # processed; half of the body, properly ended
    CONTENT_LENGTH_LIE = "content_length_lie"  # processed; announces more than it sends
    HTML = "html"  # status=200, processed=False; a maintenance page
    EMPTY_BODY = "empty_body"  # status=200, processed=True
    ERROR_BODY = "error_body"  # status=200, processed=False; the platform's error as a success
    UNAUTHORISED = "unauthorised"  # 401
    FORBIDDEN = "forbidden"  # 403
    PAGE_SHIFT = "page_shift"  # direction="insert"|"remove" at the front, before a later page
    REDIRECT = "redirect"  # status=302, location="https://elsewhere.invalid/"
    NOT_TAKEN = "not_taken"  # a write answered as a success that changes nothing
    LATE_APPLY = "late_apply"  # a write without an answer, applied by `shop.apply_late()`
    EMPTY_LIST = "empty_list"  # a listing answered as a valid empty one
    ANSWER = "answer"  # status=200, body=b"", content_type: exactly these bytes; processed=False


@dataclass(slots=True, kw_only=True)
class Planned:
    """A fault waiting for the requests it fits."""

    fault: Fault
    method: str | None = None
    path_contains: str | None = None
    after: int = 0
    times: int = 1
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def fits(self, *, method: str, path: str, offset: int | None) -> bool:
        """Say whether this fault can happen to a request.

        `offset` is the first row asked for when the request is a listing, else None.
        """
        if self.method not in {None, method} or (self.path_contains or "") not in path:
            return False
        match self.fault:
            case Fault.PAGE_SHIFT:
                return offset is not None and offset > 0
            case Fault.EMPTY_LIST:
                return offset is not None
            case Fault.NOT_TAKEN | Fault.LATE_APPLY:
                return method != "GET"
            case _:
                return True


class Faults:
    """The faults of one store: a queue first, then a permanent one, then chance.

    Two queued faults never hit the same request. `met` lists those that happened.
    """

    def __init__(self) -> None:
        """Start without any fault."""
        self.met: list[Fault] = []
        self._queue: list[Planned] = []
        self._permanent: list[Planned] = []
        self._rate = 0.0
        self._kinds: Sequence[Fault] = ()
        self._random = Random(0)

    def next(
        self,
        fault: Fault,
        times: int = 1,
        *,
        method: str | None = None,
        path_contains: str | None = None,
        after: int = 0,
        **details: Any,
    ) -> None:
        """Let the next `times` fitting requests meet a fault, leaving the first `after` alone."""
        self._queue.append(
            Planned(
                fault=fault,
                method=method,
                path_contains=path_contains,
                after=after,
                times=times,
                details=details,
            )
        )

    def always(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        path_contains: str | None = None,
        **details: Any,
    ) -> None:
        """Let every fitting request meet a fault until `clear`."""
        self._permanent.append(
            Planned(fault=fault, method=method, path_contains=path_contains, details=details)
        )

    def randomly(self, rate: float, kinds: Sequence[Fault], random: Random) -> None:
        """Let a share of all requests (0 to 1) meet one of the kinds, drawn from `random`."""
        self._rate, self._kinds, self._random = rate, tuple(kinds), random

    def clear(self) -> None:
        """Forget every waiting fault; `met` stays."""
        self._queue.clear()
        self._permanent.clear()
        self._rate = 0.0

    def take(self, *, method: str, path: str, offset: int | None) -> Planned | None:
        """Choose the fault that this request meets, if any, and use it up."""
        planned = (
            self._from_queue(method, path, offset)
            or self._from_permanent(method, path, offset)
            or self._by_chance(method, path, offset)
        )
        if planned is not None:
            self.met.append(planned.fault)
        return planned

    def _from_queue(self, method: str, path: str, offset: int | None) -> Planned | None:
        for planned in self._queue:
            if not planned.fits(method=method, path=path, offset=offset):
                continue
            if planned.after > 0:
                planned.after -= 1
                continue
            planned.times -= 1
            if planned.times <= 0:
                self._queue.remove(planned)
            return planned
        return None

    def _from_permanent(self, method: str, path: str, offset: int | None) -> Planned | None:
        fitting = (p for p in self._permanent if p.fits(method=method, path=path, offset=offset))
        return next(fitting, None)

    def _by_chance(self, method: str, path: str, offset: int | None) -> Planned | None:
        if self._rate <= 0 or self._random.random() >= self._rate:
            return None
        fitting = [
            planned
            for planned in (Planned(fault=kind) for kind in self._kinds)
            if planned.fits(method=method, path=path, offset=offset)
        ]
        return self._random.choice(fitting) if fitting else None
