"""A merchant with an awkward day behind them, served by a real server to a real browser."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    StorageState,
    ViewportSize,
    async_playwright,
)

from stocksync.dispatch.embedded import Embedded
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.merge import FirstContact, Role
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer
from stocksync.domain.stocktake import Count
from stocksync.engine import stocktake
from stocksync.errors import OutcomeUnknown, StoreUnavailable
from stocksync.ledger.migrations import migrate
from stocksync.ledger.sql import open_ledger
from stocksync.ops import app, server
from stocksync.ops.access import Scope
from tests.integration.pages_kit import SECRETS, desk_of
from tests.world import NOON, Clock, World, rule

CHROMIUM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Where pictures of the pages are put, for somebody to look at.
PICTURES: Final = "STOCKSYNC_TEST_PICTURES"
WIDTHS: Final = (1280, 390)
SCHEMES: Final = ("light", "dark")

SCRIPT: Final = "<script>document.title='owned'</script>"
IMAGE: Final = "\"'><img src=x onerror=\"document.title='owned'\">"
LONG: Final = "LONG-" + "W" * 91
#: What a SKU may be made of, and what some page might take it for.
HOSTILE: Final = (
    SCRIPT,
    IMAGE,
    "A/B/../C",
    "..",
    "50% off?&sku=MUG#x",
    "\u2615 caf\u00e9 \U0001f469\u200d\U0001f680",
    "\u05d0\u05d1\u05d2 \u202egnp.exe",
    " two  blanks ",
    "back\\slash",
    "{{ 7 * 7 }}",
    LONG,
)
PLAIN: Final = tuple(f"CARD-{number:03}" for number in range(1, 61))
RULES: Final = (
    rule("keep a few back", sku="MUG", buffer=Buffer(units=3)),
    rule("half for the outlet", store="outlet", sku="CAP", cap=5),
    rule(f"rule {SCRIPT}", sku="CARD-00?", zero_at_or_below=1),
)
BOOK: Final = Rulebook(
    bundles={Sku("GIFT-SET"): {Sku("MUG"): 1, Sku("CAP"): 2}},
    availability={(StoreId("print"), ListingId("product:1")): (Sku("MUG"),)},
)


def stock_of_day() -> dict[str, dict[str, object]]:
    """Return what each store shows in the morning."""
    codes = {"MUG": 40, "CAP": 25, **dict.fromkeys(HOSTILE, 7), **dict.fromkeys(PLAIN, 12)}
    whole: dict[str, object] = {**codes, "GIFT-SET": 12}
    some: dict[str, object] = {
        code: units for code, units in whole.items() if code not in PLAIN[30:]
    }
    return {"shop": dict(whole), "web": dict(some), "trade": dict(some), "outlet": {"CAP": 2}}


async def awkward_day(books: Path) -> World:
    """Live through a day: sales, a write without an answer, a dead store, a held plan."""
    migrate(f"sqlite:///{books}")
    clock = Clock(moment=NOON - timedelta(hours=20))
    at = World(
        stores=stock_of_day(),
        ledger=await open_ledger(f"sqlite:///{books}", now=clock),
        clock=clock,
        rules=RULES,
        book=BOOK,
        roles={"outlet": Role.CHANNEL},
        switches={"print": {"product:1": True}},
    )
    outlet = at.context.stores[StoreId("outlet")]
    seat = replace(outlet.seat, first_contact=FirstContact.HOLD)
    at.context.stores[StoreId("outlet")] = replace(outlet, seat=seat)  # type: ignore[index]
    first = {**stock_of_day()["shop"], "MUG": 40}
    counts = [
        Count(sku=Sku(sku), on_hand=int(str(units)))
        for sku, units in first.items()
        if sku != "GIFT-SET"
    ]
    await stocktake.count(at.context, counts, document="stock-take <b>1</b>")
    morning = await at.sync()
    assert morning.outcome == "held", morning.stores
    for hour in range(9):
        clock.pass_(7200)
        if hour % 3 != 1:
            at.sell("shop" if hour % 2 else "web", "MUG", 1 + hour % 3)
        await at.sync()
    at.sell("shop", SCRIPT, 2)
    at.sell("shop", "MUG", 1)
    at.shops[StoreId("web")].write_errors = [(OutcomeUnknown("no answer <i>came</i>"), False)]
    at.shops[StoreId("trade")].census_errors = [StoreUnavailable(IMAGE) for _ in range(1000)]
    at.shops[StoreId("trade")].read_errors = [StoreUnavailable(IMAGE) for _ in range(1000)]
    clock.pass_(3600)
    await at.sync()
    clock.pass_(120)
    return at


@dataclass
class Served:
    """A running service, its merchant, and a browser before it."""

    merchant: World
    dispatcher: Embedded
    address: str
    browser: Browser
    reloads: list[str] = field(default_factory=list)
    signed_in: dict[str, StorageState] = field(default_factory=dict)

    @asynccontextmanager
    async def visitor(
        self, *, scope: Scope | None = "approve", width: int = 1280, scripts: bool = True
    ) -> AsyncIterator["Visitor"]:
        """Open a window of somebody who has signed in with a token, or not yet."""
        size = ViewportSize(width=width, height=900)
        context = await self.browser.new_context(
            base_url=self.address,
            viewport=size,
            reduced_motion="reduce",
            java_script_enabled=scripts,
            storage_state=self.signed_in.get(scope or ""),
        )
        page = await context.new_page()
        page.set_default_timeout(8000)
        visitor = Visitor(page, context)
        page.on("console", lambda said: visitor.hears(said.type, said.text, said.location))
        page.on("pageerror", lambda error: visitor.complaints.append(f"error: {error}"))
        page.on("request", lambda asked: visitor.requests.append(asked.url))
        try:
            if scope is not None and scope not in self.signed_in:
                await visitor.sign_in(SECRETS[scope])
                self.signed_in[scope] = await context.storage_state()
            yield visitor
        finally:
            await context.close()


@dataclass
class Visitor:
    """One window: its page, where it went, and what the browser complained of."""

    page: Page
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def hears(self, kind: str, text: str, location: Any) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{kind}: {text} {location}")

    async def go(self, path: str) -> int:
        """Go to an address of the service, and return the status of its answer."""
        answer = await self.page.goto(path)
        assert answer is not None
        return answer.status

    async def sign_in(self, secret: str) -> None:
        await self.go("/sign-in")
        await self.page.get_by_label("Token").fill(secret)
        await self.press("Sign in")

    async def press(self, button: str) -> None:
        """Press a button that leads to another page, and wait for that one."""
        async with self.page.expect_navigation():
            await self.page.get_by_role("button", name=button).click()

    async def text(self) -> str:
        """Return all that can be read on the page."""
        return await self.page.locator("body").inner_text()

    async def headline(self) -> str:
        return await self.page.locator("h1").inner_text()

    async def problems(self, rule: str = "") -> list[str]:
        """Return what is wrong with the page as it is now, by all of axe's rules or only one."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE_SCRIPT)
        found = await self.page.evaluate("options => axe.run(options)", options_for(rule))
        wrong = [
            f"{at['id']}: {node['target']} {node['html'][:200]} {node.get('failureSummary', '')}"
            for at in found["violations"]
            for node in at["nodes"]
        ]
        overflow = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wrong + ([f"the page is {overflow} px too wide"] if overflow > 0 else [])

    async def picture(self, name: str) -> None:
        """Keep a picture of the whole page where somebody asked for it."""
        folder = PICTURES_FOLDER
        if folder is not None:
            await self.page.screenshot(path=folder / f"{name}.png", full_page=True)


def options_for(rule: str) -> dict[str, Any]:
    only = {"runOnly": {"type": "rule", "values": [rule]}} if rule else {}
    return {"resultTypes": ["violations"], **only}


#: Read once: tests see no settings from outside.
PICTURES_FOLDER: Final = Path(os.environ[PICTURES]) if PICTURES in os.environ else None


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    """Serve an awkward day on a free port, and open a browser."""
    merchant = await awkward_day(folder / "books.db")
    soon = merchant.clock() + timedelta(seconds=45)
    dispatcher = Embedded(lambda: merchant.context, next_pull=lambda _store: soon)
    dispatcher.request(StoreId("trade"), "pull")
    await dispatcher.idle()
    reloads: list[str] = []

    async def reload() -> tuple[str, ...]:
        reloads.append("reloaded")
        return ()

    warnings = (f"rules/10.yaml:3: odd, {SCRIPT}",)
    desk = desk_of(merchant, dispatcher, warnings=warnings, reload=reload)
    web = server.build(app.build(desk), host="127.0.0.1", port=0)
    task = asyncio.create_task(web.serve())
    while not web.started and not task.done():
        await asyncio.sleep(0)
    port = int(web.servers[0].sockets[0].getsockname()[1])
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        address = f"http://127.0.0.1:{port}"
        yield Served(merchant, dispatcher, address, browser, reloads)
        await browser.close()
    web.should_exit = True
    await task
    await dispatcher.drain(5)
    await merchant.ledger.aclose()
