"""Hold what is too big to be true: limits on a store's changes and on our own plans for it."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from stocksync.domain.identifiers import ListingId
from stocksync.domain.plan import Line


class Gate(StrEnum):
    """Why a plan is held."""

    MASS_CHANGE = "mass_change"
    MASS_ZERO = "mass_zero"
    EMPTY_CENSUS = "empty_census"
    FIRST_CONTACT = "first_contact"
    INCREASE = "increase"
    MASS_PUSH = "mass_push"
    MASS_UNITS = "mass_units"
    MASS_UNTRACKED = "mass_untracked"
    MASS_ABSENCE = "mass_absence"
    OUT_OF_RANGE = "out_of_range"
    RESTORED = "restored"
    FLAPPING = "flapping"


#: Gates that stop a whole look: until a person decides, or the store shows sane numbers again,
#: nothing of that store is believed and nothing is written to it.
STOPPING: Final = frozenset(
    {
        Gate.MASS_CHANGE,
        Gate.MASS_ZERO,
        Gate.MASS_UNITS,
        Gate.MASS_UNTRACKED,
        Gate.MASS_ABSENCE,
        Gate.EMPTY_CENSUS,
        Gate.OUT_OF_RANGE,
        Gate.RESTORED,
    }
)
#: Gates about numbers: rejected, these numbers are a mistake of the store, and it is put right.
REFUSABLE: Final = frozenset(
    {
        Gate.INCREASE,
        Gate.MASS_CHANGE,
        Gate.MASS_ZERO,
        Gate.MASS_UNITS,
        Gate.OUT_OF_RANGE,
        Gate.RESTORED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may change at once (`reliability §2.5 e`); a floor keeps small shops calm.

    `units_part` is of the units a store shows, `units_floor` counts listings. A quantity beyond
    `quantity_max` is no quantity, nor is one above `growth_max` times the most that the listing
    ever showed, where a most below `growth_floor` counts as that.
    """

    changed_part: Fraction = Fraction(30, 100)
    changed_floor: int = 20
    zeroed_part: Fraction = Fraction(20, 100)
    zeroed_floor: int = 10
    all_zero_floor: int = 3
    units_part: Fraction = Fraction(25, 100)
    units_floor: int = 20
    absent_part: Fraction = Fraction(20, 100)
    absent_floor: int = 10
    quantity_max: int = 1_000_000
    growth_max: int = 100
    growth_floor: int = 100


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
    names the gate for too many changes: the store's own, or those of our plan for it, zeros
    included, as its hold is not about what the store shows.
    """
    counted = [line for line in lines if line.key not in approved]
    zeroed = [
        line for line in counted if line.after is not None and line.after <= 0 < (line.before or 0)
    ]
    if _too_many_out(len(zeroed), listings=listings, all_of=in_stock, limits=limits):
        return Trip(
            gate=Gate.MASS_ZERO if change is Gate.MASS_CHANGE else change,
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


def _too_many_out(count: int, *, listings: int, all_of: int, limits: Limits) -> bool:
    """Tell whether so many listings may go out at once; all of a tiny store may not."""
    many = count >= limits.zeroed_floor and count > limits.zeroed_part * listings
    return many or count >= max(limits.all_zero_floor, all_of)


def check_units(
    lines: Sequence[Line],
    *,
    shown: int,
    approved: AbstractSet[LineKey] = frozenset(),
    limits: Limits = LIMITS,
) -> Trip | None:
    """Hold changes that move too many of the units a store shows, down or up (`shown`: in all)."""
    moved = [(line.after or 0) - (line.before or 0) for line in lines if line.key not in approved]
    for word, units in (
        ("down", [-change for change in moved if change < 0]),
        ("up", [change for change in moved if change > 0]),
    ):
        if len(units) >= limits.units_floor and sum(units) > limits.units_part * shown:
            return Trip(
                gate=Gate.MASS_UNITS,
                reason=f"{sum(units)} of {shown} units would go {word} at once",
                lines=tuple(lines),
            )
    return None


def check_untracked(
    lines: Sequence[Line],
    *,
    listings: int,
    approved: AbstractSet[LineKey] = frozenset(),
    limits: Limits = LIMITS,
) -> Trip | None:
    """Hold a store that stops counting too many of its `listings` at once."""
    counted = [line for line in lines if line.key not in approved]
    if not _too_many_out(len(counted), listings=listings, all_of=listings, limits=limits):
        return None
    reason = f"{len(counted)} of {listings} listings would be counted no more"
    return Trip(gate=Gate.MASS_UNTRACKED, reason=reason, lines=tuple(lines))


def check_absence(
    lines: Sequence[Line],
    *,
    present: int,
    approved: AbstractSet[LineKey] = frozenset(),
    limits: Limits = LIMITS,
) -> Trip | None:
    """Hold a complete census that misses too many of the listings that were `present`."""
    counted = [line for line in lines if line.key not in approved]
    if len(counted) < limits.absent_floor or len(counted) <= limits.absent_part * present:
        return None
    reason = f"{len(counted)} of {present} listings vanished at once"
    return Trip(gate=Gate.MASS_ABSENCE, reason=reason, lines=tuple(lines))


def suspects(lines: Iterable[Line], limits: Limits = LIMITS) -> list[Line]:
    """Return the lines whose new number may be out of range, should the listing's past say so.

    A listing that was agreed to be beyond the limit already may stay there: some stores write
    "as many as you like" as 9999999.
    """
    return [
        line
        for line in lines
        if line.after is not None
        and (
            line.after > limits.growth_max * max(limits.growth_floor, line.before or 0)
            or abs(line.after) > limits.quantity_max >= abs(line.before or 0)
        )
    ]


def check_range(
    suspected: Iterable[Line],
    largest: Mapping[ListingId, int],
    *,
    approved: AbstractSet[LineKey] = frozenset(),
    limits: Limits = LIMITS,
) -> Trip | None:
    """Hold numbers that are none: too large for any listing, or for what this one ever showed.

    `largest` is the most that each listing was ever agreed to show. A listing met for the first
    time has no past, so only `quantity_max` speaks about it.
    """
    beyond = []
    for line in suspected:
        after, before = line.after or 0, line.before
        most = 0 if before is None else max(before, largest.get(line.listing, 0))
        grown = before is not None and after > limits.growth_max * max(limits.growth_floor, most)
        huge = abs(after) > limits.quantity_max >= abs(line.before or 0)
        if (huge or grown) and line.key not in approved:
            beyond.append(line)
    if not beyond:
        return None
    first = beyond[0]
    reason = f"{len(beyond)} listings show a number out of range ({first.listing}: {first.after})"
    return Trip(gate=Gate.OUT_OF_RANGE, reason=reason, lines=tuple(beyond))


def check_census(
    seen: int, known: int, *, approved: AbstractSet[LineKey] = frozenset(), line: Line
) -> Trip | None:
    """Refuse a store that lists nothing although it listed something before."""
    if seen or not known or line.key in approved:
        return None
    reason = f"the store listed nothing, but {known} of its listings are known"
    return Trip(gate=Gate.EMPTY_CENSUS, reason=reason, lines=(line,))
