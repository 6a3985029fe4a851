"""The HTTP door leaves a store alone when it asks for that, and never crowds it."""

import asyncio

import pytest

from stocksync.errors import (
    RateLimited,
)
from tests.unit.http_kit import OK, Clock, door
from tests.unit.scripted_store import Said, ScriptedStore, socket_store


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("Mon, 02 Mar 2026 09:30:20 GMT", 20, 20),
        ("999999999", 3600, 3600),
        ("Mon, 02 Mar 2126 09:30:20 GMT", 3600, 3600),
        ("soon", 1, 1.25),
        ("-5", 1, 1.25),
        ("1e9", 1, 1.25),
        ("7.5", 1, 1.25),
        ("Mon, 02 Mar 2020 09:30:20 GMT", 1, 1.25),
        (None, 1, 1.25),
    ],
)
async def test_a_rate_limit_carries_the_wait_the_store_asked_for(
    header: str | None, least: float, most: float
) -> None:
    headers = {} if header is None else {"retry-after": header}
    store = ScriptedStore(lambda _: Said(status=429, headers=headers))
    http = door(store.transport, limits={"patience_seconds": 0}, monotonic=Clock())
    with pytest.raises(RateLimited) as caught:
        await http.read("/stock")
    assert least <= caught.value.retry_after_seconds <= most
    assert len(store.asked) == 1


async def test_a_store_that_asked_for_a_pause_is_left_alone_until_it_ends() -> None:
    clock = Clock()
    store = ScriptedStore([Said(status=429, headers={"retry-after": "7"}), Said(OK), Said(OK)])
    http = door(
        store.transport,
        limits={"patience_seconds": 0},
        monotonic=clock,
        rate_limit_is_refusal=True,
    )
    with pytest.raises(RateLimited):
        await http.write("POST", "/stock", [])
    clock.seconds += 3
    with pytest.raises(RateLimited) as caught:
        await http.write("POST", "/stock", [])
    assert caught.value.retry_after_seconds == pytest.approx(4)
    with pytest.raises(RateLimited):
        await http.read("/stock")
    assert http.api_calls == len(store.asked) == 1
    clock.seconds += 4
    await http.read("/stock")
    await http.write("POST", "/stock", [])
    assert len(store.asked) == 3


async def test_an_unexplained_rate_limit_makes_the_pause_grow() -> None:
    clock = Clock()
    script = [Said(status=429)] * 3 + [Said(OK)] + [Said(status=429)]
    http = door(ScriptedStore(script).transport, limits={"patience_seconds": 0}, monotonic=clock)
    waits = []
    for _ in range(5):
        clock.seconds += 1000
        try:
            await http.read("/stock")
        except RateLimited as error:
            waits.append(error.retry_after_seconds)
    assert [1 <= waits[0] <= 1.25, 2 <= waits[1] <= 2.5, 4 <= waits[2] <= 5] == [True] * 3
    assert 1 <= waits[3] <= 1.25


async def test_never_more_requests_at_once_than_allowed() -> None:
    running = most = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")

    async with socket_store(slow) as (origin, _):
        http = door(None, origin=origin, limits={"concurrency_max": 3})
        await asyncio.gather(*(http.read("/stock") for _ in range(12)))
        await http.aclose()
    assert most == 3
