"""One measured process of the benchmark: the raw floor, or a cycle of the engine; no more.

Run as `python -m tests.benchmarks.client MODE`, with an `Order` as JSON on standard input; prints
a `Measured` as JSON. A process of its own for each measurement keeps peak memory honest.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.pages import PAGE, SKUS_PER_PRODUCT, STORES, sku_of, units_of

PLATFORMS: Final = dict(
    zip(STORES, ("recplus", "b2bwave", "freewebstore", "simvoly", "idealfactory"), strict=True)
)
#: So many that pacing is never what is measured.
REQUESTS_PER_SECOND: Final = 1_000_000.0
#: Ideal Factory is read two at a time, everything else page after page (`connectors/`).
AT_ONCE: Final = 2


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to measure: the stores' addresses, the database, and how many SKUs there are."""

    skus: int
    urls: Mapping[str, str]
    database: str
    profile: str = ""


@dataclass(kw_only=True)
class Measured:
    """What one process found. `calls` and `report` by store; `rows` are all rows changed."""

    seconds: float
    cpu_seconds: float
    peak_mb: float = 0.0
    calls: dict[str, int] = field(default_factory=dict)
    report: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: int = 0


def products_of(skus: int) -> int:
    return -(-skus // SKUS_PER_PRODUCT)


def addresses(order: Order) -> dict[str, list[str]]:
    """Return every address that an unchanged cycle reads, in the connectors' own words."""
    n, urls = order.skus, order.urls
    asked = {
        "shop": [f"/api/v1/stock?limit=1000&offset={at}" for at in range(0, n, PAGE["shop"])],
        "trade": [
            f"/api/products?paginated=1&per_page=500&page={page}"
            for page in range(1, n // PAGE["trade"] + 2)
        ],
        "web": [
            f"/product/?per_page=100&start={at}&sort=id&sort_order=asc"
            for at in range(0, n, PAGE["web"])
        ],
        "site": [f"/api/site/products?limit=50&skip={at}" for at in range(0, n, PAGE["site"])],
        "print": [f"/api/v1/products/{number}" for number in range(1, products_of(n) + 1)],
    }
    return {store: [urls[store] + path for path in paths] for store, paths in asked.items()}


async def floor(order: Order, decode: Callable[[bytes], Any]) -> Measured:
    """Fetch the same pages with bare httpx, as many at once, decode them, and do nothing else."""
    import httpx

    asked = addresses(order)
    calls: dict[str, int] = {}

    async def walk(client: httpx.AsyncClient, store: str) -> None:
        waiting = iter(asked[store])

        async def take_turns() -> None:
            for address in waiting:
                response = await client.get(address)
                assert response.status_code == 200, response.text
                decode(response.content)
                calls[store] = calls.get(store, 0) + 1

        width = AT_ONCE if store == "print" else 1
        await asyncio.gather(*(take_turns() for _ in range(width)))

    async with AsyncExitStack() as stack:
        clients = {
            store: await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
            for store in STORES
        }
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(walk(clients[store], store) for store in STORES))
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    return Measured(seconds=seconds, cpu_seconds=cpu_seconds, calls=calls)


@asynccontextmanager
async def opened(order: Order) -> AsyncIterator[Any]:
    """Stand the engine up over the real books and the real connectors; pacing is lifted."""
    # ruff: noqa: PLC0415 - the floor must not carry what the engine imports
    from stocksync.bootstrap import new_id, utc_now
    from stocksync.connectors import REGISTRY
    from stocksync.contracts.connector import StoreAccount
    from stocksync.domain.identifiers import ListingId, Sku, StoreId
    from stocksync.domain.intake import Seat
    from stocksync.domain.rulebook import Rulebook
    from stocksync.engine.context import Context, Store
    from stocksync.ledger.sql import open_ledger
    from stocksync.sandbox.serve import CREDENTIALS

    printed = {
        (StoreId("print"), ListingId(f"product:{number + 1}")): tuple(
            Sku(sku_of(at))
            for at in range(number * SKUS_PER_PRODUCT, (number + 1) * SKUS_PER_PRODUCT)
            if at < order.skus
        )
        for number in range(products_of(order.skus))
    }
    stores = {}
    for name in STORES:
        store, platform = StoreId(name), PLATFORMS[name]
        account = StoreAccount(
            store=store,
            url=order.urls[name],
            credentials=CREDENTIALS[platform],
            listings=tuple(listing for _, listing in printed) if name == "print" else (),
            requests_per_second=REQUESTS_PER_SECOND,
        )
        connector = REGISTRY[platform](account, now=utc_now)
        stores[store] = Store(
            seat=Seat(store=store, switches=connector.capabilities.switches_only),
            connector=connector,
        )
    ledger = await open_ledger(order.database, now=utc_now)
    try:
        yield Context(
            ledger=ledger,
            book=Rulebook(availability=printed, fingerprint="benchmark"),
            stores=stores,
            now=utc_now,
            new_id=new_id,
            holder="benchmark",
        )
    finally:
        for each in stores.values():
            await each.connector.aclose()
        await ledger.aclose()


async def prepare(order: Order) -> Measured:
    """Make the books, count every SKU, and meet every store for the first time."""
    from stocksync.domain.identifiers import Sku
    from stocksync.domain.stocktake import Count
    from stocksync.engine.stocktake import count
    from stocksync.ledger.migrations import migrate

    migrate(order.database)
    counts = [Count(sku=Sku(sku_of(at)), on_hand=units_of(at)) for at in range(order.skus)]
    async with opened(order) as context:
        await count(context, counts, document="benchmark")
    return await cycle(order)


async def cycle(order: Order) -> Measured:
    """Run one sync over all stores."""
    from stocksync.engine.sync import sync

    rows = RowsWritten()
    async with opened(order) as context:
        started, cpu = time.perf_counter(), time.process_time()
        run = await sync(context)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
        written = rows.count()
    report = {at["store"]: dict(at) for at in run.stores}
    return Measured(
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        calls={store: at["api_calls"] for store, at in report.items()},
        report=report,
        rows=written,
    )


class RowsWritten:
    """Count, by SQLite's own word, every row that any connection of this process changes."""

    def __init__(self) -> None:
        from sqlalchemy import event
        from sqlalchemy.pool import Pool

        self._open: dict[int, Any] = {}
        self._closed = 0
        event.listen(Pool, "connect", self._opened)
        event.listen(Pool, "close", self._closing)

    def count(self) -> int:
        return self._closed + sum(at.total_changes for at in self._open.values())

    def _opened(self, connection: Any, _record: object) -> None:
        self._open[id(connection)] = connection

    def _closing(self, connection: Any, _record: object) -> None:
        if self._open.pop(id(connection), None) is not None:
            self._closed += connection.total_changes


def peak_mb() -> float:
    """Return this process's own peak of resident memory.

    `ru_maxrss` would do elsewhere; on Linux it begins with what the parent held before `exec`.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        return int(kilobytes) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _decoder(name: str) -> Callable[[bytes], Any]:
    if name == "json":
        return json.loads
    import msgspec

    return msgspec.json.decode


def profiled(work: Awaitable[Measured], path: str) -> Measured:
    """Run under cProfile; its numbers are for comparing functions, never for the table."""
    import cProfile

    profile = cProfile.Profile()
    profile.enable()
    found = asyncio.run(_awaited(work))
    profile.disable()
    profile.dump_stats(path)
    return found


async def _awaited(work: Awaitable[Measured]) -> Measured:
    return await work


def main() -> None:
    """Do the one thing that was ordered."""
    mode = sys.argv[1]
    order = Order(**json.load(sys.stdin))
    match mode:
        case "floor" | "floor-json":
            work = floor(order, _decoder("json" if mode == "floor-json" else "msgspec"))
        case "prepare":
            work = prepare(order)
        case _:
            work = cycle(order)
    measured = profiled(work, order.profile) if order.profile else asyncio.run(work)
    measured.peak_mb = peak_mb()
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()
