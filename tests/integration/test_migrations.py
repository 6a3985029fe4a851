"""Migrations make exactly the tables the program expects, on an empty database and only there."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect

from stocksync.errors import LedgerUnavailable
from stocksync.ledger.engine import parse
from stocksync.ledger.migrations import configuration, migrate
from stocksync.ledger.schema import HEAD, pending
from stocksync.ledger.sql import open_ledger
from stocksync.ledger.tables import Row
from tests.contract.ledger_examples import Clock
from tests.contract.postgres import empty_database


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/books.db"
    else:
        with empty_database() as url:
            yield url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(parse(url))
    yield engine
    engine.dispose()


def set_version(file: Path, version: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [version])


def test_an_empty_database_is_migrated_once(url: str) -> None:
    assert pending(url)
    assert migrate(url) is True
    assert not pending(url)
    assert migrate(url) is False


def test_migrated_tables_are_the_ones_the_program_names(url: str, engine: Engine) -> None:
    migrate(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Row.metadata) == []


def checks(engine: Engine) -> dict[str, set[tuple[str, str]]]:
    """Return what each table refuses; Alembic does not compare this itself."""
    return {
        table: {
            (str(check["name"]), str(check["sqltext"]))
            for check in inspect(engine).get_check_constraints(table)
        }
        for table in Row.metadata.tables
    }


def test_migrated_tables_refuse_what_the_program_says_they_refuse(url: str, engine: Engine) -> None:
    Row.metadata.create_all(engine)
    expected = checks(engine)
    Row.metadata.drop_all(engine)
    migrate(url)
    assert checks(engine) == expected
    assert len(expected["movements"]) == 3


def test_the_head_is_the_newest_migration_and_each_gives_its_reason() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert scripts.get_heads() == [HEAD]
    for script in scripts.walk_revisions():
        assert "because" in script.doc, f"{script.revision} does not say why"


async def test_tables_that_are_missing_are_asked_for_and_never_made(tmp_path: Path) -> None:
    file = tmp_path / "books.db"
    assert pending(f"sqlite:///{file}")
    with pytest.raises(LedgerUnavailable, match="run `stocksync migrate`"):
        await open_ledger(f"sqlite:///{file}", now=Clock())
    assert not file.exists()
    file.touch()
    with pytest.raises(LedgerUnavailable, match="run `stocksync migrate`"):
        await open_ledger(f"sqlite:///{file}", now=Clock())


async def test_an_empty_postgres_is_asked_to_be_migrated() -> None:
    with empty_database() as url, pytest.raises(LedgerUnavailable, match="stocksync migrate"):
        await open_ledger(url, now=Clock())


async def test_older_tables_are_to_be_migrated_and_newer_ones_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "books.db"
    url = f"sqlite:///{file}"
    migrate(url)
    set_version(file, "0000")
    assert pending(url)
    with pytest.raises(LedgerUnavailable, match=r"version 0000 .*run `stocksync migrate`"):
        await open_ledger(url, now=Clock())
    set_version(file, "9999")
    with pytest.raises(LedgerUnavailable, match=r"version 9999 .*install the newer stocksync"):
        await open_ledger(url, now=Clock())
    with pytest.raises(LedgerUnavailable, match="install the newer stocksync"):
        migrate(url)


async def test_a_relative_path_is_looked_for_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    migrate("sqlite:///books.db")
    assert (tmp_path / "books.db").is_file()
    ledger = await open_ledger(f"sqlite:////{tmp_path}/books.db", now=Clock())
    assert await ledger.skus() == []
    await ledger.aclose()
    await ledger.aclose()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://root:s3cret@db/books", "expected sqlite:///file.db or postgresql://"),
        ("s3cret", "expected sqlite:///file.db or postgresql://"),
        ("sqlite:////no/such/folder/books.db", "no folder /no/such/folder"),
        ("postgresql://u:s3cret@127.0.0.1:1/books", "check that it runs"),
    ],
)
def test_an_address_of_no_database_says_what_to_write(url: str, told: str) -> None:
    with pytest.raises(LedgerUnavailable, match=told) as caught:
        migrate(url)
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_no_database_is_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "books.db"
    file.write_text("a shopping list, " * 100)
    for ask in (pending, migrate):
        with pytest.raises(LedgerUnavailable, match="not a SQLite database"):
            ask(f"sqlite:///{file}")
    assert file.read_text() == "a shopping list, " * 100


def test_two_migrations_at_once_are_one_after_the_other(url: str) -> None:
    errors: list[Exception] = []

    def run() -> None:
        try:
            migrate(url)
        except LedgerUnavailable as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert not pending(url)
