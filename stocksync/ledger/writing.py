"""Write one commit: in one transaction, in one order, all of it or nothing."""

from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from stocksync.contracts.ledger import (
    BookedMovement,
    Commit,
    Hold,
    Intent,
    ListingKey,
    StoreRecord,
)
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.movements import Movement, fold
from stocksync.domain.stock import ListingRecord
from stocksync.errors import StaleLevel
from stocksync.ledger import hints, sales
from stocksync.ledger.checks import FINAL, in_writing_order, only_new
from stocksync.ledger.leases import NO_LEASE, require_lease
from stocksync.ledger.rows import (
    hold_row,
    intent_row,
    listing_row,
    movement_row,
    run_row,
    store_row,
)
from stocksync.ledger.seals import FIRST, seal
from stocksync.ledger.statements import is_one_of, listed, members, upsert
from stocksync.ledger.tables import BALANCES, HOLDS, INTENTS, LISTINGS, MOVEMENTS, RUNS, STORES

#: What is remembered of an intent that never changes again once it was written down.
_ABOUT: Final = tuple(
    column.name
    for column in INTENTS.columns
    if column.name not in ("id", "state", "resolved_at", "detail")
)
_APPEND: Final = insert(MOVEMENTS)
_LAST: Final = (
    select(MOVEMENTS.c.number, MOVEMENTS.c.seal).order_by(MOVEMENTS.c.number.desc()).limit(1)
)
_NEW_LISTINGS: Final = insert(LISTINGS)
_NEW_HOLD: Final = insert(HOLDS)
#: What changes about a hold; the rest of it is its name.
_DECISION: Final = (HOLDS.c.state, HOLDS.c.decided_at, HOLDS.c.decided_by)
_SAME: Final = (HOLDS.c.hash == bindparam("at_hash"), HOLDS.c.store == bindparam("at_store"))
_NEWEST: Final = select(*_DECISION).where(*_SAME).order_by(HOLDS.c.number.desc()).limit(1)
_UNDECIDED: Final = (
    select(HOLDS.c.number)
    .where(*_SAME, ~is_one_of(HOLDS.c.state, sorted(FINAL)))
    .order_by(HOLDS.c.number.desc())
    .limit(1)
)
_DECIDE: Final = (
    update(HOLDS)
    .where(HOLDS.c.number == bindparam("at_number"))
    .values({column: bindparam(f"new_{column.name}") for column in _DECISION})
)


def write(connection: Connection, commit: Commit, *, now: datetime) -> int:
    """Write a commit and return how many movements were new. The caller holds the transaction.

    Raises:
        LeaseLost: The commit's epoch is not the store's.
        StaleLevel: A listing or a hold is not what it was when it was read.
        LedgerBroken: A movement's key is booked with another content.
    """
    if commit.lease is not None:
        require_lease(connection, commit.lease)
    for hold in commit.as_read:
        require_hold(connection, hold)
    booked = book(connection, commit.movements, now=now)
    sales.keep_numbers(connection, commit.records, now)
    write_records(connection, commit.records)
    mark_due(connection, commit)
    write_intents(connection, commit.intents)
    for hold in commit.holds:
        write_hold(connection, hold)
    if commit.run is not None:
        connection.execute(upsert(RUNS, connection.dialect.name), [run_row(commit.run)])
    if commit.store is not None:
        write_store(connection, commit.store)
    hints.forget(connection, commit.answered)
    sales.keep_lines(connection, commit.lines)
    return booked


@cache
def _booked(dialect: str) -> Select[Any]:
    columns = (MOVEMENTS.c[name] for name in ("key", "sku", "source", "destination", "units"))
    return select(*columns).where(MOVEMENTS.c.key.in_(members("keys", dialect)))


def book(connection: Connection, movements: list[Movement], *, now: datetime) -> int:
    """Append the movements whose keys are new, sealed in order, and add them to the balances."""
    if not movements:
        return 0
    dialect = connection.dialect.name
    keys = {"keys": listed([movement.key for movement in movements])}
    found = connection.execute(_booked(dialect), keys)
    known = {key: tuple(rest) for key, *rest in found}
    new = only_new(movements, known)
    if not new:
        return 0
    connection.execute(_APPEND, _sealed(connection, new, now=now))
    added = [
        {"sku": sku, "account": account, "units": units}
        for (sku, account), units in fold(new).items()
    ]
    connection.execute(upsert(BALANCES, dialect, added=("units",)), added)
    return len(new)


def _sealed(connection: Connection, new: list[Movement], *, now: datetime) -> list[dict[str, Any]]:
    # Numbers are given here, not by a sequence: a gap would then be a movement that was removed.
    number, before = connection.execute(_LAST).one_or_none() or (0, FIRST)
    rows = []
    for movement in new:
        number += 1
        booked = BookedMovement(number=number, recorded_at=now, movement=movement, seal="")
        before = seal(before, booked)
        rows.append(movement_row(booked) | {"seal": before})
    return rows


def write_records(connection: Connection, records: list[ListingRecord]) -> None:
    """Write records whose version is still the ledger's; `version` 0 is a listing that is new."""
    new = [listing_row(record) for record in records if record.version == 0]
    changed = [
        {f"new_{name}": value for name, value in listing_row(record).items()}
        | {"at_store": record.store, "at_listing": record.listing, "at_version": record.version}
        for record in records
        if record.version != 0
    ]
    if new:
        # A listing that exists already breaks the primary key: it is reported as a StaleLevel.
        connection.execute(_NEW_LISTINGS, new)
    if changed and connection.execute(_CHANGE, changed).rowcount != len(changed):
        raise StaleLevel("a listing changed since it was read: decide again")


_AT: Final = (
    LISTINGS.c.store == bindparam("at_store"),
    LISTINGS.c.listing == bindparam("at_listing"),
)
_CHANGE: Final = (
    update(LISTINGS)
    .where(*_AT, LISTINGS.c.version == bindparam("at_version"))
    .values(
        {
            column: bindparam(f"new_{column.name}")
            for column in LISTINGS.columns
            if not column.primary_key
        }
    )
)
_MARK: Final = (
    update(LISTINGS)
    .where(*_AT)
    # A mark is a change, also of what is due already: whoever read the listing before must read it
    # again, or a push that was decided before the second change would take both marks away.
    .values(
        {
            LISTINGS.c.due_since: func.coalesce(LISTINGS.c.due_since, bindparam("since")),
            LISTINGS.c.version: LISTINGS.c.version + 1,
        }
    )
)


@cache
def _of_skus(dialect: str) -> Select[Any]:
    among = LISTINGS.c.sku.in_(members("skus", dialect))
    return select(LISTINGS.c.store, LISTINGS.c.listing).where(among)


def mark_due(connection: Connection, commit: Commit) -> None:
    """Mark the listings of SKUs that moved, except those written here; an older mark stays."""
    keys: set[ListingKey] = set(commit.due_listings)
    if commit.due_skus:
        skus = {"skus": listed(commit.due_skus)}
        found = connection.execute(_of_skus(connection.dialect.name), skus)
        keys.update((StoreId(store), ListingId(listing)) for store, listing in found)
    keys.difference_update(record.key for record in commit.records)
    if keys:
        connection.execute(
            _MARK,
            [
                {"at_store": store, "at_listing": listing, "since": commit.due_since}
                for store, listing in sorted(keys)
            ],
        )


def write_intents(connection: Connection, intents: list[Intent]) -> None:
    """Write intents by id; what they are about never changes, only what became of them.

    A second open intent for a listing breaks a unique index: it is reported as a StaleLevel.
    """
    rows = [intent_row(intent) for intent in in_writing_order(intents)]
    if rows:
        connection.execute(upsert(INTENTS, connection.dialect.name, fixed=_ABOUT), rows)


def require_hold(connection: Connection, hold: Hold) -> None:
    """Refuse to go on when a hold is no more as somebody read it."""
    found = connection.execute(_NEWEST, _at(hold)).one_or_none()
    if found is None or tuple(found) != (hold.state.value, hold.decided_at, hold.decided_by):
        raise StaleLevel(f"hold {hold.hash} changed since it was read: look again")


def write_hold(connection: Connection, hold: Hold) -> None:
    """Keep a hold, or what was decided about the newest one that nobody decided finally."""
    number = connection.execute(_UNDECIDED, _at(hold)).scalar()
    row = hold_row(hold)
    if number is None:
        connection.execute(_NEW_HOLD, [row])
        return
    decided = {f"new_{column.name}": row[column.name] for column in _DECISION}
    connection.execute(_DECIDE, decided | {"at_number": number})


def _at(hold: Hold) -> dict[str, str]:
    return {"at_hash": hold.hash, "at_store": hold.store}


def write_store(connection: Connection, store: StoreRecord) -> None:
    """Write what is remembered of a store; its lease is not touched."""
    statement = upsert(STORES, connection.dialect.name, fixed=tuple(NO_LEASE))
    connection.execute(statement, [store_row(store) | NO_LEASE])
