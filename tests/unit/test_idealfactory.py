"""Ideal Factory: switches of products and variants, and nothing that looks like a quantity."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from stocksync.connectors.idealfactory import IdealFactoryConnector, connect
from stocksync.contracts.connector import StoreAccount, WriteOutcome
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Gap, NotCounted, Observation, Offered
from stocksync.errors import AuthFailed, ConfigurationError, OutcomeUnknown, UnexpectedResponse

SAMPLES = Path(__file__).parent.parent / "samples" / "idealfactory"
SECRET = "t0ken-that-nobody-may-see"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Json = dict[str, Any]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


class Factory:
    """Products and variants by path; updates keep what was sent and show the details."""

    def __init__(self, **held: Json) -> None:
        self.held = {
            f"/api/v1/{key.replace('__', '/').replace('_', '-')}": held[key] for key in held
        }
        self.asked: list[httpx.Request] = []
        self.at_once = self.most_at_once = 0
        self.update_answer: Callable[[Json], httpx.Response] = lambda details: httpx.Response(
            200, json=details
        )

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        details = self.held.get(request.url.path)
        if details is None:
            return httpx.Response(404, json={"message": "No query results"})
        if request.method == "GET":
            return httpx.Response(200, json=details)
        details |= json.loads(request.content)
        return self.update_answer(details)

    @property
    def written(self) -> list[Json]:
        return [json.loads(each.content) for each in self.asked if each.method == "PUT"]


def connector(
    handler: Callable[[httpx.Request], Awaitable[httpx.Response]], *listings: str
) -> IdealFactoryConnector:
    account = StoreAccount(
        store=StoreId("print"),
        url="https://oms.example",
        credentials={"token": SECRET},
        listings=tuple(ListingId(each) for each in listings),
    )
    transport = httpx.MockTransport(handler)  # type: ignore[arg-type]  # it takes both kinds
    return connect(account, now=lambda: NOW, transport=transport)


def answering(status: int, body: Any) -> IdealFactoryConnector:
    async def serve(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=body)

    return connector(serve, "product:1")


async def census(store: IdealFactoryConnector) -> list[Observation]:
    pages = [page async for page in store.census()]
    assert all(len(page) == 1 for page in pages)
    return [page[0] for page in pages]


async def read_one(store: IdealFactoryConnector, listing: str) -> Observation:
    return (await store.read([ListingId(listing)]))[ListingId(listing)]


async def write(
    store: IdealFactoryConnector, listing: str, quantity: int
) -> tuple[WriteOutcome, str]:
    asked = Correction(listing=ListingId(listing), quantity=quantity, expected=1)
    (result,) = await store.write([asked])
    assert result.listing == listing
    return result.outcome, result.detail


async def test_the_documented_product_is_offered_by_its_active_flag() -> None:
    factory = Factory(products__1=sample("product_create.json"))
    seen = await read_one(connector(factory), "product:1")
    assert (seen.code, seen.title, seen.reading) == (
        "CWT001",
        "Classic White T-Shirt",
        Offered(on=True, read_at=NOW),
    )
    factory.held["/api/v1/products/1"] |= sample("product_update.json")
    assert (await read_one(connector(factory), "product:1")).reading == Offered(False, NOW)


async def test_the_documented_variant_has_no_code_and_is_offered() -> None:
    factory = Factory(product_variants__7=sample("variant_update.json"))
    seen = await read_one(connector(factory), "variant:7")
    assert (seen.code, seen.reading) == (None, Offered(True, NOW))


async def test_details_wrapped_in_data_are_read_too() -> None:
    seen = await read_one(answering(200, {"data": {"id": 1, "active": False}}), "product:1")
    assert seen.reading == Offered(False, NOW)


@pytest.mark.parametrize("active", [None, 1, 0, "true", "", [True]])
async def test_only_a_real_boolean_is_a_switch(active: object) -> None:
    seen = await read_one(answering(200, {"name": "n", "active": active}), "product:1")
    assert isinstance(seen.reading, NotCounted)
    assert seen.reading.gap is Gap.UNREADABLE


@pytest.mark.parametrize(
    ("tags", "on"),
    [
        ("tshirt,white", True),
        ("", True),
        (None, True),
        ("in-stock", True),
        ("tshirt, in-stock ,white", True),
        ("tshirt,out-of-stock", False),
        ("Out-Of-Stock", False),
        ("not-out-of-stock-yet", True),
    ],
)
async def test_a_variant_is_offered_unless_its_tags_say_out_of_stock(
    tags: str | None, *, on: bool
) -> None:
    store = connector(Factory(product_variants__7={"name": "n", "ecommerce_tags": tags}))
    assert (await read_one(store, "variant:7")).reading == Offered(on, NOW)


@pytest.mark.parametrize("tags", ["in-stock,out-of-stock", ["in-stock"], 5])
async def test_tags_that_contradict_themselves_are_unreadable_and_never_written(
    tags: object,
) -> None:
    factory = Factory(product_variants__7={"name": "n", "ecommerce_tags": tags})
    assert isinstance((await read_one(connector(factory), "variant:7")).reading, NotCounted)
    assert (await write(connector(factory), "variant:7", 0))[0] is WriteOutcome.REJECTED
    assert factory.written == []


async def test_the_census_keeps_the_order_leaves_out_the_unknown_and_minds_the_limit() -> None:
    known = {f"products__{number}": {"name": "n", "active": True} for number in (1, 2, 4, 5)}
    factory = Factory(**known)
    names = ["product:5", "product:1", "product:3", "product:4", "product:2", "product:5"]
    store = connector(factory, *names)
    seen = [each.listing for each in await census(store)]
    assert seen == ["product:5", "product:1", "product:4", "product:2"]
    assert len(factory.asked) == 5
    assert factory.most_at_once == store.capabilities.concurrency_max == 2


async def test_without_listings_there_is_nothing_to_ask() -> None:
    factory = Factory()
    assert await census(connector(factory)) == []
    assert factory.asked == []


@pytest.mark.parametrize(
    "body", [{}, [], None, "ok", {"message": "hello"}, {"data": []}, {"id": 2, "active": True}]
)
async def test_an_answer_without_the_details_asked_for_is_an_error(body: object) -> None:
    with pytest.raises(UnexpectedResponse):
        await census(answering(200, body))


async def test_a_failure_in_the_census_is_one_of_our_errors() -> None:
    async def serve(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"message": SECRET})

    with pytest.raises(AuthFailed) as caught:
        await census(connector(serve, "product:1", "variant:2"))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("listing", ["product:07", "product:-1", "product:", "7", "order:1"])
async def test_only_whole_numbers_name_anything(listing: str) -> None:
    factory = Factory()
    assert await connector(factory).read([ListingId(listing)]) == {}
    assert (await write(connector(factory), listing, 0))[0] is WriteOutcome.NOT_FOUND
    assert factory.asked == []
    with pytest.raises(ConfigurationError):
        connector(factory, listing)


@pytest.mark.parametrize("quantity", [0, 1])
async def test_a_product_is_switched_with_one_put_of_the_flag_alone(quantity: int) -> None:
    factory = Factory(products__1=sample("product_create.json"))
    assert (await write(connector(factory), "product:1", quantity))[0] is WriteOutcome.APPLIED
    assert factory.written == [{"active": quantity == 1}]
    assert len(factory.asked) == 1
    assert factory.held["/api/v1/products/1"]["name"] == "Classic White T-Shirt"


@pytest.mark.parametrize(
    ("tags", "quantity", "sent"),
    [
        ("tshirt,in-stock,white", 0, "tshirt,out-of-stock,white"),
        ("tshirt, out-of-stock ,white", 1, "tshirt, in-stock ,white"),
        ("tshirt,white", 0, "tshirt,white,out-of-stock"),
        ("tshirt,white", 1, "tshirt,white,in-stock"),
        ("out-of-stock", 0, "out-of-stock"),
        ("", 0, "out-of-stock"),
        (None, 0, "out-of-stock"),
    ],
)
async def test_a_variant_keeps_every_other_tag(tags: object, quantity: int, sent: str) -> None:
    factory = Factory(product_variants__7={"name": "n", "ecommerce_tags": tags})
    assert (await write(connector(factory), "variant:7", quantity))[0] is WriteOutcome.APPLIED
    assert factory.written == [{"ecommerce_tags": sent}]
    assert [each.method for each in factory.asked] == ["GET", "PUT"]


@pytest.mark.parametrize("listing", ["product:1", "variant:7"])
@pytest.mark.parametrize("quantity", [-1, 2, 100])
async def test_a_quantity_is_refused(listing: str, quantity: int) -> None:
    factory = Factory(products__1={"active": True}, product_variants__7={"name": "n"})
    outcome, detail = await write(connector(factory), listing, quantity)
    assert (outcome, "availability only" in detail) == (WriteOutcome.REJECTED, True)
    assert factory.asked == []


@pytest.mark.parametrize("listing", ["product:1", "variant:7"])
async def test_a_missing_listing_is_not_found(listing: str) -> None:
    assert (await write(connector(Factory()), listing, 0))[0] is WriteOutcome.NOT_FOUND


@pytest.mark.parametrize(
    ("shown", "outcome"),
    [
        ({"active": True}, WriteOutcome.REJECTED),
        ({"data": {"active": True}}, WriteOutcome.REJECTED),
        ({"active": False}, WriteOutcome.APPLIED),
        ({"message": "Product updated"}, WriteOutcome.APPLIED),
    ],
)
async def test_an_answer_that_shows_the_old_switch_is_a_refusal(
    shown: Json, outcome: WriteOutcome
) -> None:
    assert (await write(answering(200, shown), "product:1", 0))[0] is outcome


async def test_a_refused_update_says_why_without_the_token() -> None:
    outcome, detail = await write(answering(400, {"message": f"bad {SECRET}"}), "product:1", 0)
    assert outcome is WriteOutcome.REJECTED
    assert "bad" in detail
    assert SECRET not in detail


async def test_a_broken_store_leaves_the_outcome_unknown_after_one_request() -> None:
    store = answering(500, {"message": "broken"})
    with pytest.raises(OutcomeUnknown):
        await write(store, "product:1", 0)
    assert store.api_calls == 1
