"""The fake stores behind real sockets: dropped connections, the back door, a clean end."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import yaml

from stocksync.sandbox.catalogue import plain_catalogue
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.serve import Sandbox
from stocksync.sandbox.shop import Shop
from tests.unit.sandbox_kit import credentials, listing_url, rows, write


@asynccontextmanager
async def served(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        Sandbox({"one": shop}) as sandbox,
        httpx.AsyncClient(
            base_url=sandbox.urls["one"], trust_env=False, **credentials(shop.platform)
        ) as client,
    ):
        yield client


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until something is so; the test's own time limit ends it otherwise."""
    while not holds():
        await asyncio.sleep(0)


@pytest.fixture
def shop() -> Shop:
    shop = Shop("freewebstore")
    shop.add("A", 10)
    return shop


async def test_all_five_stores_answer_with_the_credentials_of_their_configuration() -> None:
    catalogue = plain_catalogue(4)
    async with Sandbox(catalogue.shops) as sandbox:
        text = sandbox.configuration("sqlite:///x.db", "rules/", every_store={"poll": "1s"})
        settings = yaml.safe_load(text)
        statuses = {}
        for store in settings["stores"]:
            platform = store["platform"]
            async with httpx.AsyncClient(trust_env=False, **credentials(platform)) as client:
                path = "/api/v1/products/1"
                if platform != "idealfactory":
                    path = listing_url(platform)
                statuses[store["id"]] = (await client.get(store["url"] + path)).status_code

    assert statuses == dict.fromkeys(("shop", "trade", "web", "site", "print"), 200)
    assert settings["database"] == "sqlite:///x.db"
    assert settings["stores"][0]["username"]
    assert {store["poll"] for store in settings["stores"]} == {"1s"}


@pytest.mark.parametrize(("fault", "after"), [(Fault.DROP_REQUEST, 10), (Fault.DROP_REPLY, 3)])
async def test_a_dropped_connection_really_is_closed_without_an_answer(
    shop: Shop, fault: Fault, after: int, caplog: pytest.LogCaptureFixture
) -> None:
    shop.faults.next(fault)
    async with served(shop) as client:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await write(client, shop, "A", 3)
        assert shop.quantity("A") == after
        assert (await client.get("/product/")).status_code == 200

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_lie_about_the_length_breaks_off_in_the_middle(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.faults.next(Fault.CONTENT_LENGTH_LIE)
    async with served(shop) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            await client.get("/product/")

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_truncated_answer_arrives_as_a_complete_one(shop: Shop) -> None:
    shop.faults.next(Fault.TRUNCATED)
    async with served(shop) as client:
        answer = await client.get("/product/")

    assert answer.status_code == 200
    with pytest.raises(ValueError, match="line"):
        answer.json()


async def test_an_impatient_caller_can_leave_a_hanging_store(shop: Shop) -> None:
    shop.faults.next(Fault.HANGS)
    async with served(shop) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/product/", timeout=0.05)
        assert (await client.get("/product/")).status_code == 200


async def test_the_sandbox_closes_while_somebody_is_still_waiting(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.faults.next(Fault.HANGS)
    shop.faults.next(Fault.SLOW, seconds=60)
    async with httpx.AsyncClient(trust_env=False, **credentials(shop.platform)) as client:
        async with Sandbox({"one": shop}) as sandbox:
            waiting = [
                asyncio.create_task(client.get(f"{sandbox.urls['one']}/product/")) for _ in range(2)
            ]
            await until(lambda: shop.in_flight == 2)
        results = await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(result, httpx.TransportError) for result in results)
    assert shop.in_flight == 0
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_the_sandbox_leaves_signals_and_ports_as_they_were(shop: Shop) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with Sandbox({"one": shop}) as sandbox:
        url = sandbox.urls["one"]
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before

    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_the_back_door_sells_returns_sets_and_tells_without_being_counted(
    shop: Shop,
) -> None:
    async with served(shop) as client:
        sold = await client.post("/_sandbox/sell", json={"code": "A", "units": 4})
        returned = await client.post("/_sandbox/return", json={"code": "A", "units": 1})
        state = (await client.get("/_sandbox/state")).json()
        change = await client.post("/_sandbox/set", json={"code": "A", "quantity": 50})

    assert (sold.json(), returned.json()) == ({"units": 4}, {"units": 1})
    assert (state["items"][0]["code"], state["items"][0]["quantity"]) == ("A", 7)
    assert (state["sold"], state["returned"]) == ({"A": 4}, {"A": 1})
    assert (state["platform"], state["requests"]) == ("freewebstore", {})
    assert change.json() == {"quantity": 50}
    assert shop.requests == []


async def test_the_back_door_breaks_the_store_and_mends_it(shop: Shop) -> None:
    async with served(shop) as client:
        once = {"fault": "rate_limited", "times": 1, "details": {"retry_after": 9}}
        await client.post("/_sandbox/fault", json=once)
        first = await client.get("/product/")
        await client.post("/_sandbox/fault", json={"fault": "html", "times": 0, "method": "GET"})
        broken = [(await client.get("/product/")).headers["content-type"] for _ in range(2)]
        await client.post("/_sandbox/fault", json={"fault": "none"})
        mended = await client.get("/product/")

    assert (first.status_code, first.headers["retry-after"]) == (429, "9")
    assert {kind.split(";")[0] for kind in broken} == {"text/html"}
    assert len(rows(mended)) == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("sell", {"code": "NOT-THERE", "units": 1}, 404),
        ("sell", {}, 400),
        ("fault", {"fault": "no such thing"}, 400),
        ("nothing", {}, 404),
    ],
)
async def test_the_back_door_says_what_it_did_not_understand(
    shop: Shop, path: str, body: dict[str, object], status: int
) -> None:
    async with served(shop) as client:
        answer = await client.post(f"/_sandbox/{path}", json=body)

    assert answer.status_code == status
    assert answer.json()["error"]
