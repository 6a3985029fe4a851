"""Measure how long a sale takes to reach the other stores: `make propagation SALES=100`.

A real service over five fake stores on loopback. One unit is sold at a time, in turns, and all
others are watched from outside until they show it. Printed beside it is what the service measured
itself (change seen until another store confirmed, `stocksync_propagation_seconds`).
"""

import argparse
import asyncio
import re
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.e2e.serve_kit import Service, merchant

STORES: Final = ("shop", "trade", "web", "site")
POLL: Final = "1s"
_BUCKET: Final = re.compile(
    r'stocksync_propagation_seconds_bucket\{le="([^"]+)",store="\w+"\} (\d+)'
)


async def measure(sales: int) -> tuple[list[float], dict[float, int]]:
    """Return seconds from each sale to the last store that shows it, and the service's buckets."""
    with tempfile.TemporaryDirectory() as folder:
        async with merchant(Path(folder), poll=POLL) as service, service.running():
            shops = [service.sandbox.shops[name] for name in STORES]
            codes = [item.code for item in shops[0].items if item.code][:6]
            for code in codes:
                await service.until(lambda code=code: len({at.quantity(code) for at in shops}) == 1)
            took = [await _sale(service, codes[at % len(codes)], at) for at in range(sales)]
            _, text = await asyncio.to_thread(service.get, "/metrics")
    buckets: dict[float, int] = {}
    for edge, count in _BUCKET.findall(text):
        buckets[float(edge)] = buckets.get(float(edge), 0) + int(float(count))
    return took, buckets


async def _sale(service: Service, code: str, number: int) -> float:
    shops = [service.sandbox.shops[name] for name in STORES]
    shown = shops[0].quantity(code) or 0
    shops[number % len(shops)].sell(code, 1)
    began = time.monotonic()
    await service.until(lambda: {at.quantity(code) for at in shops} == {shown - 1})
    return time.monotonic() - began


def quantile(values: list[float], part: float) -> float:
    """Return the value that so many do not exceed."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def bucket_of(buckets: dict[float, int], part: float) -> float:
    """Return the smallest edge under which so many observations lie."""
    total = max(buckets.values())
    return next(edge for edge in sorted(buckets) if buckets[edge] >= part * total)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sales", type=int, default=100)
    sales = parser.parse_args().sales
    took, buckets = asyncio.run(measure(sales))
    p50, p95 = (quantile(took, part) for part in (0.5, 0.95))
    print(f"{sales} sales, each store pulled every {POLL}")
    print(f"sold until all others show it: p50 {p50:.2f}, p95 {p95:.2f}, at most {max(took):.2f} s")
    edge, writes = bucket_of(buckets, 0.95), max(buckets.values())
    print(f"seen until confirmed, by the service: p95 at most {edge:g} s ({writes} writes)")


if __name__ == "__main__":
    main()
