"""The disk under the books of a simulated process: real SQLite, which waits for nothing real."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.util import LRUCache

from stocksync.ledger.engine import Database
from stocksync.ledger.failures import translated

#: What SQLAlchemy made of each statement, for all databases of this program: they are all alike.
_COMPILED: LRUCache[Any, Any] = LRUCache(2000)


@cache
def _dialect() -> Dialect:
    """Make the one dialect of all databases: what was compiled for another is compiled again."""
    engine = create_engine("sqlite://")
    engine.connect().close()  # it learns from its first connection what this SQLite can do
    return engine.dialect


class Disk(Database):
    """A database that shares what others compiled, and needs no disk: no power is lost here.

    A process does one thing after the other here: one connection writes, and one answers.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        for engine in (self._writes, self._questions):
            engine._compiled_cache = _COMPILED
            engine.dialect = _dialect()
            event.listen(engine, "connect", _no_waiting)
        self._open: dict[Engine, Connection] = {}

    def _connection(self, engine: Engine) -> Connection:
        if engine not in self._open:
            self._open[engine] = engine.connect()
        return self._open[engine]

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with translated():
            connection = self._connection(self._writes)
            with connection.begin():
                yield connection

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        with translated():
            yield self._connection(self._questions)

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()
        super().close()


def _no_waiting(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
