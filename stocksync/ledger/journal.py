"""Ask about work: intents, holds, runs, and what is remembered of a store."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, select

from stocksync.contracts.ledger import (
    Hold,
    HoldState,
    Intent,
    IntentState,
    RunRecord,
    StoreRecord,
)
from stocksync.domain.identifiers import StoreId
from stocksync.ledger.rows import hold_from, intent_from, run_from, store_from
from stocksync.ledger.statements import is_one_of
from stocksync.ledger.tables import HOLDS, INTENTS, RUNS, STORES

_STORE: Final = select(STORES).where(STORES.c.store == bindparam("at_store"))


@cache
def _intents(states: tuple[str, ...], *, here: bool) -> Select[Any]:
    """Select intents in these states, of one store or of all: `at_store` is given where needed."""
    asked = select(INTENTS).where(is_one_of(INTENTS.c.state, states))
    if here:
        asked = asked.where(INTENTS.c.store == bindparam("at_store"))
    return asked.order_by(INTENTS.c.created_at, INTENTS.c.id)


@cache
def _holds(states: tuple[str, ...], *, here: bool) -> Select[Any]:
    asked = select(HOLDS).where(is_one_of(HOLDS.c.state, states))
    if here:
        asked = asked.where(HOLDS.c.store == bindparam("at_store"))
    return asked.order_by(HOLDS.c.number)


def intents(
    connection: Connection, store: StoreId | None, states: Iterable[IntentState]
) -> list[Intent]:
    """Return intents in these states, oldest first."""
    asked = _intents(tuple(state.value for state in states), here=store is not None)
    rows = connection.execute(asked, _at(store)).mappings()
    return [intent_from(row) for row in rows]


def holds(connection: Connection, store: StoreId | None, states: Iterable[HoldState]) -> list[Hold]:
    """Return holds in these states, oldest first."""
    asked = _holds(tuple(state.value for state in states), here=store is not None)
    rows = connection.execute(asked, _at(store)).mappings()
    return [hold_from(row) for row in rows]


def _at(store: StoreId | None) -> dict[str, str]:
    return {} if store is None else {"at_store": store}


def hold(connection: Connection, beginning: str) -> Hold | None:
    """Return the newest hold of this name; None when two names begin like this."""
    if not beginning:
        return None
    begins = func.substr(HOLDS.c.hash, 1, len(beginning)) == beginning
    names = set(connection.execute(select(HOLDS.c.hash).distinct().where(begins)).scalars())
    name = beginning if beginning in names else names.pop() if len(names) == 1 else None
    asked = select(HOLDS).where(HOLDS.c.hash == name)
    row = connection.execute(asked.order_by(HOLDS.c.number.desc()).limit(1)).mappings().first()
    return None if row is None else hold_from(row)


def runs(connection: Connection, limit: int) -> list[RunRecord]:
    """Return the last runs, newest first."""
    asked = select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.id.desc()).limit(limit)
    return [run_from(row) for row in connection.execute(asked).mappings()]


def run(connection: Connection, id_: str) -> RunRecord | None:
    row = connection.execute(select(RUNS).where(RUNS.c.id == id_)).mappings().first()
    return None if row is None else run_from(row)


def store(connection: Connection, store_id: StoreId) -> StoreRecord:
    """Return what is remembered of a store; a store nobody worked on has an empty record."""
    row = connection.execute(_STORE, {"at_store": store_id}).mappings().first()
    return StoreRecord(store=store_id) if row is None else store_from(row)
