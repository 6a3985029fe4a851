"""Prove where rules hold: which one covers another, and which two never meet.

Everything here errs on one side: it says yes only where every SKU and every store agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from stocksync.domain.globs import apart, covers
from stocksync.domain.identifiers import StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import WISH_NAMES, Match, Policy, Rule

#: The platform without quantities, whose listings are switched on and off (`DESIGN §4`).
SWITCHED_PLATFORM: Final = "idealfactory"

_EVERY_SKU: Final = ("*",)


class Unknown:
    """Stands for a value that depends on the time, an expression or the SKU."""


UNKNOWN: Final = Unknown()


class Reach:
    """Where the rules of a rulebook hold, given its groups and the platforms of its stores."""

    def __init__(self, book: Rulebook) -> None:
        self._groups: Mapping[str, Sequence[str]] = book.groups
        self._platforms = book.platforms
        self._wanted: dict[tuple[str, str], Sequence[Sequence[str]]] = {}
        #: The rules that decide each wish, the last one first; not those about single locations.
        self._touching: dict[str, list[Rule]] = {name: [] for name in WISH_NAMES}
        for rule in reversed(book.rules):
            if rule.match.location is None:
                for name in wishes_of(rule):
                    self._touching[name].append(rule)

    def covers(self, wide: Match, narrow: Match) -> bool:
        """Tell whether `wide` surely matches wherever `narrow` does, and speaks of the same."""
        platform = narrow.platform or self._platform(narrow.store)
        return (
            wide.location == narrow.location
            and wide.store in (None, narrow.store)
            and wide.platform in ("", platform)
            and all(
                any(_all_in(globs, wanted) for globs in self._each_of(narrow))
                for wanted in self._each_of(wide)
            )
        )

    def apart(self, one: Match, other: Match) -> bool:
        """Tell whether surely nothing matches both."""
        if one.store != other.store and one.store is not None and other.store is not None:
            return True
        first = one.platform or self._platform(one.store)
        second = other.platform or self._platform(other.store)
        if first and second and first != second:
            return True
        for globs in self._each_of(one):
            for rivals in self._each_of(other):
                if all(apart(glob, rival) for glob in globs for rival in rivals):
                    return True
        return False

    def never(self, match: Match) -> str:
        """Say why nothing ever matches; nothing when that is not sure."""
        platform = self._platform(match.store)
        if match.platform and platform and match.platform != platform:
            return f"{match.store} is a store of {platform} and not of {match.platform}"
        globs = self._groups.get(match.group, ())
        if match.sku and globs and all(apart(match.sku, glob) for glob in globs):
            return f"nothing like '{match.sku}' is in the group '{match.group}'"
        return ""

    def certain(self, name: str, match: Match, like: Rule | None = None) -> Any:
        """Return the one value of a wish wherever `match` matches; UNKNOWN unless that is sure.

        While the rule `like` holds, if that is given: those with its schedule and condition do too.
        """
        for rule in self._touching[name]:
            if self.apart(rule.match, match):
                continue
            sure = is_unconditional(rule, name) or (like is not None and hold_together(rule, like))
            if not sure or not self.covers(rule.match, match):
                return UNKNOWN
            reset = name in rule.wishes.resets
            return getattr(_DEFAULT, name) if reset else getattr(rule.wishes, name)
        return getattr(_DEFAULT, name)

    def _platform(self, store: StoreId | None) -> str:
        return "" if store is None else self._platforms.get(store, "")

    def _each_of(self, match: Match) -> Sequence[Sequence[str]]:
        """Return what a SKU must fit: one of each of these lists of patterns."""
        key = (match.sku, match.group)
        wanted = self._wanted.get(key)
        if wanted is None:
            globs = [(match.sku,)] if match.sku else []
            groups = [self._groups.get(match.group, ())] if match.group else []
            wanted = self._wanted[key] = [*globs, *groups] or [_EVERY_SKU]
        return wanted


_DEFAULT: Final = Policy()


def _all_in(globs: Iterable[str], wanted: Iterable[str]) -> bool:
    """Tell whether whatever fits one of `globs` surely fits one of `wanted`."""
    return all(any(covers(wide, glob) for wide in wanted) for glob in globs)


def hold_together(one: Rule, other: Rule) -> bool:
    """Tell whether two rules hold at the same times and under the same condition."""
    return one.schedule == other.schedule and _condition(one) == _condition(other)


def _condition(rule: Rule) -> str:
    return "" if rule.when is None else rule.when.text


def touches(rule: Rule, name: str) -> bool:
    """Tell whether a rule sets a wish or takes it back."""
    return name in rule.wishes.resets or getattr(rule.wishes, name) is not None


def is_unconditional(rule: Rule, name: str) -> bool:
    """Tell whether a rule says a wish at all times, and of all that it matches."""
    ends = name == "hold" and isinstance(rule.wishes.hold, datetime)
    return rule.schedule is None and rule.when is None and not ends


def wishes_of(rule: Rule) -> list[str]:
    """Return the names of the wishes that a rule sets or takes back."""
    return [name for name in WISH_NAMES if touches(rule, name)]
