"""The one formula: from stock levels to the quantity a listing should show.

sum of locations - reserved - buffer - velocity_buffer -> last_units -> share -> pack, round down
-> floor -> cap -> zero_at_or_below -> fixed, hold (`DESIGN §5`). Nothing else in the code base
subtracts reserved from on hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

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
    if not buffer.percent:
        return buffer.units
    part = buffer.percent
    return buffer.units - (-max(0, units) * part.numerator // part.denominator)


def free(level: StockLevel) -> int:
    """Units at a location that nobody has a claim on; below zero when oversold."""
    return level.on_hand - level.reserved


def _at_location(level: StockLevel, rules: tuple[Rule, ...]) -> tuple[int, Rule | None]:
    """Count what one location offers under the rules that speak about it.

    For each field the last of them wins; what is not counted at all needs no buffer.
    """
    held: Rule | None = None
    buffered: Rule | None = None
    for rule in rules:
        held = rule if rule.wishes.hold is not None else held
        buffered = rule if rule.wishes.buffer is not None else buffered
    if held is not None and held.wishes.hold:
        return 0, held
    units = free(level)
    if buffered is None or buffered.wishes.buffer is None:
        return units, held
    return max(0, units - kept_back(units, buffered.wishes.buffer)), buffered


def available(
    levels: Levels, policy: Policy, steps: Steps | None = None, *, selling: int = 0
) -> int:
    """Units we may promise to one store: free units where it may sell from, less the buffers.

    Never below zero, never more than what is on hand. `selling` are the units to keep back because
    others like them sell now (`domain.velocity`).
    """
    if steps is None and len(levels) == 1 and policy.locations is None:
        [(_, level)] = levels.items()
        if not policy.location_rules:
            units = level.on_hand - level.reserved
            return max(0, units - kept_back(units, policy.buffer) - selling)
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
    left = max(0, promised - selling)
    if steps is not None and policy.velocity_buffer is not None:
        rule = policy.reasons.get("velocity_buffer")
        steps.add("velocity_buffer", promised, left, rule, f"{selling} for what sells now")
    return left


def last_units_of(
    units: int, store: StoreId, policies: Mapping[StoreId, Policy], steps: Steps | None = None
) -> int:
    """Keep the last units for the stores of the highest priority among those that list the SKU."""
    own = policies[store]
    if units > own.last_units or units == 0:
        return units
    first = max(policy.priority for policy in policies.values())
    left = units if own.priority == first else 0
    if steps is not None:
        note = f"priority {own.priority}, the highest is {first}"
        steps.add("last_units", units, left, own.reasons.get("last_units"), note)
    return left


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


def target(
    units: int, policy: Policy, steps: Steps | None = None, *, there: int | None = None
) -> int | None:
    """Turn a store's units into the quantity its listing should show; None means: leave it alone.

    `units` is what `available` and `share_of` left for this store, in single units; `there` is
    what was available before it was shared out, and the most that `floor` may ask for.
    """
    value = max(0, units)
    value = _in_pieces(value, policy, steps)
    if policy.floor is not None and there is not None:
        most = there // policy.pack
        after = max(value, policy.floor) if policy.floor <= most else value
        if steps is not None:
            steps.add("floor", value, after, policy.reasons.get("floor"), f"of {most} available")
        value = after
    if policy.cap is not None:
        after = min(value, policy.cap)
        if steps is not None:
            steps.add("cap", value, after, policy.reasons.get("cap"))
        value = after
    if policy.zero_at_or_below is not None:
        after = 0 if value <= policy.zero_at_or_below else value
        if steps is not None:
            steps.add("zero_at_or_below", value, after, policy.reasons.get("zero_at_or_below"))
        value = after
    return _last_word(value, policy, steps)


def _in_pieces(value: int, policy: Policy, steps: Steps | None) -> int:
    """Count whole packs, then whole multiples; what does not fill one is not shown."""
    if policy.pack == policy.round_to == 1 and steps is None:
        return value
    reasons = policy.reasons
    for name, after in (
        ("pack", value // policy.pack),
        ("round_to", value // policy.pack // policy.round_to * policy.round_to),
    ):
        if steps is not None and (name in reasons or after != value):
            steps.add(name, value, after, reasons.get(name))
        value = after
    return value


def _last_word(value: int, policy: Policy, steps: Steps | None) -> int | None:
    """Let `fixed`, then `hold`, override what stock says."""
    if policy.fixed is not None:
        if steps is not None:
            steps.add("fixed", value, policy.fixed, policy.reasons.get("fixed"))
        value = policy.fixed
    if policy.hold:
        if steps is not None:
            why = policy.failed or "nothing is written"
            if isinstance(policy.hold, datetime):
                why = f"nothing is written until {policy.hold:%Y-%m-%d %H:%M} UTC"
            steps.add("hold", value, None, policy.reasons.get("hold"), why)
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
