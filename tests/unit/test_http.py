"""What the HTTP door promises of a request: where it goes, what it carries, what comes of it."""

import asyncio
import gzip

import pytest

from stocksync.errors import (
    AuthFailed,
    OutcomeUnknown,
    StoreRejected,
    StoreUnavailable,
    UnexpectedResponse,
)
from stocksync.metrics import REGISTRY as METRICS
from tests.unit.http_kit import OK, SECRET, door
from tests.unit.scripted_store import NOW, Said, ScriptedStore, socket_store


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
