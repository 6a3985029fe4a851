"""What pages are made of: charts as geometry, words for times and numbers, addresses, gathering."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import pytest

from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer
from stocksync.errors import StoreUnavailable
from stocksync.ops import charts, views_overview, views_rules, views_sku, views_stock, words
from stocksync.ops.page_doors import inside
from stocksync.ops.pagekit import sku_address, with_query
from tests.integration.pages_kit import person
from tests.world import NOON, rule, world

HOUR = timedelta(hours=1)


def test_bars_stand_on_each_other_and_the_highest_column_fills_the_box() -> None:
    chart = charts.stacked("x", [NOON, NOON + HOUR], {"a": [1, 0], "b": [3, 2]}, colours=(0, 1))
    first, second = chart.columns
    assert chart.highest == 4
    assert chart.totals == (1, 5)
    assert [(bar.series, bar.y, bar.height) for bar in first.bars] == [(0, 90, 30), (1, 0, 90)]
    assert [(bar.series, bar.y, bar.height) for bar in second.bars] == [(1, 60, 60)]
    assert first.bars[0].x + first.bars[0].width < charts.WIDTH / 2 < second.bars[0].x


def test_a_chart_of_nothing_has_no_bars_and_divides_by_nothing() -> None:
    chart = charts.stacked("x", [NOON], {"a": [0]}, colours=(0,))
    assert (chart.highest, chart.columns[0].bars, chart.totals) == (0, (), (0,))


def test_a_line_keeps_its_number_until_the_next_one_and_the_first_goes_on_until_now() -> None:
    chart = charts.stepped(
        "x",
        {"on hand": [(NOON, 10), (NOON + HOUR, 5)], "shop": [(NOON, 10)]},
        now=NOON + 2 * HOUR,
    )
    assert chart is not None
    books, shop = chart.lines
    assert books.path == "M0.0 0.0H300.0V60.0H600.0"
    assert books.ends == (600, 60)
    assert shop.ends == (0, 0), "nobody knows what the shop shows now"
    assert chart.zero is None


def test_what_is_below_zero_stays_in_the_box() -> None:
    chart = charts.stepped("x", {"on hand": [(NOON, 3), (NOON + HOUR, -1)]}, now=NOON + HOUR)
    assert chart is not None
    assert (chart.lowest, chart.highest, chart.zero) == (-1, 3, 90)
    assert chart.lines[0].ends == (600, 120)


def test_one_moment_and_no_moment_are_drawn_without_dividing_by_nothing() -> None:
    assert charts.stepped("x", {"on hand": []}, now=NOON) is None
    chart = charts.stepped("x", {"on hand": [(NOON, 0)]}, now=NOON)
    assert chart is not None
    assert chart.lines[0].path == "M600.0 120.0H600.0"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (-3, "in a moment"),
        (5, "5 seconds ago"),
        (119, "119 seconds ago"),
        (120, "2 minutes ago"),
        (7200, "2 hours ago"),
        (-90, "in 90 seconds"),
        (172_800, "2 days ago"),
    ],
)
def test_ages_are_said_in_their_largest_useful_unit(seconds: int, said: str) -> None:
    assert words.age(NOON, NOON + timedelta(seconds=seconds)) == said


def test_nothing_known_is_not_zero_and_minus_is_as_wide_as_plus() -> None:
    assert words.number(None) == "\u2013"
    assert [words.number(at) for at in (0, -1234, True, False)] == ["0", "\u22121,234", "on", "off"]
    assert [words.signed(at) for at in (5, -5, 0)] == ["+5", "\u22125", "0"]
    assert words.age(None, NOON) == "never"
    assert words.count(1, "alias", "aliases") == "1 alias"
    assert words.count(2000, "alias", "aliases") == "2,000 aliases"


@pytest.mark.parametrize("sku", ["MUG", "a/b", "a?b#c", "%2F", " x ", "\u2615", "a\\b", "&=+"])
def test_the_address_of_a_sku_is_one_segment_that_comes_back_whole(sku: str) -> None:
    parts = urlsplit(sku_address(sku))
    assert (parts.query, parts.fragment, parts.path.count("/")) == ("", "", 2)
    assert unquote(parts.path.removeprefix("/stock/")) == sku


@pytest.mark.parametrize("sku", [".", ".."])
def test_what_browsers_take_for_a_step_in_the_tree_is_no_path(sku: str) -> None:
    assert sku_address(sku) == f"/stock/?sku={sku}"


def test_an_address_leaves_out_what_says_nothing() -> None:
    assert with_query("/x", q="", page=None, show="a b") == "/x?show=a+b"
    assert with_query("/x") == "/x"
    assert [inside(at) for at in ("/a?b=/c", "//c", "/\\c", "c", "/\n")] == ["/a?b=/c", *"////"]


async def test_on_hand_over_time_is_what_the_movements_add_up_to() -> None:
    at = world({"shop": {"MUG": 10}})
    await at.count(MUG=10)
    await at.sync()
    at.clock.pass_(3600)
    at.sell("shop", "MUG", 4)
    await at.sync()
    at.clock.pass_(3600)
    await at.sync()
    page = await views_sku.page_of(at.context, Sku("MUG"))
    assert page.chart is not None
    books, shop = page.chart.lines
    assert [units for _, units in books.points] == [10, 6]
    assert [units for _, units in shop.points] == [6, 6], "seen once, and still so when last read"
    (seen, _), (still, _) = shop.points
    assert still - seen > HOUR
    assert [views_sku.change_of(booked) for booked in page.movements] == [-4, 10]


async def test_the_matrix_shows_numbers_switches_and_kits_beside_what_they_should_be() -> None:
    book = Rulebook(
        bundles={Sku("KIT"): {Sku("MUG"): 2}},
        availability={(StoreId("print"), ListingId("product:1")): (Sku("MUG"),)},
    )
    at = world(
        {"shop": {"MUG": 9, "KIT": 4, "ODD": 1}}, book=book, switches={"print": {"product:1": True}}
    )
    await at.count(MUG=9)
    await at.sync()
    at.shops[StoreId("shop")].stock[ListingId("KIT")] = 5
    await at.sync("print")
    page = await views_stock.page_of(at.context, "", show="all", page=1)
    rows = {row.sku: row for row in page.rows}
    mug = rows[Sku("MUG")]
    assert (mug.on_hand, mug.available, mug.kit) == (9, 9, False)
    [offered] = mug.cells[StoreId("print")]
    assert (offered.reading, offered.target, offered.differs) == (True, True, False)
    assert (rows[Sku("KIT")].on_hand, rows[Sku("KIT")].kit) == (4, True)
    odd = rows[Sku("ODD")]
    assert (odd.on_hand, odd.available) == (None, None), "never counted is not zero"
    [cell] = odd.cells[StoreId("shop")]
    assert (cell.reading, cell.target, cell.differs) == (1, None, False)


async def test_only_what_waits_is_shown_when_only_that_is_asked_for() -> None:
    at = world({"shop": {"MUG": 9, "CAP": 3}, "web": {"MUG": 9, "CAP": 3}})
    await at.count(MUG=9, CAP=3)
    await at.sync()
    at.shops[StoreId("web")].census_errors = [StoreUnavailable("down")] * 9
    at.sell("shop", "MUG", 1)
    await at.sync()
    waiting = await views_stock.page_of(at.context, "", show="waiting", page=1)
    assert [row.sku for row in waiting.rows] == ["MUG"]
    [cell] = waiting.rows[0].cells[StoreId("web")]
    assert (cell.reading, cell.target, cell.differs, cell.waiting) == (9, 8, True, True)
    assert not (await views_stock.page_of(at.context, "cap", show="waiting", page=1)).rows
    assert (await views_stock.page_of(at.context, "mu", show="waiting", page=1)).rows


async def test_rules_are_explained_once_for_the_stores_they_treat_alike() -> None:
    rules = [
        rule("back", sku="MUG", buffer=Buffer(units=2)),
        rule("web cap", store="web", cap=3),
        rule("web cap again", store="web", cap=4),
    ]
    at = world({"shop": {"MUG": 9}, "trade": {"MUG": 9}, "web": {"MUG": 9}}, rules=rules)
    await at.count(MUG=9)
    await at.sync()
    alike, web = await views_rules.rulings_for(at.context, Sku("MUG"), None)
    assert (alike.stores, alike.target) == (["shop", "trade"], 7)
    assert (web.stores, web.target) == (["web"], 4)
    assert [(what, value, at.name) for what, value, at in web.deciding] == [
        ("buffer", "2", "back"),
        ("cap", "4", "web cap again"),
    ]
    [unknown] = await views_rules.rulings_for(at.context, Sku("NEW"), StoreId("web"))
    assert (unknown.target, list(unknown.steps)) == (None, [])


async def test_what_is_wrong_with_a_store_comes_before_what_it_is_doing() -> None:
    async with person() as at:
        trade = StoreId("trade")
        record = await at.merchant.ledger.store(trade)
        status = next(each for each in at.dispatcher.statuses() if each.store == trade)
        busy = replace(status, working="pull")

        def said(*, held: bool = False, **now: object) -> tuple[str, str]:
            given = replace(busy, **now)  # type: ignore[arg-type]
            state = views_overview.state_of_store(record, given, held=held)
            return state.tone, state.text

        assert said(working=None) == ("good", "in order")
        assert said() == ("busy", "reading now")
        assert said(held=True) == ("warn", "held, waits for you")
        assert said(held=True, outcome="failed") == ("bad", "failing")
        assert said(working=None, outcome="skipped") == ("busy", "another runner works on it")
