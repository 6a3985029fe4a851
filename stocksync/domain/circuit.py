"""When a store that keeps failing is left alone, for how long, and what ends it."""

from datetime import timedelta
from typing import Final

#: So many failed jobs in a row open the circuit; what a person has to mend does so at once.
FAILURES_MAX: Final = 3
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(minutes=30)
#: The kinds of work that write. What reads says nothing about whether writing works.
WRITING: Final = ("push", "sweep")
_WRITING_FAILED: Final = "write: "


def failures_after(before: int, *, at_once: bool) -> int:
    """Count one more failed job; `at_once` is a failure that waiting will not mend."""
    return max(before + 1, FAILURES_MAX) if at_once else before + 1


def is_open(failures: int) -> bool:
    """Tell whether a store that failed so often in a row is left alone."""
    return failures >= FAILURES_MAX


def pause(failures: int) -> timedelta:
    """Return how long a store is left alone after so many failures in a row: doubled each time."""
    if not is_open(failures):
        return timedelta(0)
    doublings = min(failures - FAILURES_MAX, 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def described(kind: str, error: str) -> str:
    """Write down what failed, so that only the same direction of work can end it."""
    return f"{_WRITING_FAILED if kind in WRITING else 'read: '}{error}"


def about_writing(last_error: str) -> bool:
    """Tell whether writing failed, and not reading."""
    return last_error.startswith(_WRITING_FAILED)


def ends(kind: str, last_error: str) -> bool:
    """Tell whether a job of this kind that went well says that the store works again."""
    return (kind in WRITING) == about_writing(last_error)
