"""A full disk and a database that somebody locks: nothing half written, and it goes on after."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stocksync.ledger import engine
from tests.integration.cli_kit import Merchant, call

#: As many as a gate lets through, of 120: their movements and intents fill more than two pages.
SOLD = 30


def movements(books: Path) -> int:
    with closing(sqlite3.connect(books)) as connection:
        [count] = connection.execute("SELECT count(*) FROM movements").fetchone()
    return int(count)


def cramped(books: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database grow by so many pages, and then find the disk full."""
    with closing(sqlite3.connect(books)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [pages] = connection.execute("PRAGMA page_count").fetchone()
    honest = engine._prepare_writes

    def prepare(connection: sqlite3.Connection, record: object) -> None:
        honest(connection, record)
        connection.execute(f"PRAGMA max_page_count = {pages + room}")

    monkeypatch.setattr(engine, "_prepare_writes", prepare)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_disk_that_fills_up_at_any_page_loses_nothing_and_doubles_nothing(
    two_stores: Merchant, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = {f"SKU-{number:03}": 20 for number in range(120)}
    for shop in two_stores.shops.values():
        for sku, count in units.items():
            shop.add(sku, count)
    two_stores.opened({"MUG": 10, "TEE": 20, "CAP": 30, **units})
    two_stores.run("sync")
    books = two_stores.folder / "stocksync.db"
    for sku in list(units)[:SOLD]:
        two_stores.shops["shop"].sell(sku, 1)
    with monkeypatch.context() as full:
        cramped(books, room, full)
        result = call("sync", config=two_stores.config)
    assert "Traceback" not in result.output
    assert result.exit_code in (0, 1, 2)
    assert "disk is full" in " ".join(result.output.split())
    assert two_stores.answer("ledger", "verify")["sound"]
    two_stores.run("sync")
    two_stores.run("sync")
    known = {row["sku"]: row["on_hand"] for row in two_stores.answer("stock", "list")}
    for number, sku in enumerate(units):
        left = 19 if number < SOLD else 20
        assert known[sku] == left
        assert {shop.quantity(sku) for shop in two_stores.shops.values()} == {left}


def test_a_full_disk_is_said_with_what_to_do(
    two_stores: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_stores.agreed()
    with monkeypatch.context() as full:
        cramped(two_stores.folder / "stocksync.db", 0, full)
        rows = "\n".join(f"NEW-{number:04},1" for number in range(2000))
        file = two_stores.write("big.csv", f"sku,on_hand\n{rows}\n")
        result = two_stores.run("stock", "import", str(file), expect=2)
    assert "the disk is full: make room" in result.output
    assert movements(two_stores.folder / "stocksync.db") == 3


def test_a_database_that_another_process_keeps_locked_is_left_as_it_is_and_tried_again(
    two_stores: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_stores.agreed()
    monkeypatch.setattr(engine, "LOCK_WAIT_SECONDS", 0.2)
    two_stores.shops["shop"].sell("MUG", 3)
    books = two_stores.folder / "stocksync.db"
    before = movements(books)
    with closing(sqlite3.connect(books, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        result = two_stores.run("sync", expect=2)
        assert "another process keeps it locked" in result.output
        other.execute("ROLLBACK")
    assert movements(books) == before
    two_stores.run("sync")
    assert two_stores.answer("stock", "show", "MUG")["on_hand"] == 7
    assert {shop.quantity("MUG") for shop in two_stores.shops.values()} == {7}
