"""One strict parser for every way a store writes a number."""

import re
from datetime import datetime
from typing import Final

from stocksync.domain.stock import Counted, Gap, NotCounted, Reading

QUANTITY_MAX: Final = 1_000_000
#: A debt of more units than this is a mistake somewhere, not back orders.
DEBT_MAX: Final = 100_000
_WHOLE: Final = re.compile(r"-?[0-9]{1,7}(?:\.0{1,9})?", re.ASCII)
_SHOWN_MAX: Final = 60


def reading(shown: object, *, read_at: datetime, negative_allowed: bool = False) -> Reading:
    """Read 7, 7.0, "7" and "7.0" as seven; anything else is not a count, and never zero.

    Signs, blanks, separators, other alphabets and more than a million are unreadable
    (`reliability §4.5`, channel Q); below zero too, unless the store documents it
    (`stores.md §6.1`), and then down to a hundred thousand.
    """
    units = whole_units(shown, negative_allowed=negative_allowed)
    return unreadable(shown, read_at=read_at) if units is None else Counted(units, read_at)


def whole_units(shown: object, *, negative_allowed: bool = False) -> int | None:
    """Read a number by the rules of `reading`; None for what is not a count."""
    whole = shown if type(shown) is int else _whole_number(shown)
    least = -DEBT_MAX if negative_allowed else 0
    return whole if whole is not None and least <= whole <= QUANTITY_MAX else None


def unreadable(shown: object, *, read_at: datetime) -> NotCounted:
    """Keep what a store showed instead of a number, for people."""
    return NotCounted(Gap.UNREADABLE, _short(shown), read_at)


def untracked(shown: object, *, read_at: datetime) -> NotCounted:
    """Say that the store does not count this listing, with what it showed instead."""
    return NotCounted(Gap.UNTRACKED, _short(shown), read_at)


def _whole_number(shown: object) -> int | None:
    if isinstance(shown, float):
        in_range = -QUANTITY_MAX <= shown <= QUANTITY_MAX
        return int(shown) if in_range and shown.is_integer() else None
    if isinstance(shown, str) and _WHOLE.fullmatch(shown):
        return int(shown.partition(".")[0])
    return None


def _short(shown: object) -> str:
    if isinstance(shown, int) and abs(shown) > QUANTITY_MAX:
        return f"a number of {shown.bit_length()} bits"
    if isinstance(shown, list | dict):
        return "a list" if isinstance(shown, list) else "an object"
    return ascii(shown)[:_SHOWN_MAX]
