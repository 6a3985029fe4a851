"""Ask the books: levels, totals, what is oversold, and the history of a SKU."""

from collections import defaultdict
from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select

from stocksync.contracts.ledger import BookedMovement
from stocksync.domain.identifiers import LocationId, Sku
from stocksync.domain.movements import Account, at, held
from stocksync.domain.movements import levels as levels_from
from stocksync.domain.stock import Levels
from stocksync.ledger.rows import booked_from
from stocksync.ledger.statements import listed, members
from stocksync.ledger.tables import BALANCES, MOVEMENTS


@cache
def _balances_of(dialect: str) -> Select[Any]:
    columns = select(BALANCES.c.sku, BALANCES.c.account, BALANCES.c.units)
    return columns.where(BALANCES.c.sku.in_(members("skus", dialect)))


def levels(connection: Connection, skus: Collection[Sku]) -> dict[Sku, Levels]:
    """Return the levels of those SKUs that have ever moved; others are left out."""
    asked = _balances_of(connection.dialect.name)
    balances: dict[Sku, dict[Account, int]] = defaultdict(dict)
    for sku, account, units in connection.execute(asked, {"skus": listed(skus)}):
        balances[sku][account] = units
    return {sku: levels_from(accounts) for sku, accounts in balances.items()}


def skus(connection: Connection) -> list[Sku]:
    """Return every SKU that has ever moved, in order."""
    asked = select(BALANCES.c.sku).distinct().order_by(BALANCES.c.sku)
    return [Sku(sku) for (sku,) in connection.execute(asked)]


def totals(connection: Connection) -> dict[Account, int]:
    """Return the balance of every account, over all SKUs."""
    asked = select(BALANCES.c.account, func.sum(BALANCES.c.units)).group_by(BALANCES.c.account)
    return {account: int(units) for account, units in connection.execute(asked)}


def oversold(connection: Connection) -> int:
    """Sum, over all SKUs, the units that are missing at their locations together."""
    there = func.sum(BALANCES.c.units).label("units")
    missing = select(there).where(_here()).group_by(BALANCES.c.sku).subquery()
    below = case((missing.c.units < 0, -missing.c.units), else_=0)
    return int(connection.execute(select(func.sum(below))).scalar() or 0)


def _here() -> ColumnElement[bool]:
    """Choose the accounts of locations, free and held; LIKE would fold case on SQLite."""
    prefixes = (at(LocationId("")), held(LocationId("")))
    return or_(*(func.substr(BALANCES.c.account, 1, len(prefix)) == prefix for prefix in prefixes))


def history(connection: Connection, sku: Sku, limit: int | None) -> list[BookedMovement]:
    """Return a SKU's movements, newest first."""
    asked = select(MOVEMENTS).where(MOVEMENTS.c.sku == sku).order_by(MOVEMENTS.c.number.desc())
    rows = connection.execute(asked.limit(limit)).mappings()
    return [booked_from(row) for row in rows]


def booked(connection: Connection, key: str) -> BookedMovement | None:
    """Return the movement with this key; None when it never was booked."""
    row = connection.execute(select(MOVEMENTS).where(MOVEMENTS.c.key == key)).mappings().first()
    return None if row is None else booked_from(row)
