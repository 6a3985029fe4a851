"""Say what made a target differ under other rules, and how much a plan may change unheld."""

from collections.abc import Sequence
from dataclasses import dataclass

from stocksync.domain.availability import Step
from stocksync.domain.gates import LIMITS, Limits
from stocksync.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What made the new number: a rule of the new ones, or (`gone`) an old one that is no more."""

    rule: Rule | None = None
    gone: bool = False
    note: str = ""


def cause_of(before: Sequence[Step], after: Sequence[Step]) -> Cause:
    """Find the first step at which two ways to a target part; later ones only follow from it.

    Steps without a number or a rule of their own are not taken, so one way may have more of them.
    """
    old_names = {step.name for step in before}
    for old, new in zip(before, after, strict=False):
        if (old.name, old.before, old.after) == (new.name, new.before, new.after):
            continue
        if new.rule is not None and (old.name == new.name or new.name not in old_names):
            return Cause(rule=new.rule)
        return Cause(rule=old.rule, gone=True) if old.rule is not None else Cause()
    rest = after[len(before) :] or before[len(after) :]
    for step in rest:
        if step.rule is not None:
            return Cause(rule=step.rule, gone=len(before) > len(after))
    return Cause()


def most_allowed(*, listings: int, in_stock: int, limits: Limits = LIMITS) -> tuple[int, int]:
    """Return how many of a store's listings our plan may change, and let fall to 0, unheld.

    `listings` are the counted ones, `in_stock` those above zero: `gates.check` in two numbers.
    """
    changed = max(limits.changed_floor - 1, int(limits.changed_part * listings))
    zeroed = max(limits.zeroed_floor - 1, int(limits.zeroed_part * listings))
    return changed, min(zeroed, max(limits.all_zero_floor, in_stock) - 1)
