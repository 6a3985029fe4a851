"""Let the real service run for long with shoppers and faults: `make soak MINUTES=30`.

A real `stocksync serve` works on five fake stores in another process, twenty times as fast as a
busy merchant. Memory, open files and threads are sampled; at the end the shoppers go home, every
store is asked whether it shows what the books say, and the books are proved. Exit 1 on growth, on
a store that did not come to agree, on books that do not add up, and on any unexpected error.
"""

import argparse
import asyncio
import itertools
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.benchmarks.soak_samples import Sample, faults_in, process_state, table, total
from tests.e2e.prometheus_kit import free_port

TOKEN: Final = "soak-token-of-nobody"
SAMPLE_SECONDS: Final = 10.0
AGREE_SECONDS_MAX: Final = 20 * 60.0
LOW, DELIVERED, DELIVERIES_MAX = 15, 40, 5
COUNTED: Final = ("shop", "trade", "web", "site")
_DEFECTS: Final = ("Traceback", "unexpected error", "please report it", "books do not add up")


@dataclass(kw_only=True)
class Soak:
    """A run under way: its files, its two processes, and what was seen."""

    folder: Path
    stores: asyncio.subprocess.Process
    world: Mapping[str, Any]
    service: asyncio.subprocess.Process
    client: httpx.AsyncClient
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    keys: "itertools.count[int]" = field(default_factory=itertools.count)

    async def sample(self) -> Sample:
        """Look at the process and its counters once."""
        text = (await self.client.get("/metrics")).raise_for_status().text
        memory, files, threads = process_state(self.service.pid)
        books = sum(at.stat().st_size for at in self.folder.glob("stocksync.db*"))
        made = Sample(
            minutes=(time.monotonic() - self.began) / 60,
            memory_mb=memory,
            files=files,
            threads=threads,
            database_mb=books / 2**20,
            movements=total(text, "movements_total"),
            writes=total(text, "corrections_total"),
            requests=total(text, "http_requests_total"),
            failed=total(text, "runs_total", 'outcome="failed"'),
        )
        self.samples.append(made)
        return made

    async def levels(self) -> dict[str, int]:
        """Ask the service what is on hand."""
        found: dict[str, int] = {}
        after = ""
        while True:
            answer = await self.client.get("/api/v1/stock", params={"after": after, "limit": 200})
            page = answer.raise_for_status().json()
            found |= {at["sku"]: at["on_hand"] for at in page["stock"]}
            after = page["next"] or ""
            if not after:
                return found

    async def deliver(self) -> None:
        """Put more of what is nearly out on the shelf, as a merchant does."""
        low = sorted(sku for sku, units in (await self.levels()).items() if units < LOW)
        for sku in low[:DELIVERIES_MAX]:
            await self.client.post(
                f"/api/v1/stock/{sku}/adjustments",
                json={"units": DELIVERED, "reason": "delivery"},
                headers={"Idempotency-Key": f"delivery-{next(self.keys)}"},
            )

    async def differences(self) -> list[str]:
        """Ask every store that counts what it shows, and name what the books say otherwise."""
        levels, found = await self.levels(), []
        for store in COUNTED:
            url = f"{self.world['urls'][store]}/_sandbox/state"
            items = (await self.client.get(url)).raise_for_status().json()["items"]
            found += [
                f"{store} shows {at['quantity']} of {at['code']}, there are {levels[at['code']]}"
                for at in items
                if at["quantity"] != max(0, levels[at["code"]])
            ]
        text = (await self.client.get("/metrics")).text
        if drift := total(text, "drift_listings", 'store="print"'):
            found.append(f"print: {drift} listings do not show their target")
        return found

    async def command(self, *words: str) -> tuple[int, str]:
        """Run one command of the program to its end."""
        process = await program(self.folder, *words, out=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()


async def program(folder: Path, *words: str, out: Any) -> asyncio.subprocess.Process:
    """Start `stocksync WORDS…`."""
    config = str(folder / "stocksync.yaml")
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "stocksync", "--config", config, *words),
        stdout=out,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "STOCKSYNC_LOG_FORMAT": "json"},
    )


def put_files(folder: Path, world: Mapping[str, Any], port: int) -> None:
    """Write what an installation has: configuration, rules and a stock take."""
    (folder / "rules").mkdir()
    (folder / "rules" / "10-print.yaml").write_text(world["rules"])
    http = json.dumps({"host": "127.0.0.1", "port": port, "token": TOKEN})
    file = folder / "stocksync.yaml"
    file.write_text(f"http: {http}\n{world['configuration']}")
    file.chmod(0o600)
    lines = [f"{sku},{units}" for sku, units in world["opening"].items()]
    (folder / "stock.csv").write_text("\n".join(["sku,on_hand", *lines, ""]))


@asynccontextmanager
async def running(folder: Path, given: argparse.Namespace) -> AsyncIterator[Soak]:
    """Start the stores and the service, and end both whatever happens."""
    words = [sys.executable, "-m", "tests.benchmarks.soak_stores", "--skus", str(given.skus)]
    words += ["--seed", str(given.seed), "--speed", str(given.speed)]
    stores = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    started = [stores]
    try:
        assert stores.stdout is not None
        world = json.loads(await asyncio.wait_for(stores.stdout.readline(), 30))
        port = free_port()
        put_files(folder, world, port)
        for step in (["migrate"], ["stock", "import", "--json", str(folder / "stock.csv")]):
            assert (
                await (await program(folder, *step, out=asyncio.subprocess.DEVNULL)).wait() == 0
            ), step
        with (folder / "log").open("wb") as log:
            service = await program(folder, "serve", out=log)
        started.append(service)
        head = {"authorization": f"Bearer {TOKEN}"}
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base, headers=head, timeout=30) as client:
            await until_ready(client, service)
            yield Soak(folder=folder, stores=stores, world=world, service=service, client=client)
    finally:
        for process in started:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def until_ready(client: httpx.AsyncClient, service: asyncio.subprocess.Process) -> None:
    """Wait for the service to answer."""
    async with asyncio.timeout(60):
        while service.returncode is None:
            try:
                if (await client.get("/healthz")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    raise AssertionError("the service ended before it answered")


async def shop(soak: Soak, minutes: float) -> None:
    """Let people shop and stores fail; deliver, sample, and make one backup in the middle."""
    saved = False
    while time.monotonic() - soak.began < minutes * 60:
        await asyncio.sleep(SAMPLE_SECONDS)
        if soak.service.returncode is not None:
            raise AssertionError("the service ended by itself")
        await soak.deliver()
        at = await soak.sample()
        print(f"{at.minutes:6.1f} min {at.memory_mb:6.1f} MB {at.files} files", flush=True)
        if not saved and at.minutes > minutes / 2:
            saved = True
            code, said = await soak.command("backup", str(soak.folder / "copy.db"))
            if code:
                soak.faults.append(f"the backup under load failed: {said}")


async def agree(soak: Soak) -> None:
    """Send the shoppers home, and wait until every store shows what the books say."""
    soak.stores.send_signal(signal.SIGUSR1)
    began, found = time.monotonic(), ["never asked"]
    while found and time.monotonic() - began < AGREE_SECONDS_MAX:
        await asyncio.sleep(SAMPLE_SECONDS / 2)
        found = await soak.differences()
    seconds = time.monotonic() - began
    holds = (await soak.client.get("/api/v1/holds")).json()["holds"]
    print(f"agreement after {seconds:.0f} s; {len(found)} differences, {len(holds)} holds")
    soak.faults += [f"no agreement: {at}" for at in found[:10]]


async def end(soak: Soak) -> None:
    """Stop the service as an administrator does, and prove the books."""
    soak.service.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(soak.service.wait(), 60)
    if code:
        soak.faults.append(f"the service ended with {code}")
    code, said = await soak.command("ledger", "verify")
    print(said.strip())
    if code:
        soak.faults.append("the books do not add up")
    log = (soak.folder / "log").read_text(errors="replace")
    soak.faults += [f"the log holds {at!r}" for at in _DEFECTS if at in log]


async def run(given: argparse.Namespace, folder: Path) -> list[str]:
    """Run all of it, and return what went wrong."""
    async with running(folder, given) as soak:
        await shop(soak, given.minutes)
        await agree(soak)
        await end(soak)
        print(table(soak.samples))
        return [*soak.faults, *faults_in(soak.samples)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--skus", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=20)
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="stocksync-soak-"))
    print(f"{given.minutes:g} minutes at {given.speed:g} times speed, in {folder}", flush=True)
    faults = asyncio.run(run(given, folder))
    print("\n".join(f"FAULT: {at}" for at in faults) or "nothing grew, and all agree")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
