"""Let each token and each address ask so often and no more: buckets that fill with time."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

BUCKETS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much may come at once, and how much a second after that."""

    burst: float
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often one token may ask, one address, and one address that shows a wrong token."""

    token: Pace = Pace(burst=200, per_second=20)
    address: Pace = Pace(burst=400, per_second=50)
    failure: Pace = Pace(burst=10, per_second=0.2)


@dataclass(slots=True)
class _Bucket:
    left: float
    at: datetime


class Buckets:
    """A bucket for each name; those not used for longest are forgotten, which fills them again."""

    def __init__(self, pace: Pace, now: Callable[[], datetime]) -> None:
        self._pace = pace
        self._now = now
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str) -> int:
        """Take one; return the whole seconds to wait when there is none, else 0."""
        now = self._now()
        bucket = self._buckets.pop(name, None) or _Bucket(self._pace.burst, now)
        passed = max(0.0, (now - bucket.at).total_seconds())
        bucket.left = min(self._pace.burst, bucket.left + passed * self._pace.per_second)
        bucket.at = now
        self._buckets[name] = bucket
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        if bucket.left < 1:
            return max(1, ceil((1 - bucket.left) / self._pace.per_second))
        bucket.left -= 1
        return 0
