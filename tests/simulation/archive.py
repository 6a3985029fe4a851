"""Books that go back: a copy kept earlier takes the place of the database (I26)."""

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path

from stocksync.engine import restore
from stocksync.errors import StockSyncError
from stocksync.ledger.witness import SUFFIX
from tests.simulation.memory import Memory, remembered
from tests.simulation.people import People

#: How often one of two processes survives, and finds the books changed under its hands.
SURVIVES = 0.25


class Archive:
    """Keeps copies of the books, puts one back, and lets a person accept it some time later.

    What is promised: from then until somebody accepts the old books, nothing is booked in them and
    nothing is sent. What was booked after the copy is lost, all of it and nothing else, and what
    happens until a listing is met again moves nothing: its first number is its baseline. Where
    orders are read no sale is lost at all: orders are told again, and booked once. A write that
    was under way when the books were lost is nobody's: a person who does not wait for the horizon
    finds it booked as the edit of a stranger. Where orders are read we wait.

    Not noticed, and not tried here: books that lack only a last change whose process died before
    it could tell the witness.
    """

    def __init__(self, people: People) -> None:
        self.people = people
        self.world = people.world
        self.chance = random.Random(f"archive {self.world.options.seed}")
        self.copy = self.world.file.with_name("copy.db")
        self.memory: Memory | None = None

    async def lose_books(self) -> None:
        """Let machines with the books on them be lost, and set up anew from a backup."""
        rate = self.world.options.rate("restored_books")
        while rate:
            await asyncio.sleep(self.chance.uniform(1, 30))
            self.keep()
            await asyncio.sleep(self.chance.uniform(1, 60))
            if self.chance.random() < rate and self.is_noticeable():
                self.put_back()
                await asyncio.sleep(self.chance.uniform(1, 90))
                await self.accept()

    def keep(self) -> None:
        """Copy the books as they are, and remember what is true of them."""
        self.copy.unlink(missing_ok=True)
        _copy(self.world.file, self.copy)
        self.memory = remembered(self.world.truth, self.people.pending)

    def is_noticeable(self) -> bool:
        """Tell whether the witness has heard of anything that the copy lacks."""
        with closing(sqlite3.connect(self.copy)) as connection:
            [(kept,)] = connection.execute("SELECT generation FROM installation")
        witness = self.world.file.with_name(self.world.file.name + SUFFIX)
        return witness.exists() and int(witness.read_text(encoding="ascii")) > kept

    def put_back(self) -> None:
        """Kill our processes, all or all but one, and put the copy where the books were."""
        world, living = self.world, self.world.living
        spared = living[:1] if len(living) > 1 and self.chance.random() < SURVIVES else []
        for process in living[len(spared) :]:
            process.die()
        if spared:
            world.trace.reached("books went back under the hands of a process")
        _copy(self.copy, world.file)
        assert self.memory is not None
        self.memory.recall(world.truth, self.people.pending, world.loop.time())
        world.leases.forget()
        world.trace.line("the books go back")
        world.trace.reached("books went back")

    async def accept(self) -> None:
        """Let a person accept the old books, whatever the disk says, and start the service anew."""
        truth, world = self.world.truth, self.world
        if truth.frozen_at is not None and world.merchant.fed:
            rest = truth.frozen_at + world.options.horizon_seconds - world.loop.time()
            await asyncio.sleep(max(0.0, rest))
        while truth.frozen_at is not None:
            tool = await world.begin()
            assert tool.context is not None
            task = tool.spawn(restore.accept(tool.context), "accept")
            await asyncio.wait({task}, timeout=30)
            error = task.exception() if task.done() and not task.cancelled() else None
            if error is not None and not isinstance(error, StockSyncError):
                raise error
            for process in world.living:
                process.die()
            await asyncio.sleep(self.chance.uniform(0.1, 5))


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
