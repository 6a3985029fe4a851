"""What happened in one simulated world, as lines, as one hash, and as states that were reached."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable

TAIL = 4000


class Violation(Exception):
    """An invariant does not hold; `invariant` is its name in `reliability §2.6`."""

    def __init__(self, invariant: str, said: str) -> None:
        super().__init__(invariant, said)
        self.invariant = invariant
        self.said = said

    def __str__(self) -> str:
        return f"{self.invariant}: {self.said}"


class Trace:
    """A seed's story: every line goes into the hash, the last ones are kept for people."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._hash = hashlib.blake2b(digest_size=8)
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.lines = 0
        self.sometimes: Counter[str] = Counter()
        self.violations: list[Violation] = []

    def line(self, text: str) -> None:
        told = f"{self.now():10.3f} {text}"
        self._hash.update(told.encode())
        self.tail.append(told)
        self.lines += 1

    def reached(self, state: str) -> None:
        """Count a rare state, so that it can be shown that the seeds do reach it."""
        self.sometimes[state] += 1

    def broken(self, invariant: str, said: str) -> None:
        """Note a violation; the run goes on to its next quiet moment and then stops."""
        self.line(f"VIOLATION {invariant} {said}")
        self.violations.append(Violation(invariant, said))

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
