"""What people decide from afar: about held plans, about units found or lost, about known SKUs."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from stocksync.contracts.ledger import BookedMovement, Commit, Hold, HoldState
from stocksync.domain.identifiers import LocationId, Sku, StoreId
from stocksync.domain.movements import Movement, at
from stocksync.engine.context import Context
from stocksync.engine.stocktake import adjust
from stocksync.errors import LedgerBroken, StaleLevel, StalePlan, UnknownName

#: From which states a hold can be brought to the one that is decided on.
_CHANGEABLE: Final = {
    HoldState.APPROVED: (HoldState.OPEN, HoldState.REJECTED),
    HoldState.REJECTED: (HoldState.OPEN, HoldState.APPROVED),
}


async def decide(context: Context, name: str, to: HoldState, *, by: str) -> tuple[Hold, bool]:
    """Approve or reject the hold of this name; return it as it is now, and whether that is new.

    Raises:
        UnknownName: No hold is called like this.
        StalePlan: The hold is over: it was carried out, or its cause has gone; or somebody else
            decided about it just now.
    """
    hold = await context.ledger.hold(name)
    if hold is None or hold.hash != name:
        waiting = [at.hash for at in await context.ledger.holds()]
        hint = f"waiting: {', '.join(waiting)}" if waiting else "nothing is held now"
        raise UnknownName(f"no hold is called {name!r}; {hint}")
    if hold.state is to:
        return hold, False
    if hold.state not in _CHANGEABLE[to]:
        raise StalePlan(f"hold {name} is over: it was {hold.state.value}")
    return await decide_as_read(context, hold, to, by=by)


async def decide_as_read(
    context: Context, hold: Hold, to: HoldState, *, by: str
) -> tuple[Hold, bool]:
    """Approve or reject a hold while it is what somebody read; return it, and whether that is new.

    Raises:
        StalePlan: Somebody else decided otherwise, or it ended, since it was read.
    """
    decided = replace(hold, state=to, decided_at=context.now(), decided_by=by)
    try:
        await context.ledger.commit(Commit(holds=[decided], as_read=[hold]))
    except StaleLevel:
        now = await context.ledger.hold(hold.hash) or hold
        if now.state is to:
            return now, False
        who = f" by {now.decided_by}" if now.decided_by else ""
        text = f"hold {hold.hash} was {now.state.value}{who} meanwhile; look at it again"
        raise StalePlan(text) from None
    return decided, True


async def adjust_once(
    context: Context, sku: Sku, units: int, *, reason: str, location: str, key: str
) -> tuple[BookedMovement, bool]:
    """Book an adjustment under a key that somebody else made up; tell whether it is new.

    What the key stands for already is returned as it was booked: see `is_same`.

    Raises:
        UnknownName: The books do not know the SKU.
        ConfigurationError: It is a bundle, or in several places and none is named.
    """
    name = f"adjustment:{key}"
    before = await context.ledger.booked(name)
    if before is not None:
        return before, False
    await _require_books(context, sku)
    count = 0
    try:
        count = await adjust(context, sku, units, reason=reason, key=key, location=location)
    except LedgerBroken:
        # Somebody was faster with another content under the same key: that one stands.
        if await context.ledger.booked(name) is None:
            raise
    booked = await context.ledger.booked(name)
    if booked is None:  # pragma: no cover - it was committed, and nothing is ever taken out
        raise LedgerBroken(f"movement {name!r} was booked and is not in the books")
    return booked, count > 0


async def _require_books(context: Context, sku: Sku) -> None:
    """Refuse a SKU that never moved; a bundle is refused with better words later."""
    if sku not in context.book.bundles and not await context.ledger.levels([sku]):
        raise UnknownName(f"the ledger does not know SKU {sku!r}")


def is_same(movement: Movement, sku: Sku, units: int, *, reason: str, location: str) -> bool:
    """Tell whether a booked adjustment is what is asked for now."""
    place = movement.destination if units > 0 else movement.source
    return (
        movement.sku == sku
        and movement.units == abs(units)
        and movement.reason == reason.strip()
        and place.startswith(at(LocationId("")))
        and (not location or place == at(LocationId(location)))
    )


async def stores_behind(context: Context, sku: Sku) -> list[StoreId]:
    """Return the stores whose numbers depend on a SKU."""
    affected = context.book.affected({sku})
    listed = {record.store for record in await context.ledger.records_of(affected)}
    switched = {store for store, _ in context.book.switches(affected)}
    return sorted((listed | switched) & context.stores.keys())


async def require_known(context: Context, skus: Collection[Sku]) -> None:
    """Refuse SKUs that neither the books nor a store nor a rule knows.

    It does not look for names like them: among 100,000 that takes seconds, and anybody may ask.

    Raises:
        UnknownName: It names all of them.
    """
    book, ledger = context.book, context.ledger
    known = {*book.bundles, *(await ledger.levels(skus))}
    known |= {at.sku for at in await ledger.records_of(skus) if at.sku is not None}
    unknown = [sku for sku in skus if sku not in known and not book.switches({sku})]
    if unknown:
        raise UnknownName("\n".join(f"nobody knows SKU {sku!r}" for sku in unknown))
