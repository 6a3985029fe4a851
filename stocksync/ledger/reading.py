"""Ask about listings: what is remembered of them, which wait, and how many there are of each."""

from collections.abc import Collection
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, Text, case, cast, func, select

from stocksync.contracts.ledger import IntentState
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.stock import Gap, ListingRecord, ListingState, Presence
from stocksync.ledger.rows import OWN_SEPARATOR, record_from
from stocksync.ledger.statements import listed, members
from stocksync.ledger.tables import INTENTS, LISTINGS

_GAPS: Final = [gap.value for gap in Gap]
_PRESENT: Final = LISTINGS.c.presence == Presence.PRESENT.value


def _records() -> Select[Any]:
    """Select every column of listings in order, then the targets of writes without an answer."""
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
    return select(*LISTINGS.columns, own)


_ALL: Final = _records()
_DUE: Final = _ALL.where(LISTINGS.c.due_since.is_not(None)).order_by(
    LISTINGS.c.due_since, LISTINGS.c.listing
)


@cache
def _records_in(dialect: str) -> Select[Any]:
    # Built once for each dialect: this is asked for every page of every census.
    return _ALL.where(LISTINGS.c.listing.in_(members("listings", dialect)))


@cache
def _records_of(dialect: str) -> Select[Any]:
    among = LISTINGS.c.sku.in_(members("skus", dialect))
    return _ALL.where(among).order_by(LISTINGS.c.store, LISTINGS.c.listing)


def records(
    connection: Connection, store: StoreId, listings: Collection[ListingId] | None
) -> dict[ListingId, ListingRecord]:
    """Return what is remembered of these listings of a store; all of them when None."""
    at_store = LISTINGS.c.store == store
    if listings is None:
        rows = connection.execute(_ALL.where(at_store))
    else:
        asked = _records_in(connection.dialect.name).where(at_store)
        rows = connection.execute(asked, {"listings": listed(listings)})
    found = map(record_from, rows)
    return {record.listing: record for record in found}


def records_of(connection: Connection, skus: Collection[Sku]) -> list[ListingRecord]:
    """Return the listings of these SKUs in all stores, ordered by store and listing."""
    asked = _records_of(connection.dialect.name)
    return list(map(record_from, connection.execute(asked, {"skus": listed(skus)})))


def due(connection: Connection, store: StoreId) -> list[ListingRecord]:
    """Return the listings of a store that wait for a push, the longest waiting first."""
    return list(map(record_from, connection.execute(_DUE.where(LISTINGS.c.store == store))))


def identities(
    connection: Connection, store: StoreId
) -> list[tuple[ListingId, str | None, Sku | None]]:
    """Return listing, code and SKU of each present listing, in the order of their ids."""
    columns = select(LISTINGS.c.listing, LISTINGS.c.code, LISTINGS.c.sku)
    asked = columns.where(LISTINGS.c.store == store, _PRESENT).order_by(LISTINGS.c.listing)
    return [(listing, code, sku) for listing, code, sku in connection.execute(asked)]


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
