"""Holds outlive the migration that lets more gates hold a plan."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command

from stocksync.contracts.ledger import Commit
from stocksync.domain.gates import Gate
from stocksync.ledger.engine import Database
from stocksync.ledger.migrations import configuration, migrate
from stocksync.ledger.sql import open_ledger
from tests.contract.ledger_examples import Clock, hold

KEEP = (
    "INSERT INTO holds (hash, store, gate, reason, lines, state, created_at, decided_by)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
KEPT = "SELECT hash, store, gate, reason, lines, state, created_at, decided_by FROM holds"


def migrate_to(version: str, url: str) -> None:
    """Make the tables of an older stocksync."""
    database = Database(url)
    with database.writing() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    database.close()


def test_holds_that_were_kept_before_more_gates_were_known_are_kept_on(tmp_path: Path) -> None:
    file = tmp_path / "books.db"
    migrate_to("0003", f"sqlite:///{file}")
    row = ("abc", "shop", "mass_zero", "why", "[]", "open", "2030-01-01 12:00:00.000000", "")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(KEEP, row)
        with pytest.raises(sqlite3.IntegrityError, match="ck_holds_gate"):
            connection.execute("UPDATE holds SET gate = 'restored'")
    migrate(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection, connection:
        assert connection.execute(KEPT).fetchall() == [row]
        connection.execute("UPDATE holds SET gate = 'restored'")
        with pytest.raises(sqlite3.IntegrityError, match="ck_holds_gate"):
            connection.execute("UPDATE holds SET gate = 'a guess'")


async def test_the_hold_of_every_gate_can_be_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.db"
    migrate(url)
    ledger = await open_ledger(url, now=Clock())
    line = hold("any").lines[0]
    kept = [replace(hold(gate.value), gate=gate, lines=(line,)) for gate in Gate]
    await ledger.commit(Commit(holds=kept))
    assert {at.gate for at in await ledger.holds()} == set(Gate)
    await ledger.aclose()
