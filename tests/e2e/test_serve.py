"""The real process against real sockets: it polls, makes others follow, and drains."""

import asyncio
import json
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

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


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    catalogue = plain_catalogue(12, seed=3)
    async with Sandbox(catalogue.shops) as sandbox:
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "10.yaml").write_text(catalogue.rules())
        port = free_port()
        text = sandbox.configuration(
            "sqlite:///books.db",
            "rules/",
            http={"host": "127.0.0.1", "port": port, "token": "secret"},
            every_store={"poll": "1s", "first_contact": "push"},
        )
        (tmp_path / "stocksync.yaml").write_text(text)
        (tmp_path / "stocksync.yaml").chmod(0o600)
        (tmp_path / "stock.csv").write_text(catalogue.stock_take())
        migrate(f"sqlite:///{tmp_path / 'books.db'}")
        process = await asyncio.create_subprocess_exec(
            *command(tmp_path),
            "stock",
            "import",
            str(tmp_path / "stock.csv"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await process.wait() == 0
        yield Service(tmp_path, sandbox, port)


async def test_a_sale_in_one_store_reaches_the_others_and_sigterm_drains(service: Service) -> None:
    code = next(iter(service.sandbox.shops["shop"].items)).code
    assert code is not None
    async with service.running() as process:
        shown = {store: service.sandbox.shops[store] for store in ("shop", "trade", "web", "site")}
        before = shown["shop"].quantity(code)
        assert before is not None
        await service.until(lambda: len({shop.quantity(code) for shop in shown.values()}) == 1)
        agreed = shown["shop"].quantity(code)
        assert agreed is not None
        shown["web"].sell(code, 2)
        await service.until(
            lambda: {shop.quantity(code) for shop in shown.values()} == {agreed - 2}
        )
        status, text = await asyncio.to_thread(service.get, "/metrics")
        assert status == 200
        assert 'stocksync_movements_total{kind="sale",store="web"} 1.0' in text
        assert 'stocksync_propagation_seconds_count{store="shop"}' in text
        assert (await asyncio.to_thread(service.get, "/metrics", ""))[0] == 401
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        assert b"Traceback" not in errors
