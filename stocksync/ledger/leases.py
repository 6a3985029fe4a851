"""Give one runner at a time the right to work on a store, and fence off who had it before."""

from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from stocksync.contracts.ledger import Lease, StoreRecord
from stocksync.domain.identifiers import StoreId
from stocksync.errors import LeaseLost
from stocksync.ledger.rows import store_row
from stocksync.ledger.tables import STORES

#: The lease columns of a store that nobody ever worked on.
NO_LEASE: Final = MappingProxyType({"lease_holder": "", "lease_until": None, "epoch": 0})


def acquire(
    connection: Connection, store: StoreId, *, holder: str, now: datetime, until: datetime
) -> Lease | None:
    """Take a lease that is free, ended or ours, with the next epoch (`reliability §2.5 i`)."""
    asked = select(STORES.c.lease_holder, STORES.c.lease_until, STORES.c.epoch)
    row = connection.execute(asked.where(STORES.c.store == store)).one_or_none()
    if row is None:
        connection.execute(insert(STORES), [store_row(StoreRecord(store=store)) | NO_LEASE])
    elif row.lease_holder not in ("", holder) and row.lease_until >= now:
        return None
    epoch = 1 if row is None else row.epoch + 1
    connection.execute(
        update(STORES)
        .where(STORES.c.store == store)
        .values(lease_holder=holder, lease_until=until, epoch=epoch)
    )
    return Lease(store=store, epoch=epoch)


def renew(connection: Connection, lease: Lease, *, until: datetime) -> bool:
    """Keep a lease; False when somebody took it or it was given back."""
    return _change(connection, lease, {"lease_until": until})


def release(connection: Connection, lease: Lease) -> None:
    """Give a lease back; the epoch stays, so that the next one is higher."""
    _change(connection, lease, {"lease_holder": "", "lease_until": None})


def _change(connection: Connection, lease: Lease, values: dict[str, Any]) -> bool:
    ours = (
        STORES.c.store == lease.store,
        STORES.c.epoch == lease.epoch,
        STORES.c.lease_holder != "",
    )
    return connection.execute(update(STORES).where(*ours).values(values)).rowcount == 1


def require_lease(connection: Connection, lease: Lease) -> None:
    """Refuse an old epoch.

    Raises:
        LeaseLost: Another runner took the store over, or the lease was given back.
    """
    asked = select(STORES.c.epoch).where(STORES.c.store == lease.store, STORES.c.lease_holder != "")
    if connection.execute(asked).scalar() != lease.epoch:
        raise LeaseLost(f"{lease.store}: another runner took over from epoch {lease.epoch}")


def holder(connection: Connection, store: StoreId, *, now: datetime) -> str:
    """Return who holds the lease of a store now; an ended lease is held by nobody."""
    asked = select(STORES.c.lease_holder, STORES.c.lease_until).where(STORES.c.store == store)
    row = connection.execute(asked).one_or_none()
    if row is None or row.lease_until is None or row.lease_until < now:
        return ""
    return str(row.lease_holder)
