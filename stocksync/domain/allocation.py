"""Give each unit to one store only: what stores may show together never exceeds what is there.

A store is raised only into units that no other store may still sell; so others are lowered first,
the lowering is confirmed, and the orders of the meantime are read (`reliability §2.3`). A write
replaces what was sold while it was under way, so the last units move only from and to nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from stocksync.domain.availability import Steps, free, share_of
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.rules import Mode, Policy
from stocksync.domain.shares import share_out
from stocksync.domain.stock import Levels

ListingKey = tuple[StoreId, ListingId]
#: How many units of a stocked SKU each listing may still sell, by what it shows or may show soon.
Exposed = Mapping[Sku, Mapping[ListingKey, int]]
NOBODY: Final[Exposed] = MappingProxyType({})
#: Units left for each store that lists the SKU, below which `auto` gives each unit to one store.
AUTO_UNITS: Final = 3


def is_allocated(policy: Policy, units: int, stores: Collection[StoreId]) -> bool:
    """Tell whether a SKU of which so many units are left is given to stores unit by unit."""
    if policy.mode is Mode.AUTO:
        return units <= AUTO_UNITS * len(stores)
    return policy.mode is Mode.ALLOCATED


def allotted(
    units: int, store: StoreId, policies: Mapping[StoreId, Policy], steps: Steps | None = None
) -> int:
    """Return a store's part of `units`: by the shares of the rules, else as many as any other."""
    if policies[store].share is not None:
        return share_of(units, store, policies, steps)
    without = [at for at, policy in policies.items() if policy.share is None]
    equal = dict.fromkeys(without, Fraction(1, len(without)))
    left = max(Fraction(0), 1 - sum(at.share or Fraction(0) for at in policies.values()))
    shares = {at: part * left for at, part in equal.items()}
    given = share_out(units, shares, {at: policies[at].priority for at in shares})[store]
    if steps is not None:
        note = f"one of {len(policies)} stores"
        steps.add("allocated", units, given, policies[store].reasons.get("mode"), note)
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One listing among those that may sell the same units: what it shows, and the room it has.

    In the listing's own pieces. `starved`: another store shows nothing though units are left, and
    this one is the one to give up its own for it.
    """

    shown: int
    room: int
    starved: bool = False

    def fits(self, number: int) -> bool:
        """Tell whether a number may be written without promising a unit twice.

        Our write overwrites what is sold while it is under way: until the orders are read after
        it, both the old number and the new one may be sold. Only a listing that shows nothing
        sells nothing meanwhile.
        """
        return number == 0 or number + self.shown <= self.room

    def fitted(self, wanted: int) -> int:
        """Return the number to write for the one wanted.

        What does not fit is left as it is, while that is not too much; else it goes to nothing
        first, and comes back when the orders of the meantime are known.
        """
        if self.starved:
            return 0
        if self.shown == 0:
            return min(wanted, self.room)
        if wanted > self.shown and self.fits(wanted):
            return wanted
        return self.shown if self.shown <= self.room and wanted > 0 else 0


def place_of(
    own: ListingKey,
    shown: int,
    *,
    parts: Mapping[Sku, int],
    levels: Mapping[Sku, Levels],
    exposed: Exposed,
    allotments: Mapping[StoreId, int] | None = None,
) -> Place:
    """Find the place of a listing that shows so many pieces, each made of these parts."""
    rooms = []
    for part, needed in parts.items():
        claims = exposed.get(part, {})
        there = sum(free(level) for level in levels.get(part, {}).values())
        late = max(0, claims.get(own, 0) - shown * needed)  # writes of ours that may yet count
        others = sum(units for key, units in claims.items() if key != own)
        rooms.append(max(0, there - others - late) // needed)
    starved = False
    if allotments is not None and len(parts) == 1:
        [(part, _)] = parts.items()
        starved = _gives(own, exposed.get(part, {}), allotments)
    return Place(shown=shown, room=min(rooms, default=0), starved=starved)


def _gives(
    own: ListingKey, claims: Mapping[ListingKey, int], allotments: Mapping[StoreId, int]
) -> bool:
    """Tell whether this listing is to make room for a store that has nothing to show.

    The one with most above its part gives, and keeps nothing until orders are read: then all that
    is free is given out anew. While any unit is free already, nobody has to.
    """
    empty = [key for key, units in claims.items() if not units and allotments.get(key[0], 0)]
    total, held = sum(allotments.values()), sum(claims.values())
    if not empty or held < total:
        return False
    above = {key: units - allotments.get(key[0], 0) for key, units in claims.items()}
    most = max(sorted(above), key=lambda key: above[key])
    return most == own and above[own] > 0 and claims[own] > 1
