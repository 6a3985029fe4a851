"""Ask about listings: what is remembered of them, which wait, and how many there are of each."""

import json
from collections.abc import Collection
from functools import cache
from itertools import starmap
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    select,
)

from stocksync.contracts.ledger import IntentState
from stocksync.domain.agreements import agreement
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.stock import Gap, ListingRecord, ListingState, Presence
from stocksync.ledger.engine import SQLITE
from stocksync.ledger.rows import PART, SEPARATOR, record_from
from stocksync.ledger.statements import is_one_of, listed, members, word
from stocksync.ledger.tables import COUNTED, INTENTS, LISTINGS, OFFERED

_GAPS: Final = [gap.value for gap in Gap]
_HERE: Final = LISTINGS.c.store == bindparam("at_store")
_PRESENT: Final = LISTINGS.c.presence == word(Presence.PRESENT)
_UNKNOWN: Final = word(IntentState.UNKNOWN)


@cache
def _line(dialect: str) -> ColumnElement[Any]:
    """Write a listing, and its unanswered writes, as one JSON list.

    A row fetched column by column costs twice the time, and gives the interpreter lock away once
    for each row: five stores asking at once then wait for each other more than they work.
    """
    separator: Any = word(SEPARATOR)  # a text would be spelled out anew at each execution
    parts = (INTENTS.c.id, INTENTS.c.target, INTENTS.c.created_at)
    name, target, sent_at = (cast(part, Text) for part in parts)
    write = name + word(PART) + target + word(PART) + sent_at
    own = (
        select(func.aggregate_strings(write, separator))
        .where(
            INTENTS.c.state == _UNKNOWN,
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
    among = LISTINGS.c.listing.in_(members("listings", dialect))
    return select(cast(gather(_line(dialect)), Text)).where(_HERE, among)


@cache
def _each(dialect: str) -> Select[str]:
    return select(cast(_line(dialect), Text)).select_from(LISTINGS)


@cache
def _of_store(dialect: str) -> Select[str]:
    return _each(dialect).where(_HERE)


@cache
def _of_skus(dialect: str) -> Select[str]:
    among = LISTINGS.c.sku.in_(members("skus", dialect))
    return _each(dialect).where(among).order_by(LISTINGS.c.store, LISTINGS.c.listing)


@cache
def _due(dialect: str) -> Select[str]:
    waiting = _of_store(dialect).where(LISTINGS.c.due_since.is_not(None))
    return waiting.order_by(LISTINGS.c.due_since, LISTINGS.c.listing)


@cache
def _unexplained(dialect: str) -> Select[str]:
    waiting = _of_store(dialect).where(LISTINGS.c.unexplained != "")
    return waiting.order_by(LISTINGS.c.unexplained_since, LISTINGS.c.listing)


@cache
def _absent(dialect: str) -> Select[str]:
    missed = _of_store(dialect).where(LISTINGS.c.presence == word(Presence.ABSENT))
    return missed.order_by(LISTINGS.c.listing)


def _asked(connection: Connection, lines: Select[str], **given: str) -> list[ListingRecord]:
    return [record_from(json.loads(line)) for line in connection.execute(lines, given).scalars()]


def records(
    connection: Connection, store: StoreId, listings: Collection[ListingId] | None
) -> dict[ListingId, ListingRecord]:
    """Return what is remembered of these listings of a store; all of them when None."""
    if listings is None:
        found = _asked(connection, _of_store(connection.dialect.name), at_store=store)
    else:
        given = {"at_store": store, "listings": listed(listings)}
        page = connection.execute(_page(connection.dialect.name), given).scalar()
        found = [record_from(line) for line in json.loads(page or "[]")]
    return {record.listing: record for record in found}


def records_of(connection: Connection, skus: Collection[Sku]) -> list[ListingRecord]:
    """Return the listings of these SKUs in all stores, ordered by store and listing."""
    return _asked(connection, _of_skus(connection.dialect.name), skus=listed(skus))


def due(connection: Connection, store: StoreId) -> list[ListingRecord]:
    """Return the listings of a store that wait for a push, the longest waiting first."""
    return _asked(connection, _due(connection.dialect.name), at_store=store)


def unexplained(connection: Connection, store: StoreId) -> list[ListingRecord]:
    """Return the listings of a store with units that nothing explains yet, the oldest first."""
    return _asked(connection, _unexplained(connection.dialect.name), at_store=store)


def absent(connection: Connection, store: StoreId) -> list[ListingRecord]:
    """Return the listings of a store that may be gone, by id."""
    return _asked(connection, _absent(connection.dialect.name), at_store=store)


_IDENTITIES: Final = (
    select(LISTINGS.c.listing, LISTINGS.c.code, LISTINGS.c.sku)
    .where(_HERE, _PRESENT)
    .order_by(LISTINGS.c.listing)
)


def identities(
    connection: Connection, store: StoreId
) -> list[tuple[ListingId, str | None, Sku | None]]:
    """Return listing, code and SKU of each present listing, in the order of their ids."""
    found = connection.execute(_IDENTITIES, {"at_store": store})
    return [(listing, code, sku) for listing, code, sku in found]


_UNANSWERED: Final = (
    select(INTENTS.c.listing)
    .where(
        INTENTS.c.state == _UNKNOWN,
        INTENTS.c.store == LISTINGS.c.store,
        INTENTS.c.listing == LISTINGS.c.listing,
    )
    .exists()
)
_AGREEMENTS: Final = select(LISTINGS.c.listing, LISTINGS.c.code, LISTINGS.c.baseline).where(
    _HERE,
    _PRESENT,
    LISTINGS.c.reading_number == LISTINGS.c.baseline,
    is_one_of(LISTINGS.c.reading_kind, (COUNTED, OFFERED)),
    ~_UNANSWERED,
)
_COUNTS: Final = (
    select(
        func.count(),
        func.count(LISTINGS.c.baseline),
        func.count(case((LISTINGS.c.baseline > 0, 1))),
    )
    .select_from(LISTINGS)
    .where(_HERE, _PRESENT)
)


def agreements(connection: Connection, store: StoreId) -> set[int]:
    """Name every present listing that shows its baseline and has no unanswered write."""
    return set(starmap(agreement, connection.execute(_AGREEMENTS, {"at_store": store})))


def counts(connection: Connection, store: StoreId) -> tuple[int, int, int]:
    """Count present listings, those with a baseline, and those of them above zero."""
    listings, counted, in_stock = connection.execute(_COUNTS, {"at_store": store}).one()
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
