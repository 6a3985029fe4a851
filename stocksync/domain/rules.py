"""What a merchant wants: rules, and which of them hold for one SKU in one store."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fnmatch import translate
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from stocksync.domain.identifiers import LocationId, Sku, StoreId


class Increases(StrEnum):
    """What to believe when a channel's number goes up."""

    YES = "yes"
    NO = "no"
    HOLD = "hold"


class Mode(StrEnum):
    """Whether stores may show the same units, or each unit in one store only.

    `auto` gives each unit to one store when few are left.
    """

    SHARED = "shared"
    ALLOCATED = "allocated"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """Units kept back on purpose: a number of units, a part of what is free, or both."""

    units: int = 0
    percent: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Where a rule applies; an empty field matches everything."""

    sku: str = ""
    store: StoreId | None = None
    platform: str = ""
    group: str = ""
    location: LocationId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The fields a rule may set; None means inherit, zero means zero.

    `share` is a fraction of one. `zero_at_or_below`: targets of N or less become 0. `fixed`: the
    target, whatever the stock. `pack`: units in one piece of the listing. `hold`: write nothing.
    `locations`: the only ones counted, in the order sales are booked from.
    """

    buffer: Buffer | None = None
    share: Fraction | None = None
    cap: int | None = None
    zero_at_or_below: int | None = None
    fixed: int | None = None
    pack: int | None = None
    round_to: int | None = None
    hold: bool | None = None
    locations: tuple[LocationId, ...] | None = None
    accept_increases: Increases | None = None
    priority: int | None = None
    mode: Mode | None = None


WISH_NAMES: Final = tuple(wish.name for wish in fields(Wishes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, and the place a person finds it: `file:line`."""

    name: str
    place: str
    match: Match = Match()
    wishes: Wishes = Wishes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The wishes that hold for one SKU in one store, with the rule behind each of them.

    `location_rules` are the rules that speak about one location: how much to keep back there
    (`buffer`), or not to count it at all (`hold`).
    """

    buffer: Buffer = Buffer()
    share: Fraction | None = None
    cap: int | None = None
    zero_at_or_below: int | None = None
    fixed: int | None = None
    pack: int = 1
    round_to: int = 1
    hold: bool = False
    locations: tuple[LocationId, ...] | None = None
    accept_increases: Increases = Increases.YES
    priority: int = 0
    mode: Mode = Mode.SHARED
    reasons: Mapping[str, Rule] = field(default_factory=dict)
    location_rules: Mapping[LocationId, Sequence[Rule]] = field(default_factory=dict)


DEFAULTS: Final = Policy()


@lru_cache(maxsize=4096)
def _pattern(glob: str) -> re.Pattern[str]:
    """Compile a glob; a merchant's text never reaches `re` as a regular expression."""
    return re.compile(translate(glob))


def glob_matches(glob: str, sku: Sku) -> bool:
    """Tell whether a SKU fits a glob (`*`, `?`, `[abc]`), case and all."""
    return _pattern(glob).match(sku) is not None


def applies(
    match: Match,
    sku: Sku,
    store: StoreId,
    *,
    platform: str,
    groups: Mapping[str, Sequence[str]],
) -> bool:
    """Tell whether a rule speaks about this SKU in this store."""
    if match.store is not None and match.store != store:
        return False
    if match.platform and match.platform != platform:
        return False
    if match.sku and not glob_matches(match.sku, sku):
        return False
    if match.group:
        return any(glob_matches(glob, sku) for glob in groups.get(match.group, ()))
    return True


def resolve(
    rules: Iterable[Rule],
    sku: Sku,
    store: StoreId,
    *,
    platform: str = "",
    groups: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Policy:
    """Let each field be set by the last rule that matches (`DESIGN §5`)."""
    chosen: dict[str, object] = {}
    reasons: dict[str, Rule] = {}
    location_rules: dict[LocationId, list[Rule]] = {}
    for rule in rules:
        if not applies(rule.match, sku, store, platform=platform, groups=groups):
            continue
        if rule.match.location is not None:
            location_rules.setdefault(rule.match.location, []).append(rule)
            continue
        for name in WISH_NAMES:
            value = getattr(rule.wishes, name)
            if value is not None:
                chosen[name] = value
                reasons[name] = rule
    return Policy(reasons=reasons, location_rules=location_rules, **chosen)  # type: ignore[arg-type]
