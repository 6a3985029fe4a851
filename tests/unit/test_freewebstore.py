"""Freewebstore: both shapes of its documents, and lists that only look complete."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from stocksync.connectors.freewebstore import FreewebstoreConnector, connect
from stocksync.contracts.connector import StoreAccount, WriteOutcome
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Counted, Gap, NotCounted, Observation
from stocksync.errors import (
    AuthFailed,
    ConfigurationError,
    OutcomeUnknown,
    RateLimited,
    UnexpectedResponse,
)

SAMPLES = Path(__file__).parent.parent / "samples" / "freewebstore"
SECRET = "XyxYxyXyxYxyXyxYxyXyxYxyXyxYxyXyx"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Json = dict[str, Any]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


class Shop:
    """A list of products that is served the way one of the revisions serves it."""

    def __init__(self, count: int = 0, *, with_found: bool = False) -> None:
        self.rows: list[Json] = [row(number) for number in range(1, count + 1)]
        self.with_found = with_found
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        params = request.url.params
        assert request.url.path == "/product/"
        assert (params["sort"], params["sort_order"]) == ("id", "asc")
        size = int(params["per_page"])
        start = int(params["start"])
        rows = self.rows[start : start + size]
        found = len(self.rows)
        return httpx.Response(
            200, json={"products": {"found": found, "hit": rows} if self.with_found else rows}
        )


def row(number: int, **fields: Any) -> Json:
    return {"id": str(number), "sku": f"S{number}", "stock": number, "name": "n"} | fields


def connector(
    handler: Callable[[httpx.Request], httpx.Response], **options: str
) -> FreewebstoreConnector:
    account = StoreAccount(
        store=StoreId("web"),
        url="https://api.freewebstore.com",
        credentials={"api_key": SECRET},
        options=options,
        requests_per_second=100_000,
    )
    return connect(account, now=lambda: NOW, transport=httpx.MockTransport(handler))


def answering(status: int, body: Any) -> FreewebstoreConnector:
    return connector(lambda _: httpx.Response(status, json=body))


async def census(store: FreewebstoreConnector) -> list[Observation]:
    return [observation async for page in store.census() for observation in page]


def counted(observations: list[Observation]) -> dict[str, int]:
    return {
        each.listing: each.reading.quantity
        for each in observations
        if isinstance(each.reading, Counted)
    }


def correction(quantity: int = 3, listing: str = "11111111") -> Correction:
    return Correction(listing=ListingId(listing), quantity=quantity, expected=5)


async def write(store: FreewebstoreConnector) -> tuple[WriteOutcome, str]:
    (result,) = await store.write([correction()])
    assert result.listing == "11111111"
    return result.outcome, result.detail


@pytest.mark.parametrize(
    ("name", "listing", "code"),
    [
        ("products.json", "12345", "PROD1"),
        ("products_first_example.json", "123456", "PRODCODE1"),
    ],
)
async def test_the_documented_list_is_read(name: str, listing: str, code: str) -> None:
    rows = sample(name)["products"]

    def serve(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"products": rows[int(request.url.params["start"]) :]})

    (seen,) = await census(connector(serve))
    assert (seen.listing, seen.code, seen.reading) == (listing, code, Counted(4, NOW))


async def test_the_documented_detail_is_read_although_its_fields_are_called_differently() -> None:
    store = answering(200, sample("product.json"))
    seen = await store.read([ListingId("11111111")])
    assert seen[ListingId("11111111")] == Observation(
        ListingId("11111111"), "1", Counted(0, NOW), title="Product Name"
    )


async def test_every_request_carries_the_key_and_a_json_content_type() -> None:
    shop = Shop(1)
    await census(connector(shop))
    headers = {(each.headers["x-api-key"], each.headers["content-type"]) for each in shop.asked}
    assert headers == {(SECRET, "application/json")}


@pytest.mark.parametrize(
    ("count", "with_found", "calls"),
    [(0, False, 1), (99, False, 2), (250, False, 3), (0, True, 1), (100, True, 1), (101, True, 2)],
)
async def test_pages_are_few(count: int, calls: int, *, with_found: bool) -> None:
    shop = Shop(count, with_found=with_found)
    assert counted(await census(connector(shop))) == {str(n): n for n in range(1, count + 1)}
    assert len(shop.asked) == calls


async def test_a_total_that_is_not_reached_is_not_a_census() -> None:
    rows = [row(1), row(2)]

    def serve(request: httpx.Request) -> httpx.Response:
        shown = rows[int(request.url.params["start"]) :]
        return httpx.Response(200, json={"products": {"found": 3, "hit": shown}})

    with pytest.raises(UnexpectedResponse, match="2 of 3"):
        await census(connector(serve))


@pytest.mark.parametrize(
    "body",
    [
        {"products": None},
        [],
        {"products": {"found": 2, "hit": None}},
        {"products": {"found": "two", "hit": []}},
        {"products": [None]},
        {"products": [{"sku": "A", "stock": 1}]},
        {"products": {"found": 1, "hit": [{"id": "1"}], "other": [{"id": "2"}]}},
    ],
)
async def test_a_list_of_another_shape_is_not_an_empty_shop(body: Any) -> None:
    with pytest.raises(UnexpectedResponse):
        await census(answering(200, body))


@pytest.mark.parametrize(
    "envelope",
    [
        lambda rows: {"found": 1, "hit": rows},
        lambda rows: {"found": "1", "start": 0, "rows": rows},
        lambda rows: {"found": 1, "hits": {"start": 0, "hit": rows}},
    ],
)
async def test_rows_are_found_in_the_newer_envelopes(envelope: Callable[[Any], Json]) -> None:
    nested = {"id": 7, "core": {"sku": "A", "stock": "4", "name": "Nested"}}
    (seen,) = await census(answering(200, {"products": envelope([nested])}))
    assert seen == Observation(ListingId("7"), "A", Counted(4, NOW), title="Nested")


@pytest.mark.parametrize(
    "fields",
    [
        {"is_option_stock": True},
        {"core": {"is_stock_option": True}},
        {"variants": [{"key": "Color:Blue;", "stock": 2}]},
    ],
)
async def test_stock_kept_per_option_is_untracked(fields: Json) -> None:
    (seen,) = await census(answering(200, {"products": {"found": 1, "r": [row(9, **fields)]}}))
    assert isinstance(seen.reading, NotCounted)
    assert seen.reading.gap is Gap.UNTRACKED


@pytest.mark.parametrize("stock", [-1, None, "", "many", 2.5, True, [4]])
async def test_what_is_not_a_count_is_unreadable_and_its_neighbour_still_counts(
    stock: object,
) -> None:
    rows = [row(1, stock=stock), row(2)]
    first, second = await census(answering(200, {"products": {"found": 2, "r": rows}}))
    assert isinstance(first.reading, NotCounted)
    assert first.reading.gap is Gap.UNREADABLE
    assert second.reading == Counted(2, NOW)


async def test_a_deleted_product_is_absent() -> None:
    rows = [row(1, deleted=True), row(2, deleted=False)]
    listed = await census(answering(200, {"products": {"found": 2, "r": rows}}))
    assert [each.listing for each in listed] == ["2"]
    assert await answering(200, row(1, deleted=True)).read([ListingId("1")]) == {}


async def test_an_unknown_product_is_absent_and_another_one_is_an_error() -> None:
    missing = answering(404, {"message": "Product not found"})
    assert await missing.read([ListingId("5")]) == {}
    with pytest.raises(UnexpectedResponse):
        await answering(200, row(6)).read([ListingId("5")])


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({}, {"stock": 3}),
        ({"write_shape": "flat"}, {"stock": 3}),
        ({"write_shape": "core"}, {"core": {"stock": 3}}),
    ],
)
async def test_a_write_is_one_put_of_the_stock_alone(options: dict[str, str], body: Json) -> None:
    asked: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=sample("update_response.json"))

    assert await write(connector(serve, **options)) == (WriteOutcome.APPLIED, "")
    (request,) = asked
    assert (request.method, request.url.path) == ("PUT", "/product/11111111")
    assert json.loads(request.content) == body


@pytest.mark.parametrize(
    ("status", "body", "outcome", "said"),
    [
        (400, sample("update_400.json"), WriteOutcome.REJECTED, "[category.primary] does not"),
        (200, sample("update_400.json"), WriteOutcome.REJECTED, "[price] does not exist"),
        (422, {"message": "no such thing"}, WriteOutcome.REJECTED, "no such thing"),
        (404, {"message": "Product not found"}, WriteOutcome.NOT_FOUND, "not found"),
        (200, {"message": "Product Updated", "productId": 12}, WriteOutcome.UNKNOWN, "name"),
        (200, {"message": "Product Updated"}, WriteOutcome.UNKNOWN, "name"),
        (200, {"message": "ok", "productId": "11111111"}, WriteOutcome.APPLIED, ""),
    ],
)
async def test_each_answer_to_a_write_has_its_outcome(
    status: int, body: Any, outcome: WriteOutcome, said: str
) -> None:
    result = await write(answering(status, body))
    assert result[0] is outcome
    assert said in result[1]


async def test_no_answer_of_a_write_is_unknown_and_sent_once() -> None:
    store = answering(500, {"message": "broken"})
    with pytest.raises(OutcomeUnknown):
        await write(store)
    assert store.api_calls == 1


async def test_a_rate_limit_is_a_documented_refusal_also_for_writes() -> None:
    store = connector(lambda _: httpx.Response(429, headers={"Retry-After": "7"}))
    with pytest.raises(RateLimited) as caught:
        await write(store)
    assert caught.value.retry_after_seconds == 7


async def test_a_wrong_key_is_403_here_and_is_tried_once() -> None:
    store = answering(403, sample("forbidden.json"))
    with pytest.raises(AuthFailed):
        await census(store)
    assert store.api_calls == 1


async def test_no_text_shows_the_key() -> None:
    echo = {"errors": [{"message": f"key {SECRET} may not"}]}
    texts = [(await write(answering(status, echo)))[1] for status in (200, 400, 404)]
    with pytest.raises(AuthFailed) as caught:
        await write(answering(403, {"message": SECRET}))
    texts += [str(caught.value), repr(caught.value), repr(answering(200, {}))]
    assert not [text for text in texts if SECRET in text]
    assert all("may not" in text for text in texts[:3])


def test_without_a_key_or_with_an_unknown_shape_nothing_starts() -> None:
    account = StoreAccount(
        store=StoreId("web"), url="https://api.freewebstore.com", options={"write_shape": "x"}
    )
    with pytest.raises(ConfigurationError) as caught:
        connect(account, now=lambda: NOW)
    assert len(caught.value.problems) == 2
