"""Ask about listings: what is remembered of them, which wait, and how many there are of each."""

import json
from collections.abc import Collection
from functools import cache
from itertools import starmap
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Text, bindparam, case, cast, func, select

from stocksync.contracts.ledger import IntentState
from stocksync.domain.agreements import agreement
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.stock import Gap, ListingRecord, ListingState, Presence
from stocksync.ledger.engine import SQLITE
from stocksync.ledger.rows import OWN_SEPARATOR, record_from
from stocksync.ledger.statements import listed, members
from stocksync.ledger.tables import INTENTS, LISTINGS

_GAPS: Final = [gap.value for gap in Gap]
_PRESENT: Final = LISTINGS.c.presence == Presence.PRESENT.value


@cache
def _line(dialect: str) -> ColumnElement[Any]:
    """Write a listing, and the targets of its unanswered writes, as one JSON list.

    A row fetched column by column costs twice the time, and gives the interpreter lock away once
    for each row: five stores asking at once then wait for each other more than they work.
    """
    targets = func.aggregate_strings(cast(INTENTS.c.target, Text), OWN_SEPARATOR)
    own = (
        select(targets)
        .where(
            INTENTS.c.state == IntentState.UNKNOWN.value,
            INTENTS.c.store == LISTINGS.c.store,
            INTENTS.c.listing == LISTINGS.c.listing,
        )
        .scalar_subquery()
    )
    make = func.json_array if dialect == SQLITE else func.json_build_array
    return make(*LISTINGS.columns, own)


@cache
def _page(dialect: str) -> Select[str]:
    """Select some listings of a store as one text. Built once: every page of a census asks it."""
    gather = func.json_group_array if dialect == SQLITE else func.json_agg
    return select(cast(gather(_line(dialect)), Text)).where(
        LISTINGS.c.store == bindparam("store"),
        LISTINGS.c.listing.in_(members("listings", dialect)),
    )


def _each(connection: Connection, *where: ColumnElement[bool]) -> Select[str]:
    return select(cast(_line(connection.dialect.name), Text)).select_from(LISTINGS).where(*where)


def _asked(connection: Connection, lines: Select[str], **given: str) -> list[ListingRecord]:
    return [record_from(json.loads(line)) for line in connection.execute(lines, given).scalars()]


def records(
    connection: Connection, store: StoreId, listings: Collection[ListingId] | None
) -> dict[ListingId, ListingRecord]:
    """Return what is remembered of these listings of a store; all of them when None."""
    if listings is None:
        found = _asked(connection, _each(connection, LISTINGS.c.store == store))
    else:
        given = {"store": store, "listings": listed(listings)}
        page = connection.execute(_page(connection.dialect.name), given).scalar()
        found = [record_from(line) for line in json.loads(page or "[]")]
    return {record.listing: record for record in found}


def records_of(connection: Connection, skus: Collection[Sku]) -> list[ListingRecord]:
    """Return the listings of these SKUs in all stores, ordered by store and listing."""
    among = LISTINGS.c.sku.in_(members("skus", connection.dialect.name))
    lines = _each(connection, among).order_by(LISTINGS.c.store, LISTINGS.c.listing)
    return _asked(connection, lines, skus=listed(skus))


def due(connection: Connection, store: StoreId) -> list[ListingRecord]:
    """Return the listings of a store that wait for a push, the longest waiting first."""
    lines = _each(connection, LISTINGS.c.store == store, LISTINGS.c.due_since.is_not(None))
    return _asked(connection, lines.order_by(LISTINGS.c.due_since, LISTINGS.c.listing))


def unexplained(connection: Connection, store: StoreId) -> list[ListingRecord]:
    """Return the listings of a store with units that nothing explains yet, the oldest first."""
    lines = _each(connection, LISTINGS.c.store == store, LISTINGS.c.unexplained != "")
    return _asked(connection, lines.order_by(LISTINGS.c.unexplained_since, LISTINGS.c.listing))


def absent(connection: Connection, store: StoreId) -> list[ListingRecord]:
    """Return the listings of a store that may be gone, by id."""
    missed = LISTINGS.c.presence == Presence.ABSENT.value
    lines = _each(connection, LISTINGS.c.store == store, missed)
    return _asked(connection, lines.order_by(LISTINGS.c.listing))


def identities(
    connection: Connection, store: StoreId
) -> list[tuple[ListingId, str | None, Sku | None]]:
    """Return listing, code and SKU of each present listing, in the order of their ids."""
    columns = select(LISTINGS.c.listing, LISTINGS.c.code, LISTINGS.c.sku)
    asked = columns.where(LISTINGS.c.store == store, _PRESENT).order_by(LISTINGS.c.listing)
    return [(listing, code, sku) for listing, code, sku in connection.execute(asked)]


_UNANSWERED: Final = (
    select(INTENTS.c.listing)
    .where(
        INTENTS.c.state == IntentState.UNKNOWN.value,
        INTENTS.c.store == LISTINGS.c.store,
        INTENTS.c.listing == LISTINGS.c.listing,
    )
    .exists()
)


def agreements(connection: Connection, store: StoreId) -> set[int]:
    """Name every present listing that shows its baseline and has no unanswered write."""
    asked = select(LISTINGS.c.listing, LISTINGS.c.code, LISTINGS.c.baseline).where(
        LISTINGS.c.store == store,
        _PRESENT,
        LISTINGS.c.reading_number == LISTINGS.c.baseline,
        LISTINGS.c.reading_kind.in_(("counted", "offered")),
        ~_UNANSWERED,
    )
    return set(starmap(agreement, connection.execute(asked)))


def counts(connection: Connection, store: StoreId) -> tuple[int, int, int]:
    """Count present listings, those with a baseline, and those of them above zero."""
    above = func.count(case((LISTINGS.c.baseline > 0, 1)))
    asked = select(func.count(), func.count(LISTINGS.c.baseline), above)
    listings, counted, in_stock = connection.execute(
        asked.select_from(LISTINGS).where(LISTINGS.c.store == store, _PRESENT)
    ).one()
    return (listings, counted, in_stock)


def states(connection: Connection) -> dict[tuple[StoreId, str], int]:
    """Count listings by store and state: `domain.stock.state_of`, said in SQL."""
    state = case(
        (~_PRESENT, LISTINGS.c.presence),
        (LISTINGS.c.quarantine != "", ListingState.QUARANTINED.value),
        (LISTINGS.c.reading_kind.in_(_GAPS), LISTINGS.c.reading_kind),
        (LISTINGS.c.sku.is_(None), ListingState.UNLINKED.value),
        else_=ListingState.LINKED.value,
    ).label("state")
    asked = select(LISTINGS.c.store, state, func.count()).group_by(LISTINGS.c.store, state)
    return {(store, name): number for store, name, number in connection.execute(asked)}
