"""A real service process over fake stores on real sockets."""

import asyncio
import json
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from stocksync.ledger.migrations import migrate
from stocksync.sandbox.catalogue import plain_catalogue
from stocksync.sandbox.serve import Sandbox

WAIT_SECONDS = 30.0


def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "stocksync", "--config", str(folder / "stocksync.yaml")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str, token: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@dataclass
class Service:
    """A service under test: its folder, its stores, and where it answers."""

    folder: Path
    sandbox: Sandbox
    port: int

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *command(self.folder),
            "serve",
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            await self.until(lambda: self.get("/healthz")[0] == 200)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    def rewrite(self, before: str, after: str) -> None:
        """Change the configuration file as a person with an editor would."""
        file = self.folder / "stocksync.yaml"
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))

    async def said(self, process: asyncio.subprocess.Process, words: str) -> str:
        """Read what the process tells until a line holds these words, and return that line."""
        assert process.stderr is not None
        async with asyncio.timeout(WAIT_SECONDS):
            while line := await process.stderr.readline():
                if words in line.decode():
                    return line.decode()
        raise AssertionError(f"the process ended without saying {words!r}")

    def get(self, path: str, token: str = "secret") -> tuple[int, str]:
        return fetch(f"http://127.0.0.1:{self.port}{path}", token)

    def shows(self, store: str, code: str) -> int:
        _, body = fetch(f"{self.sandbox.urls[store]}/_sandbox/state")
        items = json.loads(body)["items"]
        return next(int(item["quantity"]) for item in items if item["code"] == code)

    async def until(self, holds: object) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not await asyncio.to_thread(holds):  # type: ignore[arg-type]
                await asyncio.sleep(0)


@asynccontextmanager
async def merchant(
    folder: Path, *, database: str = "", on_hand: int | None = None, **every_store: str
) -> AsyncIterator[Service]:
    """Stand five fake stores and counted books before a service that is not started yet.

    `database` is migrated already; without one the books are `books.db`. With `on_hand` there is
    so much of everything, and every store shows it.
    """
    catalogue = plain_catalogue(12, seed=3)
    if on_hand is not None:
        catalogue.opening = dict.fromkeys(catalogue.opening, on_hand)
        for name, code in product(("shop", "trade", "web", "site"), catalogue.opening):
            catalogue.shops[name].set_quantity(code, on_hand)
    async with Sandbox(catalogue.shops) as sandbox:
        (folder / "rules").mkdir()
        (folder / "rules" / "10.yaml").write_text(catalogue.rules())
        port = free_port()
        text = sandbox.configuration(
            database or "sqlite:///books.db",
            "rules/",
            http={"host": "127.0.0.1", "port": port, "token": "secret"},
            every_store={"poll": "1s", "first_contact": "push", **every_store},
        )
        (folder / "stocksync.yaml").write_text(text)
        (folder / "stocksync.yaml").chmod(0o600)
        (folder / "stock.csv").write_text(catalogue.stock_take())
        if not database:
            migrate(f"sqlite:///{folder / 'books.db'}")
        process = await asyncio.create_subprocess_exec(
            *command(folder),
            "stock",
            "import",
            str(folder / "stock.csv"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await process.wait() == 0
        yield Service(folder, sandbox, port)
