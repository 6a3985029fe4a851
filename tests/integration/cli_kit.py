"""The real command line in this process, before fake stores on real sockets and real books."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner, Result

from stocksync.cli.app import app
from stocksync.sandbox.serve import Sandbox
from stocksync.sandbox.shop import Shop

#: As fast as the machine: nobody's rate limit is tested here.
FAST = {"rate": 1000}
UNITS = {"MUG": 10, "TEE": 20, "CAP": 30}


def call(*words: str, config: Path | str = "", **environment: str) -> Result:
    """Run the program as `stocksync WORDS…` on a terminal of 80 columns."""
    named = {"STOCKSYNC_CONFIG": str(config)}
    runner = CliRunner(env={"COLUMNS": "80", "STOCKSYNC_USER": "anna", **named, **environment})
    try:
        return runner.invoke(app, list(words))
    finally:
        # The log was told to write to the runner's stream, which is closed now.
        structlog.reset_defaults()


def start(*words: str, config: Path, **options: Any) -> subprocess.Popen[str]:
    """Start the program as a process of its own."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "stocksync", *words],
        env={**os.environ, "STOCKSYNC_CONFIG": str(config), "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@dataclass
class Merchant:
    """A merchant with stores, a configuration, and the command line in front of both."""

    folder: Path
    shops: dict[str, Shop] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "stocksync.yaml"

    def run(self, *words: str, expect: int = 0, **environment: str) -> Result:
        """Run a command and insist on its exit code."""
        result = call(*words, config=self.config, **environment)
        assert result.exit_code == expect, f"{words}: {result.exit_code}\n{result.output}"
        return result

    def answer(self, *words: str, expect: int = 0) -> Any:
        """Run a command with `--json` and return its one document."""
        return json.loads(self.run(*words, "--json", expect=expect).stdout)

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
        return file

    def opened(self, units: Mapping[str, int] = UNITS) -> None:
        """Book an opening for each SKU."""
        lines = [f"{sku},{count}" for sku, count in units.items()]
        file = self.write("stock.csv", "\n".join(["sku,on_hand", *lines, ""]))
        self.run("stock", "import", str(file))

    def agreed(self) -> None:
        """Book what the stores show and look at them once, so that all agree."""
        self.opened()
        self.run("sync")


@contextmanager
def merchant(
    folder: Path,
    books: Path,
    platforms: Mapping[str, str],
    *,
    every_store: Mapping[str, object] = FAST,
    units: Mapping[str, int] = UNITS,
) -> Iterator[Merchant]:
    """Serve a store of each platform, all showing the same units; `books` is an empty database."""
    shops = {store: Shop(platform) for store, platform in platforms.items()}
    for shop in shops.values():
        for sku, count in units.items():
            shop.add(sku, count)
    shutil.copy(books, folder / "stocksync.db")
    (folder / "rules").mkdir()
    with served(shops) as sandbox:
        subject = Merchant(folder=folder, shops=shops)
        text = sandbox.configuration("sqlite:///stocksync.db", "rules/", every_store=every_store)
        subject.write("stocksync.yaml", text).chmod(0o600)
        yield subject


@contextmanager
def served(shops: Mapping[str, Shop]) -> Iterator[Sandbox]:
    """Serve fake stores from a thread: the program under test needs this one for itself."""
    sandbox = Sandbox(shops)
    ready = threading.Event()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        async with sandbox:
            stop = asyncio.Event()
            ends.append((asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(20), "the fake stores did not start"
        yield sandbox
    finally:
        for loop, stop in ends:
            loop.call_soon_threadsafe(stop.set)
        thread.join()


def widest(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)


def table_under(text: str, heading: str) -> list[list[str]]:
    """Return the words of each row of the table that begins with a heading."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(heading))
    rows: list[list[str]] = []
    for line in lines[first:]:
        if not line.strip():
            break
        rows.append(line.split())
    return rows


def keys(documents: Sequence[Mapping[str, object]]) -> list[list[str]]:
    return [list(document) for document in documents]
