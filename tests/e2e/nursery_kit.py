"""Processes of the real program that are forked from one that has loaded it already.

A start then costs a quarter of a second instead of two.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stocksync.engine import tenure, work


def bear() -> None:
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


def short_leases(seconds: float) -> None:
    """Let leases of this process end so soon, and everything that depends on it."""
    for module, name, value in (
        (tenure, "LEASE_SECONDS", seconds),
        (work, "LEASE_SECONDS", seconds),
        (work, "RENEW_SECONDS", seconds / 3),
        (tenure, "REQUEST_SECONDS", seconds / 3),
        (tenure, "SPARE_SECONDS", seconds / 15),
    ):
        setattr(module, name, value)


@dataclass
class Nursery:
    """Start copies of the program that are loaded already, one at a time."""

    process: asyncio.subprocess.Process
    folder: Path
    pid: int = 0
    ended: asyncio.Task[bytes] | None = None

    async def start(self, *words: str) -> int:
        """Start `stocksync WORDS…` and return its process id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        given = ["--config", str(self.folder / "stocksync.yaml"), *words]
        self.process.stdin.write(json.dumps(given).encode() + b"\n")
        self.pid = int(await self.process.stdout.readline())
        self.ended = asyncio.create_task(self.process.stdout.readline())
        return self.pid

    async def ends_within(self, seconds: float) -> bool:
        """Give the running one so much time; tell whether it ended by itself."""
        assert self.ended is not None
        await asyncio.wait([self.ended], timeout=seconds)
        return self.ended.done()

    async def wait(self) -> int:
        """Wait until the running one has ended; return its status as `waitpid` gives it."""
        assert self.ended is not None
        return int(await self.ended)

    async def close(self) -> None:
        """End the nursery, and the one that a failed test left running or asleep."""
        if self.ended is not None and not self.ended.done():
            os.kill(self.pid, signal.SIGKILL)
            await self.ended
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def run(self, *words: str) -> int:
        """Run one to its end and return its exit code."""
        await self.start(*words)
        return os.waitstatus_to_exitcode(await self.wait())


@asynccontextmanager
async def nursery_of(folder: Path, *, lease_seconds: float = 0) -> AsyncIterator[Nursery]:
    """Keep a loaded program ready to be forked; `killed.log` has what the forks tell."""
    shorten = f"short_leases({lease_seconds}); " if lease_seconds else ""
    with (folder / "killed.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            f"from tests.e2e.nursery_kit import bear, short_leases; {shorten}bear()",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    nursery = Nursery(process, folder)
    try:
        yield nursery
    finally:
        await nursery.close()
