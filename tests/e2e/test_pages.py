"""The pages in a real browser: for every eye and hand, with hostile names, and without scripts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, quote_plus

import pytest
import pytest_asyncio

from stocksync.contracts.ledger import HoldState, IntentState
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.ops.pagekit import sku_address
from tests.e2e.pages_kit import (
    CHROMIUM,
    HOSTILE,
    IMAGE,
    LONG,
    SCHEMES,
    SCRIPT,
    WIDTHS,
    Served,
    Visitor,
    served,
)
from tests.integration.pages_kit import SECRETS

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"there is no {CHROMIUM}"),
]

PAGES = {
    "overview": "/",
    "stock": "/stock?q=p",
    "stock-waiting": "/stock?show=waiting",
    "stock-empty": f"/stock?q={quote(IMAGE + '?')}",
    "sku": "/stock/MUG",
    "sku-script": sku_address(SCRIPT),
    "sku-long": sku_address(LONG),
    "kit": "/stock/GIFT-SET",
    "holds": "/holds",
    "runs": "/runs",
    "run-failed": "/runs/{failed}",
    "rules": "/rules?sku=MUG",
    "not-found": f"/runs/{quote(IMAGE)}",
    "sign-in": "/sign-in",
}
OPEN_ALL = "document.querySelectorAll('details').forEach(at => at.open = true)"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(tmp_path_factory.mktemp("pages")) as at:
        yield at


async def address_of(at: Served, page: str) -> str:
    runs = await at.merchant.ledger.runs(200)
    failed = next(run.id for run in runs if run.outcome == "failed")
    return PAGES[page].replace("{failed}", failed)


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_serves_every_eye_at_every_width(shown: Served, page: str) -> None:
    async with shown.visitor(scope=None if page == "sign-in" else "approve") as visitor:
        visitor.complaints.clear()
        status = await visitor.go(await address_of(shown, page))
        assert status == (404 if page == "not-found" else 200)
        wrong = []
        for width in WIDTHS:
            await visitor.page.set_viewport_size({"width": width, "height": 900})
            for scheme in SCHEMES:
                await visitor.page.emulate_media(color_scheme=scheme)
                await visitor.picture(f"{page}-{width}-{scheme}")
                await visitor.page.evaluate(OPEN_ALL)
                # The dark scheme changes colours and nothing else.
                asked = "color-contrast" if scheme == "dark" else ""
                wrong += [f"{width} {scheme} {at}" for at in await visitor.problems(asked)]
        assert not wrong, "\n".join(wrong)
        assert [at for at in visitor.complaints if page != "not-found" or "404" not in at] == []
        assert {url.startswith(shown.address) for url in visitor.requests} == {True}


async def test_the_browser_would_complain_of_anything_inline(shown: Served) -> None:
    async with shown.visitor() as visitor:
        await visitor.go("/runs")
        await visitor.page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')"
        )
        assert any("Content Security Policy" in at for at in visitor.complaints)


async def test_axe_would_find_what_it_is_there_for(shown: Served) -> None:
    async with shown.visitor() as visitor:
        await visitor.go("/runs")
        await visitor.page.evaluate("document.documentElement.removeAttribute('lang')")
        await visitor.page.evaluate("document.querySelector('main').innerHTML = '<img src>'")
        found = " ".join(await visitor.problems())
        assert "html-has-lang" in found
        assert "image-alt" in found


#: Where links lead once a browser has made sense of them.
HREFS = "links => links.map(at => at.href)"


async def test_a_sku_made_of_anything_is_text_on_a_page_of_its_own(shown: Served) -> None:
    async with shown.visitor() as visitor:
        links: set[str] = set()
        for page in (1, 2):
            await visitor.go(f"/stock?page={page}")
            links |= set(await visitor.page.locator("tbody th a").evaluate_all(HREFS))
        for sku in HOSTILE:
            assert shown.address + sku_address(sku) in links, sku
            await visitor.go(sku_address(sku))
            action = visitor.page.locator("form[action^='/actions/adjust']")
            assert await action.get_attribute("action") == f"/actions/adjust?sku={quote_plus(sku)}"
            assert (await visitor.page.title()) != "owned"
            assert await visitor.page.locator("main img, main script").count() == 0
        assert visitor.complaints == []


async def test_signing_in_leads_where_one_wanted_to_go_and_out_again(shown: Served) -> None:
    async with shown.visitor(scope=None) as visitor:
        await visitor.go("/stock?q=MUG")
        assert visitor.page.url == f"{shown.address}/sign-in?next=%2Fstock%3Fq%3DMUG"
        await visitor.page.get_by_label("Token").fill("wrong")
        await visitor.press("Sign in")
        assert "not known here" in await visitor.text()
        assert await visitor.context.cookies() == []
        await visitor.page.get_by_label("Token").fill(SECRETS["read"])
        await visitor.press("Sign in")
        assert visitor.page.url == f"{shown.address}/stock?q=MUG"
        [cookie] = await visitor.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert SECRETS["read"] not in cookie["value"]
        await visitor.press("Sign out")
        await visitor.context.add_cookies([cast("Any", cookie)])
        await visitor.go("/stock")
        assert "/sign-in" in visitor.page.url, "a kept cookie opens nothing after signing out"


async def test_whoever_may_only_read_is_shown_no_button_that_acts(shown: Served) -> None:
    async with shown.visitor(scope="read") as visitor:
        for path in ("/", "/stock/MUG", "/holds", "/rules"):
            await visitor.go(path)
            posts = await visitor.page.locator("form[method=post]").evaluate_all(
                "forms => forms.map(at => at.getAttribute('action'))"
            )
            assert posts == ["/sign-out"]


async def test_every_control_is_reached_by_the_keyboard_and_seen(shown: Served) -> None:
    async with shown.visitor() as visitor:
        for path in ("/", "/holds", "/stock/MUG", "/rules"):
            await visitor.go(path)
            await visitor.page.keyboard.press("Tab")
            skip = visitor.page.locator(":focus")
            assert await skip.inner_text() == "Skip to the content"
            box = await skip.bounding_box()
            assert box is not None
            assert box["y"] >= 0, "the link is out of sight"
            reached = await tabbed(visitor)
            wanted = await visitor.page.evaluate(CONTROLS)
            assert [at for at in wanted if at not in reached] == []


CONTROLS = """
[...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
  .filter(at => at.type !== 'hidden' && at.checkVisibility())
  .map((at, place) => { at.dataset.place = String(place); return String(place); })
"""
FOCUSED = """
() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return [at.dataset.place ?? '', seen, at.outerHTML.slice(0, 80)];
}
"""


async def tabbed(visitor: Visitor) -> set[str]:
    """Press Tab through a whole page; each stop must show that it is one."""
    places = await visitor.page.evaluate(CONTROLS)
    reached: set[str] = {"0"}
    for _ in range(len(places) - 1):
        await visitor.page.keyboard.press("Tab")
        place, seen, html = await visitor.page.evaluate(FOCUSED)
        assert seen, f"no outline around {html}"
        reached.add(place)
    return reached


async def test_the_skip_link_leads_past_the_navigation(shown: Served) -> None:
    async with shown.visitor() as visitor:
        await visitor.go("/holds")
        await visitor.page.keyboard.press("Tab")
        await visitor.page.keyboard.press("Enter")
        await visitor.page.keyboard.press("Tab")
        focused = visitor.page.locator(":focus")
        assert await focused.evaluate("at => at.closest('main') !== null")


async def test_search_and_pages_lead_through_the_whole_stock(shown: Served) -> None:
    async with shown.visitor() as visitor:
        await visitor.go("/stock")
        await visitor.page.get_by_label("Search SKUs").fill("card-0")
        await visitor.press("Search")
        rows = visitor.page.locator("tbody tr")
        first = await rows.locator("th").all_inner_texts()
        assert first == [f"CARD-{number:03}" for number in range(1, 51)]
        async with visitor.page.expect_navigation():
            await visitor.page.get_by_role("link", name="Next").click()
        second = await rows.locator("th").all_inner_texts()
        assert second == [f"CARD-{number:03}" for number in range(51, 61)]
        assert await visitor.page.get_by_role("link", name="Next").count() == 0
        async with visitor.page.expect_navigation():
            await visitor.page.get_by_role("link", name="Previous").click()
        assert await rows.locator("th").all_inner_texts() == first


async def test_the_matrix_marks_what_a_store_shows_wrongly(shown: Served) -> None:
    async with shown.visitor() as visitor:
        await visitor.go("/stock?q=CAP")
        row = visitor.page.locator("tbody tr").filter(has_text="CAP").first
        cell = row.locator("td[data-label=outlet]")
        assert "".join((await cell.inner_text()).split()) == "2→shouldbe5differs"
        assert "differs" not in await row.locator("td[data-label=shop]").inner_text()


async def test_the_overview_says_who_is_dead_held_and_in_doubt(shown: Served) -> None:
    [doubtful, *_] = await shown.merchant.ledger.intents(None, [IntentState.UNKNOWN])
    async with shown.visitor() as visitor:
        await visitor.go("/")
        rows = visitor.page.locator("table[aria-labelledby=stores] tbody tr")
        said = {text.split()[0]: text for text in await rows.all_inner_texts()}
        assert "failing" in said["trade"]
        assert IMAGE in said["trade"], "the reason, as the store gave it"
        assert "held, waits for you" in said["outlet"]
        assert "oldest 2 minutes ago" in said[doubtful.store]


async def on_hand(at: Served, sku: str) -> int:
    levels = await at.merchant.ledger.levels([Sku(sku)])
    return sum(level.on_hand for level in levels[Sku(sku)].values())


#: The form as it is filled in now, sent while its page stays: the first of two clicks.
SEND_BESIDES = """
async () => {
  const form = document.querySelector("form[action^='/actions/adjust']");
  const answer = await fetch(form.action,
    {method: "POST", body: new URLSearchParams(new FormData(form))});
  return [answer.status, new URL(answer.url).search];
}
"""


async def test_an_adjustment_that_is_sent_twice_is_booked_once(shown: Served) -> None:
    before = await on_hand(shown, SCRIPT)
    async with shown.visitor() as visitor:
        await visitor.go(sku_address(SCRIPT))
        await visitor.page.get_by_label("Units found").fill("\u22122")
        await visitor.page.get_by_label("What happened").fill(f"broken {IMAGE}")
        assert await visitor.page.evaluate(SEND_BESIDES) == [200, "?said=adjusted"]
        await visitor.press("Book it")
        assert "it was booked once" in await visitor.page.get_by_role("status").first.inner_text()
        movements = visitor.page.locator("table[aria-labelledby=movements] tbody tr")
        assert await movements.filter(has_text=f"broken {IMAGE}").count() == 1
        assert await on_hand(shown, SCRIPT) == before - 2
        await shown.dispatcher.idle()
        assert shown.merchant.shows("shop")[SCRIPT] == before - 2
        assert visitor.complaints == []


async def test_reconciling_is_followed_to_its_end(shown: Served) -> None:
    turn = shown.merchant.context.stores[StoreId("shop")].turn
    async with shown.visitor() as visitor:
        await visitor.go("/")
        progress = visitor.page.locator("#progress")
        button = visitor.page.get_by_role("button", name="Reconcile now")
        async with turn:
            await button.click()
            await progress.get_by_text("Running").wait_for()
            await progress.get_by_text("trade failed").wait_for()
            await visitor.picture("progress")
            assert await visitor.problems() == []
            await button.click()
            await progress.get_by_text("A run goes on already").wait_for()
        await progress.get_by_text("Run failed").wait_for()
        assert "outlet held, waits for you" in await progress.inner_text()
        assert await progress.get_by_role("progressbar").get_attribute("value") == "10"
        async with visitor.page.expect_navigation():
            await progress.get_by_role("link", name="See what it did").click()
        assert "trade" in await visitor.text()
        [refused] = visitor.complaints
        assert "409" in refused, "only of the second run that was refused"


async def test_without_scripts_every_form_still_works(shown: Served) -> None:
    async with shown.visitor(scripts=False) as visitor:
        await visitor.go("/stock/CARD-007")
        await visitor.page.get_by_label("Only look").check()
        await visitor.press("Reconcile this SKU now")
        run = visitor.page.url.rpartition("/")[2]
        _ = [event async for event in shown.dispatcher.events(run)]
        await visitor.page.reload()
        assert await visitor.headline() == f"Dry run {run}"
        await visitor.go("/rules")
        await visitor.press("Reload the files")
        assert "read anew" in await visitor.text()
        assert shown.reloads
        await visitor.page.get_by_role("textbox", name="SKU").fill("MUG")
        await visitor.page.get_by_role("combobox", name="Store").select_option("shop")
        await visitor.press("Explain")
        explained = await visitor.page.locator("#explained").inner_text()
        assert "keep a few back" in explained


async def test_a_held_plan_is_approved_and_carried_out(shown: Served) -> None:
    [hold] = await shown.merchant.ledger.holds(StoreId("outlet"))
    async with shown.visitor() as visitor:
        await visitor.go("/holds")
        plan = visitor.page.locator("article").filter(has_text=hold.hash)
        assert "".join((await plan.locator("td.r").inner_text()).split()) == "2→to5"
        await visitor.press(f"Reject plan {hold.hash}")
        rejected = await shown.merchant.ledger.hold(hold.hash)
        await visitor.press(f"Approve after all plan {hold.hash}")
        assert "Approved." in await visitor.text()
        async with asyncio.timeout(10):
            await shown.dispatcher.idle()
    assert rejected is not None
    assert rejected.state is HoldState.REJECTED
    done = await shown.merchant.ledger.hold(hold.hash)
    assert done is not None
    assert (done.state, done.decided_by) == (HoldState.APPLIED, "approveer")
    assert shown.merchant.shows("outlet") == {"CAP": 5}
