"""Open the database: one connection that writes, some that only ask, and what each must be told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy import create_engine as create
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from stocksync.errors import LedgerUnavailable
from stocksync.ledger.failures import translated

SQLITE: Final = "sqlite"
LOCK_WAIT_SECONDS: Final = 10
QUESTIONS_AT_ONCE_MAX: Final = 16
#: Names the one lock under which PostgreSQL's books are written, so that seals form one chain.
WRITING_LOCK: Final = 0x73746F636B
_DRIVERS: Final = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}


class Database:
    """The two ways into one database: `writing` is all or nothing and alone, `asking` is neither.

    SQLAlchemy's default transactions on SQLite lose updates; `BEGIN IMMEDIATE` loses none
    (`ecosystem §5`). Parameters never appear in an error (`hide_parameters`).
    """

    def __init__(self, url: str) -> None:
        self.url = parse(url)
        self.shown = self.url.render_as_string(hide_password=True)
        self.dialect = self.url.get_backend_name()
        try:
            self._writes, self._questions = _engines(self.url)
        except ModuleNotFoundError as error:
            raise LedgerUnavailable(
                "PostgreSQL needs its driver: pip install 'stocksync[postgres]'"
            ) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the only transaction that writes; leaving it by an error undoes everything."""
        with translated(), self._writes.begin() as connection:
            if self.dialect != SQLITE:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITING_LOCK})")
            yield connection

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """Hold a connection that cannot write and waits for nobody."""
        with translated(), self._questions.connect() as connection:
            yield connection

    def close(self) -> None:
        self._writes.dispose()
        self._questions.dispose()


def parse(url: str) -> URL:
    """Read a database url: `sqlite:///file.db` (from here), `sqlite:////file.db`, `postgresql://…`.

    Raises:
        LedgerUnavailable: The url names no database that a ledger can be kept in.
    """
    try:
        parsed = make_url(url)
        driver = _DRIVERS[parsed.get_backend_name()]
    except (ArgumentError, NoSuchModuleError, KeyError) as error:
        # The url itself may hold a password: it is not repeated here.
        raise LedgerUnavailable(
            "database: expected sqlite:///file.db or postgresql://user@host/name"
        ) from error
    if parsed.get_backend_name() == SQLITE and parsed.database in (None, "", ":memory:"):
        raise LedgerUnavailable("database: a ledger needs a file, like sqlite:///stocksync.db")
    return parsed.set(drivername=driver)


def file_of(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for a server."""
    if url.get_backend_name() != SQLITE or url.database is None:
        return None
    return Path(url.database)


def _engines(url: URL) -> tuple[Engine, Engine]:
    if url.get_backend_name() != SQLITE:
        options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": True}
        questions = create(
            url,
            pool_size=4,
            max_overflow=QUESTIONS_AT_ONCE_MAX - 4,
            isolation_level="AUTOCOMMIT",
            **options,
        )
        event.listen(questions, "connect", _only_ask)
        return create(url, pool_size=1, max_overflow=1, **options), questions
    arguments = {
        "timeout": LOCK_WAIT_SECONDS,
        "isolation_level": None,
        "check_same_thread": False,
    }
    writes = create(url, pool_size=1, max_overflow=0, hide_parameters=True, connect_args=arguments)
    event.listen(writes, "connect", _prepare_writes)
    event.listen(writes, "begin", _begin_immediate)
    questions = create(
        url,
        pool_size=4,
        max_overflow=QUESTIONS_AT_ONCE_MAX - 4,
        hide_parameters=True,
        connect_args=arguments,
    )
    event.listen(questions, "connect", _prepare_questions)
    return writes, questions


def _prepare_writes(connection: Any, _record: object) -> None:
    # FULL: a commit that was answered survives a power cut, at 1.2 times the time of NORMAL.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Without this, INSERT OR REPLACE would delete a row unseen by the trigger that forbids it.
    connection.execute("PRAGMA recursive_triggers = ON")


def _prepare_questions(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only = ON")


def _only_ask(connection: Any, _record: object) -> None:
    connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    connection.commit()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
