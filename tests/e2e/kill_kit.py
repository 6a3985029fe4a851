"""Kill the real program again and again while people shop, and prove each time that nothing broke.

The program runs in processes of its own over a real SQLite file and real sockets. They are forked
from one that has loaded it already, so that a kill costs a quarter of a second instead of two; the
first and the last start are ordinary ones.
"""

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from random import Random

from stocksync.ledger.sql import open_ledger
from stocksync.sandbox.shoppers import Shoppers
from tests.e2e.serve_kit import Service, command, merchant

FOLLOWERS = ("shop", "trade", "web", "site")
#: Shorter than a start takes, up to long enough for a few polls: a kill may come at any moment.
LIVES = (0.05, 1.2)
#: So much of every SKU that nothing is sold out in a night: that is another story.
PLENTY = 20_000


def nursery() -> None:
    """Load the program once, then fork it for each line of arguments; tell pids and exits."""
    from stocksync import service  # noqa: F401, PLC0415 - loaded before the forks, not after each
    from stocksync.cli.app import app  # noqa: PLC0415

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            app(json.loads(line))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


@dataclass
class Nursery:
    """Start copies of the program that are loaded already, one at a time."""

    process: asyncio.subprocess.Process
    folder: Path
    ended: asyncio.Task[bytes] | None = None

    async def start(self, *words: str) -> int:
        """Start `stocksync WORDS…` and return its process id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        given = ["--config", str(self.folder / "stocksync.yaml"), *words]
        self.process.stdin.write(json.dumps(given).encode() + b"\n")
        pid = int(await self.process.stdout.readline())
        self.ended = asyncio.create_task(self.process.stdout.readline())
        return pid

    async def ends_within(self, seconds: float) -> bool:
        """Give the running one so much time; tell whether it ended by itself."""
        assert self.ended is not None
        await asyncio.wait([self.ended], timeout=seconds)
        return self.ended.done()

    async def wait(self) -> int:
        """Wait until the running one has ended; return its status as `waitpid` gives it."""
        assert self.ended is not None
        return int(await self.ended)


@asynccontextmanager
async def nursery_of(folder: Path) -> AsyncIterator[Nursery]:
    """Keep a loaded program ready to be forked."""
    with (folder / "killed.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from tests.e2e.kill_kit import nursery; nursery()",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        yield Nursery(process, folder)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@dataclass
class Massacre:
    """A merchant whose program is killed over and over; `faults` is what was found wrong."""

    service: Service
    random: Random
    opening: dict[str, int]
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def books(self) -> Path:
        return self.service.folder / "books.db"

    def truth(self) -> dict[str, int]:
        """Return what is left of each SKU: what was there less what the stores sold."""
        left = Counter(self.opening)
        for name in FOLLOWERS:
            left.subtract(self.service.sandbox.shops[name].sold)
        return dict(left)

    def shown(self) -> dict[str, set[int | None]]:
        return {
            code: {self.service.sandbox.shops[name].quantity(code) for name in FOLLOWERS}
            for code in self.opening
        }

    async def believed(self) -> dict[str, int]:
        """Return what the books say is there."""
        ledger = await open_ledger(f"sqlite:///{self.books}", now=lambda: datetime.now(UTC))
        try:
            levels = await ledger.levels(await ledger.skus())
        finally:
            await ledger.aclose()
        return {
            str(sku): sum(at.on_hand for at in places.values()) for sku, places in levels.items()
        }

    async def examine(self, moment: str) -> None:
        """Prove the books as the kill left them, and that no write was sent without an intent."""
        ledger = await open_ledger(f"sqlite:///{self.books}", now=lambda: datetime.now(UTC))
        try:
            if ledger.frozen:
                self.faults.append(f"{moment}: {ledger.frozen}")
            verdict = await ledger.verify()
        finally:
            await ledger.aclose()
        if not verdict.sound:
            self.faults.append(f"{moment}: {verdict}")
        self.faults += [f"{moment}: {missing}" for missing in self.unannounced()]

    def unannounced(self) -> list[str]:
        """Name the writes that a store took and that no intent in the books announces (`I8`)."""
        with closing(sqlite3.connect(self.books)) as books:
            rows = books.execute("SELECT store, sku, target FROM intents")
            known = {(store, sku, target) for store, sku, target in rows}
        return [
            f"{name} was written {write.code} = {write.after!r} without an intent"
            for name in FOLLOWERS
            for write in self.service.sandbox.shops[name].writes
            if write.before != write.after
            and (name, write.code, int(float(str(write.after)))) not in known
        ]

    async def reap(self, nursery: Nursery, kills: int) -> None:
        """Start the program and kill it, so many times."""
        for number in range(kills):
            word = "sync" if self.random.random() < 0.3 else "serve"
            pid = await nursery.start(word)
            if not await nursery.ends_within(self.random.uniform(*LIVES)):
                os.kill(pid, signal.SIGKILL)
            status = await nursery.wait()
            self.kills["killed" if os.WIFSIGNALED(status) else "ended"] += 1
            if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status) not in (0, 1, 3):
                self.faults.append(f"{word} {number} ended with {os.WEXITSTATUS(status)}")
            await self.examine(f"kill {number} of {word}")

    async def shop_until(self, done: asyncio.Event) -> int:
        """Let people buy until told to stop; return how many units they bought."""
        shoppers = Shoppers(
            {name: self.service.sandbox.shops[name] for name in FOLLOWERS},
            self.random,
            return_rate=0,
        )
        while not done.is_set():
            shoppers.step()
            await asyncio.sleep(self.random.expovariate(20))
        return sum(visit.units for visit in shoppers.visits)

    async def settled(self) -> bool:
        """Tell whether books, stores and truth agree."""
        truth = self.truth()
        if await self.believed() != truth:
            return False
        return self.shown() == {code: {max(0, left)} for code, left in truth.items()}

    def story(self) -> str:
        """Say what does not agree, for whoever has to find out why."""
        truth, shown = self.truth(), self.shown()
        with closing(sqlite3.connect(self.books)) as books:
            rows = books.execute(
                "SELECT store, sku, reading_number, baseline, unexplained, due_since FROM listings"
            ).fetchall()
        wrong = [code for code in truth if shown[code] != {max(0, truth[code])}]
        lines = [f"{code}: true {truth[code]}, shown {shown[code]}" for code in wrong]
        return "\n".join([*lines, *(str(row) for row in rows if row[1] in wrong)])


@asynccontextmanager
async def massacre(folder: Path, seed: int) -> AsyncIterator[Massacre]:
    """Stand a merchant who tells every order, with stock enough for all who shop."""
    async with merchant(folder, poll="1s") as service:
        text = (folder / "stocksync.yaml").read_text()
        told = re.sub(r'("platform": "b2bwave")', r'\1, "orders": true', text)
        (folder / "stocksync.yaml").write_text(told)
        rows = (folder / "stock.csv").read_text().split()[1:]
        opening = {row.split(",")[0]: PLENTY for row in rows}
        for name, code in product(FOLLOWERS, opening):
            service.sandbox.shops[name].set_quantity(code, PLENTY)
        lines = [f"{sku},{units}" for sku, units in opening.items()]
        (folder / "stock.csv").write_text("\n".join(["sku,on_hand", *lines, ""]))
        words = [*command(folder), "stock", "import", str(folder / "stock.csv")]
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL)
        assert await process.wait() == 0
        yield Massacre(service, Random(seed), opening)
