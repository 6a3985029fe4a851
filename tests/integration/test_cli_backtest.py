"""`rules backtest`: an old history in real books, told to people, to scripts and to browsers."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from stocksync.contracts.ledger import Commit
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import Movement
from stocksync.domain.stock import Counted, ListingRecord
from stocksync.ledger.sql import open_ledger
from tests.integration.cli_kit import Merchant, keys, table_under, widest
from tests.unit.backtest_kit import Told, opened, sold
from tests.world import Clock

DAY = 86_400
#: Nine of ten sell in the shop, then one in each store before the news of the nine has arrived.
HISTORY: list[tuple[float, Told]] = [
    (0, opened(0, 10)),
    (5 * DAY, sold(0, "shop", 9)),
    (5 * DAY + 30, sold(0, "web", 1)),
    (5 * DAY + 40, sold(0, "shop", 1)),
]
KEEP_TWO = "- {name: keep two, set: {buffer: 2}}\n"


@pytest.fixture
def aged(two_stores: Merchant) -> Merchant:
    """A merchant whose books began twenty days ago."""
    clock = Clock(datetime.now(UTC) - timedelta(days=20))
    steps = [(seconds, movement) for seconds, (_, movement) in HISTORY]
    asyncio.run(_write(two_stores.folder / "stocksync.db", clock, steps))
    two_stores.write("rules/10-defaults.yaml", "- {name: nothing, set: {buffer: 0}}\n")
    two_stores.write("new/10-defaults.yaml", KEEP_TWO)
    return two_stores


async def _write(file: Path, clock: Clock, steps: list[tuple[float, Movement]]) -> None:
    ledger = await open_ledger(f"sqlite:///{file}", now=clock)
    began = clock.moment
    records = [
        ListingRecord(
            store=StoreId(store),
            listing=ListingId("MUG"),
            code="MUG",
            sku=Sku("MUG"),
            reading=Counted(10, began),
            baseline=10,
            settled=True,
        )
        for store in ("shop", "web")
    ]
    await ledger.commit(Commit(records=records))
    for seconds, movement in steps:
        clock.moment = began + timedelta(seconds=seconds)
        await ledger.commit(Commit(movements=[movement]))
    await ledger.aclose()


def stores_of(document: dict[str, Any], number: int) -> dict[str, dict[str, Any]]:
    return {at["store"]: at for at in document["rules"][number]["stores"]}


def figures(at: dict[str, Any]) -> tuple[int, int, int, int]:
    return at["sold_units"], at["lost_units"], at["oversold_units"], at["corrections"]


def test_history_is_replayed_under_the_rules_in_force_and_under_new_ones(aged: Merchant) -> None:
    document = aged.answer("rules", "backtest", "--rules", str(aged.folder / "new"))

    assert list(document) == [
        "since", "began_at", "ended_at", "history_began_at", "movements", "sales", "sold_units",
        "delays", "rules", "limits",
    ]  # fmt: skip
    assert (document["movements"], document["sales"], document["sold_units"]) == (4, 3, 11)
    assert [at["name"] for at in document["rules"]] == ["in force", "new"]
    force, new = stores_of(document, 0), stores_of(document, 1)
    assert (figures(force["shop"]), figures(force["web"])) == ((10, 0, 1, 0), (1, 0, 0, 1))
    assert (figures(new["shop"]), figures(new["web"])) == ((8, 2, 0, 0), (1, 0, 0, 1))
    # Two are kept back for five days, and the one that is left for fifteen.
    assert new["shop"]["withheld_unit_hours"] == pytest.approx(2 * 120 + 1 * 360, abs=0.1)
    assert new["web"]["withheld_unit_hours"] == pytest.approx(2 * 120 + 1 * 360, abs=0.1)
    assert force["shop"]["withheld_unit_hours"] == 0
    total = document["rules"][1]["total"]
    assert (total["withheld_peak_units"], total["listings"], total["lost_units"]) == (4, 2, 2)
    assert keys([new["shop"]]) == [
        [
            "store", "listings", "sold_units", "lost_units", "oversold_units",
            "withheld_unit_hours", "withheld_peak_units", "corrections", "stretches",
        ]
    ]  # fmt: skip
    fifth = [at["oversold_units"] for at in force["shop"]["stretches"]]
    assert (sum(fifth), fifth.index(1)) == (1, 60 * 5 // 20)


def test_a_delay_of_ones_own_takes_the_place_of_poll_and_write(aged: Merchant) -> None:
    usual = aged.answer("rules", "backtest")
    quick = aged.answer("rules", "backtest", "--delay", "0s")
    slow = aged.answer("rules", "backtest", "--delay", "10d")

    assert usual["delays"][0] == {
        "store": "shop", "seen_seconds": 60, "written_seconds": 5, "measured": False,
    }  # fmt: skip
    assert (slow["delays"][1]["seen_seconds"], slow["delays"][1]["written_seconds"]) == (
        0,
        10 * DAY,
    )
    assert figures(stores_of(quick, 0)["shop"]) == (9, 1, 0, 1)
    assert figures(stores_of(slow, 0)["web"]) == (1, 0, 0, 1)


def test_only_so_much_history_is_replayed_as_was_asked_for(aged: Merchant) -> None:
    document = aged.answer("rules", "backtest", "--since", "10d")
    assert (document["movements"], document["rules"][0]["total"]["sold_units"]) == (0, 0)
    days = aged.run("rules", "backtest", "--since", "30d").stdout
    assert "the books begin at " in days
    assert "20 days of the 30 days asked" in days
    assert "the books begin" not in aged.run("rules", "backtest", "--since", "20d").stdout


def test_the_table_and_the_chart_fit_a_terminal(aged: Merchant) -> None:
    text = aged.run("rules", "backtest", "--rules", str(aged.folder / "new")).stdout

    rows = table_under(text, "store")
    assert rows[0] == [
        "store", "rules", "sold", "lost", "oversold", "unit-hours", "at", "most", "corrections",
    ]  # fmt: skip
    assert rows[1] == ["shop", "in", "force", "10", "0", "1", "0.0", "0", "0"]
    assert rows[2] == ["shop", "new", "8", "2", "0", "600.0", "2", "0"]
    assert rows[-1][:4] == ["all", "new", "9", "2"]
    lines = text.splitlines()
    assert widest("\n".join(line for line in lines if str(aged.folder) not in line)) <= 80
    chart = lines[lines.index("shop") : lines.index("shop") + 4]
    assert chart[1].strip() == "in force " + "·" * 60
    assert chart[2].rstrip().endswith("!")
    assert chart[3].strip() == "new      " + "█" * 15 + "▅" + "▄" * 44
    assert "history tells what was sold" in text.lower()


def test_books_without_history_say_so(two_stores: Merchant) -> None:
    result = two_stores.run("rules", "backtest")
    assert "the books hold no movement yet" in result.stdout
    document = two_stores.answer("rules", "backtest")
    assert (document["history_began_at"], document["movements"]) == (None, 0)


def test_everything_that_is_wrong_is_told_at_once(aged: Merchant) -> None:
    aged.write("rules/20.yaml", "- {name: bad, set: {buffer: -1}}\n")
    (aged.folder / "page.html").write_text("mine")
    words = ("--since", "soon", "--delay", "1y", "--rules", str(aged.folder / "nowhere"))

    result = aged.run(
        "rules", "backtest", *words, "--html", str(aged.folder / "page.html"), expect=2
    )

    problems = result.stderr.splitlines()
    for said in (
        "page.html: is there already; name a new file",
        "--since soon: must be a time such as 60s, 5m, 1h or 1d",
        "--delay 1y: must be a time",
        "rules/20.yaml:1",
        "nowhere: there is no such folder; name one that holds rules, such as ",
    ):
        assert sum(said in problem for problem in problems) == 1, said
    assert (aged.folder / "page.html").read_text() == "mine"
    file = str(aged.folder / "page.html")
    assert "is no folder" in aged.run("rules", "backtest", "--rules", file, expect=2).stderr
    answer = aged.run("rules", "backtest", *words, "--json", expect=2).stdout
    assert len(json.loads(answer)["problems"]) == 4


def test_a_folder_without_rules_is_worth_a_warning(aged: Merchant) -> None:
    (aged.folder / "empty").mkdir()
    result = aged.run("rules", "backtest", "--rules", str(aged.folder / "empty"))
    assert "holds no *.yaml file" in result.stderr


class Tags(HTMLParser):
    """Every tag of a page, with what it points to."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [str(at) for name, at in attrs if name in ("src", "href", "action")]
        assert not [name for name, _ in attrs if name.startswith("on")]


def test_the_page_is_one_file_without_script_and_without_anything_from_outside(
    aged: Merchant,
) -> None:
    page = aged.folder / "pages" / "backtest.html"
    new = aged.folder / "new"

    result = aged.run("rules", "backtest", "--rules", str(new), "--html", str(page))

    assert f"{page}: the same with charts" in result.stdout.replace("\n", "")
    text = page.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert "script" not in tags.names
    assert tags.addresses == ["data:,"]
    assert not any(word in text for word in ("http://", "https://", "@import", "url("))
    assert "prefers-color-scheme: dark" in text
    assert tags.names.count("figure") == 4
    for start in [at for at in range(len(text)) if text.startswith("<svg", at)]:
        end = text.index("</svg>", start) + len("</svg>")
        assert ET.fromstring(text[start:end]).tag == "svg"  # noqa: S314 - a page of our own
    assert text.count('class="line l0"') == text.count('class="line l1"') == 2
    assert "20 days of the 30 days asked" in text
