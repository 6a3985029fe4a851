"""Hold what is too big to be true: limits on a store's changes and on our own plans for it."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from stocksync.domain.plan import Line


class Gate(StrEnum):
    """Why a plan is held."""

    MASS_CHANGE = "mass_change"
    MASS_ZERO = "mass_zero"
    EMPTY_CENSUS = "empty_census"
    FIRST_CONTACT = "first_contact"
    INCREASE = "increase"
    MASS_PUSH = "mass_push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may change at once (`reliability §2.5 e`); a floor keeps small shops calm."""

    changed_part: Fraction = Fraction(30, 100)
    changed_floor: int = 20
    zeroed_part: Fraction = Fraction(20, 100)
    zeroed_floor: int = 10
    all_zero_floor: int = 3


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A gate that closed: what it holds, and what a person should know about it."""

    gate: Gate
    reason: str
    lines: tuple[Line, ...]


LineKey = tuple[str, str, int | None, int | None]


def check(
    lines: Sequence[Line],
    *,
    listings: int,
    in_stock: int,
    approved: AbstractSet[LineKey] = frozenset(),
    limits: Limits = LIMITS,
    change: Gate = Gate.MASS_CHANGE,
) -> Trip | None:
    """Hold changes that are too many to be ordinary; lines a person approved do not count.

    `listings` are the store's counted listings, `in_stock` those of them above zero. `change`
    names the gate for too many changes: the store's own, or those of our plan for it.
    """
    counted = [line for line in lines if line.key not in approved]
    zeroed = [line for line in counted if line.after == 0 and (line.before or 0) > 0]
    all_out = len(zeroed) >= max(limits.all_zero_floor, in_stock)
    many_out = len(zeroed) >= limits.zeroed_floor and len(zeroed) > limits.zeroed_part * listings
    if all_out or many_out:
        return Trip(
            gate=Gate.MASS_ZERO,
            reason=f"{len(zeroed)} of {in_stock} listings in stock would fall to 0 at once",
            lines=tuple(lines),
        )
    if len(counted) >= limits.changed_floor and len(counted) > limits.changed_part * listings:
        return Trip(
            gate=change,
            reason=f"{len(counted)} of {listings} listings would change at once",
            lines=tuple(lines),
        )
    return None


def check_census(
    seen: int, known: int, *, approved: AbstractSet[LineKey] = frozenset(), line: Line
) -> Trip | None:
    """Refuse a store that lists nothing although it listed something before."""
    if seen or not known or line.key in approved:
        return None
    reason = f"the store listed nothing, but {known} of its listings are known"
    return Trip(gate=Gate.EMPTY_CENSUS, reason=reason, lines=(line,))
