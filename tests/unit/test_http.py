"""What the HTTP door promises: bounded, paced, never redirected, silent about secrets."""

import asyncio
import gzip
import json
import logging
import traceback
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from stocksync.connectors.credentials import basic
from stocksync.connectors.http import HttpLimits, StoreHttp, Transport, segment
from stocksync.domain.identifiers import StoreId
from stocksync.errors import (
    AuthFailed,
    ConfigurationError,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    StoreRejected,
    StoreUnavailable,
    UnexpectedResponse,
)
from stocksync.metrics import REGISTRY as METRICS
from tests.unit.scripted_store import NOW, Asked, Said, ScriptedStore, now, socket_store

SECRET = "canary-7f3a"
OK: dict[str, list[object]] = {"stock": []}


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def door(
    transport: Transport | None,
    *,
    origin: str = "https://shop.test",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> StoreHttp:
    limits = HttpLimits(**more.pop("limits", {}))
    return StoreHttp(
        store=StoreId("shop"),
        origin=origin,
        base_path=more.pop("base_path", "/api/v1"),
        headers=basic("user", SECRET) if headers is None else headers,
        limits=limits,
        now=now,
        transport=transport,
        **more,
    )


async def test_a_read_is_a_get_with_our_credentials_under_the_base_path() -> None:
    store = ScriptedStore([Said(OK)])
    answer = await door(store.transport).read("/stock", {"codes": "A B,C+D&E"})
    (asked,) = store.asked
    assert (asked.method, asked.path) == ("GET", "/api/v1/stock")
    assert asked.query == {"codes": "A B,C+D&E"}
    assert asked.headers["authorization"] == "Basic dXNlcjpjYW5hcnktN2YzYQ=="
    assert asked.headers["accept-encoding"] == "gzip, identity"
    assert (answer.status, answer.body, answer.read_at) == (200, OK, NOW)


async def test_credentials_go_to_the_configured_origin_and_to_no_other() -> None:
    http = door(ScriptedStore([]).transport, headers={"x-api-key": SECRET})
    for elsewhere in ("https://evil.test/", "http://shop.test/", "https://shop.test:8443/"):
        request = http._client.build_request("GET", elsewhere)
        assert SECRET not in str(list(next(http._auth.auth_flow(request)).headers.items()))
    request = http._client.build_request("GET", "https://shop.test/api/v1/stock")
    assert next(http._auth.auth_flow(request)).headers["x-api-key"] == SECRET
    assert SECRET not in str(http._client.headers)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("where", ["https://evil.test/x", "http://shop.test/", "/elsewhere"])
async def test_a_redirect_is_never_followed(status: int, where: str) -> None:
    store = ScriptedStore(lambda _: Said(status=status, headers={"location": where}))
    http = door(store.transport)
    with pytest.raises(UnexpectedResponse):
        await http.read("/stock")
    with pytest.raises(UnexpectedResponse):
        await http.write("PUT", "/stock", [])
    assert [asked.path for asked in store.asked] == ["/api/v1/stock"] * 2


async def test_no_cookie_of_the_store_is_sent_back() -> None:
    store = ScriptedStore(lambda _: Said(OK, headers={"set-cookie": "session=1; Path=/"}))
    http = door(store.transport)
    await http.read("/stock")
    await http.read("/stock")
    assert "cookie" not in store.asked[1].headers


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_cost_exactly_one_request(status: int) -> None:
    store = ScriptedStore(lambda _: Said({"message": "no"}, status))
    http = door(store.transport)
    with pytest.raises(AuthFailed):
        await http.read("/stock")
    assert http.api_calls == len(store.asked) == 1
    with pytest.raises(AuthFailed):
        await http.write("POST", "/stock", [])


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
async def test_a_failing_read_is_tried_three_times(status: int) -> None:
    store = ScriptedStore([Said(status=status), Said(status=status), Said(OK)])
    assert (await door(store.transport).read("/stock")).body == OK
    down = ScriptedStore(lambda _: Said(status=status))
    http = door(down.transport)
    with pytest.raises(StoreUnavailable):
        await http.read("/stock")
    assert http.api_calls == len(down.asked) == 3


@pytest.mark.parametrize("status", [400, 404, 405, 409, 422])
async def test_a_refusal_is_told_in_the_words_of_the_store(status: int) -> None:
    told = {"errors": [{"status": status, "message": "Product not found"}]}
    store = ScriptedStore(lambda _: Said(told, status))
    with pytest.raises(StoreRejected, match="Product not found"):
        await door(store.transport).read("/products/1")
    with pytest.raises(StoreRejected, match="Product not found"):
        await door(store.transport).write("POST", "/stock", [])
    assert len(store.asked) == 2


async def test_find_turns_gone_into_none_and_nothing_else() -> None:
    store = ScriptedStore([Said(status=404), Said(status=410), Said(OK), Said(status=405)])
    http = door(store.transport)
    assert await http.find("/a") is None
    assert await http.find("/b") is None
    found = await http.find("/c")
    assert found is not None
    with pytest.raises(StoreRejected):
        await http.find("/d")


# --- secrets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [basic("user", SECRET), {"x-api-key": SECRET}, {"authorization": f"Bearer {SECRET}"}],
)
@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500])
async def test_no_error_and_no_log_line_shows_a_secret(
    headers: Mapping[str, str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    whole = " ".join(headers.values())
    told = {"message": f"{'x' * 190}{SECRET} bad key {SECRET} in {whole}\r\nforged line"}
    transport = ScriptedStore(lambda _: Said(told, status)).transport
    http = door(transport, headers=headers, limits={"patience_seconds": 0})
    for writes in (False, True):
        with pytest.raises(ConnectorError) as caught:
            await (http.write("POST", "/stock", []) if writes else http.read("/stock"))
        token = whole.split()[-1]
        assert SECRET[:8] not in str(caught.value)
        for text in (str(caught.value), repr(caught.value), caplog.text):
            assert SECRET not in text
            assert token not in text
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300
        assert SECRET not in _locals_of_ours(caught.value)
        assert token not in _locals_of_ours(caught.value)
    assert SECRET not in repr(http) + repr(http._secrets)


async def test_a_lost_connection_tells_no_secret_even_with_local_variables() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with socket_store(hang_up) as (origin, heads):
        http = door(None, origin=origin, headers={"x-api-key": SECRET})
        with pytest.raises(OutcomeUnknown) as caught:
            await http.write("POST", "/stock", [1])
        await http.aclose()
    assert f"x-api-key: {SECRET}".encode() in heads[0]
    assert SECRET not in _locals_of_ours(caught.value)


def _locals_of_ours(error: BaseException) -> str:
    """Show every local variable that a log of this error could show, but those of the tests."""
    told: traceback.TracebackException | None
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = []
    while told is not None:
        frames += [frame for frame in told.stack if "/tests/" not in frame.filename]
        following = told.__cause__
        told = following or (None if told.__suppress_context__ else told.__context__)
    assert frames
    return repr([frame.locals for frame in frames])


def test_a_credential_that_would_break_a_header_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        door(None, headers={"x-api-key": f"{SECRET}\r\nx: 1"})
    assert SECRET not in str(caught.value)


# --- bodies ------------------------------------------------------------------------------------


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
        (gzip.compress(b"{}"), {"content-encoding": "gzip, gzip"}),
        (b"{}", {"content-encoding": "br"}),
        (b"{}", {"content-encoding": "gzip"}),
        (gzip.compress(b'{"stock": []}')[:-9], {"content-encoding": "gzip"}),
        (gzip.compress(b"{}") + gzip.compress(b"{}"), {"content-encoding": "gzip"}),
        (gzip.compress(b" " * 50_000_000 + b"{}"), {"content-encoding": "gzip"}),
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
    squeezed = Said(gzip.compress(plain), headers={"content-encoding": "gzip"})
    http = door(ScriptedStore([Said(plain), squeezed]).transport)
    assert (await http.read("/stock")).body == OK
    assert (await http.read("/stock")).body == OK


async def test_an_answer_from_a_fresh_cache_is_as_old_as_the_cache_says() -> None:
    http = door(ScriptedStore([Said(OK, headers={"age": "45"})]).transport)
    assert (await http.read("/stock")).read_at == NOW - timedelta(seconds=45)


async def test_a_body_at_the_cap_passes_and_one_byte_more_does_not() -> None:
    exact = b'"' + b"x" * 98 + b'"'
    http = door(
        ScriptedStore(lambda _: Said(exact)).transport, limits={"body_bytes_max": len(exact)}
    )
    assert (await http.read("/stock")).body == "x" * 98
    tight = door(
        ScriptedStore(lambda _: Said(exact)).transport, limits={"body_bytes_max": len(exact) - 1}
    )
    with pytest.raises(UnexpectedResponse):
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


# --- writes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        Said(status=500),
        Said(status=502),
        Said(status=504),
        Said(status=408),
        Said(status=429, headers={"retry-after": "0"}),
        Said(b"<html>", headers={"content-type": "text/html"}),
        Said(b'{"cut'),
        Said(gzip.compress(b"{}")[:-4], headers={"content-encoding": "gzip"}),
    ],
)
async def test_a_write_without_a_clear_answer_is_unknown_and_sent_once(said: Said) -> None:
    store = ScriptedStore(lambda _: said)
    with pytest.raises(OutcomeUnknown):
        await door(store.transport).write("POST", "/stock", [{"code": "A", "stock": 1}])
    (asked,) = store.asked
    assert asked.sent == [{"code": "A", "stock": 1}]
    assert asked.headers["content-type"] == "application/json"


async def test_a_write_that_never_left_is_unavailable() -> None:
    async with socket_store(_silent) as (origin, _):
        closed_origin = origin
    http = door(None, origin=closed_origin)
    with pytest.raises(StoreUnavailable, match="never left"):
        await http.write("POST", "/stock", [])
    with pytest.raises(StoreUnavailable):
        await http.read("/stock")
    assert http.api_calls == 4
    await http.aclose()


async def test_an_empty_success_of_a_write_has_no_body() -> None:
    answer = await door(ScriptedStore([Said(status=204)]).transport).write("POST", "/stock", [])
    assert (answer.status, answer.body) == (204, None)


async def test_a_missing_thing_can_be_an_answer_to_a_write() -> None:
    store = ScriptedStore([Said({"message": "gone"}, 404)])
    answer = await door(store.transport).write("PUT", "/product/1", {}, absent=(404,))
    assert (answer.status, answer.body) == (404, {"message": "gone"})


# --- pace --------------------------------------------------------------------------------------


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


# --- life --------------------------------------------------------------------------------------


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("writes", [False, True])
async def test_cancelling_stops_the_request_and_leaves_nothing_running(*, writes: bool) -> None:
    arrived, hung_up = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.set()
        while await reader.read(1000):
            pass
        hung_up.set()

    async with socket_store(hang) as (origin, heads):
        http = door(None, origin=origin)
        before = asyncio.all_tasks()
        call = http.write("POST", "/stock", []) if writes else http.read("/stock")
        task = asyncio.create_task(call)
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(hung_up.wait(), timeout=1)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() - before <= {task}
        assert len(heads) == http.api_calls == 1
        await http.aclose()


async def test_closing_twice_is_fine_and_every_call_after_it_raises() -> None:
    store = ScriptedStore([])
    http = door(store.transport)
    await http.aclose()
    await http.aclose()
    with pytest.raises(StoreUnavailable, match="closed"):
        await http.read("/stock")
    with pytest.raises(StoreUnavailable, match="closed"):
        await http.write("POST", "/stock", [])
    assert store.asked == []


async def test_every_request_is_counted_in_the_metrics() -> None:
    http = door(ScriptedStore([Said(status=503), Said(OK)]).transport)
    before = _requests("503"), _requests("200")
    await http.read("/stock")
    assert (_requests("503"), _requests("200")) == (before[0] + 1, before[1] + 1)


def _requests(status: str) -> float:
    labels = {"store": "shop", "operation": "read", "status": status}
    return METRICS.get_sample_value("stocksync_http_requests_total", labels) or 0.0


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example@evil.test/",
        "https://user:pass@shop.example",
        "https://shop.example\\@evil.test/",
        " https://evil.test/",
        "https://evil.test/\n",
        "https://shop.example\t.evil.test/",
        "//evil.test/x",
        "evil.test",
        "https://shop.example./",
        "https://\u24e2hop.example/",
        "https://sh\u043ep.example/",
        "https://2852039166/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://[::ffff:169.254.169.254]/",
        "https://169.254.169.254/",
        "https://[::1",
        "https://shop.example:99999/",
        "https://shop.example:0/",
        "https://shop.example/path",
        "https://shop.example?x=1",
        "https://shop.example#x",
        "https://",
        "file:///etc/passwd",
        "ftp://shop.example",
        "http://shop.example",
        "http://10.0.0.1",
        "http://localhost.evil.test",
        "",
    ],
)
def test_an_address_that_two_parsers_may_read_differently_is_refused(origin: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        door(None, origin=origin)
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example",
        "https://SHOP.example/",
        "https://shop.example:8443",
        "https://10.0.0.1",
        "http://localhost:8081",
        "http://127.0.0.1:8081",
        "http://[::1]:8081",
    ],
)
async def test_plain_addresses_are_used_as_they_are(origin: str) -> None:
    store = ScriptedStore([Said(OK)])
    await door(store.transport, origin=origin).read("/stock")
    (asked,) = store.asked
    assert asked.headers["host"] == origin.lower().partition("//")[2].rstrip("/")
    assert "authorization" in asked.headers


@pytest.mark.parametrize("path", ["api", "/api/../x", "/a b", "//evil.test", "/a?x", "/a\n"])
def test_a_strange_base_path_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError):
        door(None, base_path=path)


@pytest.mark.parametrize(
    "code",
    ["APN 1020", "A/B", "A?x=1&y#z", "100%25", "A\r\nX: 1", "..", ".", "A,B", "+", "\u00e9", "/"],
)
async def test_one_segment_names_one_thing_whatever_it_holds(code: str) -> None:
    store = ScriptedStore([Said(OK)])
    await door(store.transport).read(f"/products/{segment(code)}")
    (asked,) = store.asked
    assert asked.path == f"/api/v1/products/{code}"
    encoded = asked.raw_path.removeprefix("/api/v1/products/")
    assert not set(encoded) & set("/?# \r\n")


def test_an_empty_segment_would_name_the_whole_collection() -> None:
    with pytest.raises(ValueError, match="whole collection"):
        segment("")


async def test_an_id_too_long_for_any_address_is_a_refusal_and_no_request() -> None:
    store = ScriptedStore([])
    with pytest.raises(StoreRejected):
        await door(store.transport).read("/products/" + "9" * 70_000)
    assert store.asked == []


async def test_a_script_sees_what_was_asked() -> None:
    def echo(asked: Asked) -> Said:
        return Said({"path": asked.path})

    answer = await door(ScriptedStore(echo).transport, base_path="/").read("/product/")
    assert answer.body == {"path": "/product/"}
