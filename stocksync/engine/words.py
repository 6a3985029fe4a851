"""Put values into words that people read: names that cannot deceive, numbers, lengths of time."""

from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
NOTHING: Final = "-"


def line(text: object) -> str:
    """Make one line of a message: what moves a cursor, hides or turns letters is escaped.

    SKUs and titles come from stores and hold anything (`reliability §4.5 K19, K25`).
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in str(text)
    )


def name(text: object) -> str:
    r"""Show a name so that two different ones never look the same: `\` too is escaped.

    A name with blanks around it stands in quotes, as does one that is empty.
    """
    shown = line(str(text).replace("\\", "\\\\"))
    return shown if shown and shown == shown.strip() else f'"{shown}"'


def number(value: float | bool | None) -> str:
    """Show a quantity, or whether something is on; nothing known is not zero."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def change(before: float | bool | None, after: float | bool | None) -> str:
    """Show a number before and after."""
    return f"{number(before)} → {number(after)}"


def span(seconds: float) -> str:
    """Say a length of time in its largest useful unit, rounded down."""
    if seconds < 2 * _MINUTE:
        return f"{int(seconds)} s"
    if seconds < 2 * _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h"
    return f"{int(seconds // _DAY)} days"
