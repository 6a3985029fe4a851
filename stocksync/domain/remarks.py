"""Judge rules by themselves: what contradicts itself, and what is allowed and seldom meant.

A remark is made only about what can be proved; that a rule is not remarked on proves nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from stocksync.domain.globs import is_plain
from stocksync.domain.identifiers import StoreId
from stocksync.domain.reach import (
    SWITCHED_PLATFORM,
    Reach,
    is_unconditional,
    wishes_of,
)
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Match, Mode, Rule

NAMES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about one rule or link: an error is surely wrong, all else is worth a look."""

    place: str
    about: str
    text: str
    is_error: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.about}: {self.text}"


def remarks_on_rules(book: Rulebook, now: datetime) -> list[Remark]:
    """Return everything there is to say of rules without knowing any stock."""
    reach = Reach(book)
    return [
        *never_matching(book, reach),
        *shadowed(book, reach),
        *over(book, now),
        *at_odds(book, reach),
        *without_priority(book, reach),
        *shares_beyond_all(book),
    ]


def never_matching(book: Rulebook, reach: Reach) -> Iterator[Remark]:
    """Find rules whose match contradicts itself."""
    for rule in book.rules:
        why = reach.never(rule.match)
        if why:
            text = f"can never match: {why}; mend its match, or take it out"
            yield _remark(rule, text, is_error=True)


def shadowed(book: Rulebook, reach: Reach) -> Iterator[Remark]:
    """Find rules of which every wish is set again by a later rule, wherever and whenever they hold.

    A rule with `when` is left out: where its expression has no answer it still holds SKUs back.
    """
    deciding = _Deciding(book.rules, reach)
    for number, rule in enumerate(book.rules):
        if rule.when is not None or reach.never(rule.match):
            continue
        by = {}
        for name in wishes_of(rule):
            other = deciding.instead_of(number, name)
            if other is None:
                break
            by[other.name] = other
        else:
            names = ", ".join(f"'{other.name}' ({other.place})" for other in by.values())
            text = f"does nothing: all that it sets is set again by {names}"
            yield _remark(rule, f"{text}; take it out, or put it below")


class _Deciding:
    """The rules that always decide a wish where they match, found without asking all of them.

    A rule about one SKU can stand in the way of rules about that SKU only.
    """

    def __init__(self, rules: Sequence[Rule], reach: Reach) -> None:
        self._rules, self._reach = rules, reach
        self._by_sku: dict[tuple[str, str], list[int]] = {}
        self._wide: dict[str, list[int]] = {}
        for number in range(len(rules) - 1, -1, -1):
            rule, sku = rules[number], rules[number].match.sku
            for name in wishes_of(rule):
                if not is_unconditional(rule, name):
                    continue
                if sku and is_plain(sku):
                    self._by_sku.setdefault((name, sku), []).append(number)
                else:
                    self._wide.setdefault(name, []).append(number)

    def instead_of(self, number: int, name: str) -> Rule | None:
        """Return a later rule that overrides one wish of a rule wherever that one matches."""
        match = self._rules[number].match
        for rivals in (self._wide.get(name, ()), self._by_sku.get((name, match.sku), ())):
            for rival in rivals:
                if rival <= number:
                    break
                if self._reach.covers(self._rules[rival].match, match):
                    return self._rules[rival]
        return None


def over(book: Rulebook, now: datetime) -> Iterator[Remark]:
    """Find rules and holds whose time is over for good."""
    for rule in book.rules:
        closes = None if rule.schedule is None else rule.schedule.closes
        until = rule.wishes.hold
        if closes is not None and closes <= now:
            text = f"its schedule is over since {_moment(closes)}"
            yield _remark(rule, f"{text}; take it out, or move its until")
        elif isinstance(until, datetime) and until <= now:
            text = f"its hold is over since {_moment(until)}"
            yield _remark(rule, f"{text}; take it out, or move its until")


def at_odds(book: Rulebook, reach: Reach) -> Iterator[Remark]:
    """Find floors and last units that something else keeps from working."""
    for rule in book.rules:
        floor, last = rule.wishes.floor, rule.wishes.last_units
        if not floor and not last:
            continue
        yield from _floor_above_cap(rule, reach.certain("cap", rule.match, rule))
        if reach.certain("mode", rule.match, rule) is Mode.ALLOCATED:
            wishes = {"floor": floor, "last_units": last}
            names = " and ".join(wish for wish, units in wishes.items() if units)
            text = f"{names} does nothing where mode is allocated: each unit has its store"
            yield _remark(rule, f"{text}; take it out, or use another mode")


def _floor_above_cap(rule: Rule, cap: object) -> Iterator[Remark]:
    """Compare a floor with its rule's own cap, or with the one that surely holds there."""
    floor, own = rule.wishes.floor or 0, rule.wishes.cap
    advice = "lower the floor, or raise the cap"
    if own is not None and own < floor:
        text = f"floor {floor} is above its own cap of {own}, and cap wins"
        if cap != own:
            text += " unless a later rule sets another"
        yield _remark(rule, f"{text}; {advice}", is_error=cap == own)
    elif isinstance(cap, int) and cap < floor:
        text = f"floor {floor} is above the cap that holds there of {cap}, and cap wins"
        yield _remark(rule, f"{text}; {advice}")


def without_priority(book: Rulebook, reach: Reach) -> Iterator[Remark]:
    """Find last units that are kept for nobody: all stores have one priority, or theirs is first.

    Stores without quantities are asked about each SKU alone, and count for nobody.
    """
    for rule in book.rules:
        if not rule.wishes.last_units or reach.never(rule.match):
            continue
        mine: list[int] = []
        all_of_them: list[int] = []
        for store, platform in book.platforms.items():
            if platform == SWITCHED_PLATFORM:
                continue
            here = Match(sku=rule.match.sku, group=rule.match.group, store=store)
            priority = reach.certain("priority", here, rule)
            if not isinstance(priority, int):
                break
            all_of_them.append(priority)
            if not reach.apart(rule.match, Match(store=store)):
                mine.append(priority)
        else:
            if mine and min(mine) == max(all_of_them):
                text = "last_units does nothing: no store has a higher priority than its own"
                yield _remark(rule, f"{text}; give the store that keeps them a higher one")


def shares_beyond_all(book: Rulebook) -> list[Remark]:
    """Find shares of the same SKUs that surely are more than the whole together.

    The stores may then offer more units than there are.
    """
    reach = Reach(book)
    alike: dict[tuple[str, str, str], Rule] = {}
    for rule in book.rules:
        if rule.wishes.share is not None:
            times = f"{rule.schedule} {rule.when.text if rule.when else ''}"
            alike[rule.match.sku, rule.match.group, times] = rule
    found = []
    for last in alike.values():
        shares = _shares(book, reach, last)
        total = sum(shares.values(), Fraction(0))
        if total > 1:
            each = ", ".join(f"{store} {_percent(share)}" for store, share in shares.items())
            text = f"shares add up to {_percent(total)} ({each})"
            found.append(_remark(last, f"{text}; stores may offer more than there is"))
    return found


def _shares(book: Rulebook, reach: Reach, rule: Rule) -> dict[StoreId, Fraction]:
    """Return what each store surely gets of the SKUs of one rule, while it holds."""
    shares = {}
    for store, platform in book.platforms.items():
        match = Match(sku=rule.match.sku, group=rule.match.group, store=store)
        share = reach.certain("share", match, rule)
        if isinstance(share, Fraction) and platform != SWITCHED_PLATFORM:
            shares[store] = share
    return shares


def _remark(rule: Rule, text: str, *, is_error: bool = False) -> Remark:
    return Remark(place=rule.place, about=rule.name, text=text, is_error=is_error)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _percent(part: Fraction) -> str:
    return f"{float(part * 100):g}%"
