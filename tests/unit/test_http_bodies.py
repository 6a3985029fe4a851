"""Only a whole, bounded and timely JSON body is an answer."""

import asyncio
import gzip
import json
from collections.abc import Mapping
from datetime import timedelta

import pytest

from stocksync.errors import (
    OutcomeUnknown,
    StoreUnavailable,
    UnexpectedResponse,
)
from tests.unit.http_kit import OK, door
from tests.unit.scripted_store import NOW, Said, ScriptedStore, socket_store


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<html>maintenance</html>", {"content-type": "text/html; charset=utf-8"}),
        (b'{"stock": []}', {"content-type": "text/html"}),
        (b"<stock/>", {"content-type": "application/xml"}),
        (b"", {}),
        (b"  \n", {}),
        (b'{"stock": [{"co', {}),
        (b'{"stock": NaN}', {}),
        (b'{"stock": Infinity}', {}),
        (b'{"stock": 1e400}', {}),
        (b'{"code": "\\ud800"}', {}),
        (b'{"code": "\xe9"}', {}),
        (b'{"stock": ' + b"9" * 5000 + b"}", {}),
        ('{"stock": []}'.encode("utf-16"), {}),
        (b"[" * 900 + b"]" * 900, {}),
        (b"[" * 100_000 + b"]" * 100_000, {}),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {}),
        (b"callback({})", {}),
        (b"{} {}", {}),
        (gzip.compress(b"{}", mtime=0), {"content-encoding": "gzip, gzip"}),
        (b"{}", {"content-encoding": "br"}),
        (b"{}", {"content-encoding": "gzip"}),
        (gzip.compress(b'{"stock": []}', mtime=0)[:-9], {"content-encoding": "gzip"}),
        (
            gzip.compress(b"{}", mtime=0) + gzip.compress(b"{}", mtime=0),
            {"content-encoding": "gzip"},
        ),
        (gzip.compress(b" " * 50_000_000 + b"{}", mtime=0), {"content-encoding": "gzip"}),
        (b"{}", {"content-length": "200000000"}),
        (b"{}", {"age": "600"}),
        (b"{}", {"age": "9" * 400}),
    ],
    ids=lambda value: ascii(value[:24]) if isinstance(value, bytes) else None,
)
async def test_a_body_that_is_not_the_api_is_an_unexpected_response(
    body: bytes, headers: Mapping[str, str]
) -> None:
    store = ScriptedStore(lambda _: Said(body, headers=headers))
    with pytest.raises(UnexpectedResponse, match=r"^shop"):
        await door(store.transport).read("/stock")
    assert len(store.asked) <= 3


async def test_a_cut_body_may_be_whole_the_next_time() -> None:
    store = ScriptedStore([Said(b'{"stock": ['), Said(OK)])
    assert (await door(store.transport).read("/stock")).body == OK


async def test_a_byte_order_mark_and_gzip_are_read() -> None:
    plain = b"\xef\xbb\xbf" + json.dumps(OK).encode()
    squeezed = Said(gzip.compress(plain, mtime=0), headers={"content-encoding": "gzip"})
    http = door(ScriptedStore([Said(plain), squeezed]).transport)
    assert (await http.read("/stock")).body == OK
    assert (await http.read("/stock")).body == OK


async def test_an_answer_from_a_fresh_cache_is_as_old_as_the_cache_says() -> None:
    http = door(ScriptedStore([Said(OK, headers={"age": "45"})]).transport)
    assert (await http.read("/stock")).read_at == NOW - timedelta(seconds=45)


@pytest.mark.parametrize("squeezed", [False, True])
async def test_a_body_at_the_cap_passes_and_one_byte_more_does_not(*, squeezed: bool) -> None:
    exact = b'"' + b"x" * 98 + b'"'
    said = Said(exact)
    if squeezed:
        said = Said(gzip.compress(exact, mtime=0), headers={"content-encoding": "gzip"})
    store = ScriptedStore(lambda _: said)
    roomy = door(store.transport, limits={"body_bytes_max": len(exact)})
    assert (await roomy.read("/stock")).body == "x" * 98
    tight = door(store.transport, limits={"body_bytes_max": len(exact) - 1})
    with pytest.raises(UnexpectedResponse, match="more than 99 bytes"):
        await tight.read("/stock")


async def test_an_endless_body_is_left_at_the_cap() -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" " * 65_536)
            sent += 65_536
            await writer.drain()

    async with socket_store(flood) as (origin, _):
        http = door(None, origin=origin, limits={"wire_bytes_max": 500_000})
        with pytest.raises(UnexpectedResponse, match="more than 500000 bytes"):
            await http.read("/stock")
        await http.aclose()
    assert sent < 20_000_000


async def test_two_hundred_megabytes_are_refused_from_the_header() -> None:
    async def promise(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n")
        await writer.drain()
        await writer.wait_closed()

    async with socket_store(promise) as (origin, _):
        http = door(None, origin=origin)
        with pytest.raises(UnexpectedResponse, match="promised"):
            await http.read("/stock")
        await http.aclose()


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{",
        b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a"',
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n",
        b"",
    ],
    ids=["length too long", "no last chunk", "header flood", "silent close"],
)
async def test_a_cut_connection_is_unavailable_for_a_read_and_unknown_for_a_write(
    bytes_sent: bytes,
) -> None:
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes_sent)

    async with socket_store(cut) as (origin, heads):
        http = door(None, origin=origin)
        with pytest.raises(StoreUnavailable):
            await http.read("/stock")
        assert len(heads) == 3
        with pytest.raises(OutcomeUnknown):
            await http.write("POST", "/stock", [])
        await http.aclose()
    assert len(heads) == 4


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"])
async def test_a_dripping_store_is_stopped_by_one_deadline(head: bytes) -> None:
    loop = asyncio.get_running_loop()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(b" " if head else b"H")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with socket_store(drip) as (origin, heads):
        http = door(None, origin=origin, limits={"deadline_seconds": 0.2})
        started = loop.time()
        with pytest.raises(OutcomeUnknown):
            await http.write("POST", "/stock", [])
        assert 0.15 < loop.time() - started < 0.7
        await http.aclose()
    assert len(heads) == 1
