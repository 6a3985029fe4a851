"""Hints: somebody says that something happened at a store, and may be right.

What a hint says is never data (`reliability §4.3`): it makes a look due, and the look finds out.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from stocksync.domain.identifiers import StoreId

#: The key of a hint that names nothing: the whole store is to be looked at.
WHOLE_STORE: Final = ""
#: So many keys of one store are remembered; more of them are one hint for the whole store.
KEYS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a store said to be worth a look: a code, a product's id, or `WHOLE_STORE`.

    `received_at`: when it was first said, `times`: how often, since a look last answered it.
    """

    store: StoreId
    key: str
    received_at: datetime
    times: int = 1


def said_together(hints: Iterable[Hint]) -> list[Hint]:
    """Return each key of each store once: as first said, and as often as all of them together."""
    found: dict[tuple[StoreId, str], Hint] = {}
    for hint in hints:
        known = found.get((hint.store, hint.key))
        found[hint.store, hint.key] = hint if known is None else _joined(known, hint)
    return list(found.values())


def of_whole_store(hints: Collection[Hint]) -> Hint:
    """Return one hint for the whole store in place of several for it; there must be one."""
    first, *others = (replace(hint, key=WHOLE_STORE) for hint in hints)
    for hint in others:
        first = _joined(first, hint)
    return first


def means_whole_store(hints: Iterable[Hint]) -> bool:
    """Tell whether a look at a few listings is not enough to answer these hints."""
    return any(hint.key == WHOLE_STORE for hint in hints)


def _joined(one: Hint, other: Hint) -> Hint:
    return replace(one, times=one.times + other.times)
