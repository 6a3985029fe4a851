"""A running service, the fake stores it looks after, and a real Prometheus that watches it."""

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from stocksync.sandbox.serve import Sandbox
from stocksync.sandbox.shop import Shop

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
TOKEN: Final = "not-a-secret-only-a-test"
POLL_SECONDS: Final = 0.2
#: More than the 30 seconds that running jobs get to end.
STOP_SECONDS_MAX: Final = 40
#: What a duration in the rules becomes here: a day passes in a minute.
RANGES: Final = {"10m": "6s", "15m": "6s", "1h": "10s", "3h": "40s", "1d": "60s"}
#: What an age in seconds, or a number of changes, becomes after `>`.
THRESHOLDS: Final = {"600": "8", "7200": "8", "900": "2", "60": "5", "4": "0"}
_RANGE: Final = re.compile(r"(\[|offset )(\w+)")
_THRESHOLD: Final = re.compile(r"> (\d+)(?![\d.])")


def hurried(rules: str) -> str:
    """Return rules that reach the same verdicts within seconds.

    Every range, offset and threshold must be in the tables above, so that none is left slow.
    """
    document = yaml.safe_load(rules)
    for group in document["groups"]:
        for rule in group["rules"]:
            asked = _RANGE.sub(lambda found: found[1] + RANGES[found[2]], rule["expr"])
            rule["expr"] = _THRESHOLD.sub(_lower, asked)
            if "for" in rule:
                rule["for"] = "1s"
    return yaml.safe_dump(document)


def _lower(found: re.Match[str]) -> str:
    return "> 0" if found[1] == "0" else f"> {THRESHOLDS[found[1]]}"


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@dataclass(kw_only=True)
class Program:
    """A program that runs beside the test; its output is in a file."""

    arguments: Sequence[str]
    output: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, without any setting from outside."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.output.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.arguments, stdout=output, stderr=output, env=kept
            )

    async def stop(self) -> int | None:
        """Ask it to end; return its exit code, or None when it did not run."""
        if self.process is None:
            return None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_SECONDS_MAX)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise

    async def for_a_moment(self) -> None:
        """Let some time pass; fail at once when the program has ended."""
        assert self.process is not None
        try:
            code = await asyncio.wait_for(self.process.wait(), POLL_SECONDS)
        except TimeoutError:
            return
        raise AssertionError(f"ended with {code}:\n{self.output.read_text()[-4000:]}")

    async def until(self, what: str, seconds: float, met: Callable[[], Awaitable[bool]]) -> None:
        """Wait while it runs until a condition holds; say what it was when it never does."""
        try:
            async with asyncio.timeout(seconds):
                while not await met():
                    await self.for_a_moment()
        except TimeoutError:
            raise AssertionError(f"not {what} in {seconds} s") from None


@dataclass(kw_only=True)
class Prometheus:
    """A Prometheus that scrapes every second, and its HTTP API."""

    program: Program
    client: httpx.AsyncClient

    async def ask(self, expr: str) -> list[dict[str, Any]]:
        """Return what an expression gives now: `{"metric": labels, "value": [time, text]}`."""
        answer = await self.client.post("/api/v1/query", data={"query": expr})
        body = answer.json()
        assert body["status"] == "success", f"{expr}: {body}"
        result: list[dict[str, Any]] = body["data"]["result"]
        return result

    async def alerts(self, state: str = "firing") -> set[str]:
        """Return the names of the alerts that are in this state now."""
        found = await self.ask(f'ALERTS{{alertstate="{state}"}}')
        return {at["metric"]["alertname"] for at in found}

    async def fired(self) -> set[str]:
        """Return the names of the alerts that fired within the last minutes."""
        found = await self.ask('max_over_time(ALERTS{alertstate="firing"}[3m])')
        return {at["metric"]["alertname"] for at in found}

    async def until(self, what: str, seconds: float, met: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a condition holds; say which alerts there were when it never does."""
        try:
            await self.program.until(what, seconds, met)
        except AssertionError as error:
            firing, fired = sorted(await self.alerts()), sorted(await self.fired())
            raise AssertionError(f"{error}; firing now {firing}, so far {fired}") from None


def _put_prometheus_files(folder: Path, port: int) -> None:
    settings = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())
    for name in ("scrape_interval", "scrape_timeout", "evaluation_interval"):
        settings["global"][name] = "1s"
    scrape = settings["scrape_configs"][0]
    scrape["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    scrape["authorization"]["credentials_file"] = "token"
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    for name in settings["rule_files"]:
        (folder / name).write_text(hurried((DEPLOY / "prometheus" / name).read_text()))


@asynccontextmanager
async def watched_by_prometheus(folder: Path, port: int) -> AsyncIterator[Prometheus]:
    """Run Prometheus with our own files, made faster, against a service on this port."""
    _put_prometheus_files(folder, port)
    listening = f"127.0.0.1:{free_port()}"
    arguments = [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={listening}",
        "--log.level=warn",
    ]
    program = Program(arguments=arguments, output=folder / "output")
    await program.start()
    async with httpx.AsyncClient(base_url=f"http://{listening}") as client:
        prometheus = Prometheus(program=program, client=client)

        async def ready() -> bool:
            try:
                return (await client.get("/-/ready")).is_success
            except httpx.TransportError:
                return False

        try:
            await program.until("ready", 20, ready)
            yield prometheus
        finally:
            await program.stop()


@dataclass(kw_only=True)
class Installation:
    """A merchant's stocksync as a person would run it: files, commands, and the service."""

    folder: Path
    config: Path
    port: int
    service: Program

    async def command(self, *arguments: str) -> None:
        """Run one `stocksync` command to its good end."""
        program = Program(
            arguments=[*stocksync(self.config), *arguments], output=self.folder / "commands"
        )
        await program.start()
        assert program.process is not None
        code = await asyncio.wait_for(program.process.wait(), 30)
        assert code == 0, program.output.read_text()

    async def reconcile(self) -> None:
        """Start a run by hand, which tries stores that are left alone for a while at once."""
        head = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient() as client:
            address = f"http://127.0.0.1:{self.port}/api/v1/reconcile"
            (await client.post(address, headers=head)).raise_for_status()

    async def metrics(self) -> bytes:
        """Ask the service for its metrics, as Prometheus does."""
        head = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{self.port}/metrics", headers=head)
        return answer.raise_for_status().content


def stocksync(config: Path) -> list[str]:
    """Return the beginning of a command line."""
    return [sys.executable, "-m", "stocksync", "--config", str(config)]


def _put_stocksync_files(folder: Path, text: str, opening: Mapping[str, int]) -> None:
    (folder / "rules").mkdir(parents=True)
    (folder / "stock.csv").write_text(
        "sku,on_hand\n" + "".join(f"{sku},{units}\n" for sku, units in opening.items())
    )
    (folder / "stocksync.yaml").write_text(text)
    (folder / "stocksync.yaml").chmod(0o600)


@asynccontextmanager
async def installed(
    folder: Path, shops: Mapping[str, Shop], opening: Mapping[str, int]
) -> AsyncIterator[Installation]:
    """Serve the fake stores, count the shelves, and run `stocksync serve` over both."""
    port, config = free_port(), folder / "stocksync.yaml"
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(shops))
        text = sandbox.configuration(
            "sqlite:///stocksync.db",
            "rules/",
            http={"host": "127.0.0.1", "port": port, "token": TOKEN},
            every_store={"poll": "1s", "first_contact": "push"},
        )
        _put_stocksync_files(folder, text, opening)
        service = Program(arguments=[*stocksync(config), "serve"], output=folder / "service")
        at = Installation(folder=folder, config=config, port=port, service=service)
        await at.command("migrate")
        await at.command("stock", "import", str(folder / "stock.csv"))
        stack.push_async_callback(service.stop)
        await service.start()
        yield at
