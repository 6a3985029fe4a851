"""Put values into words for a person before a page: ages, moments, numbers."""

from datetime import datetime
from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_SECONDS_NOW: Final = 5
#: A minus that is as wide as a plus, and is read out as one.
MINUS: Final = "\u2212"
NOTHING: Final = "\u2013"


def number(value: float | bool | None) -> str:
    """Show a quantity, or whether something is on; nothing known is not zero."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,}".replace("-", MINUS)


def signed(units: int) -> str:
    """Show units that came or went."""
    return f"{units:+,}".replace("-", MINUS) if units else "0"


def count(things: int, one: str, many: str = "") -> str:
    """Say how many of something there are: `1 line`, `2 lines`."""
    return f"{things:,} {one if things == 1 else many or one + 's'}"


def span(seconds: float) -> str:
    """Say a length of time in its largest useful unit, rounded down."""
    whole = int(abs(seconds))
    if whole < 2 * _MINUTE:
        return count(whole, "second")
    if whole < 2 * _HOUR:
        return count(whole // _MINUTE, "minute")
    if whole < 2 * _DAY:
        return count(whole // _HOUR, "hour")
    return count(whole // _DAY, "day")


def age(at: datetime | None, now: datetime) -> str:
    """Say how long ago something was, or how soon it will be."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    if abs(seconds) < _SECONDS_NOW:
        return "just now" if seconds >= 0 else "in a moment"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(seconds)}"


def moment(at: datetime) -> str:
    """Show a moment in UTC, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def machine_moment(at: datetime) -> str:
    """Write a moment as `<time datetime>` wants it."""
    return at.isoformat(timespec="seconds")


def spaced(word: str) -> str:
    """Show a name of ours as words: `mass_change` is mass change."""
    return word.replace("_", " ")
