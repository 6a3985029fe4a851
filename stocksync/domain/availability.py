"""The one formula: from stock levels to the quantity a listing should show.

sum of locations - reserved - buffer -> share -> pack, round down -> cap -> zero_at_or_below ->
fixed, hold (`DESIGN §5`). Nothing else in the code base subtracts reserved from on hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from stocksync.domain.identifiers import LocationId, Sku, StoreId
from stocksync.domain.rules import Buffer, Policy, Rule
from stocksync.domain.shares import share_out
from stocksync.domain.stock import Levels, StockLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step on the way to a target: the number before and after, and the rule that did it."""

    name: str
    before: int | None
    after: int | None
    rule: Rule | None = None
    note: str = ""


class Steps:
    """A list that the formula writes its steps to; it decides nothing."""

    def __init__(self) -> None:
        self.all: list[Step] = []

    def add(
        self, name: str, before: int | None, after: int | None, rule: Rule | None, note: str = ""
    ) -> None:
        self.all.append(Step(name=name, before=before, after=after, rule=rule, note=note))


def kept_back(units: int, buffer: Buffer) -> int:
    """Count the units a buffer keeps back; a part of a unit keeps a whole one."""
    return buffer.units + ceil(max(0, units) * buffer.percent)


def free(level: StockLevel) -> int:
    """Units at a location that nobody has a claim on; below zero when oversold."""
    return level.on_hand - level.reserved


def _at_location(level: StockLevel, rules: tuple[Rule, ...]) -> tuple[int, Rule | None]:
    """Count what one location offers under the rules that speak about it; the last one wins."""
    units, reason = free(level), None
    for rule in rules:
        if rule.wishes.hold is not None:
            reason = rule
            units = 0 if rule.wishes.hold else free(level)
        if rule.wishes.buffer is not None:
            reason = rule
            units = max(0, free(level) - kept_back(free(level), rule.wishes.buffer))
    return units, reason


def available(levels: Levels, policy: Policy, steps: Steps | None = None) -> int:
    """Units we may promise to one store: free units where it may sell from, less the buffer.

    Never below zero, never more than what is on hand.
    """
    chosen = policy.locations
    counted: Mapping[LocationId, StockLevel] = (
        levels if chosen is None else {at: levels[at] for at in chosen if at in levels}
    )
    total = 0
    for location, level in counted.items():
        units, reason = _at_location(level, tuple(policy.location_rules.get(location, ())))
        total += units
        if steps is not None and reason is not None:
            steps.add(f"at {location}", free(level), units, reason)
    if steps is not None:
        on_hand = sum(level.on_hand for level in levels.values())
        where = ", ".join(counted) or "no location"
        steps.add("sum of locations", on_hand, total, policy.reasons.get("locations"), where)
    promised = max(0, total - kept_back(total, policy.buffer))
    if steps is not None:
        steps.add("buffer", total, promised, policy.reasons.get("buffer"))
    return promised


def share_of(
    units: int, store: StoreId, policies: Mapping[StoreId, Policy], steps: Steps | None = None
) -> int:
    """Give one store its share of `units`; stores without a share see all of them.

    `policies` are those of every store that lists the SKU: rounding left-overs go to the one
    with the highest priority, so that a last unit is shown once and not nowhere.
    """
    own = policies[store]
    if own.share is None:
        return units
    shares: dict[StoreId, Fraction] = {
        at: policy.share for at, policy in policies.items() if policy.share is not None
    }
    given = share_out(units, shares, {at: policies[at].priority for at in shares})[store]
    if steps is not None:
        steps.add("share", units, given, own.reasons.get("share"), f"{float(own.share):.4g} of all")
    return given


def target(units: int, policy: Policy, steps: Steps | None = None) -> int | None:
    """Turn a store's units into the quantity its listing should show; None means: leave it alone.

    `units` is what `available` and `share_of` left for this store, in single units.
    """
    value = max(0, units)
    reasons = policy.reasons
    for name, after in (
        ("pack", value // policy.pack),
        ("round_to", value // policy.pack // policy.round_to * policy.round_to),
    ):
        if steps is not None and (name in reasons or after != value):
            steps.add(name, value, after, reasons.get(name))
        value = after
    if policy.cap is not None:
        after = min(value, policy.cap)
        if steps is not None:
            steps.add("cap", value, after, reasons.get("cap"))
        value = after
    if policy.zero_at_or_below is not None:
        after = 0 if value <= policy.zero_at_or_below else value
        if steps is not None:
            steps.add("zero_at_or_below", value, after, reasons.get("zero_at_or_below"))
        value = after
    return _last_word(value, policy, steps)


def _last_word(value: int, policy: Policy, steps: Steps | None) -> int | None:
    """Let `fixed`, then `hold`, override what stock says."""
    if policy.fixed is not None:
        if steps is not None:
            steps.add("fixed", value, policy.fixed, policy.reasons.get("fixed"))
        value = policy.fixed
    if policy.hold:
        if steps is not None:
            steps.add("hold", value, None, policy.reasons.get("hold"), "nothing is written")
        return None
    return value


def kit_levels(parts: Mapping[Sku, int], levels_of: Mapping[Sku, Levels]) -> Levels:
    """Count the kits that stand complete at each location: the scarcest part there decides."""
    locations = {at for part in parts for at in levels_of.get(part, {})}
    return {
        location: StockLevel(
            on_hand=min(
                free(levels_of.get(part, {}).get(location, StockLevel())) // units
                for part, units in parts.items()
            )
        )
        for location in sorted(locations)
    }
