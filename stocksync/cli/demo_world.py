"""The merchant of `stocksync demo`: five fake stores, books in a file, rules, a count."""

import asyncio
import csv
import io
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from stocksync.bootstrap import Plan, read_files, utc_now
from stocksync.domain.stocktake import Count, read_counts
from stocksync.ledger.migrations import migrate
from stocksync.sandbox.catalogue import Catalogue, awkward_catalogue
from stocksync.sandbox.serve import Sandbox

KIT: Final = "GIFT-BOX"
STOCK_TAKE: Final = "stock-take.csv"
CONFIGURATION: Final = "stocksync.yaml"
#: How far a store's number may lie from the shelf at the beginning.
SPREAD: Final = 1
#: Fake stores have no limit of their own; the real Freewebstore would get five a second.
REQUESTS_PER_SECOND: Final = 1_000
#: How the names of the demo's own rules begin.
OWN_RULE: Final = "demo: "
_RULES: Final = """\
rules:
  - name: "demo: keep two units from the trade store"
    match: {store: trade}
    set: {buffer: 2}
  - name: "demo: show at most 60 on the web"
    match: {store: web}
    set: {cap: 60}
  - name: "demo: keep the last three out of the site"
    match: {store: site}
    set: {last_units: 3}
  - name: "demo: the shop comes first"
    match: {store: shop}
    set: {priority: 10}
"""


class Clock:
    """The real time, or later: the demo skips waits that a service would simply wait out."""

    def __init__(self) -> None:
        self._skipped = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self._skipped

    def skip(self, length: timedelta) -> None:
        self._skipped += length


@dataclass(frozen=True, kw_only=True)
class World:
    """Open stores and the files that describe them; `counts` is what lies on the shelves."""

    catalogue: Catalogue
    sandbox: Sandbox
    plan: Plan
    counts: Sequence[Count]
    folder: Path

    def switches(self) -> dict[str, str]:
        """Return the item code behind each listing of the store that only switches things."""
        names: dict[str, str] = {}
        for entry in self.catalogue.availability:
            if "product" in entry:
                names[f"product:{entry['product']}"] = f"PRINT-{entry['product']}"
            else:
                names[f"variant:{entry['variant']}"] = str(entry["sku"])
        return names


@asynccontextmanager
async def fake_world(folder: Path, *, skus: int, seed: int, port: int) -> AsyncIterator[World]:
    """Open the stores, write the files of an installation into `folder`, and make the database."""
    catalogue = awkward_catalogue(seed, skus, spread=SPREAD)
    counts = read_counts(stock_take(shelves(catalogue)), STOCK_TAKE)
    parts = list(catalogue.opening)[-2:]
    for store in ("shop", "web"):
        catalogue.shops[store].add(KIT, 0, title="A gift box")
    async with Sandbox(catalogue.shops) as sandbox:
        _write_files(folder, catalogue, sandbox, parts, port=port)
        plan = read_files(folder / CONFIGURATION, {})
        await asyncio.to_thread(migrate, plan.settings.database.get_secret_value())
        yield World(catalogue=catalogue, sandbox=sandbox, plan=plan, counts=counts, folder=folder)


def shelves(catalogue: Catalogue) -> dict[str, int]:
    """Count what lies on the shelves: ordinary goods, odd codes, and what one store alone sells.

    Twins, duplicates and goods without a code cannot be told apart, so nobody can count them.
    """
    items = [item for shop in catalogue.shops.values() for item in shop.items if item.code]
    times = Counter(item.code for item in items)
    alone = {
        str(item.code): item.shown
        for item in items
        if times[item.code] == 1 and item.shown is not None and item.shown >= 0
    }
    return {**alone, **catalogue.odd_opening, **catalogue.opening}


def stock_take(on_hand: Mapping[str, int]) -> str:
    """Write a count as the CSV file that `stocksync stock import` reads."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("sku", "on_hand"))
    rows.writerows(on_hand.items())
    return text.getvalue()


def starter_rules() -> Path | None:
    """Find the rules a merchant starts from: beside the source, or inside the installed package."""
    package = Path(__file__).parents[1]
    found = (package / "starter_rules", package.parent / "rules")
    return next((folder for folder in found if folder.is_dir()), None)


def _write_files(
    folder: Path, catalogue: Catalogue, sandbox: Sandbox, parts: Sequence[str], *, port: int
) -> None:
    """Write configuration, rules and the count as an installation has them."""
    rules = folder / "rules"
    rules.mkdir()
    starter = starter_rules()
    for path in sorted(starter.glob("*.yaml")) if starter else ():
        shutil.copy(path, rules / path.name)
    first, second = parts
    kit = f'bundles:\n  "{KIT}": {{"{first}": 1, "{second}": 2}}\n'
    (rules / "50-demo.yaml").write_text(_RULES + kit + catalogue.rules(), encoding="utf-8")
    (folder / STOCK_TAKE).write_text(stock_take(shelves(catalogue)), encoding="utf-8")
    path = folder / CONFIGURATION
    path.touch(mode=0o600)
    text = sandbox.configuration(
        "sqlite:///stocksync.db",
        "rules/",
        http={"host": "127.0.0.1", "port": port},
        every_store={"poll": "2s", "rate": REQUESTS_PER_SECOND},
    )
    path.write_text(text, encoding="utf-8")
