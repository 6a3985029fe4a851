"""What a merchant wants: rules, and which of them hold for one SKU in one store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final, Protocol

from stocksync.domain.identifiers import LocationId, Sku, StoreId
from stocksync.domain.schedule import Schedule


class Increases(StrEnum):
    """What to believe when a channel's number goes up.

    `twice` believes what two looks one after the other show.
    """

    YES = "yes"
    NO = "no"
    HOLD = "hold"
    TWICE = "twice"


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
class Velocity:
    """Units kept back because others like them sell now: those sold in the last `window`.

    With `cover`, only as many as sell in that much time at the same speed, rounded up. `measured`:
    the cover is how long our corrections take to reach the store.
    """

    window: timedelta
    cover: timedelta | None = None
    measured: bool = False


class Condition(Protocol):
    """A merchant's own expression about one SKU in one store."""

    @property
    def text(self) -> str:
        """The expression as it was written."""
        ...

    def holds(self, sku: Sku, store: StoreId, platform: str, groups: Sequence[str]) -> bool:
        """Tell whether the expression is true.

        Raises:
            ConditionFailed: It has no answer for this SKU.
        """
        ...


class ConditionFailed(Exception):
    """An expression has no answer: nobody knows whether its rule holds."""


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

    `share` is a fraction of one. `floor`: show at least this many while that many are available.
    `last_units`: of N available units or fewer, only the stores of the highest priority show any.
    `zero_at_or_below`: targets of N or less become 0. `fixed`: the target, whatever the stock.
    `pack`: units in one piece of the listing. `hold`: write nothing, or nothing until a moment.
    `locations`: the only ones counted, in the order sales are booked from. `resets` are fields
    that go back to what holds without any rule.
    """

    buffer: Buffer | None = None
    velocity_buffer: Velocity | None = None
    share: Fraction | None = None
    floor: int | None = None
    cap: int | None = None
    last_units: int | None = None
    zero_at_or_below: int | None = None
    fixed: int | None = None
    pack: int | None = None
    round_to: int | None = None
    hold: bool | datetime | None = None
    locations: tuple[LocationId, ...] | None = None
    accept_increases: Increases | None = None
    priority: int | None = None
    mode: Mode | None = None
    resets: frozenset[str] = frozenset()


WISH_NAMES: Final = tuple(wish.name for wish in fields(Wishes) if wish.name != "resets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, and the place a person finds it: `file:line`.

    It holds while its `schedule` is open, and where `when` is true.
    """

    name: str
    place: str
    match: Match = Match()
    wishes: Wishes = Wishes()
    schedule: Schedule | None = None
    when: Condition | None = None

    @property
    def is_timed(self) -> bool:
        """Tell whether the rule says something else at another time."""
        return self.schedule is not None or isinstance(self.wishes.hold, datetime)

    def at(self, now: datetime) -> "Rule | None":
        """Return the rule as it stands at a moment: none outside its hours, no hold that is over.

        A hold is over from its own moment on.
        """
        if self.schedule is not None and not self.schedule.is_open(now):
            return None
        until = self.wishes.hold
        if isinstance(until, datetime) and until <= now:
            return replace(self, wishes=replace(self.wishes, hold=None))
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The wishes that hold for one SKU in one store, with the rule behind each of them.

    `location_rules` are the rules that speak about one location: how much to keep back there
    (`buffer`), or not to count it at all (`hold`). `failed` says which expression had no answer:
    nothing is written then.
    """

    buffer: Buffer = Buffer()
    velocity_buffer: Velocity | None = None
    share: Fraction | None = None
    floor: int | None = None
    cap: int | None = None
    last_units: int = 0
    zero_at_or_below: int | None = None
    fixed: int | None = None
    pack: int = 1
    round_to: int = 1
    hold: bool | datetime = False
    locations: tuple[LocationId, ...] | None = None
    accept_increases: Increases = Increases.YES
    priority: int = 0
    mode: Mode = Mode.SHARED
    reasons: Mapping[str, Rule] = field(default_factory=dict)
    location_rules: Mapping[LocationId, Sequence[Rule]] = field(default_factory=dict)
    failed: str = ""


def merged(rules: Iterable[Rule]) -> Policy:
    """Let each field be set by the last of the rules that match (`DESIGN §5`)."""
    chosen: dict[str, object] = {}
    reasons: dict[str, Rule] = {}
    location_rules: dict[LocationId, list[Rule]] = {}
    for rule in rules:
        if rule.match.location is not None:
            location_rules.setdefault(rule.match.location, []).append(rule)
            continue
        for name in WISH_NAMES:
            value = getattr(rule.wishes, name)
            if name in rule.wishes.resets:
                chosen.pop(name, None)
                reasons[name] = rule
            elif value is not None:
                chosen[name] = value
                reasons[name] = rule
    return Policy(reasons=reasons, location_rules=location_rules, **chosen)  # type: ignore[arg-type]


def held_for(policy: Policy, rule: Rule, why: str) -> Policy:
    """Return a policy that writes nothing, because a rule's expression has no answer."""
    reasons = {**policy.reasons, "hold": rule}
    return replace(policy, hold=True, reasons=reasons, failed=f"{rule.name}: {why}")
