"""The page of a backtest in a real browser: by itself, for every eye, with nothing to run."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, ViewportSize, async_playwright

from stocksync.cli.backtest_page import page_of
from stocksync.domain.knowledge import Ways
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer
from stocksync.engine.backtest import Backtest, Past
from tests.e2e.pages_kit import ARGUMENTS, CHROMIUM, IMAGE, PICTURES_FOLDER, SCHEMES, WIDTHS
from tests.unit.backtest_kit import END, NOON, replay, sold
from tests.world import rule

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"there is no {CHROMIUM}"),
]
OPEN_ALL = "document.querySelectorAll('details').forEach(at => at.open = true)"


def a_page() -> str:
    """Return the page of a history in which something was oversold, and something withheld."""
    history = [sold(at * 600, store, 3) for at in range(40) for store in ("a", "b")]
    keep = Rulebook(rules=(rule("keep", buffer=Buffer(units=7)),))
    outcomes = {
        name: replay(history, {"MUG": 50}, book, delay=900)
        for name, book in (("in force", Rulebook()), ("new", keep))
    }
    past = Past(asked_from=NOON, began_at=NOON, ended_at=END, first_at=NOON, sales=80, sold=240)
    found = Backtest(past=past, ways=Ways(), measured={}, switches=frozenset(), outcomes=outcomes)
    folders = {"in force": Path("rules"), "new": Path(IMAGE)}
    return page_of(found, folders, ["a sale counts when it was booked", IMAGE])


@dataclass
class Shelf:
    browser: Browser
    file: Path


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shelf(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shelf]:
    file = tmp_path_factory.mktemp("page") / "backtest.html"
    file.write_text(a_page(), encoding="utf-8")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield Shelf(browser, file)
        await browser.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
async def test_it_is_readable_and_asks_for_nothing(shelf: Shelf, scheme: str, width: int) -> None:
    size = ViewportSize(width=width, height=900)
    context = await shelf.browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport=size, bypass_csp=True
    )
    page = await context.new_page()
    heard: list[str] = []
    asked: list[str] = []
    page.on("console", lambda said: heard.append(said.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    await page.goto(shelf.file.as_uri())
    title = await page.title()
    await page.evaluate(OPEN_ALL)
    await page.evaluate(AXE_SCRIPT)
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    overflow = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if PICTURES_FOLDER is not None:
        await page.screenshot(path=PICTURES_FOLDER / f"backtest-{scheme}-{width}.png")
    await context.close()

    assert [(at["id"], [node["html"] for node in at["nodes"]]) for at in found["violations"]] == []
    assert (title, heard, overflow) == ("Backtest of rules – stocksync", [], 0)
    assert asked == [shelf.file.as_uri()]


async def test_its_own_policy_lets_no_script_run(shelf: Shelf) -> None:
    context = await shelf.browser.new_context()
    page = await context.new_page()
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text))
    await page.goto(shelf.file.as_uri())
    assert heard == []
    colour = "getComputedStyle(document.querySelector('.line.l1')).stroke"
    assert await page.evaluate(colour) != "none"
    bars = await page.locator("rect").count()
    lines = await page.locator("path.line").count()
    await page.evaluate(
        "{const at = document.createElement('script');"
        "at.textContent = \"document.title = 'owned'\"; document.body.append(at)}"
    )
    title = await page.title()
    await context.close()
    assert (lines, bars > 0, title) == (4, True, "Backtest of rules – stocksync")
