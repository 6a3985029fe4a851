"""Simvoly's own list of webhooks: read as documented, made once, and never taken for more."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from stocksync.connectors.simvoly import SimvolyConnector, connect
from stocksync.contracts.connector import StoreAccount, WebhookAdmin
from stocksync.domain.identifiers import StoreId
from stocksync.errors import OutcomeUnknown, StoreRejected, UnexpectedResponse

SAMPLES = Path(__file__).parent.parent / "samples" / "simvoly"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def site(answer: Callable[[httpx.Request], httpx.Response]) -> SimvolyConnector:
    account = StoreAccount(
        store=StoreId("site"), url="https://site.example", credentials={"api_key": "k3y"}
    )
    return connect(account, now=lambda: NOW, transport=httpx.MockTransport(answer))


async def test_the_documented_list_is_read_without_showing_its_secrets() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        shown = sample("webhooks.json")
        return httpx.Response(200, json=[*shown, {**shown[0], "target": "https://other.example"}])

    connector = site(answer)
    assert isinstance(connector, WebhookAdmin)
    first, second = await connector.webhooks()
    assert (first.id, first.target, first.secret) == ("rh_24488493954", None, "your-secret")
    assert first.events == ("order_created", "order_updated")
    assert second.target == "https://other.example"
    assert "your-secret" not in repr(first)
    assert "other.example" not in repr(second)
    assert asked == ["GET /api/site/webhooks"]


async def test_a_webhook_is_asked_for_as_documented_and_once() -> None:
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.path, json.loads(request.content)))
        return httpx.Response(200, json=sample("webhook_created.json"))

    wanted = sample("webhook_create_request.json")
    made = await site(answer).add_webhook(
        target="https://t", secret=wanted["secret"], events=wanted["events"]
    )
    assert sent == [("POST", "/api/site/webhooks", {**wanted, "target": "https://t"})]
    assert made.id == sample("webhook_created.json")["id"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"items": []}, UnexpectedResponse),
        ([{"id": "rh_1"}], UnexpectedResponse),
        (["rh_1"], UnexpectedResponse),
        ({"success": False, "message": "no"}, StoreRejected),
    ],
)
async def test_an_answer_that_is_no_webhook_is_not_taken_for_one(
    body: Any, error: type[Exception]
) -> None:
    connector = site(lambda _: httpx.Response(200, json=body))
    with pytest.raises(error):
        await connector.webhooks()
    with pytest.raises(error):
        await connector.add_webhook(target="https://t", secret="s", events=["order_created"])


async def test_a_lost_answer_is_not_asked_for_again() -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        raise httpx.ReadError("lost", request=request)

    with pytest.raises(OutcomeUnknown):
        await site(answer).add_webhook(target="https://t", secret="s", events=["order_created"])
    assert sent == ["POST"]
