"""One process of ours: the real engine, connectors and books, able to die at any step."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

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
from stocksync.ledger.witness import examine, witness_for
from stocksync.sandbox.serve import CREDENTIALS
from tests.simulation.disk import Disk
from tests.simulation.leases import Leases
from tests.simulation.loop import LIFE
from tests.simulation.network import Wire
from tests.simulation.stories import Sample

Answer = TypeVar("Answer")

_FAULTY = {"disk_error": "disk I/O error", "disk_busy": "database is locked"}


class Books(SqlLedger):
    """The real books on a disk that may fail; what was committed is told to the world."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        world: Any,
        trouble: Callable[[], str],
    ) -> None:
        witness = witness_for(database, None)
        super().__init__(database, now=now, witness=witness, frozen=examine(database, witness))
        self._world = world
        self._leases: Leases = world.leases
        self._trouble = trouble
        self._told: Callable[[Any], None] | None = None

    async def acquire(
        self, store: StoreId, *, holder: str, now: datetime, until: datetime
    ) -> Lease | None:
        def told(lease: Lease | None) -> None:
            if lease is not None:
                self._leases.given(lease, holder, until)

        writing = super().acquire(store, holder=holder, now=now, until=until)
        return await self._telling(told, writing)

    async def renew(self, lease: Lease, *, until: datetime) -> bool:
        def told(kept: bool) -> None:
            if kept:
                self._leases.kept(lease, until)

        return await self._telling(told, super().renew(lease, until=until))

    async def release(self, lease: Lease) -> None:
        def told(_: None) -> None:
            self._leases.back(lease)

        await self._telling(told, super().release(lease))

    async def commit(self, commit: Commit) -> int:
        def told(_: object) -> None:
            self._leases.used(commit.lease)
            self._world.committed(commit)

        return await self._telling(told, super().commit(commit))

    async def accept_restore(self, commit: Commit) -> int:
        def told(_: object) -> None:
            self._world.accepted(commit)

        return await self._telling(told, super().accept_restore(commit))

    async def _telling(self, told: Callable[[Any], None], writing: Awaitable[Answer]) -> Answer:
        """Let the world know at the moment at which the database does."""
        self._told = told
        try:
            return await writing
        finally:
            self._told = None

    async def _write(self, change: Callable[[Connection], Any]) -> Any:
        told, self._told = self._told, None

        def with_trouble(connection: Connection) -> Any:
            trouble = self._trouble()
            if trouble == "disk_busy":
                raise OperationalError("BEGIN", {}, Exception(_FAULTY[trouble]))
            answer = change(connection)
            if trouble == "disk_error":
                raise OperationalError("COMMIT", {}, Exception(_FAULTY[trouble]))
            if told is not None:
                told(answer)
            return answer

        return await super()._write(with_trouble)


class Process:
    """A running service. `dead`: it was killed, and nothing it still does has any effect."""

    def __init__(self, world: Any, number: int) -> None:
        self.world = world
        self.number = number
        self.dead = False
        self.born_at = float(world.loop.time())
        self.tasks: set[asyncio.Task[Any]] = set()
        self.asked: dict[str, float] = {}
        self.places: dict[str, int] = {}
        self.samples: dict[tuple[str, str], Sample] = {}
        self.holder = f"machine:{number}:life"
        self.chance = random.Random(f"process {world.options.seed} {number}")
        self.context: Context | None = None
        self.dispatcher: Embedded | None = None
        self._polls: list[asyncio.Task[None]] = []

    def sends(self, store: str) -> None:
        """Note that a write to a store leaves this process."""
        if not self.dead:
            self.world.leases.judge_sent(store, self.holder)

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
        database = Disk(f"sqlite:///{world.file}")
        ledger = Books(
            database,
            now=world.our_now,
            world=world,
            trouble=self._disk_trouble,
        )
        self._judge_noticed(ledger)
        self.context = Context(
            ledger=ledger,
            book=world.merchant.book,
            stores={StoreId(name): self._store(name) for name in world.merchant.shops},
            now=world.our_now,
            new_id=world.new_id,
            holder=self.holder,
            is_gone=world.is_gone,
            zombie_horizon_seconds=world.options.horizon_seconds,
            monotonic=world.loop.time,
            frozen=lambda: ledger.frozen,
        )
        context = self.context
        self.dispatcher = Embedded(lambda: context, pace=Pace(monotonic=world.loop.time))

    def _judge_noticed(self, ledger: SqlLedger) -> None:
        """I26: books that went back are noticed, and no others."""
        old = self.world.truth.frozen_at is not None
        if bool(ledger.frozen) != old:
            self.world.trace.broken("I26", f"old books: {old}; noticed: {ledger.frozen or 'no'}")

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

    def waits_for_disk(self) -> float:
        """Return the seconds by which a slow disk is late: sometimes longer than a lease lasts."""
        rate = 0.0 if self.world.network.quiet else self.world.options.rate("slow_disk")
        if not rate or self.chance.random() >= rate:
            return 0.0
        seconds = self.chance.choice([2.0, 10.0, 35.0, 140.0]) * self.chance.uniform(0.5, 1.0)
        self.world.trace.line(f"process {self.number} waits {seconds:.0f} s for its disk")
        self.world.trace.reached("fault slow_disk")
        return seconds

    def _store(self, name: str) -> Store:
        world = self.world
        platform = world.merchant.shops[name].platform
        account = StoreAccount(
            store=StoreId(name),
            url=f"https://{name}.example",
            credentials=CREDENTIALS[platform],
            options={"time_zone": "UTC"} if platform == "recplus" else {},
            listings=tuple(
                sorted(at for store, at in world.merchant.book.availability if store == name)
            ),
            requests_per_second=50.0,
        )
        wire = Wire(world.network, self, name)
        connector = REGISTRY[platform](account, now=world.our_now, transport=wire)
        self.places[name] = connector.capabilities.concurrency_max
        seat = Seat(
            store=StoreId(name),
            role=world.merchant.roles[name],
            first_contact=FirstContact(world.options.first_contact),
            switches=connector.capabilities.switches_only,
            feed=name in world.merchant.fed,
            settle_seconds=world.options.settle_seconds,
        )
        return Store(seat=seat, connector=connector)
