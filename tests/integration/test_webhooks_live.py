"""Webhooks over real sockets into real books: a sale is followed, and nothing is read in vain."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from fastapi import FastAPI

from stocksync.bootstrap import opened, read_files
from stocksync.dispatch.embedded import Embedded
from stocksync.dispatch.reminders import Pace
from stocksync.domain.hints import Hint
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context
from stocksync.engine.sync import sync
from stocksync.ledger.migrations import migrate
from stocksync.ledger.sql import open_ledger
from stocksync.ops import server, webhooks
from stocksync.ops.doors import door
from stocksync.sandbox.orders import Order
from stocksync.sandbox.serve import Sandbox
from stocksync.sandbox.shop import Shop
from stocksync.sandbox.webhooks import order_deliveries
from tests.benchmarks.webhooks import compare

SECRET, KEY = "the-end-of-the-address", "the-key"
PATHS = {store: f"/webhooks/{store}/{SECRET}" for store in ("shop", "site")}
SITE, SHOP = StoreId("site"), StoreId("shop")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(kw_only=True)
class Live:
    """A running door over running jobs, and the fake stores behind both."""

    port: int
    context: Context
    jobs: Embedded
    shops: dict[str, Shop]
    books: Path

    def deliver(self, store: str) -> list[asyncio.Task[httpx.Response]]:
        """Let a fake store call its webhooks whenever it sells, each of them three times."""
        tasks: list[asyncio.Task[httpx.Response]] = []
        loop = asyncio.get_running_loop()

        async def send(target: str, headers: dict[str, str], body: bytes) -> httpx.Response:
            async with httpx.AsyncClient() as client:
                return await client.post(target, headers=headers, content=body)

        def sold(order: Order) -> None:
            for sent in order_deliveries(self.shops[store], order) * 3:
                arguments = (sent.target, dict(sent.headers), sent.body)
                tasks.append(loop.create_task(send(*arguments)))

        self.shops[store].order_listeners.append(sold)
        return tasks

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not holds():
                await asyncio.sleep(0.01)
        await self.jobs.idle()


@asynccontextmanager
async def live(folder: Path, *, window_seconds: float = 0.05) -> AsyncIterator[Live]:
    shops = {"shop": Shop("recplus"), "site": Shop("simvoly")}
    for shop in shops.values():
        shop.add("MUG", 10)
        shop.add("BOWL", 10)
    (folder / "rules").mkdir()
    books = folder / "books.db"
    migrate(f"sqlite:///{books}")
    async with Sandbox(shops) as sandbox:
        every = {"rate": 1000, "first_contact": "adopt"}
        config = folder / "stocksync.yaml"
        config.write_text(sandbox.configuration("sqlite:///books.db", "rules/", every_store=every))
        config.chmod(0o600)
        async with opened(read_files(config)) as context:
            await sync(context)
            pace = Pace(window_seconds=window_seconds)
            jobs = Embedded(lambda: context, pace=pace)
            async with door_of(context, jobs) as port:
                yield Live(port=port, context=context, jobs=jobs, shops=shops, books=books)
            await jobs.drain(5)


@asynccontextmanager
async def door_of(context: Context, jobs: Embedded) -> AsyncIterator[int]:
    doors = {
        SHOP: door("recplus", {"secret": SECRET, "token": "bearer"}),
        SITE: door("simvoly", {"secret": SECRET, "signature": KEY}),
    }
    desk = SimpleNamespace(context=lambda: context, dispatcher=jobs, webhooks=lambda: doors)
    app = FastAPI()
    app.include_router(webhooks.router(cast("webhooks.WebhookDesk", desk)))
    door_ = server.build(app, host="127.0.0.1", port=0)
    task = asyncio.create_task(door_.serve())
    while not door_.started:
        await asyncio.sleep(0)
    yield int(door_.servers[0].sockets[0].getsockname()[1])
    door_.should_exit = True
    await task


def rows(books: Path, asked: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(books)) as connection:
        return list(connection.execute(asked))


def shows(shop: Shop, units: int) -> bool:
    return shop.quantity("MUG") == units


async def test_a_sale_that_is_told_three_times_reaches_the_other_store_once(tmp_path: Path) -> None:
    async with live(tmp_path) as at:
        address = f"http://127.0.0.1:{at.port}"
        at.shops["site"].webhooks.append(
            {"target": address + PATHS["site"], "events": ["order_created"], "secret": KEY}
        )
        at.shops["shop"].webhooks.append(
            {
                "target": address + PATHS["shop"],
                "events": ["new.order"],
                "wrap": True,
                "authorization": "Bearer bearer",
            }
        )
        for store, other, left in (("site", "shop", 7), ("shop", "site", 4)):
            told = at.deliver(store)
            asked = len(at.shops[store].requests)
            at.shops[store].sell("MUG", 3)
            await at.until(partial(shows, at.shops[other], left))
            assert [task.result().status_code for task in told] == [204] * 3
            paths = {request.path for request in at.shops[store].requests[asked:]}
            lists = {"/api/site/products", "/api/v1/products"}
            assert not paths & lists, "only what was named is read"
            assert at.shops[store].quantity("MUG") == left
        sales = rows(at.books, "SELECT kind, units FROM movements WHERE kind <> 'opening'")
        assert sales == [("sale", 3), ("sale", 3)]
        assert (await at.context.ledger.verify()).sound


async def test_a_hint_is_in_the_books_when_its_sender_hears_yes(tmp_path: Path) -> None:
    async with live(tmp_path, window_seconds=3600) as at:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{at.port}") as client:
            bearer = {"authorization": "Bearer bearer"}
            body = {"event": "new.order", "data": {"code": "MUG"}}
            answer = await client.post(PATHS["shop"], json=body, headers=bearer)
            assert (answer.status_code, answer.content) == (204, b"")
        file = rows(at.books, "SELECT store, key, times FROM hints")
        assert file == [("shop", "MUG", 1)]
    again = await open_ledger(f"sqlite:///{tmp_path}/books.db", now=lambda: NOW)
    [hint] = await again.hints()
    assert hint == Hint(store=SHOP, key="MUG", received_at=hint.received_at)
    await again.aclose()


async def exchange(port: int, head: str, body: bytes = b"") -> bytes:
    """Send bytes as they are, and return what comes back until the door hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        async with asyncio.timeout(5):
            with suppress(ConnectionError):  # it may hang up before it took everything
                writer.write(head.replace("\n", "\r\n").encode() + body)
                await writer.drain()
            with suppress(ConnectionError):
                while part := await reader.read(65_536):
                    answer += part
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("content-length: 10000000\nexpect: 100-continue", b"413"),
        ("content-length: 10\ncontent-encoding: gzip\nexpect: 100-continue", b"415"),
    ],
)
async def test_a_body_that_nobody_wants_is_never_sent(
    tmp_path: Path, headers: str, status: bytes
) -> None:
    async with live(tmp_path) as at:
        head = f"POST {PATHS['shop']} HTTP/1.1\nhost: x\n{headers}\n\n"
        answer = await exchange(at.port, head)
    assert answer.split(b" ")[1] == status
    assert b"100 Continue" not in answer


async def test_a_body_without_an_announced_end_is_cut_off_at_the_limit(tmp_path: Path) -> None:
    async with live(tmp_path) as at:
        head = f"POST {PATHS['shop']} HTTP/1.1\nhost: x\ntransfer-encoding: chunked\n\n"
        part = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        answer = await exchange(at.port, head, part * 17)
    assert answer.split(b" ")[1] == b"413"


async def test_the_benchmark_keeps_every_event_that_it_counts() -> None:
    [ours] = await compare(300, 20, ("ours",))
    assert ours.kept == 300 + 128, "128 of them to warm up"
    assert ours.per_second > 0
