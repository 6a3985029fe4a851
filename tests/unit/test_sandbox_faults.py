"""Every fault does what its name says, at the request it was meant for."""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any

import httpx
import pytest

from stocksync.sandbox.faults import Fault, Faults
from stocksync.sandbox.shop import Request, Shop
from tests.unit.sandbox_kit import (
    LISTING_PLATFORMS,
    caller,
    code_of,
    listing_url,
    rows,
    write,
)


@pytest.fixture
def shop() -> Shop:
    shop = Shop("recplus")
    for number in range(4):
        shop.add(f"SKU-{number}", 10)
    return shop


async def tried(shop: Shop, fault: Fault, **details: Any) -> httpx.Response | None:
    """Write 3 units of SKU-1 while one fault is waiting; None when nothing came back."""
    shop.faults.next(fault, method="POST", **details)
    async with caller(shop) as client:
        try:
            return await write(client, shop, "SKU-1", 3)
        except httpx.ReadError:
            return None


@pytest.mark.parametrize(
    ("fault", "after"),
    [(Fault.DROP_REQUEST, 10), (Fault.DROP_REPLY, 3), (Fault.LATE_APPLY, 10)],
)
async def test_a_drop_leaves_the_caller_without_an_answer(
    shop: Shop, fault: Fault, after: int
) -> None:
    assert await tried(shop, fault) is None
    assert shop.quantity("SKU-1") == after
    assert shop.count("POST") == 1


async def test_a_late_write_arrives_when_it_is_let_through(shop: Shop) -> None:
    await tried(shop, Fault.LATE_APPLY)
    shop.set_quantity("SKU-1", 8)

    assert [shop.apply_late(), shop.apply_late()] == [1, 0]
    assert shop.quantity("SKU-1") == 3
    assert shop.writes == [("SKU-1", 8, 3)]


@pytest.mark.parametrize(("fault", "after"), [(Fault.ERROR_BEFORE, 10), (Fault.ERROR_AFTER, 3)])
async def test_an_error_says_nothing_about_whether_the_write_was_done(
    shop: Shop, fault: Fault, after: int
) -> None:
    answer = await tried(shop, fault)

    assert answer is not None
    assert answer.status_code == 500
    assert shop.quantity("SKU-1") == after


async def test_a_write_that_is_not_taken_looks_like_a_success(shop: Shop) -> None:
    answer = await tried(shop, Fault.NOT_TAKEN)

    assert answer is not None
    assert answer.json()["stock"][0]["stock"] == 3
    assert shop.quantity("SKU-1") == 10
    assert shop.writes == []


@pytest.mark.parametrize(
    ("retry_after", "header"),
    [(7, "7"), ("soon", "soon"), (None, None)],
)
async def test_a_rate_limit_says_how_long_to_wait_if_it_says_so(
    shop: Shop, retry_after: object, header: str | None
) -> None:
    answer = await tried(shop, Fault.RATE_LIMITED, retry_after=retry_after)

    assert answer is not None
    assert answer.status_code == 429
    assert answer.headers.get("retry-after") == header
    assert shop.quantity("SKU-1") == 10


async def test_a_rate_limit_can_name_a_date(shop: Shop) -> None:
    until = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

    answer = await tried(shop, Fault.RATE_LIMITED, retry_after=until)

    assert answer is not None
    assert parsedate_to_datetime(answer.headers["retry-after"]) == until


@pytest.mark.parametrize(("fault", "status"), [(Fault.UNAUTHORISED, 401), (Fault.FORBIDDEN, 403)])
async def test_a_refusal_changes_nothing(shop: Shop, fault: Fault, status: int) -> None:
    answer = await tried(shop, fault)

    assert answer is not None
    assert answer.status_code == status
    assert shop.quantity("SKU-1") == 10


async def test_a_truncated_answer_ends_properly_in_the_middle_of_its_json(shop: Shop) -> None:
    answer = await tried(shop, Fault.TRUNCATED)

    assert answer is not None
    assert len(answer.content) == int(answer.headers["content-length"]) > 0
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        answer.json()
    assert shop.quantity("SKU-1") == 3


async def test_a_broken_promise_of_length_is_a_broken_connection(shop: Shop) -> None:
    assert await tried(shop, Fault.CONTENT_LENGTH_LIE) is None
    assert shop.quantity("SKU-1") == 3


@pytest.mark.parametrize("platform", LISTING_PLATFORMS)
async def test_a_success_may_carry_something_else_than_the_answer(platform: str) -> None:
    shop = Shop(platform)
    shop.add("A", 1)
    async with caller(shop) as client:
        answers = {}
        for fault in (Fault.HTML, Fault.EMPTY_BODY, Fault.ERROR_BODY, Fault.EMPTY_LIST):
            shop.faults.next(fault)
            answers[fault] = await client.get(listing_url(platform))

    assert {answer.status_code for answer in answers.values()} == {200}
    assert answers[Fault.HTML].headers["content-type"].startswith("text/html")
    assert answers[Fault.EMPTY_BODY].content == b""
    assert answers[Fault.ERROR_BODY].json().keys() <= {
        "errors",
        "error",
        "message",
        "success",
        "statusCode",
    }
    assert rows(answers[Fault.EMPTY_LIST]) == []


async def test_any_answer_can_be_given_byte_for_byte(shop: Shop) -> None:
    answer = await tried(shop, Fault.ANSWER, status=202, body=b"[NaN]")

    assert answer is not None
    assert (answer.status_code, answer.content) == (202, b"[NaN]")


async def test_a_redirect_leads_to_another_origin(shop: Shop) -> None:
    answer = await tried(shop, Fault.REDIRECT)

    assert answer is not None
    assert answer.status_code == 302
    assert httpx.URL(answer.headers["location"]).host != "store"


@pytest.mark.parametrize("platform", LISTING_PLATFORMS)
@pytest.mark.parametrize(("direction", "second_page"), [("insert", ["B", "C"]), ("remove", ["D"])])
async def test_a_listing_can_shift_between_two_pages(
    platform: str, direction: str, second_page: list[str]
) -> None:
    shop = Shop(platform)
    for code in "ABCD":
        shop.add(code, 1)
    shop.faults.next(Fault.PAGE_SHIFT, direction=direction)
    async with caller(shop) as client:
        first = rows(await client.get(listing_url(platform, limit=2)))
        second = rows(await client.get(listing_url(platform, limit=2, offset=2)))

    assert [code_of(row) for row in first] == ["A", "B"]
    assert [code_of(row) for row in second] == second_page


async def test_a_slow_answer_waits_after_the_work_is_done(shop: Shop) -> None:
    shop.faults.next(Fault.SLOW, method="POST", seconds=30)
    async with caller(shop) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await write(client, shop, "SKU-1", 3)

    assert shop.quantity("SKU-1") == 3
    assert shop.in_flight == 0


async def test_a_slow_start_leaves_the_work_undone_for_the_impatient(shop: Shop) -> None:
    shop.faults.next(Fault.SLOW, method="POST", seconds=30, processed=False)
    async with caller(shop) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await write(client, shop, "SKU-1", 3)

    assert shop.quantity("SKU-1") == 10


async def test_a_hanging_store_never_answers(shop: Shop) -> None:
    shop.faults.next(Fault.HANGS)
    async with caller(shop) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await client.get("/api/v1/stock")

    assert shop.count("GET") == 1


async def test_requests_that_overlap_are_counted(shop: Shop) -> None:
    async with caller(shop) as client:
        await asyncio.gather(*(client.get("/api/v1/stock") for _ in range(3)))

    assert (shop.in_flight, shop.in_flight_max) == (0, 3)


async def test_requests_are_put_down_as_they_came(shop: Shop) -> None:
    shop.faults.always(Fault.DROP_REQUEST)
    async with caller(shop) as client:
        with pytest.raises(httpx.ReadError):
            await client.post("/api/v1/stock?diffOnly=true", json=[{"code": "A", "stock": 1}])

    rows_sent = [{"code": "A", "stock": 1}]
    assert shop.requests == [Request("POST", "/api/v1/stock", {"diffOnly": "true"}, rows_sent)]


def taken(faults: Faults, method: str = "GET", path: str = "/product", count: int = 1) -> list[str]:
    met = [faults.take(method=method, path=path, offset=0) for _ in range(count)]
    return [planned.fault.name if planned else "" for planned in met]


def test_a_queued_fault_hits_as_often_as_it_says_after_as_many_as_it_says() -> None:
    faults = Faults()
    faults.next(Fault.HTML, times=2, after=1)

    assert taken(faults, count=5) == ["", "HTML", "HTML", "", ""]
    assert faults.met == [Fault.HTML, Fault.HTML]


def test_a_fault_waits_for_the_method_and_the_path_it_is_meant_for() -> None:
    faults = Faults()
    faults.next(Fault.HTML, method="PUT", path_contains="orders")

    assert taken(faults) == [""]
    assert taken(faults, "PUT") == [""]
    assert taken(faults, "PUT", "/orders/1") == ["HTML"]


def test_a_permanent_fault_stays_until_it_is_cleared() -> None:
    faults = Faults()
    faults.always(Fault.HTML)
    faults.next(Fault.REDIRECT)

    assert taken(faults, count=3) == ["REDIRECT", "HTML", "HTML"]
    faults.clear()
    assert taken(faults) == [""]


def test_faults_of_writes_leave_readers_alone_also_when_drawn_by_chance() -> None:
    faults = Faults()
    faults.randomly(1.0, [Fault.NOT_TAKEN], Random(1))

    assert taken(faults) == [""]
    assert taken(faults, "POST") == ["NOT_TAKEN"]


def test_chance_is_the_same_for_the_same_seed_and_about_as_often_as_it_says() -> None:
    def drawn(seed: int) -> list[str]:
        faults = Faults()
        faults.randomly(0.3, [Fault.HTML, Fault.DROP_REPLY], Random(seed))
        return taken(faults, count=1000)

    assert drawn(5) == drawn(5) != drawn(6)
    assert 200 < sum(map(bool, drawn(5))) < 400
