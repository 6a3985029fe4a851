"""What a person does through the API or a page: one way to do it, written to the log with a name.

Whatever was changed is carried to the stores at once, and not at their next poll.
"""

from typing import Literal

import structlog

from stocksync.contracts.dispatch import Wish
from stocksync.contracts.ledger import BookedMovement, Hold, HoldState
from stocksync.domain.identifiers import Sku
from stocksync.engine import decisions
from stocksync.errors import StalePlan
from stocksync.ops.access import Caller
from stocksync.ops.desk import Desk

Decision = Literal["approve", "reject"]
log = structlog.get_logger(__name__)


async def reconcile(desk: Desk, caller: Caller, wish: Wish) -> str:
    """Start a run by hand and return its name.

    Raises:
        UnknownName: A store or a SKU that does not exist.
        RunInProgress: The run before has not ended.
    """
    await decisions.require_known(desk.context(), wish.skus)
    run = await desk.dispatcher.reconcile(wish)
    log.info("run asked for", run=run, by=caller.name, stores=wish.stores, dry_run=wish.dry_run)
    return run


async def adjust(
    desk: Desk,
    caller: Caller,
    sku: Sku,
    units: int,
    *,
    reason: str,
    key: str,
    location: str = "",
) -> tuple[BookedMovement, bool]:
    """Book units found or lost once for each key of a caller; False when it was booked before.

    Raises:
        UnknownName: The books do not know the SKU.
        ConfigurationError: It is a bundle, or in several places and none is named.
        StalePlan: The key stands for another adjustment already.
    """
    context = desk.context()
    booked, is_new = await decisions.adjust_once(
        context, sku, units, reason=reason, location=location, key=f"{caller.name}:{key}"
    )
    if not is_new:
        same = decisions.is_same(booked.movement, sku, units, reason=reason, location=location)
        if not same:
            raise StalePlan("this Idempotency-Key stands for another adjustment already")
        return booked, False
    for store in await decisions.stores_behind(context, sku):
        desk.dispatcher.request(store, "push")
    log.info("adjusted", by=caller.name, sku=sku, units=units, number=booked.number)
    return booked, True


async def decide(desk: Desk, caller: Caller, name: str, decision: Decision) -> Hold:
    """Approve or reject a held plan; an approved one is carried out at once.

    Raises:
        UnknownName: No hold is called like this.
        StalePlan: It is over.
    """
    to = HoldState.APPROVED if decision == "approve" else HoldState.REJECTED
    hold, is_new = await decisions.decide(desk.context(), name, to, by=caller.name)
    if is_new:
        log.info("hold decided", by=caller.name, hold=name, store=hold.store, state=to.value)
    if to is HoldState.APPROVED and hold.store in desk.context().stores:
        desk.dispatcher.request(hold.store, "pull")
    return hold
