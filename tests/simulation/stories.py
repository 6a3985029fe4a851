"""One listing's story as the store could tell it, and what an answer told of it."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

SAMPLES_KEPT = 12


def least_change(shown: int | None, values: Iterable[int]) -> int | None:
    """Return the smallest sale, else the smallest increase, that explains what a listing shows."""
    if shown is None:
        return None
    changes = [shown - value for value in values]
    sales = [change for change in changes if change <= 0]
    return max(sales) if sales else min(changes)


@dataclass(slots=True)
class Story:
    """One listing's story.

    `cached` is how far it had come when its store filled its cache, `news_at` when the number was
    read that was committed last.
    """

    store: str
    code: str
    sku: str
    outside: int = 0
    real: int = 0
    booked: int = 0
    suspended: int = 0
    low: int = 0
    high: int = 0
    exposed: int = 0
    heard: int = 0
    baseline: int | None = None
    news_at: datetime | None = None
    cached: int = 0
    samples: "deque[tuple[float, int]]" = field(
        default_factory=lambda: deque([(0.0, 0)], maxlen=SAMPLES_KEPT)
    )

    @property
    def name(self) -> str:
        return f"{self.store}/{self.code}"

    @property
    def last(self) -> int:
        """Return how far the story had come when somebody of ours last looked."""
        return self.samples[-1][1]

    def agrees(self, outside: int) -> bool:
        return outside - self.low <= self.booked <= outside + self.high


@dataclass(slots=True)
class Sample:
    """What one answer of a store told about a listing: how far its story had come by then.

    `shown` is its number, `named_at` when that listing was last asked for by name.
    """

    outside: int
    number: int
    shown: int | None
    named_at: float = -1e9
