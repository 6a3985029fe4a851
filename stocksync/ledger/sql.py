"""The ledger in a database: SQLite for one machine, PostgreSQL for many."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from stocksync.contracts.browsing import Activity
from stocksync.contracts.ledger import (
    BookedMovement,
    Commit,
    Hold,
    HoldState,
    Intent,
    IntentState,
    Lease,
    RunRecord,
    StoreRecord,
    Verdict,
)
from stocksync.contracts.sales import Shown
from stocksync.domain.hints import Hint
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import Account
from stocksync.domain.orders import KnownLine
from stocksync.domain.stock import Levels, ListingRecord
from stocksync.domain.velocity import SoldUnits
from stocksync.errors import LedgerFrozen
from stocksync.ledger import books, browsing, hints, journal, leases, proof, reading, sales
from stocksync.ledger.checks import check, check_hints, is_empty, require_keepable, require_zone
from stocksync.ledger.engine import Database
from stocksync.ledger.history import Answer, SqlHistory
from stocksync.ledger.restoring import forget_beliefs
from stocksync.ledger.witness import (
    Witness,
    changes_books,
    examine,
    pass_witness,
    raised,
    witness_for,
)
from stocksync.ledger.writing import write


async def open_ledger(
    url: str, *, now: Callable[[], datetime], witness: Path | None = None
) -> "SqlLedger":
    """Open the books at `sqlite:///file.db` or `postgresql://…`; `now` dates what is recorded.

    `witness` is the file that remembers how new they should be; that of SQLite lies beside it
    unless told otherwise. Books that are older than it can be read, and not written.

    Raises:
        LedgerUnavailable: The database cannot be reached, or `stocksync migrate` must run first.
    """
    database = Database(url)
    watching = witness_for(database, witness)
    try:
        frozen = await asyncio.to_thread(examine, database, watching)
    except BaseException:
        database.close()
        raise
    return SqlLedger(database, now=now, witness=watching, frozen=frozen)


class SqlLedger(SqlHistory):
    """The books in tables. Every question and every commit runs in a thread of its own.

    Threads, not an asynchronous driver: the loop is then held up for 13 ms instead of 468 ms by
    100,000 rows (`ecosystem §5`). One commit at a time; questions wait for nobody.
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        witness: Witness | None = None,
        frozen: str = "",
    ) -> None:
        super().__init__(database)
        self._now = now
        self._witness = witness
        self._frozen = frozen
        self._turn = asyncio.Lock()

    @property
    def frozen(self) -> str:
        """Say why nothing may be written; empty as long as it may."""
        return self._frozen

    async def _write(self, change: Callable[[Connection], Answer]) -> Answer:
        def write_all() -> Answer:
            if self._frozen:
                raise LedgerFrozen(self._frozen)
            with self._database.writing() as connection:
                return change(connection)

        async with self._turn:
            try:
                return await asyncio.to_thread(write_all)
            except LedgerFrozen as error:
                self._frozen = str(error)
                raise

    async def commit(self, commit: Commit) -> int:
        check(commit)
        if is_empty(commit):
            return 0
        now, witness = self._now(), self._witness if changes_books(commit) else None

        def change(connection: Connection) -> tuple[int, int]:
            booked = write(connection, commit, now=now)
            return booked, 0 if witness is None else raised(connection, witness)

        booked, generation = await self._write(change)
        if witness is not None:
            witness.keep(generation)
        return booked

    async def accept_restore(self, commit: Commit) -> int:
        """Forget what was believed of every listing, write the commit, and be writable again."""
        now, witness = self._now(), self._witness

        def change(connection: Connection) -> tuple[int, int]:
            write(connection, commit, now=now)
            lifted = 0 if witness is None else pass_witness(connection, witness)
            return forget_beliefs(connection), lifted

        frozen, self._frozen = self._frozen, ""
        try:
            forgotten, generation = await self._write(change)
        except BaseException:
            self._frozen = frozen
            raise
        if witness is not None:
            witness.keep(generation)
        return forgotten

    async def acquire(
        self, store: StoreId, *, holder: str, now: datetime, until: datetime
    ) -> Lease | None:
        require_zone(now)
        require_zone(until)
        return await self._write(
            lambda connection: leases.acquire(
                connection, store, holder=holder, now=now, until=until
            )
        )

    async def renew(self, lease: Lease, *, until: datetime) -> bool:
        require_zone(until)
        return await self._write(lambda connection: leases.renew(connection, lease, until=until))

    async def release(self, lease: Lease) -> None:
        await self._write(lambda connection: leases.release(connection, lease))

    async def lease_holder(self, store: StoreId) -> str:
        now = self._now()
        return await self._ask(lambda connection: leases.holder(connection, store, now=now))

    async def records(
        self, store: StoreId, listings: Collection[ListingId] | None = None
    ) -> dict[ListingId, ListingRecord]:
        return await self._ask(lambda connection: reading.records(connection, store, listings))

    async def records_of(self, skus: Collection[Sku]) -> list[ListingRecord]:
        return await self._ask(lambda connection: reading.records_of(connection, skus))

    async def due(self, store: StoreId) -> list[ListingRecord]:
        return await self._ask(lambda connection: reading.due(connection, store))

    async def identities(self, store: StoreId) -> list[tuple[ListingId, str | None, Sku | None]]:
        return await self._ask(lambda connection: reading.identities(connection, store))

    async def agreements(self, store: StoreId) -> set[int]:
        return await self._ask(lambda connection: reading.agreements(connection, store))

    async def counts(self, store: StoreId) -> tuple[int, int, int]:
        return await self._ask(lambda connection: reading.counts(connection, store))

    async def states(self) -> dict[tuple[StoreId, str], int]:
        return await self._ask(reading.states)

    async def levels(self, skus: Collection[Sku]) -> dict[Sku, Levels]:
        return await self._ask(lambda connection: books.levels(connection, skus))

    async def skus(self) -> list[Sku]:
        return await self._ask(books.skus)

    async def totals(self) -> dict[Account, int]:
        return await self._ask(books.totals)

    async def oversold(self) -> int:
        return await self._ask(books.oversold)

    async def history(self, sku: Sku, limit: int | None = None) -> list[BookedMovement]:
        return await self._ask(lambda connection: books.history(connection, sku, limit))

    async def booked(self, key: str) -> BookedMovement | None:
        return await self._ask(lambda connection: books.booked(connection, key))

    async def intents(
        self,
        store: StoreId | None = None,
        states: Iterable[IntentState] = (IntentState.OPEN, IntentState.UNKNOWN),
    ) -> list[Intent]:
        return await self._ask(lambda connection: journal.intents(connection, store, states))

    async def writes(self, store: StoreId, listing: ListingId, limit: int) -> list[Intent]:
        return await self._ask(
            lambda connection: browsing.writes(connection, store, listing, limit)
        )

    async def search(self, text: str, *, after: str = "", offset: int = 0, limit: int) -> list[Sku]:
        require_keepable(text + after)
        return await self._ask(
            lambda connection: browsing.search(
                connection, text, after=after, offset=offset, limit=limit
            )
        )

    async def hot(self, *, nearly_out: int, since: datetime, sold: int, limit: int) -> list[Sku]:
        return await self._ask(
            lambda connection: browsing.hot(
                connection, nearly_out=nearly_out, since=since, sold=sold, limit=limit
            )
        )

    async def known_lines(
        self, store: StoreId, orders: Collection[str]
    ) -> dict[tuple[str, str], KnownLine]:
        return await self._ask(lambda connection: sales.known_lines(connection, store, orders))

    async def unexplained(self, store: StoreId) -> list[ListingRecord]:
        return await self._ask(lambda connection: reading.unexplained(connection, store))

    async def absent(self, store: StoreId) -> list[ListingRecord]:
        return await self._ask(lambda connection: reading.absent(connection, store))

    async def sold(self, skus: Collection[Sku], since: datetime) -> dict[Sku, list[SoldUnits]]:
        require_zone(since)
        return await self._ask(lambda connection: sales.sold(connection, skus, since))

    async def numbers(
        self, store: StoreId, listings: Collection[ListingId], since: datetime
    ) -> dict[ListingId, list[Shown]]:
        require_zone(since)
        return await self._ask(lambda connection: sales.numbers(connection, store, listings, since))

    async def activity(self, moments: Sequence[datetime]) -> list[Activity]:
        return await self._ask(lambda connection: browsing.activity(connection, moments))

    async def holds(
        self, store: StoreId | None = None, states: Iterable[HoldState] = (HoldState.OPEN,)
    ) -> list[Hold]:
        return await self._ask(lambda connection: journal.holds(connection, store, states))

    async def hold(self, hash_: str) -> Hold | None:
        return await self._ask(lambda connection: journal.hold(connection, hash_))

    async def runs(self, limit: int = 20) -> list[RunRecord]:
        return await self._ask(lambda connection: journal.runs(connection, limit))

    async def run(self, id_: str) -> RunRecord | None:
        return await self._ask(lambda connection: journal.run(connection, id_))

    async def store(self, store: StoreId) -> StoreRecord:
        return await self._ask(lambda connection: journal.store(connection, store))

    async def hint(self, hints_: Collection[Hint]) -> None:
        check_hints(hints_)
        if hints_:
            await self._write(lambda connection: hints.keep(connection, hints_))

    async def hints(self, store: StoreId | None = None) -> list[Hint]:
        return await self._ask(lambda connection: hints.waiting(connection, store))

    async def named(self, store: StoreId, names: Collection[str]) -> list[ListingId]:
        return await self._ask(lambda connection: hints.named(connection, store, names))

    async def verify(self) -> Verdict:
        return await self._ask(proof.verify)

    async def aclose(self) -> None:
        """Close every connection; may be called twice."""
        await asyncio.to_thread(self._database.close)
