"""What a cycle must ask for and write: the pages of each store, and what others sold."""

from collections.abc import Mapping
from typing import Any, Final

from tests.benchmarks.page_server import SKUS_PER_PRINT

CHANGED_EVERY: Final = 100
PAGE: Final = {"recplus": 1000, "b2bwave": 500, "freewebstore": 100, "simvoly": 50}
#: What each platform takes in one write; the print store has nothing to change while units last.
BATCH: Final = {"recplus": 100, "b2bwave": 1, "freewebstore": 1, "simvoly": 1}


def page_urls(platform: str, skus: int) -> list[str]:
    """Return the addresses of every page, as the store's own paging asks for them."""
    if platform == "idealfactory":
        return [f"/api/v1/products/{at + 1}" for at in range(-(-skus // SKUS_PER_PRINT))]
    size = PAGE[platform]
    starts = range(0, skus, size)
    if platform == "recplus":
        return [f"/api/v1/stock?limit={size}&offset={at}" for at in starts]
    if platform == "b2bwave":
        # No total is ever shown: a full last page can only be known by asking for one more.
        pages = range(1, skus // size + 2)
        return [f"/api/products?paginated=1&per_page={size}&page={at}" for at in pages]
    if platform == "freewebstore":
        return [f"/product/?per_page={size}&start={at}" for at in starts]
    return [f"/api/site/products?limit={size}&skip={at}" for at in starts]


def sale_paths(skus: int) -> dict[str, str]:
    """Return what makes each stock store sell its part: one SKU in a hundred, in turns."""
    every = CHANGED_EVERY * len(BATCH)
    return {
        platform: f"/_sell?every={every}&first={place * CHANGED_EVERY}"
        for place, platform in enumerate(BATCH)
        if place * CHANGED_EVERY < skus
    }


def sales(skus: int) -> dict[str, int]:
    """Return how many SKUs each stock store sells one unit of."""
    every = CHANGED_EVERY * len(BATCH)
    starts = range(0, every, CHANGED_EVERY)
    return {at: len(range(first, skus, every)) for at, first in zip(BATCH, starts, strict=True)}


def expected_writes(skus: int) -> dict[str, int]:
    """Return the write requests of the changed cycle: a store is told of what the others sold."""
    sold = sales(skus)
    total = sum(sold.values())
    return {at: -(-(total - sold[at]) // size) for at, size in BATCH.items()} | {"idealfactory": 0}


def faults_in(
    results: Mapping[str, Mapping[str, Any]], expected: Mapping[str, int], skus: int
) -> list[str]:
    """Return what counters prove wrong: calls, writes and rows; nothing that depends on speed."""
    faults = []
    for name in ("unchanged", "after it"):
        quiet = results[name]
        if quiet["by_store"] != expected:
            faults.append(f"{name}: calls {quiet['by_store']}, expected exactly {expected}")
        written = {table: rows for table, rows in quiet["rows"].items() if rows}
        if set(written) - {"runs", "stores"} or quiet["confirmed"] or quiet["movements"]:
            faults.append(f"{name}: a quiet cycle wrote {written}")
    changed = results["1 % changed"]
    due, sold = expected_writes(skus), sum(sales(skus).values())
    if changed["writes"] != due:
        faults.append(f"1 % changed: writes {changed['writes']}, expected exactly {due}")
    if changed["movements"] != sold:
        faults.append(f"1 % changed: {changed['movements']} movements booked, expected {sold}")
    for name in ("unchanged", "1 % changed", "after it"):
        faults += [f"{name}: {error}" for error in results[name]["errors"]]
    return faults
