"""One process of ours: the real engine, connectors and books, able to die at any step."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.util import LRUCache

from stocksync.connectors import REGISTRY
from stocksync.contracts.connector import StoreAccount
from stocksync.contracts.ledger import Commit, Lease
from stocksync.dispatch.embedded import Embedded
from stocksync.dispatch.reminders import Pace
from stocksync.domain.identifiers import StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.merge import FirstContact
from stocksync.engine.context import Context, Store
from stocksync.ledger.engine import Database
from stocksync.ledger.sql import SqlLedger
from stocksync.sandbox.serve import CREDENTIALS
from tests.simulation.loop import LIFE
from tests.simulation.network import Wire
from tests.simulation.stories import Sample

_FAULTY = {"disk_error": "disk I/O error", "disk_busy": "database is locked"}


#: What SQLAlchemy made of each statement, for all databases of this program: they are all alike.
_COMPILED: LRUCache[Any, Any] = LRUCache(2000)


def in_memory_speed(database: Database) -> Database:
    """Let a database share what others compiled, and not wait for a disk that cannot lose power."""
    for engine in (database._writes, database._questions):
        engine._compiled_cache = _COMPILED
        event.listen(engine, "connect", _no_waiting)
    return database


def _no_waiting(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


class Books(SqlLedger):
    """The real books on a disk that may fail; what was committed is told to `told`."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        told: Callable[[Commit], None],
        trouble: Callable[[], str],
        leases: "Leases",
    ) -> None:
        super().__init__(database, now=now)
        self._told = told
        self._leases = leases
        self._trouble = trouble
        self._commit: Commit | None = None

    async def acquire(
        self, store: StoreId, *, holder: str, now: datetime, until: datetime
    ) -> Lease | None:
        lease = await super().acquire(store, holder=holder, now=now, until=until)
        if lease is not None:
            self._leases.given(lease, holder, until)
        return lease

    async def renew(self, lease: Lease, *, until: datetime) -> bool:
        kept = await super().renew(lease, until=until)
        if kept:
            self._leases.kept(lease, until)
        return kept

    async def release(self, lease: Lease) -> None:
        await super().release(lease)
        self._leases.back(lease)

    async def commit(self, commit: Commit) -> int:
        self._commit = commit
        try:
            return await super().commit(commit)
        finally:
            self._commit = None

    async def _write(self, change: Callable[[Connection], Any]) -> Any:
        commit, self._commit = self._commit, None

        def with_trouble(connection: Connection) -> Any:
            trouble = self._trouble()
            if trouble == "disk_busy":
                raise OperationalError("BEGIN", {}, Exception(_FAULTY[trouble]))
            answer = change(connection)
            if trouble == "disk_error":
                raise OperationalError("COMMIT", {}, Exception(_FAULTY[trouble]))
            if commit is not None:
                self._leases.used(commit.lease)
                self._told(commit)
            return answer

        return await super()._write(with_trouble)


class Leases:
    """I18: who may work on a store, as was told to our processes; an old right is worth nothing."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._held: dict[str, tuple[Lease, str, datetime]] = {}

    def given(self, lease: Lease, holder: str, until: datetime) -> None:
        before = self._held.get(lease.store)
        if before is not None and before[1] != holder:
            alive = not self._world.is_gone(before[1])
            if alive and before[2] > self._world.now() + timedelta(seconds=1):
                self._world.trace.broken("I18", f"{holder} got {lease.store}, held by {before[1]}")
            self._world.trace.reached("a lease went to another runner")
        if before is not None and before[0].epoch >= lease.epoch:
            self._world.trace.broken("I18", f"epoch {lease.epoch} of {lease.store} is not new")
        self._held[lease.store] = (lease, holder, until)

    def kept(self, lease: Lease, until: datetime) -> None:
        held = self._held.get(lease.store)
        if held is not None and held[0] == lease:
            self._held[lease.store] = (lease, held[1], until)
            self._world.trace.reached("a lease was renewed")

    def back(self, lease: Lease) -> None:
        held = self._held.get(lease.store)
        if held is not None and held[0] == lease:
            self._held[lease.store] = (lease, held[1], self._world.now())

    def used(self, lease: Lease | None) -> None:
        held = None if lease is None else self._held.get(lease.store)
        if lease is not None and held is not None and held[0].epoch > lease.epoch:
            self._world.trace.broken("I18", f"a commit with epoch {lease.epoch} of {lease.store}")


class Process:
    """A running service. `dead`: it was killed, and nothing it still does has any effect."""

    def __init__(self, world: Any, number: int) -> None:
        self.world = world
        self.number = number
        self.dead = False
        self.tasks: set[asyncio.Task[Any]] = set()
        self.samples: dict[tuple[str, str], Sample] = {}
        self.holder = f"machine:{number}:life"
        self.chance = random.Random(f"process {world.options.seed} {number}")
        self.context: Context | None = None
        self.dispatcher: Embedded | None = None
        self._polls: list[asyncio.Task[None]] = []

    def step(self, name: str) -> None:
        """Come to a point where this process may die."""
        if self.dead or self.world.network.quiet:
            return
        self.world.steps += 1
        rate = self.world.options.rate("crash")
        if self.world.steps == self.world.options.die_at or (rate and self.chance.random() < rate):
            self.world.trace.line(f"process {self.number} dies {name}")
            self.world.trace.reached(f"a process died {name}")
            self.die()

    def die(self) -> None:
        """Be gone from now on; what is left in memory is cleared away later."""
        self.dead = True
        self.world.loop.call_soon(self.world.bury, self)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        """Start a task that belongs to this process and dies with it."""
        before = LIFE.set(self)
        try:
            return asyncio.create_task(work, name=name)
        finally:
            LIFE.reset(before)

    async def start(self) -> None:
        """Open the books and the stores, and begin to poll."""
        world = self.world
        database = in_memory_speed(Database(f"sqlite:///{world.file}"))
        ledger = Books(
            database,
            now=world.now,
            told=world.truth.committed,
            trouble=self._disk_trouble,
            leases=world.leases,
        )
        self.context = Context(
            ledger=ledger,
            book=world.merchant.book,
            stores={StoreId(name): self._store(name) for name in world.merchant.shops},
            now=world.now,
            new_id=world.new_id,
            holder=self.holder,
            is_gone=world.is_gone,
            zombie_horizon_seconds=world.options.horizon_seconds,
            monotonic=world.loop.time,
        )
        context = self.context
        self.dispatcher = Embedded(lambda: context, pace=Pace(monotonic=world.loop.time))

    def run(self) -> None:
        """Poll every store, as the scheduler would, and look at what was hinted before."""
        self._polls = [
            self.spawn(self._poll(StoreId(name)), f"poll {name}")
            for name in self.world.merchant.shops
        ]
        assert self.dispatcher is not None
        self.spawn(self._recall(self.dispatcher), "recall")

    async def _recall(self, dispatcher: Embedded) -> None:
        with suppress(Exception):
            await dispatcher.recall()

    def stop_polling(self) -> None:
        """Leave only what is asked for by hand."""
        for task in self._polls:
            task.cancel()

    async def _poll(self, store: StoreId) -> None:
        poll = self.world.options.poll_seconds
        await asyncio.sleep(self.chance.uniform(0, 2))
        while True:
            assert self.dispatcher is not None
            self.dispatcher.request(store, "pull")
            await asyncio.sleep(poll * self.chance.uniform(0.9, 1.1))

    def _disk_trouble(self) -> str:
        if self.world.network.quiet:
            return ""
        for kind in _FAULTY:
            if self.chance.random() < self.world.options.rate(kind):
                self.world.trace.line(f"process {self.number} {kind}")
                self.world.trace.reached(f"fault {kind}")
                return kind
        return ""

    def _store(self, name: str) -> Store:
        world = self.world
        platform = world.merchant.shops[name].platform
        account = StoreAccount(
            store=StoreId(name),
            url=f"https://{name}.example",
            credentials=CREDENTIALS[platform],
            options={"time_zone": "UTC"} if platform == "recplus" else {},
            requests_per_second=50.0,
        )
        wire = Wire(world.network, self, name)
        connector = REGISTRY[platform](account, now=world.now, transport=wire)
        seat = Seat(
            store=StoreId(name),
            role=world.merchant.roles[name],
            first_contact=FirstContact(world.options.first_contact),
            switches=connector.capabilities.switches_only,
            feed=name in world.merchant.fed,
        )
        return Store(seat=seat, connector=connector)
