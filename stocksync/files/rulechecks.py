"""Judge a rulebook as it is read: kits made of themselves, and the fingerprint of its content."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stocksync.domain.identifiers import Sku
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import WISH_NAMES, Buffer, Rule

KIT_DEPTH_MAX: Final = 8

Bundles = Mapping[Sku, Mapping[Sku, int]]


def impossible_kits(bundles: Bundles) -> dict[Sku, str]:
    """Return the kits that nobody can put together, with the reason; a circle is told once."""
    waiting = dict(bundles)
    for _ in range(KIT_DEPTH_MAX):
        ready = [kit for kit, parts in waiting.items() if waiting.keys().isdisjoint(parts)]
        if not ready:
            break
        for kit in ready:
            del waiting[kit]
    found: dict[Sku, str] = {}
    for kit, parts in waiting.items():
        if waiting.keys().isdisjoint(parts):
            found[kit] = f"kits within kits go at most {KIT_DEPTH_MAX} deep"
    for circle in _circles(waiting):
        found[circle[0]] = f"a kit cannot contain itself: {' > '.join([*circle, circle[0]])}"
    return found


def _circles(waiting: Bundles) -> Iterator[list[Sku]]:
    """Walk from kit to kit, and yield each circle walked into, from its first kit on."""
    order = {kit: position for position, kit in enumerate(waiting)}
    walked: set[Sku] = set()
    for start in waiting:
        path: list[Sku] = []
        kit: Sku | None = start
        while kit is not None and kit not in walked:
            walked.add(kit)
            path.append(kit)
            kit = next((part for part in waiting[kit] if part in waiting), None)
        if kit in path:
            circle = path[path.index(kit) :]
            turn = circle.index(min(circle, key=lambda each: order[each]))
            yield [*circle[turn:], *circle[:turn]]


def fingerprint_of(book: Rulebook) -> str:
    """Return a SHA-256, in hex, of what the rules say; comments, lines and file names are free.

    The order of rules counts, as the last one wins; that of names and parts does not.
    """
    content = {
        "rules": [_rule(rule) for rule in book.rules],
        "groups": {name: sorted(globs) for name, globs in book.groups.items()},
        "aliases": sorted([*key, sku] for key, sku in book.aliases.items()),
        "bundles": {kit: dict(parts) for kit, parts in book.bundles.items()},
        "availability": sorted([*key, sorted(skus)] for key, skus in book.availability.items()),
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _rule(rule: Rule) -> list[Any]:
    match = rule.match
    where = [match.sku, match.store, match.platform, match.group, match.location]
    wishes = {name: getattr(rule.wishes, name) for name in WISH_NAMES}
    known: list[Any] = [rule.name, where, wishes]
    further = {
        "resets": sorted(rule.wishes.resets),
        "schedule": rule.schedule.text if rule.schedule is not None else "",
        "when": rule.when.text if rule.when is not None else "",
    }
    return known + ([further] if any(further.values()) else [])


def _plain(value: object) -> Any:
    """Write what JSON has no form for."""
    return [value.units, str(value.percent)] if isinstance(value, Buffer) else str(value)
