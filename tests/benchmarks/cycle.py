"""Measure cycles beside their raw floor: `python -m tests.benchmarks.cycle --skus 100000`.

The floor asks for the same pages with bare httpx and decodes them, and does nothing else. Each
measurement runs in a process of its own, so that its peak memory is its own. Exit 1 when calls are
not exactly what the pages ask for, writes not exactly what changed, when a quiet cycle writes
anything, or the ratio is above 3.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from stocksync import bootstrap
from stocksync.domain.identifiers import Sku
from stocksync.domain.stocktake import Count
from stocksync.engine import stocktake
from stocksync.engine.sync import sync
from stocksync.ledger.migrations import migrate
from tests.benchmarks.expected import faults_in, page_urls, sale_paths
from tests.benchmarks.page_server import PLATFORMS, SKUS_PER_PRINT, code

RATIO_MAX: Final = 3.0
MEMORY_MAX_MB: Final = 200
#: Everything is read page after page, but the print store two at a time (`connectors/`).
PRINTS_AT_ONCE: Final = 2
CREDENTIALS: Final[Mapping[str, Mapping[str, str]]] = {
    "recplus": {"username": "u", "password": "p"},
    "b2bwave": {"app_code": "a", "token": "t"},
    "freewebstore": {"api_key": "k"},
    "simvoly": {"api_key": "k"},
    "idealfactory": {"token": "t"},
}


async def floor(
    ports: Mapping[str, int], skus: int, decode: Callable[[bytes], Any]
) -> dict[str, Any]:
    """Ask for all pages with bare httpx, all stores side by side, and decode them."""

    async def take_turns(client: httpx.AsyncClient, urls: Iterator[str]) -> int:
        asked = 0
        for url in urls:
            decode((await client.get(url)).content)
            asked += 1
        return asked

    async def one(platform: str) -> int:
        base = f"http://127.0.0.1:{ports[platform]}"
        urls = iter(page_urls(platform, skus))
        async with httpx.AsyncClient(base_url=base) as client:
            width = PRINTS_AT_ONCE if platform == "idealfactory" else 1
            return sum(await asyncio.gather(*(take_turns(client, urls) for _ in range(width))))

    started = time.perf_counter()
    calls = await asyncio.gather(*(one(platform) for platform in PLATFORMS))
    return {"seconds": time.perf_counter() - started, "calls": sum(calls)}


def configuration(ports: Mapping[str, int]) -> str:
    """Write a configuration in which no rate limit is what is measured."""
    stores = [
        {
            "id": platform,
            "platform": platform,
            "url": f"http://127.0.0.1:{ports[platform]}",
            "first_contact": "push",
            **({"rate": 1000} if platform == "freewebstore" else {}),
            # Levels alone are measured; where orders are read, they are one request more.
            **({} if platform == "idealfactory" else {"orders": False}),
            **CREDENTIALS[platform],
        }
        for platform in PLATFORMS
    ]
    return json.dumps({"database": "sqlite:///books.db", "rules": "rules/", "stores": stores})


def prepare_folder(folder: Path, ports: Mapping[str, int], skus: int) -> None:
    """Write configuration and rules: each print product stands for a hundred SKUs."""
    (folder / "rules").mkdir()
    links = [
        {
            "store": "idealfactory",
            "product": at + 1,
            "skus": [
                code(sku)
                for sku in range(at * SKUS_PER_PRINT, min(skus, (at + 1) * SKUS_PER_PRINT))
            ],
        }
        for at in range(-(-skus // SKUS_PER_PRINT))
    ]
    (folder / "rules" / "10-links.yaml").write_text(json.dumps({"availability": links}))
    (folder / "stocksync.yaml").write_text(configuration(ports))
    (folder / "stocksync.yaml").chmod(0o600)


@contextmanager
def rows_written() -> Iterator[dict[str, int]]:
    """Count the rows that statements insert, update or delete, by table."""
    from sqlalchemy import Engine, event  # noqa: PLC0415 - only the measured process pays for it

    counted: dict[str, int] = {}

    def after(_c: Any, cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split(None, 3)
        if words and words[0].upper() in ("INSERT", "UPDATE", "DELETE"):
            table = words[2] if words[0].upper() != "UPDATE" else words[1]
            counted[table] = counted.get(table, 0) + max(0, cursor.rowcount)

    event.listen(Engine, "after_cursor_execute", after)
    yield counted
    event.remove(Engine, "after_cursor_execute", after)


async def first_contact(folder: Path, skus: int) -> dict[str, Any]:
    """Open the books and agree with every store, so that later cycles are ordinary ones."""
    plan = bootstrap.read_files(folder / "stocksync.yaml")
    migrate(plan.settings.database.get_secret_value())
    async with bootstrap.opened(plan) as context:
        counts = [Count(sku=Sku(code(at)), on_hand=50) for at in range(skus)]
        await stocktake.count(context, counts, document="opening")
        run = await sync(context)
    return {"outcome": run.outcome}


async def cycle(folder: Path) -> dict[str, Any]:
    """Run one whole sync over real books, and say what it cost."""
    plan = bootstrap.read_files(folder / "stocksync.yaml")
    async with bootstrap.opened(plan) as context:
        with rows_written() as rows:
            started = time.perf_counter()
            run = await sync(replace(context))
            seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "cpu": time.process_time(),
        "outcome": run.outcome,
        "calls": sum(store["api_calls"] for store in run.stores),
        "by_store": {store["store"]: store["api_calls"] for store in run.stores},
        "errors": [store["error"] for store in run.stores if store["error"]],
        "confirmed": sum(store["confirmed"] for store in run.stores),
        "movements": sum(store["movements"] for store in run.stores),
        "rows": rows,
    }


def child(kind: str, folder: Path, ports: Mapping[str, int], skus: int) -> dict[str, Any]:
    """Run one measurement in a fresh process and return what it printed."""
    words = [sys.executable, "-m", "tests.benchmarks.cycle", "--child", kind]
    words += ["--folder", str(folder), "--ports", json.dumps(ports), "--skus", str(skus)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def run_child(arguments: argparse.Namespace) -> None:
    """Do one measurement in this process and print it as JSON."""
    ports = json.loads(arguments.ports)
    if arguments.child == "floor":
        work = floor(ports, arguments.skus, msgspec.json.decode)
    elif arguments.child == "floor-json":
        work = floor(ports, arguments.skus, json.loads)
    elif arguments.child == "first":
        work = first_contact(arguments.folder, arguments.skus)
    else:
        work = cycle(arguments.folder)
    result = asyncio.run(work)
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


def measure(skus: int, *, timed: bool = True) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """Measure floor, quiet cycle and one after 1 % was sold, all in one run.

    Without `timed` only what counters prove is measured: the floors are left out.
    """
    expected = {platform: len(page_urls(platform, skus)) for platform in PLATFORMS}
    words = [sys.executable, "-m", "tests.benchmarks.page_server", str(skus)]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(words, stdout=subprocess.PIPE) as server,  # noqa: S603
    ):
        try:
            assert server.stdout is not None
            ports: dict[str, int] = json.loads(server.stdout.readline())
            return steps(Path(name), ports, skus, timed=timed), expected
        finally:
            server.kill()


def steps(
    folder: Path, ports: Mapping[str, int], skus: int, *, timed: bool
) -> dict[str, dict[str, Any]]:
    """Take the measurements in order, each in a process of its own."""

    def take(kind: str) -> dict[str, Any]:
        return child(kind, folder, ports, skus)

    prepare_folder(folder, ports, skus)
    results = {"first contact": take("first")}
    if timed:
        take("floor")  # pages are encoded once, before anything is timed
        results["floor"] = take("floor")
    results["unchanged"] = take("cycle")
    if timed:
        results["floor again"] = take("floor")
        results["floor, json"] = take("floor-json")
    for platform, path in sale_paths(skus).items():
        httpx.get(f"http://127.0.0.1:{ports[platform]}{path}")
    if timed:
        take("floor")
    results["1 % changed"] = take("cycle")
    results["1 % changed"]["writes"] = {
        platform: httpx.get(f"http://127.0.0.1:{port}/_counters").json()["writes"]
        for platform, port in ports.items()
    }
    if timed:
        take("floor")
    results["after it"] = take("cycle")
    return results


def show(results: Mapping[str, Mapping[str, Any]], skus: int) -> float:
    """Print the table and return the ratio of the unchanged cycle to its floor."""
    base = (results["floor"]["seconds"] + results["floor again"]["seconds"]) / 2
    print(f"{skus} SKUs in 5 stores on loopback; floor: same pages, bare httpx and msgspec")
    print(f"{'':14}{'seconds':>9}{'x floor':>9}{'peak MB':>9}{'calls':>8}{'written':>9}{'rows':>8}")
    for name in ("floor", "floor again", "floor, json", "unchanged", "1 % changed", "after it"):
        at = results[name]
        rows = sum(at.get("rows", {}).values())
        print(
            f"{name:14}{at['seconds']:9.2f}{at['seconds'] / base:9.2f}{at['peak_mb']:9.0f}"
            f"{at['calls']:8}{at.get('confirmed', 0):9}{rows:8}"
        )
    print(f"write requests, 1 % changed: {results['1 % changed']['writes']}")
    print(f"rows by table, unchanged: {results['unchanged']['rows']}")
    print(f"rows by table, 1 % changed: {results['1 % changed']['rows']}")
    return float(results["unchanged"]["seconds"] / base)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skus", type=int, default=100_000)
    parser.add_argument("--child", choices=["floor", "floor-json", "first", "cycle"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--ports")
    given = parser.parse_args(arguments)
    if given.child:
        run_child(given)
        return 0
    results, expected = measure(given.skus)
    ratio = show(results, given.skus)
    faults = faults_in(results, expected, given.skus)
    if ratio > RATIO_MAX:
        faults.append(f"the unchanged cycle took {ratio:.2f} times its floor; the goal is 3")
    peak = max(results[name]["peak_mb"] for name in ("unchanged", "1 % changed"))
    if peak > MEMORY_MAX_MB:
        faults.append(f"peak memory {peak:.0f} MB; the goal is {MEMORY_MAX_MB}")
    print("\n".join(faults) or f"ratio {ratio:.2f}, calls exact, a quiet cycle wrote nothing")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
