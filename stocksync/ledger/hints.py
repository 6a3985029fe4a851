"""Keep hints in their table: few rows, however many events, and gone once a look answered them."""

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, delete, func, or_, select

from stocksync.domain.hints import (
    KEYS_MAX,
    WHOLE_STORE,
    Hint,
    means_whole_store,
    of_whole_store,
    said_together,
)
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.ledger.statements import listed, members, upsert
from stocksync.ledger.tables import HINTS, LISTINGS

_KEYS: Final = select(func.count(), func.min(HINTS.c.key)).where(
    HINTS.c.store == bindparam("at_store")
)
_OTHERS: Final = delete(HINTS).where(
    HINTS.c.store == bindparam("at_store"), HINTS.c.key != WHOLE_STORE
)
_WAITING: Final = select(HINTS).order_by(HINTS.c.store, HINTS.c.key)
_WAITING_HERE: Final = _WAITING.where(HINTS.c.store == bindparam("at_store"))
_ANSWERED: Final = delete(HINTS).where(
    HINTS.c.store == bindparam("at_store"),
    HINTS.c.key == bindparam("at_key"),
    HINTS.c.times == bindparam("at_times"),
)


def keep(connection: Connection, hints: Collection[Hint]) -> None:
    """Add hints to those that wait; a key that waits already is counted."""
    for store in sorted({hint.store for hint in hints}):
        _keep(connection, store, said_together(hint for hint in hints if hint.store == store))


def _keep(connection: Connection, store: StoreId, hints: list[Hint]) -> None:
    count, lowest = connection.execute(_KEYS, {"at_store": store}).one()
    whole = means_whole_store(hints) or lowest == WHOLE_STORE
    if not whole:
        _add(connection, hints)
        if count + len(hints) <= KEYS_MAX:
            return
        count, _ = connection.execute(_KEYS, {"at_store": store}).one()
        if count <= KEYS_MAX:
            return
    if count > (lowest == WHOLE_STORE):
        connection.execute(_OTHERS, {"at_store": store})
    _add(connection, [of_whole_store(hints)])


def _add(connection: Connection, hints: Iterable[Hint]) -> None:
    rows = [
        {"store": at.store, "key": at.key, "received_at": at.received_at, "times": at.times}
        for at in hints
    ]
    kept = upsert(HINTS, connection.dialect.name, fixed=("received_at",), added=("times",))
    connection.execute(kept, rows)


def forget(connection: Connection, answered: Collection[Hint]) -> None:
    """Remove the hints that a look answered; one said again since has another count, and stays."""
    rows = [{"at_store": at.store, "at_key": at.key, "at_times": at.times} for at in answered]
    if rows:
        connection.execute(_ANSWERED, rows)


def waiting(connection: Connection, store: StoreId | None) -> list[Hint]:
    """Return the hints that wait for a look, by store and key."""
    if store is None:
        rows = connection.execute(_WAITING)
    else:
        rows = connection.execute(_WAITING_HERE, {"at_store": store})
    return [Hint(**row) for row in rows.mappings()]


@cache
def _named(dialect: str) -> Select[Any]:
    columns = LISTINGS.c.listing, LISTINGS.c.code, LISTINGS.c.group
    wanted = or_(*(column.in_(members("names", dialect)) for column in columns))
    asked = select(LISTINGS.c.listing).order_by(LISTINGS.c.listing)
    return asked.where(LISTINGS.c.store == bindparam("at_store"), wanted)


def named(connection: Connection, store: StoreId, names: Collection[str]) -> list[ListingId]:
    """Return the listings whose id, code or group is one of these names."""
    given = {"at_store": store, "names": listed(names)}
    return list(connection.execute(_named(connection.dialect.name), given).scalars())
