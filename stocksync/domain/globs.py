"""Prove what two SKU patterns have to do with each other; what cannot be proved is never claimed.

A pattern is a glob of `domain.matching`: `*`, `?`, `[abc]`, everything else letter by letter.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from stocksync.domain.matching import test_of

_WILD: Final = re.compile(r"[*?\[]")


class Shape(NamedTuple):
    """What is sure of every SKU that fits a pattern: how it begins and ends.

    `covers_all`: it is `*`. `prefix` and `suffix`: it is nothing but `A*`, or nothing but `*A`.
    """

    plain: bool
    covers_all: bool
    prefix: bool
    suffix: bool
    beginning: str
    ending: str


@lru_cache(maxsize=65_536)
def shape_of(glob: str) -> Shape:
    """Look at a pattern once. Where `[` makes it unclear how its SKUs end, nothing is sure."""
    found = _WILD.search(glob)
    return Shape(
        plain=found is None,
        covers_all=glob != "" and not glob.strip("*"),
        prefix=glob.endswith("*") and _WILD.search(glob[:-1]) is None,
        suffix=glob.startswith("*") and _WILD.search(glob[1:]) is None,
        beginning=glob if found is None else glob[: found.start()],
        ending="" if "[" in glob else re.split(r"[*?]", glob)[-1],
    )


def is_plain(glob: str) -> bool:
    """Tell whether a pattern names one SKU."""
    return shape_of(glob).plain


def covers(wide: str, narrow: str) -> bool:
    """Tell whether every SKU that fits `narrow` surely fits `wide`.

    Proved are equal patterns, `*`, one SKU, and the forms `A*` and `*A`.
    """
    shape, other = shape_of(wide), shape_of(narrow)
    if wide == narrow or shape.covers_all:
        return True
    if other.plain:
        return bool(test_of(wide)(narrow))
    if shape.prefix:
        return other.beginning.startswith(shape.beginning)
    return shape.suffix and other.ending.endswith(shape.ending)


def apart(one: str, other: str) -> bool:
    """Tell whether surely no SKU fits both patterns."""
    first, second = shape_of(one), shape_of(other)
    if first.plain or second.plain:
        plain, glob = (one, other) if first.plain else (other, one)
        return not test_of(glob)(plain)
    return not (
        _one_begins(first.beginning, second.beginning)
        and _one_begins(first.ending[::-1], second.ending[::-1])
    )


def _one_begins(one: str, other: str) -> bool:
    """Tell whether one of two texts begins with the other."""
    return one.startswith(other) or other.startswith(one)
