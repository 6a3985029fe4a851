"""One simulated world: a merchant, stores, shoppers, trouble, and our processes, from one seed."""

import asyncio
import random
import sqlite3
import tempfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stocksync.contracts.ledger import Commit, HoldState
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.stocktake import Count
from stocksync.engine import stocktake
from stocksync.engine.decisions import decide
from stocksync.engine.sync import sync
from stocksync.errors import StockSyncError
from tests.simulation.leases import Leases
from tests.simulation.loop import LIFE, VirtualLoop
from tests.simulation.memory import begin_anew
from tests.simulation.merchant import draw_merchant
from tests.simulation.network import Network
from tests.simulation.options import Options
from tests.simulation.process import Process
from tests.simulation.sales import LateBook
from tests.simulation.serving import Counter
from tests.simulation.stale import Stale
from tests.simulation.trace import Trace
from tests.simulation.truth import Truth

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


class World:
    """Everything of one seed. `file` is the database that our processes share."""

    def __init__(self, options: Options, loop: VirtualLoop, folder: Path, empty: bytes) -> None:
        self.options = options
        self.loop = loop
        self.file = folder / "books.db"
        self.file.write_bytes(empty)
        self._reader = sqlite3.connect(self.file)
        self.trace = Trace(loop.time)
        self.chance = random.Random(f"world {options.seed}")
        self.merchant = draw_merchant(options, self.now)
        self._open_order_books(options)
        self.truth = Truth(self.merchant, self.trace, START)
        self.stale = Stale(self.merchant, self.truth, self.trace, options)
        self.counter = Counter(
            self.merchant,
            self.truth,
            self.trace,
            random.Random(f"stores {options.seed}"),
            stale=self.stale,
            now=loop.time,
        )
        self.network = Network(
            loop=loop,
            options=options,
            truth=self.truth,
            trace=self.trace,
            chance=random.Random(f"network {options.seed}"),
            serve=self.counter.serve,
            quiet=True,
            read_back={
                name
                for name, shop in self.merchant.shops.items()
                if shop.platform in ("freewebstore", "simvoly", "idealfactory")
            },
        )
        self.leases = Leases(self)
        self.processes: list[Process] = []
        self.burials: set[asyncio.Task[None]] = set()
        self.pulls: dict[str, list[float]] = defaultdict(list)
        self.restarts = True
        self.cycles = self.steps = 0
        self.skew = self.set_back = 0.0
        self._ids = 0

    def _open_order_books(self, options: Options) -> None:
        """Let orders be listed at once, or each some time after it was placed."""
        most = options.feed_lag_seconds

        def seconds() -> float:
            return self.chance.uniform(0, most) if most else 0.0

        for shop in self.merchant.shops.values():
            shop.order_book = LateBook(seconds, self.loop.call_later)

    def now(self) -> datetime:
        """Return the true time, by which stores go."""
        return START + timedelta(seconds=self.loop.time())

    def our_now(self) -> datetime:
        """Return what the clock of our machine says, which somebody may have set."""
        return self.now() + timedelta(seconds=self.skew)

    def new_id(self) -> str:
        self._ids += 1
        return f"id{self._ids:08}"

    def is_gone(self, holder: str) -> bool:
        return any(at.holder == holder and at.dead for at in self.processes)

    @property
    def living(self) -> list[Process]:
        return [at for at in self.processes if not at.dead]

    async def begin(self) -> Process:
        """Start another process of ours."""
        process = Process(self, len(self.processes))
        self.processes.append(process)
        await process.start()
        self.trace.line(f"process {process.number} starts")
        return process

    def committed(self, commit: Commit) -> None:
        """Follow one commit of ours. I26: there is none while the books are old."""
        books = commit.movements or commit.records or commit.intents or commit.lines
        if self.truth.frozen_at is not None and (books or commit.due_skus):
            self.trace.broken("I26", f"written to old books: {commit}"[:300])
        if commit.store is not None and not self.network.quiet:
            self.pulls[commit.store.store].append(self.loop.time())
        self.truth.committed(commit)

    def accepted(self, commit: Commit) -> None:
        """Follow the commit with which a person accepted old books."""
        begin_anew(self.truth, commit, self.loop.time())

    def bury(self, process: Process) -> None:
        """Clear away a dead process, and start another if none is left."""
        burial = self.loop.create_task(self._bury(process))
        self.burials.add(burial)
        burial.add_done_callback(self.burials.discard)

    async def _bury(self, process: Process) -> None:
        await self.clear(process)
        if not self.restarts:
            return
        longest = self.options.horizon_seconds * 1.3 if self.chance.random() < 0.1 else 20.0
        await asyncio.sleep(self.chance.uniform(0.1, longest))
        if self.restarts and not self.living:
            (await self.begin()).run()

    async def clear(self, process: Process) -> None:
        """End every task of a dead process, however often it wants to be told."""
        process.dead = True
        while process.tasks:
            left = list(process.tasks)
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=0.001)
        if process.context is not None:
            ledger: Any = process.context.ledger
            ledger._database.close()

    async def open_shop(self) -> None:
        """Count the stock, and bring the stores to it for the first time, on a quiet day."""
        process = await self.begin()
        assert process.context is not None
        context = process.context
        token = LIFE.set(process)
        try:
            counts = [Count(sku=Sku(sku), on_hand=n) for sku, n in self.merchant.opening.items()]
            await stocktake.count(context, counts, document="opening")
            for _ in range(3 if self.merchant.mode == "shared" else 6):
                await asyncio.sleep(self.options.settle_seconds)
                await sync(context)
                await self.approve_all(process)
        finally:
            LIFE.reset(token)
        process.run()

    async def approve_all(self, process: Process) -> None:
        """Let the operator approve whatever is held or was rejected."""
        assert process.context is not None
        ledger = process.context.ledger
        for hold in await ledger.holds(None, (HoldState.OPEN, HoldState.REJECTED)):
            await self.decide(process, hold.hash, HoldState.APPROVED)

    async def decide(self, process: Process, name: str, to: HoldState) -> None:
        assert process.context is not None
        self.trace.line(f"operator: {name} {to.value}")
        try:
            hold, _ = await decide(process.context, name, to, by="operator")
        except StockSyncError as error:
            self.trace.line(f"operator was refused: {type(error).__name__}")
            return
        self.trace.reached(f"a {hold.gate.value} hold was {to.value}")

    async def cycle(self, process: Process) -> None:
        """Pull every store once, and let all that follows from it end."""
        assert process.dispatcher is not None
        await asyncio.sleep(self.options.settle_seconds)
        token = LIFE.set(process)
        try:
            for name in self.merchant.shops:
                process.dispatcher.request(StoreId(name), "pull")
            await process.dispatcher.idle()
        finally:
            LIFE.reset(token)

    def waits(self) -> bool:
        """Tell whether a person must decide, or an order be told, before all can be right."""
        holds = "SELECT 1 FROM holds WHERE state IN ('open', 'rejected', 'approved')"
        missing = "SELECT 1 FROM listings WHERE unexplained <> ''"
        lost = "SELECT 1 FROM listings WHERE retry_at IS NOT NULL OR presence <> 'present'"
        return self.merchant.mode != "shared" or any(map(self.rows, (holds, missing, lost)))

    def on_hand(self) -> dict[str, int]:
        """Read the levels past the product, straight from its tables."""
        asked = "SELECT sku, SUM(units) FROM balances WHERE account LIKE 'loc:%' GROUP BY sku"
        return dict.fromkeys(self.merchant.opening, 0) | dict(self.rows(asked))

    def rows(self, asked: str) -> list[Any]:
        return self._reader.execute(asked).fetchall()

    def close(self) -> None:
        """Let go of the books, once nobody asks about them any more."""
        self._reader.close()


def folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder in memory where there is one: no power is lost here, only processes."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    return tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
