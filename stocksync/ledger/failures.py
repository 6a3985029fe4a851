"""Turn what a database says into the ledger's own errors: each names the next step."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from sqlalchemy import exc

from stocksync.errors import LedgerBroken, LedgerError, LedgerUnavailable, StaleLevel

MIGRATE: Final = "run `stocksync migrate`"

#: What to do about SQLite's result codes (https://sqlite.org/rescode.html), by their beginning.
_SQLITE_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SQLITE_BUSY": "another process keeps it locked: let it finish or stop it, then try again",
        "SQLITE_LOCKED": "another process keeps it locked: let it finish or stop it, try again",
        "SQLITE_FULL": "the disk is full: make room, then start again",
        "SQLITE_READONLY": "it is read-only: check owner and rights of the file and its folder",
        "SQLITE_CANTOPEN": "the file cannot be opened: check its path and the rights of its folder",
        "SQLITE_IOERR": "the disk reports an error: check it, then start again",
        "SQLITE_CORRUPT": "the file is damaged: stop everything and restore a backup",
        "SQLITE_NOTADB": "the file is not a SQLite database: check `database` in the configuration",
    }
)
#: The same for PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_POSTGRES_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "55P03": "another process keeps it locked: let it finish or stop it, then try again",
        "53100": "the disk is full: make room, then start again",
        "53300": "it has no connection left: raise max_connections or stop another client",
        "25006": "it is read-only: connect to the primary",
        "28": "it refused user or password: check `database` in the configuration",
        "3D": "the database does not exist: create it, then run `stocksync migrate`",
        "42501": "this user may not do that: grant the rights on the tables",
        "42P01": f"tables are missing: {MIGRATE}",
    }
)
_UNIQUE: Final = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505")
_RACES: Final = ("40001", "40P01")


def code_of(error: exc.DBAPIError) -> str:
    """Return SQLite's result code name or PostgreSQL's SQLSTATE; empty when there is none."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "")
    return getattr(error.orig, "sqlstate", None) or ""


def _advice(code: str, said: str) -> str:
    if "no such table" in said:
        return f"tables are missing: {MIGRATE}"
    for known, advice in (*_SQLITE_ADVICE.items(), *_POSTGRES_ADVICE.items()):
        if code.startswith(known):
            return advice
    return "check that it runs and can be reached, then try again"


def decode(error: exc.SQLAlchemyError) -> LedgerError | ValueError:
    """Name what the caller should do next. Values never appear in the message."""
    if isinstance(error, exc.DBAPIError):
        code, said = code_of(error), str(error.orig).split("\n", 1)[0]
        if code in _UNIQUE or code in _RACES:
            return StaleLevel("another run wrote the same thing first: decide again")
        if isinstance(error, exc.IntegrityError):
            return LedgerBroken(f"the database refused a row that breaks its rules: {said}")
        if isinstance(error, exc.DataError):
            return ValueError(f"the database cannot keep a value: {said}")
        return LedgerUnavailable(f"the ledger cannot be used, {_advice(code, said)} ({said})")
    return LedgerUnavailable(f"the ledger cannot be used: {error}")


@contextmanager
def translated() -> Iterator[None]:
    """Let nothing of the database library out; the original stays as the cause."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise decode(error) from error
    except OverflowError as error:
        raise ValueError("the database cannot keep a number of more than 64 bits") from error
