"""Look back in the books: what was booked since a moment, page by page, and what there was then."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, func, select, union_all

from stocksync.contracts.history import PastMovement
from stocksync.domain.identifiers import Sku
from stocksync.domain.movements import Account
from stocksync.domain.movements import levels as levels_from
from stocksync.domain.stock import Levels
from stocksync.ledger.browsing import first_since
from stocksync.ledger.checks import require_zone
from stocksync.ledger.engine import Database
from stocksync.ledger.rows import booked_from
from stocksync.ledger.statements import listed, members
from stocksync.ledger.tables import MOVEMENTS

Answer = TypeVar("Answer")


class SqlHistory:
    """The part of the books in tables that looks back, and the way every question goes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        def ask() -> Answer:
            with self._database.asking() as connection:
                return question(connection)

        return await asyncio.to_thread(ask)

    async def movements_since(
        self, moment: datetime, *, after: int = 0, limit: int
    ) -> list[PastMovement]:
        require_zone(moment)
        return await self._ask(lambda at: movements_since(at, moment, after=after, limit=limit))

    async def levels_at(self, skus: Collection[Sku], moment: datetime) -> dict[Sku, Levels]:
        require_zone(moment)
        return await self._ask(lambda at: levels_at(at, skus, moment))


def movements_since(
    connection: Connection, moment: datetime, *, after: int, limit: int
) -> list[PastMovement]:
    """Return a page of what was booked from a moment on."""
    begin = max(first_since(connection, moment), after + 1)
    asked = select(MOVEMENTS).where(MOVEMENTS.c.number >= begin).order_by(MOVEMENTS.c.number)
    booked = map(booked_from, connection.execute(asked.limit(limit)).mappings())
    return [PastMovement(at.number, at.recorded_at, at.movement) for at in booked]


def levels_at(connection: Connection, skus: Collection[Sku], moment: datetime) -> dict[Sku, Levels]:
    """Sum up what was booked of these SKUs before a moment."""
    to, dialect = MOVEMENTS.c, connection.dialect.name
    chosen = (to.sku.in_(members("skus", dialect)), to.number < first_since(connection, moment))
    both = union_all(
        select(to.sku, to.destination.label("account"), to.units).where(*chosen),
        select(to.sku, to.source, -to.units).where(*chosen),
    ).subquery()
    units = func.sum(both.c.units)
    asked = select(both.c.sku, both.c.account, units).group_by(both.c.sku, both.c.account)
    balances: defaultdict[Sku, dict[Account, int]] = defaultdict(dict)
    for sku, account, balance in connection.execute(asked, {"skus": listed(skus)}):
        balances[sku][account] = int(balance)
    return {sku: levels_from(accounts) for sku, accounts in balances.items()}
