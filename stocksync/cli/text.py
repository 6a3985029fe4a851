"""Put values into words for a terminal: units that moved, moments, ages, counts."""

from datetime import datetime

from stocksync.engine.words import NOTHING, span


def signed(units: int) -> str:
    """Show units that came or went."""
    return f"{units:+d}" if units else "0"


def moment(at: datetime | None) -> str:
    """Show a moment in UTC, to the second."""
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M:%SZ}"


def age(at: datetime | None, now: datetime) -> str:
    """Say how long ago something was, or how soon it will be."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    length = span(abs(seconds))
    return f"{length} ago" if seconds >= 0 else f"in {length}"


def count(things: int, one: str, many: str = "") -> str:
    """Say how many of something there are: `1 line`, `2 lines`."""
    return f"{things} {one if things == 1 else many or one + 's'}"
