"""A real Prometheus watches a real service: panels have data, alerts fire and clear."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

import pytest
import yaml

from deploy.grafana.build import DASHBOARDS
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.shop import Shop
from tests.e2e.prometheus_kit import DEPLOY, Installation, Prometheus, installed
from tests.e2e.prometheus_kit import watched_by_prometheus as watched

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("prometheus") is None,
        reason="Prometheus is not installed: apt-get install --no-install-recommends prometheus",
    ),
]

#: Each store is named after what goes wrong there.
PLATFORMS: Final = {
    "failing": "b2bwave",
    "limited": "simvoly",
    "held": "freewebstore",
    "unknown": "simvoly",
    "slow": "recplus",
    "drifting": "b2bwave",
}
SKUS: Final = tuple(f"MUG-{number:02}" for number in range(1, 9))
LAST: Final = "LAST-ONE"
OPENING: Final = {**dict.fromkeys(SKUS, 40), LAST: 1}

#: Alerts provoked at the stores, all at once, while the service runs.
AT_THE_STORES: Final = {
    "StoreSilent",
    "StoreFailing",
    "SweepTooOld",
    "StoreErrors",
    "RateLimitedLong",
    "PlanHeld",
    "GateTripped",
    "WritesUnknown",
    "IntentStuck",
    "PropagationSlow",
    "ExposureHigh",
    "DriftGrowing",
    "OversoldUnits",
}
#: An unanswered write stays in question for 15 minutes, however soon it is seen: that this alert
#: clears is shown by promtool.
OUTLASTING: Final = {"WritesUnknown"}
#: Alerts provoked by stopping the service and by writing into its books.
AT_THE_SERVICE: Final = {"ServiceDown", "LedgerImbalance", "ProjectionMismatch"}
#: Alerts that `promtool test rules` alone shows (tests/integration/test_deploy_prometheus.py): no
#: fault of a fake store leaves units in suspense within a minute.
BY_PROMTOOL_ONLY: Final = {"SuspenseGrowing"}


@asynccontextmanager
async def a_watched_merchant(
    tmp_path: Path, shops: dict[str, Shop]
) -> AsyncIterator[tuple[Installation, Prometheus]]:
    """Start everything, sell one unit, and wait until it reached every store and Prometheus."""
    async with (
        installed(tmp_path / "service", shops, OPENING) as installation,
        watched(tmp_path / "prometheus", installation.port) as prometheus,
    ):
        seen = 'count(stocksync_last_success_timestamp_seconds{kind="push"})'

        async def all_pushed() -> bool:
            return [at["value"][1] for at in await prometheus.ask(seen)] == [str(len(shops))]

        async def reached_all() -> bool:
            return all(shop.quantity(SKUS[0]) == 39 for shop in shops.values())

        async def shown() -> bool:
            # A rate needs two samples; the store that sold it needs no write.
            found = await prometheus.ask("rate(stocksync_propagation_seconds_count[15s]) > 0")
            return len(found) == len(shops) - 1

        await prometheus.until("all stores pushed to", 30, all_pushed)
        shops["held"].sell(SKUS[0], 1)
        await prometheus.until("the sale in every store", 15, reached_all)
        await prometheus.until("the sale in Prometheus", 15, shown)
        yield installation, prometheus


def merchant() -> dict[str, Shop]:
    shops = {store: Shop(platform) for store, platform in PLATFORMS.items()}
    for shop in shops.values():
        for sku, units in OPENING.items():
            shop.add(sku, units)
    return shops


async def empty_panels(prometheus: Prometheus) -> set[str]:
    """Return the titles of the panels with a query that returns nothing now."""
    empty = set()
    for dashboard in DASHBOARDS.values():
        for panel in dashboard.panels():
            for query in panel.queries:
                asked = query.expr.replace("$__rate_interval", "15s").replace("$store", ".*")
                if not await prometheus.ask(asked):
                    empty.add(panel.title)
    return empty


def break_the_stores(shops: dict[str, Shop]) -> None:
    shops["failing"].faults.always(Fault.ERROR_BEFORE)
    shops["limited"].faults.always(Fault.RATE_LIMITED, retry_after=1)
    for sku in OPENING:
        shops["held"].set_quantity(sku, 0)
    # An open write must be old enough to be noticed, and an answer must still come.
    shops["slow"].faults.next(Fault.SLOW, method="POST", seconds=7.0)
    shops["unknown"].faults.always(Fault.LATE_APPLY, method="PUT")
    shops["drifting"].faults.always(Fault.UNAUTHORISED, method="POST")
    # Two buyers take the last unit in one moment; a third sale makes work in every store.
    shops["slow"].sell(LAST, 1)
    shops["drifting"].sell(LAST, 1)
    shops["drifting"].sell(SKUS[1], 1)
    shops["unknown"].sell(SKUS[2], 1)


def mend_the_stores(shops: dict[str, Shop], before: dict[str, int | None]) -> None:
    for shop in shops.values():
        shop.faults.clear()
    shops["unknown"].apply_late()
    for sku, quantity in before.items():
        shops["held"].set_quantity(sku, quantity)
    # One of the two buyers sends it back, the other one's unit is found on the shelf.
    shops["drifting"].take_back(LAST, 2)


async def promtool_says(exposition: bytes) -> str:
    """Let promtool check what a service that has worked tells Prometheus."""
    process = await asyncio.create_subprocess_exec(
        *("promtool", "check", "metrics"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(exposition)
    return said.decode() or str(process.returncode or "")


async def test_every_panel_has_data_and_alerts_follow_the_stores_faults(tmp_path: Path) -> None:
    shops = merchant()
    async with a_watched_merchant(tmp_path, shops) as (installation, prometheus):
        assert await empty_panels(prometheus) == set()
        assert await promtool_says(await installation.metrics()) == ""
        assert await prometheus.fired() <= {"ServiceDown"}, "a good day rings no bell"

        before = {sku: shops["held"].quantity(sku) for sku in OPENING}
        break_the_stores(shops)

        async def all_fired() -> bool:
            return await prometheus.fired() >= AT_THE_STORES

        await prometheus.until(f"all of {sorted(AT_THE_STORES)} firing", 30, all_fired)
        assert await empty_panels(prometheus) == set()

        mend_the_stores(shops, before)
        await installation.reconcile()

        async def all_clear() -> bool:
            ringing = await prometheus.alerts() | await prometheus.alerts("pending")
            return ringing <= OUTLASTING

        await prometheus.until("clear again", 45, all_clear)


def miscount(installation: Installation, units: int) -> None:
    """Change one balance behind the ledger's back."""
    with closing(sqlite3.connect(installation.folder / "stocksync.db")) as books, books:
        changed = books.execute(
            "UPDATE balances SET units = units + ? WHERE sku = ? AND account LIKE 'loc:%'",
            (units, SKUS[3]),
        )
        assert changed.rowcount == 1


async def test_a_stopped_service_and_broken_books_ring_and_clear(tmp_path: Path) -> None:
    async with a_watched_merchant(tmp_path, merchant()) as (installation, prometheus):

        async def down() -> bool:
            return "ServiceDown" in await prometheus.alerts()

        async def books_alarmed() -> bool:
            return {"LedgerImbalance", "ProjectionMismatch"} <= await prometheus.alerts()

        async def all_clear() -> bool:
            return not await prometheus.alerts() and bool(await prometheus.ask("up == 1"))

        assert await installation.service.stop() == 0, "SIGTERM is a good end"
        await prometheus.until("noticing that the service is gone", 15, down)
        miscount(installation, 1)
        await installation.service.start()
        await prometheus.until("noticing the wrong balance", 20, books_alarmed)
        assert await installation.service.stop() == 0
        miscount(installation, -1)
        await installation.service.start()
        await prometheus.until("clear again", 30, all_clear)


def test_every_alert_is_provoked_here_or_by_promtool() -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"]
    named = {rule["alert"] for group in groups for rule in group["rules"]}
    assert named == AT_THE_STORES | AT_THE_SERVICE | BY_PROMTOOL_ONLY
