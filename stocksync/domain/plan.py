"""Turn what we want and what we saw into the writes to make."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from stocksync.domain.allocation import Place, allotted, is_allocated
from stocksync.domain.availability import (
    Steps,
    available,
    kit_levels,
    last_units_of,
    share_of,
    target,
)
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Mode
from stocksync.domain.stock import (
    Correction,
    Levels,
    ListingRecord,
    ListingState,
    NotCounted,
    Presence,
    shown_number,
    state_of,
)
from stocksync.domain.velocity import NO_SALES, RecentSales


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a plan that a person can read: this listing, from this number to that one."""

    store: StoreId
    listing: ListingId
    sku: str
    before: int | None
    after: int | None
    why: str = ""

    @property
    def key(self) -> tuple[str, str, int | None, int | None]:
        return (self.store, self.listing, self.before, self.after)


def plan_hash(lines: Iterable[Line]) -> str:
    """Name a plan by its content: same lines, same name, whatever their order."""
    content = json.dumps(sorted([str(part) for part in line.key] for line in lines))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def levels_of_sku(sku: Sku, rulebook: Rulebook, levels: Mapping[Sku, Levels]) -> Levels | None:
    """Return a SKU's stock, or what its parts allow for a kit; None when the ledger knows none."""
    if sku not in rulebook.bundles:
        return levels.get(sku)
    parts = rulebook.parts(sku)
    if any(part not in levels for part in parts):
        return None
    return kit_levels(parts, levels)


def target_for(
    sku: Sku,
    store: StoreId,
    *,
    stores: Iterable[StoreId],
    levels: Mapping[Sku, Levels],
    rulebook: Rulebook,
    steps: Steps | None = None,
    place: Place | None = None,
    sales: RecentSales = NO_SALES,
) -> int | None:
    """Return the quantity a listing of `sku` should show in `store`; None: leave it alone.

    `stores` are all that list the SKU (they share it); `place` is that of the listing among them,
    which counts where each unit is given to one store only. A SKU without a single movement has no
    target: the ledger does not know it, and not knowing is never zero.
    """
    own = levels_of_sku(sku, rulebook, levels)
    if own is None:
        return None
    policy = rulebook.policy(sku, store)
    if policy.velocity_buffer is None:
        units = available(own, policy, steps)
    else:
        units = units_for(sku, store, own, rulebook, sales=sales, steps=steps)
    if policy.mode is Mode.SHARED and policy.share is None and not policy.last_units:
        return target(units, policy, steps, there=units)
    policies = {at: rulebook.policy(sku, at) for at in sorted({*stores, store})}
    if not is_allocated(policy, units, policies):
        units = last_units_of(units, store, policies, steps)
        return target(share_of(units, store, policies, steps), policy, steps, there=units)
    wanted = target(allotted(units, store, policies, steps), policy, steps)
    if place is None or wanted is None or policy.fixed is not None:
        return wanted
    fitted = place.fitted(wanted)
    if steps is not None and fitted != wanted:
        note = f"shows {place.shown}; there is room for {place.room} beside what others may sell"
        steps.add("room", wanted, fitted, None, note)
    return fitted


def units_for(
    sku: Sku,
    store: StoreId,
    own: Levels,
    rulebook: Rulebook,
    *,
    sales: RecentSales,
    steps: Steps | None = None,
) -> int:
    """Return the units of a SKU that one store may be promised, before they are shared out."""
    policy = rulebook.policy(sku, store)
    if policy.velocity_buffer is None:
        return available(own, policy, steps)
    selling = sales.selling(rulebook.parts(sku), store, policy.velocity_buffer)
    return available(own, policy, steps, selling=selling)


def allotments(
    sku: Sku,
    stores: Iterable[StoreId],
    levels: Mapping[Sku, Levels],
    rulebook: Rulebook,
    sales: RecentSales = NO_SALES,
) -> dict[StoreId, int]:
    """Return every store's part of a SKU whose units are given to one store each."""
    own = levels_of_sku(sku, rulebook, levels) or {}
    policies = {at: rulebook.policy(sku, at) for at in sorted(stores)}
    return {
        at: allotted(units_for(sku, at, own, rulebook, sales=sales), at, policies)
        for at in policies
    }


def switch_for(
    skus: Iterable[Sku],
    store: StoreId,
    levels: Mapping[Sku, Levels],
    rulebook: Rulebook,
    sales: RecentSales = NO_SALES,
) -> int | None:
    """Return 1 when one of the SKUs can be sold, 0 when all are out; None when none is known."""
    targets = [
        target_for(sku, store, stores=[store], levels=levels, rulebook=rulebook, sales=sales)
        for sku in skus
    ]
    known = [value for value in targets if value is not None]
    if not known or (len(known) < len(targets) and not any(known)):
        return None
    return int(any(known))


def may_write(record: ListingRecord, now: datetime, *, switch: bool) -> bool:
    """Tell whether a listing can be written to: linked, counted, present, not backing off."""
    return (
        state_of(record, maps_stock=switch) is ListingState.LINKED
        and record.presence is Presence.PRESENT
        and record.baseline is not None
        and not isinstance(record.reading, NotCounted)
        and (record.retry_at is None or record.retry_at <= now)
    )


def correction_for(record: ListingRecord, wanted: int | None) -> Correction | None:
    """Write only where the store is wrong, and never where we could not count.

    A listing with unanswered writes is written again when its last reading is not the target:
    the newest target is asserted over whatever may still arrive late.
    """
    if wanted is None or record.baseline is None:
        return None
    shown = shown_number(record.reading) if record.own_values else record.baseline
    if shown is None or shown == wanted:
        return None
    return Correction(
        listing=record.listing,
        quantity=wanted,
        expected=shown,
        sku=record.sku,
        code=record.code,
        group=record.group,
    )
