"""Channel H, on a real socket: what only happens below HTTP."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pytest

from stocksync.connectors import REGISTRY
from stocksync.errors import StoreUnavailable, UnexpectedResponse
from tests.contract.bad_inputs import Case, checks
from tests.contract.contract import ACTS, census, two_numbers
from tests.contract.merchant import STOCKED, agreed
from tests.contract.rigs import Rig
from tests.unit.scripted_store import socket_store

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ATTEMPTS: Final = 3
DEADLINE_SECONDS: Final = 0.1
BETWEEN_BYTES_SECONDS: Final = 0.02
#: Well above the cap on a body, so that a caller without one is found out.
ENOUGH_BYTES: Final = 64 * 2**20


async def spoken(platform: str, handler: Handler, expected: type[Exception]) -> int:
    """Walk a store behind a socket, see it fail, and return how often it was asked."""
    async with socket_store(handler) as (origin, heads):
        rig = Rig(platform, url=origin)
        rig.add(two_numbers(rig)[0])
        short: Any = rig.unbent
        short._http._limits = replace(short._http._limits, deadline_seconds=DEADLINE_SECONDS)
        with pytest.raises(expected):
            await census(rig)
        await rig.aclose()
    return len(heads)


def saying(content: bytes) -> Handler:
    """Send these bytes and hang up."""

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return say


@checks("H11")
async def a_length_that_is_not_kept(case: Case) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"
    for platform in REGISTRY:
        cut = saying(head + b"[" + b" " * 49_999)
        assert await spoken(platform, cut, StoreUnavailable) == ATTEMPTS


@checks("H12")
async def chunks_without_an_end(case: Case) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    for platform in REGISTRY:
        for cut in (b"2\r\n[]\r\n", b"ff\r\n[]"):
            assert await spoken(platform, saying(head + cut), StoreUnavailable) == ATTEMPTS


@checks("H20")
async def a_body_without_an_end(case: Case) -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        while sent < ENOUGH_BYTES:
            writer.write(b" " * 2**18)
            sent += 2**18
            await writer.drain()

    async with socket_store(flood) as (origin, heads):
        rig = Rig("recplus", url=origin)
        with pytest.raises(UnexpectedResponse, match="more than 16777216 bytes"):
            await census(rig)
        await rig.aclose()
    assert len(heads) == 1
    assert sent < ENOUGH_BYTES


@checks("H22")
async def headers_that_drip(case: Case) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not reader.at_eof():
            writer.write(b"y")
            await writer.drain()
            await hung_up(reader, BETWEEN_BYTES_SECONDS)

    async def hung_up(reader: asyncio.StreamReader, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), seconds)

    loop = asyncio.get_running_loop()
    for platform in REGISTRY:
        started = loop.time()
        assert await spoken(platform, drip, StoreUnavailable) == ATTEMPTS
        assert loop.time() - started < ATTEMPTS * (DEADLINE_SECONDS + 0.5)


@checks("H23")
async def too_many_headers(case: Case) -> None:
    many = b"".join(b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(1000))
    one = b"x: " + b"y" * 2**20 + b"\r\n"
    for platform in REGISTRY:
        for headers in (many, one):
            flood = saying(b"HTTP/1.1 200 OK\r\n" + headers + b"content-length: 2\r\n\r\n[]")
            assert await spoken(platform, flood, StoreUnavailable) == ATTEMPTS


@checks("H34")
async def nobody_at_the_door(case: Case) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        # Bound and not listening: every connection is reset before its first byte.
        for platform in REGISTRY:
            for act in ACTS:
                rig = Rig(platform, url=url)
                listing = rig.add(two_numbers(rig)[0])
                with pytest.raises(StoreUnavailable):
                    await act(rig, listing)
                is_write = act is ACTS[-1] and platform != "simvoly"
                assert rig.connector.api_calls == (1 if is_write else ATTEMPTS)
                await rig.aclose()
    await nothing_is_left_open()


async def nothing_is_left_open() -> None:
    """A write that never left is no open question: it is simply made again."""
    for platform in STOCKED:
        at = await agreed(platform)
        rig = at.rigs["b"]
        at.rigs["a"].shop.sell("MUG", 2)
        rig.network.closed_to = {rig.kind.write_method}
        run = await at.sync()
        assert at.report(run, "b")["outcome"] == "failed"
        assert at.report(run, "b")["unknown"] == 0
        assert await at.ledger.intents() == []
        rig.network.closed_to = set()
        assert (await at.sync()).outcome == "ok"
        assert rig.shop.quantity("MUG") == await at.on_hand("MUG") == 8
        await at.aclose()
