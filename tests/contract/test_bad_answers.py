"""Channel H of the table of bad inputs: what a store may answer, each through a real connector."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from stocksync.contracts.ledger import IntentState
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.stock import Correction
from stocksync.domain.stocktake import Count
from stocksync.engine import stocktake
from stocksync.engine.context import Context
from stocksync.engine.sync import sync
from stocksync.errors import (
    AuthFailed,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    StoreRejected,
    StoreUnavailable,
    UnexpectedResponse,
)
from tests.contract.bad_kit import Case, at_socket, before, cases, census, merchant, page
from tests.unit.scripted_store import Asked, Said

ANSWERS: Final = cases("H")
GOOD: Final = page("recplus", ('"A"', "5"))
Check = Callable[[], Awaitable[None]]
HEADER: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def put(code: str = "A", quantity: int = 9) -> Correction:
    return Correction(listing=ListingId(code), quantity=quantity, expected=5, code=code)


def reads_as(said: Said, error: type[ConnectorError]) -> Check:
    """The census fails with this error, and nothing is ever taken for an empty store."""

    async def check() -> None:
        connector, _ = before("recplus", lambda _: said)
        with pytest.raises(error):
            await census(connector)

    return check


def writes_as(said: Said, error: type[ConnectorError], platform: str = "recplus") -> Check:
    """The write fails with this error after exactly one request."""

    async def check() -> None:
        connector, store = before(platform, lambda _: said)
        with pytest.raises(error):
            await connector.write([put()])
        assert len(store.asked) == 1

    return check


def both(*checks: Check) -> Check:
    async def check() -> None:
        for one in checks:
            await one()

    return check


def over_socket(raw: bytes, error: type[ConnectorError]) -> Check:
    """Bytes that no test client could make up are sent over a real socket."""

    async def check() -> None:
        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(raw)
            await writer.drain()

        async with at_socket(answer) as (connector, _):
            with pytest.raises(error):
                await census(connector)

    return check


def forever(head: bytes, piece: bytes) -> Check:
    """A body or a header without an end is stopped by the cap or the deadline."""

    async def check() -> None:
        async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(head)
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

        async with at_socket(drip) as (connector, _):
            with pytest.raises((StoreUnavailable, UnexpectedResponse)):
                await census(connector)

    return check


def impatient(connector: Any) -> None:
    """Let a read give up at once instead of waiting as long as the store asks."""
    http = connector._http
    http._limits = replace(http._limits, patience_seconds=0.0)


def waits(header: str | None, least: float, most: float) -> Check:
    async def check() -> None:
        headers = {} if header is None else {"retry-after": header}
        connector, store = before("recplus", lambda _: Said(b"{}", 429, headers))
        impatient(connector)
        with pytest.raises(RateLimited) as limited:
            await census(connector)
        assert least <= limited.value.retry_after_seconds <= most
        asked = len(store.asked)
        if least > 60:
            with pytest.raises(RateLimited):
                await connector.write([put()])
            assert len(store.asked) == asked  # nobody is asked before the time is over

    return check


async def garbage_waits() -> None:
    for header in ("soon", "-5", "7.5"):
        await waits(header, 0.0, 120.0)()
    await waits("1000000000", 3600.0, 3600.0)()


async def empty_body() -> None:
    await reads_as(Said(b""), UnexpectedResponse)()
    connector, _ = before("b2bwave", lambda _: Said(b""))
    [result] = await connector.write([put("1")])
    assert result.outcome.value == "unknown"


async def documented_204() -> None:
    connector, _ = before("recplus", lambda _: Said(b"", 204))
    [result] = await connector.write([put()])
    assert result.outcome.value == "applied"
    await empty_body()


async def byte_order_mark() -> None:
    connector, _ = before("recplus", lambda _: Said(b"\xef\xbb\xbf" + GOOD))
    assert list(await census(connector)) == ["A"]


class Site:
    """A REC+ site that a test can make misbehave: its stock, and what it does with a write."""

    def __init__(self, **stock: int) -> None:
        self.stock = dict(stock)
        self.on_write: Callable[[list[dict[str, Any]]], Said | None] = lambda _: None
        self.writes: list[list[dict[str, Any]]] = []

    def __call__(self, asked: Asked) -> Said:
        if asked.method == "POST":
            rows = json.loads(asked.body)
            self.writes.append(rows)
            said = self.on_write(rows)
            if said is None:
                self.apply(rows)
            return said or Said({"stock": rows})
        wanted = asked.query["codes"].split(",") if "codes" in asked.query else list(self.stock)
        rows = [{"code": at, "stock": self.stock[at]} for at in wanted if at in self.stock]
        return Said({"stock": rows, "total_count": len(rows)})

    def apply(self, rows: list[dict[str, Any]]) -> None:
        self.stock |= {row["code"]: row["stock"] for row in rows}

    async def opened(self, units: int) -> Context:
        """Open the books at these units of everything, and meet the site once."""
        connector, _ = before("recplus", self)
        context = merchant(connector)
        counts = [Count(sku=Sku(code), on_hand=units) for code in self.stock]
        await stocktake.count(context, counts, document="test")
        return context


async def on_hand(context: Context, sku: str) -> int:
    levels = await context.ledger.levels([Sku(sku)])
    return sum(level.on_hand for level in levels[Sku(sku)].values())


async def applied_then_500() -> None:
    site = Site(A=5)
    context = await site.opened(9)

    def answer(rows: list[dict[str, Any]]) -> Said:
        site.apply(rows)
        return Said(b"{}", 500)

    site.on_write = answer
    run = await sync(context)
    assert run.stores[0]["unknown"] == 1
    assert await on_hand(context, "A") == 9
    assert site.stock == {"A": 9}
    assert len(site.writes) == 1


async def late_apply() -> None:
    site = Site(A=5)
    context = await site.opened(9)
    site.on_write = lambda _: Said(b"{}", 504)
    await sync(context)
    intents = await context.ledger.intents(StoreId("recplus"))
    assert {intent.state for intent in intents} == {IntentState.UNKNOWN}
    await stocktake.count(context, [Count(sku=Sku("A"), on_hand=7)], document="recount")
    site.stock["A"] = 9  # ninety seconds later, the old write arrives after all
    context.now.pass_(90)  # type: ignore[attr-defined]
    site.on_write = lambda _: None
    await sync(context)
    assert await on_hand(context, "A") == 7
    assert site.stock == {"A": 7}


async def stale_cache() -> None:
    await reads_as(Said(GOOD, 200, {"age": "600"}), UnexpectedResponse)()


async def refused_connection() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with at_socket(hang_up) as (connector, heads):
        pass
    fresh, _ = before("recplus", lambda _: Said(GOOD))
    assert list(await census(fresh)) == ["A"]
    with pytest.raises(StoreUnavailable):
        await census(connector)
    assert heads == []


async def one_listing_gone() -> None:
    connector, _ = before("freewebstore", lambda _: Said({"message": "not found"}, 404))
    assert await connector.read([ListingId("7")]) == {}


async def one_bad_of_a_hundred() -> None:
    site = Site(**{f"C{number:03}": 5 for number in range(100)})
    context = await site.opened(9)

    def refuse(rows: list[dict[str, Any]]) -> Said | None:
        poison = any(row["code"] == "C042" for row in rows)
        return Said({"errors": [{"status": 400, "message": "bad row"}]}, 400) if poison else None

    site.on_write = refuse
    run = await sync(context)
    assert run.stores[0]["confirmed"] == 99
    assert site.stock["C042"] == 5
    assert len(site.writes) - 1 <= 2 * 7 + 1


async def partial_answer() -> None:
    connector, _ = before("recplus", lambda _: Said({"stock": [{"code": "A", "stock": 9}]}, 207))
    results = await connector.write([put("A"), put("B")])
    assert [result.outcome.value for result in results] == ["applied", "unknown"]


async def polite_failure() -> None:
    connector, _ = before("simvoly", lambda _: Said({"success": False, "message": "no"}))
    with pytest.raises(StoreRejected):
        await census(connector)


async def refused_writes_429() -> None:
    await writes_as(Said(b"{}", 429, {"retry-after": "7"}), OutcomeUnknown)()
    connector, _ = before("freewebstore", lambda _: Said(b"{}", 429, {"retry-after": "7"}))
    with pytest.raises(RateLimited):
        await connector.write([put("7")])


def redirected(status: int, where: str) -> Check:
    async def check() -> None:
        said = Said(b"", status, {"location": where})
        connector, store = before("recplus", lambda _: said)
        with pytest.raises(UnexpectedResponse):
            await census(connector)
        with pytest.raises((UnexpectedResponse, OutcomeUnknown)):
            await connector.write([put()])
        assert {asked.headers["host"] for asked in store.asked} == {"shop.test"}

    return check


CHECKS: Final[dict[str, Check]] = {
    "H02": reads_as(Said(b"<html>", 200, {"content-type": "text/html"}), UnexpectedResponse),
    "H03": empty_body,
    "H04": documented_204,
    "H06": redirected(302, "https://evil.test/"),
    "H07": redirected(307, "https://evil.test/"),
    "H08": redirected(302, "http://shop.test/"),
    "H10": reads_as(Said(GOOD[: len(GOOD) // 2]), UnexpectedResponse),
    "H11": over_socket(HEADER + b"content-length: 100000\r\n\r\n" + GOOD, StoreUnavailable),
    "H12": over_socket(
        HEADER + b"transfer-encoding: chunked\r\n\r\n100\r\n" + GOOD, StoreUnavailable
    ),
    "H14": byte_order_mark,
    "H15": reads_as(Said(GOOD.decode().encode("utf-16")), UnexpectedResponse),
    "H16": reads_as(Said(GOOD.replace(b"A", b"\xe9")), UnexpectedResponse),
    "H18": reads_as(Said(GOOD, 200, {"content-encoding": "gzip, gzip"}), UnexpectedResponse),
    "H19": over_socket(HEADER + b"content-length: 200000000\r\n\r\n{", UnexpectedResponse),
    "H20": forever(HEADER + b"\r\n[", b"0," * 500_000),
    "H22": forever(b"HTTP/1.1 200 OK\r\n", b"x"),
    "H23": over_socket(
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n", StoreUnavailable
    ),
    "H24": waits("7", 0.0, 7.0),
    "H26": waits("999999999", 3599.0, 3600.0),
    "H27": garbage_waits,
    "H28": waits(None, 0.0, 120.0),
    "H30": refused_writes_429,
    "H31": applied_then_500,
    "H32": both(
        writes_as(Said(b"", 502), OutcomeUnknown), writes_as(Said(b"", 504), OutcomeUnknown)
    ),
    "H34": refused_connection,
    "H35": late_apply,
    "H36": stale_cache,
    "H38": both(reads_as(Said(b"{}", 403), AuthFailed), reads_as(Said(b"{}", 401), AuthFailed)),
    "H39": one_listing_gone,
    "H40": reads_as(Said(b"{}", 406), StoreRejected),
    "H42": one_bad_of_a_hundred,
    "H43": partial_answer,
    "H44": polite_failure,
}


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.id)
async def test_a_bad_answer_ends_as_the_table_says(case: Case) -> None:
    assert case.id in CHECKS, f"{case.id} ({case.name}) has no check"
    async with asyncio.timeout(timedelta(seconds=60).total_seconds()):
        await CHECKS[case.id]()
