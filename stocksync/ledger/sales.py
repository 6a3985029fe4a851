"""Keep order lines and the past of numbers, and find what sold of late."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, select

from stocksync.contracts.sales import Shown
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import MovementKind
from stocksync.domain.orders import KnownLine
from stocksync.domain.stock import ListingRecord
from stocksync.domain.velocity import SoldUnits
from stocksync.ledger.browsing import first_since
from stocksync.ledger.statements import listed, members, upsert
from stocksync.ledger.tables import LISTINGS, MOVEMENTS, NUMBERS, ORDER_LINES


def keep_lines(connection: Connection, lines: Iterable[KnownLine]) -> None:
    """Remember order lines as they are now."""
    rows = [
        {
            "store": line.store,
            "order": line.order,
            "line": line.line,
            "units": line.units,
            "revision": line.revision,
            "listing": line.listing,
        }
        for line in lines
    ]
    if rows:
        connection.execute(upsert(ORDER_LINES, connection.dialect.name), rows)


@cache
def _lines(dialect: str) -> Select[Any]:
    of_orders = ORDER_LINES.c.order.in_(members("orders", dialect))
    return select(ORDER_LINES).where(ORDER_LINES.c.store == bindparam("at_store"), of_orders)


def known_lines(
    connection: Connection, store: StoreId, orders: Collection[str]
) -> dict[tuple[str, str], KnownLine]:
    """Return the remembered lines of these orders."""
    given = {"at_store": store, "orders": listed(orders)}
    rows = connection.execute(_lines(connection.dialect.name), given).mappings()
    return {(row["order"], row["line"]): KnownLine(**row) for row in rows}


def sold(
    connection: Connection, skus: Collection[Sku], since: datetime
) -> dict[Sku, list[SoldUnits]]:
    """Return the sales of these SKUs after a moment, as they were booked."""
    when = case(
        (MOVEMENTS.c.occurred_at < MOVEMENTS.c.recorded_at, MOVEMENTS.c.occurred_at),
        else_=MOVEMENTS.c.recorded_at,
    )
    asked = select(MOVEMENTS.c.sku, when, MOVEMENTS.c.units).where(
        MOVEMENTS.c.sku.in_(members("skus", connection.dialect.name)),
        MOVEMENTS.c.number >= first_since(connection, since),
        MOVEMENTS.c.kind == MovementKind.SALE.value,
        when > since,
    )
    found: defaultdict[Sku, list[SoldUnits]] = defaultdict(list)
    for sku, at, units in connection.execute(
        asked.order_by(MOVEMENTS.c.number), {"skus": listed(skus)}
    ):
        found[Sku(sku)].append(SoldUnits(at, units))
    return dict(found)


@cache
def _baselines(dialect: str) -> Select[Any]:
    return select(LISTINGS.c.listing, LISTINGS.c.baseline).where(
        LISTINGS.c.store == bindparam("at_store"),
        LISTINGS.c.listing.in_(members("listings", dialect)),
    )


def keep_numbers(connection: Connection, records: Iterable[ListingRecord], now: datetime) -> None:
    """Remember numbers that are agreed on from now on, before they replace the old ones."""
    by_store: dict[StoreId, dict[ListingId, int]] = {}
    for record in records:
        if record.baseline is not None:
            by_store.setdefault(record.store, {})[record.listing] = record.baseline
    dialect = connection.dialect.name
    for store, numbers in by_store.items():
        given = {"at_store": store, "listings": listed(numbers)}
        found = connection.execute(_baselines(dialect), given)
        known = {listing: number for listing, number in found}  # noqa: C416 - a result has keys()
        rows = [
            {"store": store, "listing": listing, "recorded_at": now, "number": number}
            for listing, number in numbers.items()
            if known.get(listing) != number
        ]
        if rows:
            connection.execute(upsert(NUMBERS, dialect), rows)


def numbers(
    connection: Connection, store: StoreId, listings: Collection[ListingId], since: datetime
) -> dict[ListingId, list[Shown]]:
    """Return what listings were agreed to show, the number that held at `since` first."""
    asked = (
        select(NUMBERS.c.listing, NUMBERS.c.recorded_at, NUMBERS.c.number)
        .where(
            NUMBERS.c.store == store,
            NUMBERS.c.listing.in_(members("listings", connection.dialect.name)),
        )
        .order_by(NUMBERS.c.listing, NUMBERS.c.recorded_at)
    )
    found: dict[ListingId, list[Shown]] = {}
    for listing, recorded_at, number in connection.execute(asked, {"listings": listed(listings)}):
        past = found.setdefault(listing, [])
        if past and recorded_at <= since:
            past.clear()
        past.append(Shown(recorded_at, number))
    return found
