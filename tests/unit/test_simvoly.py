"""Simvoly: variants without ids, written with all their neighbours, or not at all."""

import copy
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from stocksync import __version__
from stocksync.connectors.simvoly import SimvolyConnector, connect
from stocksync.contracts.connector import StoreAccount, WriteOutcome, WriteResult
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Counted, Observation
from stocksync.errors import (
    AuthFailed,
    ConfigurationError,
    OutcomeUnknown,
    StoreRejected,
    UnexpectedResponse,
)

SAMPLES = Path(__file__).parent.parent / "samples" / "simvoly"
SECRET = "k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3y"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Json = dict[str, Any]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def product(number: int, *variants: Json, **fields: Any) -> Json:
    return {"id": number, "type": "physical", "title": "T", "variants": list(variants)} | fields


def variant(*options: str, quantity: object = 5, **fields: Any) -> Json:
    return {"options": list(options), "price": 9.5, "quantity": quantity, "sku": "A"} | fields


class Site:
    """A site as documented; updates keep what was sent."""

    def __init__(self, *products: Json) -> None:
        self.products = [copy.deepcopy(each) for each in products]
        self.limit_max = 50
        self.update_answer = httpx.Response(200, json={"success": True})
        self.asked: list[httpx.Request] = []
        self.after_page: Callable[[list[Json]], object] = lambda _: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path == "/api/site/products":
            return self._listed(request.url.params)
        number = int(request.url.path.removeprefix("/api/site/products/"))
        held = [each for each in self.products if each["id"] == number]
        if not held:
            return httpx.Response(404, json={"success": False, "message": "Not found"})
        if request.method == "GET":
            return httpx.Response(200, json=held[0])
        held[0].update(json.loads(request.content))
        return self.update_answer

    def _listed(self, params: httpx.QueryParams) -> httpx.Response:
        skip, limit = int(params["skip"]), min(int(params["limit"]), self.limit_max)
        items, total = self.products[skip : skip + limit], len(self.products)
        body = {"totalCount": total, "limit": limit, "skip": skip, "items": items}
        answer = httpx.Response(200, json=body)
        self.after_page(self.products)
        return answer

    @property
    def written(self) -> list[httpx.Request]:
        return [request for request in self.asked if request.method != "GET"]


def connector(
    handler: Callable[[httpx.Request], httpx.Response], **options: str
) -> SimvolyConnector:
    account = StoreAccount(
        store=StoreId("site"),
        url="https://site.example",
        credentials={"api_key": SECRET},
        options=options,
    )
    return connect(account, now=lambda: NOW, transport=httpx.MockTransport(handler))


def answering(status: int, body: Any) -> SimvolyConnector:
    return connector(lambda _: httpx.Response(status, json=body))


async def census(store: SimvolyConnector) -> list[Observation]:
    return [observation async for page in store.census() for observation in page]


def correction(listing: str, quantity: int, expected: int = 5) -> Correction:
    return Correction(listing=ListingId(listing), quantity=quantity, expected=expected)


def outcomes(results: Sequence[WriteResult]) -> list[tuple[str, WriteOutcome]]:
    return [(each.listing, each.outcome) for each in results]


async def test_the_documented_list_is_read() -> None:
    (seen,) = await census(answering(200, sample("products.json")))
    assert seen == Observation(
        ListingId("111:Wood/Single"), "D-001", Counted(0, NOW), group="111", title="Interior Door"
    )


async def test_requests_carry_the_bearer_token_and_our_name() -> None:
    site = Site(product(1, variant()))
    await census(connector(site))
    (request,) = site.asked
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["user-agent"] == f"stocksync/{__version__}"
    assert dict(request.url.params) == {"limit": "50", "skip": "0"}


@pytest.mark.parametrize(
    ("count", "limit_max", "calls"),
    [(0, 50, 1), (1, 50, 1), (50, 50, 1), (51, 50, 2), (150, 50, 3), (60, 30, 2), (61, 30, 3)],
)
async def test_every_page_is_asked_for_once(count: int, limit_max: int, calls: int) -> None:
    site = Site(*[product(number, variant()) for number in range(count)])
    site.limit_max = limit_max
    groups = [each.group for each in await census(connector(site))]
    assert (groups, len(site.asked)) == ([str(number) for number in range(count)], calls)


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.pop(0) if len(held) == 120 else None,
        lambda held: held.insert(0, product(999, variant())) if len(held) == 120 else None,
        lambda held: held.append(product(999, variant())) if len(held) == 120 else None,
    ],
)
async def test_a_list_that_moves_on_the_way_hides_nothing(
    change: Callable[[list[Json]], object],
) -> None:
    site = Site(*[product(number, variant()) for number in range(120)])
    site.after_page = change
    groups = [each.group for each in await census(connector(site))]
    assert {str(each["id"]) for each in site.products} <= set(groups)
    assert len(groups) == len(set(groups))


@pytest.mark.parametrize(
    "body",
    [
        {"totalCount": 3, "limit": 50, "skip": 0, "items": [product(1, variant())] * 3},
        {"totalCount": 3, "limit": 50, "skip": 0, "items": []},
        {"totalCount": 0, "items": None},
        {"limit": 50, "skip": 0, "items": []},
        {"totalCount": 1, "items": [{"title": "no id"}]},
        {"totalCount": 1, "items": [product(1, variants={"0": variant()})]},
        {"totalCount": 1, "items": [product(1, variant(options="Wood"))]},
        [],
    ],
)
async def test_a_list_that_lacks_something_is_not_a_census(body: Any) -> None:
    with pytest.raises(UnexpectedResponse):
        await census(answering(200, body))


async def test_variants_of_one_product_are_read_with_one_request() -> None:
    site = Site(product(1, variant("S"), variant("M", quantity=2)))
    asked = [ListingId(each) for each in ("1:M", "1:S", "1:XL", "2:S", "never ours")]
    seen = await connector(site).read(asked)
    assert {name: each.reading for name, each in seen.items()} == {
        "1:M": Counted(2, NOW),
        "1:S": Counted(5, NOW),
    }
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    ("options", "method"),
    [({}, "PUT"), ({"update_method": "post"}, "POST"), ({"update_method": "PATCH"}, "PATCH")],
)
async def test_a_write_sends_every_variant_back_and_changes_one_number(
    options: dict[str, str], method: str
) -> None:
    held = sample("product.json")
    held["variants"].append(variant("Glass", "Single", quantity=4, regularPrice=0.1))
    site = Site(held)
    results = await connector(site, **options).write([correction("111:Glass/Single", 0, 4)])
    assert outcomes(results) == [("111:Glass/Single", WriteOutcome.APPLIED)]
    (request,) = site.written
    assert (request.method, request.url.path) == (method, "/api/site/products/111")
    changed = held["variants"][1] | {"quantity": 0}
    assert json.loads(request.content) == {
        "type": "physical",
        "title": "Interior Door",
        "variants": [held["variants"][0], changed],
    }


async def test_results_come_in_the_order_given_and_a_missing_variant_stops_nobody() -> None:
    site = Site(product(1, variant("S"), variant("M")))
    asked = [correction("1:XL", 1), correction("1:M", 2), correction("1:S", 3)]
    assert outcomes(await connector(site).write(asked)) == [
        ("1:XL", WriteOutcome.NOT_FOUND),
        ("1:M", WriteOutcome.APPLIED),
        ("1:S", WriteOutcome.APPLIED),
    ]
    assert [each["quantity"] for each in site.products[0]["variants"]] == [3, 2]
    assert len(site.written) == 1


async def test_one_moved_number_makes_the_whole_product_stale_and_sends_nothing() -> None:
    site = Site(product(1, variant("S", quantity=4), variant("M")))
    asked = [correction("1:S", 1), correction("1:M", 2), correction("1:XL", 2)]
    results = await connector(site).write(asked)
    assert [(each.outcome, each.detail) for each in results] == [
        (WriteOutcome.STALE, "the store shows 4, not 5"),
        (WriteOutcome.STALE, "another variant changed"),
        (WriteOutcome.NOT_FOUND, "no variant has these options"),
    ]
    assert site.written == []


@pytest.mark.parametrize(
    "held",
    [
        product(1, variant(), variant()),
        product(1, variant(quantity=None)),
        product(1, variant(), type="digital"),
    ],
)
async def test_what_has_no_number_is_never_written(held: Json) -> None:
    site = Site(held)
    (result,) = await connector(site).write([correction("1:", 3)])
    assert (result.outcome, site.written) == (WriteOutcome.STALE, [])


async def test_a_product_that_has_gone_is_not_found() -> None:
    site = Site()
    (result,) = await connector(site).write([correction("1:", 3)])
    assert (result.outcome, len(site.asked)) == (WriteOutcome.NOT_FOUND, 1)


async def test_products_are_never_mixed_in_one_write() -> None:
    site = Site(product(1, variant()), product(2, variant()))
    with pytest.raises(ValueError, match="too many values"):
        await connector(site).write([correction("1:", 3), correction("2:", 3)])
    assert site.asked == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, StoreRejected), (400, StoreRejected), (500, OutcomeUnknown), (429, OutcomeUnknown)],
)
async def test_a_failed_update_is_named_by_what_is_known(
    status: int, error: type[Exception]
) -> None:
    site = Site(product(1, variant()))
    site.update_answer = httpx.Response(status, json=sample("error.json"))
    with pytest.raises(error):
        await connector(site).write([correction("1:", 3)])
    assert len(site.written) == 1


@pytest.mark.parametrize("body", [None, [], {"id": 1}, "ok"])
async def test_a_successful_update_may_answer_anything(body: object) -> None:
    site = Site(product(1, variant()))
    site.update_answer = httpx.Response(200, json=body)
    (result,) = await connector(site).write([correction("1:", 3)])
    assert result.outcome is WriteOutcome.APPLIED


async def test_a_failure_with_status_200_is_a_failure_when_reading_too() -> None:
    with pytest.raises(StoreRejected, match=r"Error message\.\.\."):
        await census(answering(200, sample("error.json")))


async def test_no_text_shows_the_key() -> None:
    texts = []
    for status in (200, 400, 401):
        store = answering(status, {"success": False, "message": f"key {SECRET} is bad"})
        with pytest.raises((StoreRejected, AuthFailed)) as caught:
            await census(store)
        texts += [str(caught.value), repr(store)]
    assert not [text for text in texts if SECRET in text]
    assert "is bad" in texts[0]


def test_without_a_key_or_with_an_unknown_method_nothing_starts() -> None:
    account = StoreAccount(
        store=StoreId("site"), url="https://site.example", options={"update_method": "DELETE"}
    )
    with pytest.raises(ConfigurationError) as caught:
        connect(account, now=lambda: NOW)
    assert len(caught.value.problems) == 2
