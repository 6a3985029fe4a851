"""Give one runner at a time the right to work on a store, and fence off who had it before."""

from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from stocksync.contracts.ledger import Lease, StoreRecord
from stocksync.domain.identifiers import StoreId
from stocksync.errors import LeaseLost
from stocksync.ledger.rows import store_row
from stocksync.ledger.tables import STORES

#: The lease columns of a store that nobody ever worked on.
NO_LEASE: Final = MappingProxyType({"lease_holder": "", "lease_until": None, "epoch": 0})

_HERE: Final = STORES.c.store == bindparam("at_store")
_IS_HELD: Final = STORES.c.lease_holder != ""
_LEASE: Final = select(STORES.c.lease_holder, STORES.c.lease_until, STORES.c.epoch).where(_HERE)
_EPOCH: Final = select(STORES.c.epoch).where(_HERE, _IS_HELD)
_NEW: Final = insert(STORES)
_TAKE: Final = (
    update(STORES)
    .where(_HERE)
    .values(
        lease_holder=bindparam("by_holder"),
        lease_until=bindparam("until"),
        epoch=bindparam("with_epoch"),
    )
)
_OURS: Final = update(STORES).where(_HERE, STORES.c.epoch == bindparam("at_epoch"), _IS_HELD)
_RENEW: Final = _OURS.values(lease_until=bindparam("until"))
_RELEASE: Final = _OURS.values(lease_holder="", lease_until=None)


def acquire(
    connection: Connection, store: StoreId, *, holder: str, now: datetime, until: datetime
) -> Lease | None:
    """Take a lease that is free, ended or ours, with the next epoch (`reliability §2.5 i`)."""
    row = connection.execute(_LEASE, {"at_store": store}).one_or_none()
    if row is None:
        connection.execute(_NEW, [store_row(StoreRecord(store=store)) | NO_LEASE])
    elif row.lease_holder not in ("", holder) and row.lease_until >= now:
        return None
    epoch = 1 if row is None else row.epoch + 1
    taken = {"at_store": store, "by_holder": holder, "until": until, "with_epoch": epoch}
    connection.execute(_TAKE, taken)
    return Lease(store=store, epoch=epoch)


def renew(connection: Connection, lease: Lease, *, until: datetime) -> bool:
    """Keep a lease; False when somebody took it or it was given back."""
    return connection.execute(_RENEW, {**_at(lease), "until": until}).rowcount == 1


def release(connection: Connection, lease: Lease) -> None:
    """Give a lease back; the epoch stays, so that the next one is higher."""
    connection.execute(_RELEASE, _at(lease))


def _at(lease: Lease) -> dict[str, Any]:
    return {"at_store": lease.store, "at_epoch": lease.epoch}


def require_lease(connection: Connection, lease: Lease) -> None:
    """Refuse an old epoch.

    Raises:
        LeaseLost: Another runner took the store over, or the lease was given back.
    """
    if connection.execute(_EPOCH, {"at_store": lease.store}).scalar() != lease.epoch:
        raise LeaseLost(f"{lease.store}: another runner took over from epoch {lease.epoch}")


def holder(connection: Connection, store: StoreId, *, now: datetime) -> str:
    """Return who holds the lease of a store now; an ended lease is held by nobody."""
    row = connection.execute(_LEASE, {"at_store": store}).one_or_none()
    if row is None or row.lease_until is None or row.lease_until < now:
        return ""
    return str(row.lease_holder)
