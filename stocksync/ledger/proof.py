"""Prove the books: accounts sum to zero, balances are the fold, and no seal is broken."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Select, case, func, literal, select, union_all

from stocksync.contracts.ledger import BookedMovement, Verdict
from stocksync.ledger.checks import describe_mismatch
from stocksync.ledger.rows import booked_from
from stocksync.ledger.seals import broken
from stocksync.ledger.tables import BALANCES, MOVEMENTS

CHUNK_MAX: Final = 5_000


def verify(connection: Connection) -> Verdict:
    """Work everything out again from the movements alone, in the database where it can."""
    skus = select(func.count(BALANCES.c.sku.distinct()))
    return Verdict(
        movements=int(connection.execute(select(func.count(MOVEMENTS.c.number))).scalar() or 0),
        skus=int(connection.execute(skus).scalar() or 0),
        imbalances=tuple(_imbalances(connection)),
        mismatches=tuple(_mismatches(connection)),
        broken_seals=tuple(broken(_booked(connection))),
    )


def _imbalances(connection: Connection) -> Iterator[str]:
    asked = select(BALANCES.c.sku).group_by(BALANCES.c.sku).order_by(BALANCES.c.sku)
    yield from connection.execute(asked.having(func.sum(BALANCES.c.units) != 0)).scalars()


def _mismatches(connection: Connection) -> Iterator[str]:
    for sku, account, balance, folded in connection.execute(_mismatched()):
        yield describe_mismatch(sku, account, balance=int(balance), folded=int(folded))


def _mismatched() -> Select[Any]:
    """Put balances and both sides of every movement into one table: sku, account, units, movement.

    One statement sees one state of the books, also while somebody writes.
    """
    to = MOVEMENTS.c
    both = union_all(
        select(to.sku, to.destination.label("account"), to.units, literal(1).label("movement")),
        select(to.sku, to.source, -to.units, literal(1)),
        select(BALANCES.c.sku, BALANCES.c.account, BALANCES.c.units, literal(0)),
    ).subquery()
    balance = func.sum(case((both.c.movement == 0, both.c.units), else_=0))
    folded = func.sum(case((both.c.movement == 1, both.c.units), else_=0))
    asked = select(both.c.sku, both.c.account, balance, folded)
    names = (both.c.sku, both.c.account)
    return asked.group_by(*names).having(balance != folded).order_by(*names)


def _booked(connection: Connection) -> Iterator[BookedMovement]:
    last = 0
    while True:
        asked = select(MOVEMENTS).where(MOVEMENTS.c.number > last).order_by(MOVEMENTS.c.number)
        rows = connection.execute(asked.limit(CHUNK_MAX)).mappings().all()
        if not rows:
            return
        yield from map(booked_from, rows)
        last = rows[-1]["number"]
