"""Every kind of ledger, ready for a clause: the books, a clock, and hands behind their back."""

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import psycopg

from stocksync.contracts.ledger import Ledger
from stocksync.domain.identifiers import Sku
from stocksync.domain.movements import Account
from stocksync.ledger.engine import WRITING_LOCK
from stocksync.ledger.memory import MemoryLedger
from stocksync.ledger.migrations import migrate
from stocksync.ledger.sql import open_ledger
from tests.contract.ledger_examples import Clock
from tests.contract.postgres import migrated_database, run_on


@dataclass(kw_only=True)
class Rig:
    """`execute` runs SQL behind the ledger's back; None where there is no SQL to run."""

    ledger: Ledger
    clock: Clock = field(default_factory=Clock)
    another: Callable[[], Awaitable[Ledger]]
    execute: Callable[[str], None] | None = None
    locked: Callable[[], AbstractContextManager[None]]
    change_balance: Callable[[Sku, Account, int], None]
    change_movement: Callable[[int, int], None]
    remove_movement: Callable[[int], None]


@asynccontextmanager
async def memory_rig(make: type[MemoryLedger] = MemoryLedger) -> AsyncIterator[Rig]:
    clock = Clock()
    ledger = make(now=clock)

    async def same() -> Ledger:
        return ledger

    @contextmanager
    def locked() -> Iterator[None]:
        yield

    def change_balance(sku: Sku, account: Account, units: int) -> None:
        ledger._balances[sku][account] = units

    def change_movement(number: int, units: int) -> None:
        at = number - 1
        movement = replace(ledger._books[at].movement, units=units)
        ledger._books[at] = replace(ledger._books[at], movement=movement)

    def remove_movement(number: int) -> None:
        del ledger._books[number - 1]

    yield Rig(
        ledger=ledger,
        clock=clock,
        another=same,
        locked=locked,
        change_balance=change_balance,
        change_movement=change_movement,
        remove_movement=remove_movement,
    )


@cache
def _migrated_file() -> Path:
    folder = tempfile.mkdtemp(prefix="books-")
    atexit.register(shutil.rmtree, folder)
    file = Path(folder) / "template.db"
    migrate(f"sqlite:///{file}")
    return file


@asynccontextmanager
async def sqlite_rig(folder: Path) -> AsyncIterator[Rig]:
    file = folder / "books.db"
    shutil.copy(_migrated_file(), file)

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(statement)

    @contextmanager
    def locked() -> Iterator[None]:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    triggers = ("movements_never_change", "movements_never_vanish")
    unguard = [f"DROP TRIGGER {trigger}" for trigger in triggers]
    async with _sql_rig(f"sqlite:///{file}", execute, locked, unguard) as rig:
        yield rig


@asynccontextmanager
async def postgres_rig() -> AsyncIterator[Rig]:
    with migrated_database() as url:

        @contextmanager
        def locked() -> Iterator[None]:
            with psycopg.connect(url) as connection:
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [WRITING_LOCK])
                yield

        def execute(statement: str) -> None:
            run_on(url, statement)

        unguard = ["DROP TRIGGER movements_never_change ON movements"]
        async with _sql_rig(url, execute, locked, unguard) as rig:
            yield rig


@asynccontextmanager
async def _sql_rig(
    url: str,
    execute: Callable[[str], None],
    locked: Callable[[], AbstractContextManager[None]],
    unguard: list[str],
) -> AsyncIterator[Rig]:
    clock = Clock()
    opened = [await open_ledger(url, now=clock)]

    async def another() -> Ledger:
        opened.append(await open_ledger(url, now=clock))
        return opened[-1]

    def change_balance(sku: Sku, account: Account, units: int) -> None:
        where = f"sku = '{sku}' AND account = '{account}'"
        execute(f"UPDATE balances SET units = {units} WHERE {where}")  # noqa: S608 - test data

    def tamper(statement: str, number: int) -> None:
        for each in (*unguard, f"{statement} WHERE number = {number}"):
            execute(each)

    def change_movement(number: int, units: int) -> None:
        tamper(f"UPDATE movements SET units = {units}", number)  # noqa: S608 - test data

    yield Rig(
        ledger=opened[0],
        clock=clock,
        another=another,
        execute=execute,
        locked=locked,
        change_balance=change_balance,
        change_movement=change_movement,
        remove_movement=lambda number: tamper("DELETE FROM movements", number),
    )
    for ledger in opened:
        await ledger.aclose()
