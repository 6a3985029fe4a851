"""A service that sleeps longer than its lease wakes up, and leaves alone what others did."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from stocksync.sandbox.shop import Request
from tests.e2e.kill_kit import Massacre, massacre
from tests.e2e.nursery_kit import Nursery, nursery_of

SEED = 7
LEASE_SECONDS = 2.0
PATIENCE = 20.0


def looks(request: Request) -> bool:
    """Recognize the look at a few listings that comes just before a write."""
    return request.method == "GET" and "codes" in request.query


def writes(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/stock")


def stop(pid: int) -> None:
    """Put a process to sleep; return when each of its threads sleeps: none takes a lock yet."""
    os.kill(pid, signal.SIGSTOP)
    for thread in Path(f"/proc/{pid}/task").iterdir():
        while (thread / "stat").read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.001)


class Trap(list[Request]):
    """The requests of a store: the first that fits puts its sender to sleep before the answer.

    It is let sleep outside of its own commits only: one that slept in a transaction would keep the
    whole file, and nobody could take over.
    """

    def __init__(self, fits: Callable[[Request], bool], sender: int, books: Path) -> None:
        super().__init__()
        self.fits = fits
        self.sender = sender
        self.books = books
        self.sprung = asyncio.Event()

    def append(self, request: Request) -> None:
        super().append(request)
        if self.sprung.is_set() or not self.fits(request):
            return
        self.sprung.set()
        stop(self.sender)
        while not self._may_be_written():
            os.kill(self.sender, signal.SIGCONT)
            time.sleep(0.005)
            stop(self.sender)

    def _may_be_written(self) -> bool:
        with closing(sqlite3.connect(self.books, timeout=0, isolation_level=None)) as books:
            try:
                books.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            return True


async def synced(subject: Massacre, second: Nursery) -> None:
    """Let a second runner work until books, stores and truth agree; it may have to wait first."""
    ends_at = time.monotonic() + PATIENCE
    while not await subject.settled():
        assert time.monotonic() < ends_at, await subject.story()
        status = await second.run("sync")
        assert status in (0, 1), (subject.service.folder / "killed.log").read_text()[-2000:]


async def agreed(subject: Massacre) -> None:
    """Wait until the running service has brought everything to agree."""
    ends_at = time.monotonic() + PATIENCE
    while not await subject.settled():
        assert time.monotonic() < ends_at, await subject.story()
        await asyncio.sleep(0.1)


async def sleep_through(
    subject: Massacre, first: Nursery, second: Nursery, moment: Callable[[Request], bool]
) -> set[int]:
    """Let a service sleep from that moment on, and another take over; return what it wrote then."""
    shops, code = subject.service.sandbox.shops, next(iter(subject.opening))
    sleeper = await first.start("serve")
    await subject.service.until(lambda: subject.service.get("/healthz")[0] == 200)
    shops["shop"].requests = trap = Trap(moment, sleeper, subject.service.folder / "books.db")
    shops["trade"].sell(code, 2)
    await asyncio.wait_for(trap.sprung.wait(), PATIENCE)
    shops["web"].sell(code, 3)
    await synced(subject, second)
    shops["site"].sell(code, 4)
    await synced(subject, second)
    before = len(subject.taken)
    os.kill(sleeper, signal.SIGCONT)
    shops["trade"].sell(code, 5)
    await agreed(subject)
    os.kill(sleeper, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(await first.wait()) == 0
    return {at.after for at in subject.taken[before:] if (at.store, at.code) == ("shop", code)}


async def test_who_sleeps_longer_than_its_lease_sends_nothing_late_and_books_nothing_old(
    tmp_path: Path,
) -> None:
    async with (
        massacre(tmp_path, SEED) as subject,
        nursery_of(tmp_path, lease_seconds=LEASE_SECONDS) as first,
        nursery_of(tmp_path, lease_seconds=LEASE_SECONDS) as second,
    ):
        await subject.agree(first)
        for moment in (looks, writes):
            late = await sleep_through(subject, first, second, moment)
            assert late == {subject.truth()[next(iter(subject.opening))]}, moment.__name__
        await subject.examine("after it woke up twice")
    assert subject.faults == []
    told = (tmp_path / "killed.log").read_text()
    assert told.count("another runner took over") >= 2
    assert "Traceback" not in told
