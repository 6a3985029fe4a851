"""What wraps every request: names, sizes, safe headers, defects, and SKUs kept whole."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
import structlog
from fastapi import FastAPI, Request, Response
from structlog.testing import LogCapture

from stocksync.ops import answers
from stocksync.ops.envelope import BODY_BYTES_MAX, REQUEST_ID, Envelope
from tests.unit.asgi_kit import Heard, ask

ID = REQUEST_ID.lower()


@pytest.fixture
def logged() -> Iterator[LogCapture]:
    capture = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture
    structlog.reset_defaults()


def wrapped() -> FastAPI:
    """Return an application that echoes SKUs, measures bodies, and breaks when asked to."""
    app = FastAPI()
    answers.install(app)
    app.add_middleware(Envelope)

    async def show(sku: str) -> Response:
        structlog.get_logger().info("shown")
        return Response(json.dumps(sku))

    async def measure(request: Request) -> Response:
        return Response(str(len(await request.body())))

    async def breaks() -> Response:
        raise RuntimeError("canary-of-a-defect")

    app.add_api_route("/api/v1/stock/{sku:sku}", show)
    app.add_api_route("/api/v1/stock/{sku:sku}/history", show)
    app.add_api_route("/body", measure, methods=["POST"])
    app.add_api_route("/webhooks/{store}/{secret}", measure, methods=["POST"])
    app.add_api_route("/webhooks/{store}/{secret}", breaks, methods=["PUT"])
    app.add_api_route("/breaks", breaks)
    return app


def document(heard: Heard) -> Any:
    return json.loads(heard.body)


@pytest.mark.parametrize("given", ["a", "A.b_c-9", "x" * 64])
async def test_a_plain_request_id_is_kept(given: str) -> None:
    heard = await ask(wrapped(), "/api/v1/stock/MUG", headers={REQUEST_ID: given})

    assert (heard.status, heard.headers[ID]) == (200, given)


@pytest.mark.parametrize(
    "given", ["", "x" * 65, "a b", "a\r\nset-cookie: x=y", "<b>", "\xe9", "a\n"]
)
async def test_any_other_request_id_is_replaced_by_a_new_one_each_time(given: str) -> None:
    app = wrapped()
    made = [
        (await ask(app, "/api/v1/stock/MUG", headers={REQUEST_ID: given})).headers[ID]
        for _ in range(2)
    ]

    assert made[0] != made[1]
    assert all(len(name) == 32 and name.isalnum() for name in made)


async def test_errors_carry_the_name_of_their_request_in_header_and_body_alike() -> None:
    heard = await ask(wrapped(), "/nowhere", headers={REQUEST_ID: "mine"})

    assert heard.status == 404
    assert document(heard) == {"error": "Not Found", "request_id": "mine"}
    assert heard.headers[ID] == "mine"


async def test_what_is_logged_meanwhile_carries_the_name_and_nothing_after_it(
    logged: LogCapture,
) -> None:
    await ask(wrapped(), "/api/v1/stock/MUG", headers={REQUEST_ID: "mine"})
    structlog.get_logger().info("later")

    assert [(at["event"], at.get("request")) for at in logged.entries] == [
        ("shown", "mine"),
        ("later", None),
    ]


async def test_a_defect_is_answered_without_its_cause_and_logged_with_it(
    logged: LogCapture,
) -> None:
    heard = await ask(wrapped(), "/breaks", headers={REQUEST_ID: "mine"})

    assert heard.status == 500
    assert document(heard)["request_id"] == heard.headers[ID] == "mine"
    assert heard.headers["x-content-type-options"] == "nosniff"
    assert b"canary" not in heard.body
    [entry] = logged.entries
    assert (entry["event"], entry["request"]) == ("unexpected error", "mine")
    assert (entry["path"], entry["exc_info"]) == ("/breaks", True)


async def test_a_defect_at_a_webhook_does_not_log_the_secret_in_its_address(
    logged: LogCapture,
) -> None:
    heard = await ask(wrapped(), "/webhooks/shop/canary-secret", method="PUT")

    assert heard.status == 500
    assert [at["path"] for at in logged.entries] == ["/webhooks/…"]
    assert "canary-secret" not in str(logged.entries)


@pytest.mark.parametrize("announced", [str(BODY_BYTES_MAX + 1), "9" * 5000])
async def test_a_body_that_announces_too_much_is_refused_before_it_is_read(announced: str) -> None:
    headers = {"content-length": announced, REQUEST_ID: "mine"}
    heard = await ask(wrapped(), "/body", method="POST", headers=headers)

    assert (heard.status, heard.parts_read) == (413, 0)
    assert heard.headers["connection"] == "close"
    assert (document(heard)["request_id"], heard.headers[ID]) == ("mine", "mine")
    assert str(BODY_BYTES_MAX) in document(heard)["error"]


async def test_a_body_that_grows_too_large_is_read_no_further() -> None:
    parts = [b" " * 65_536] * 100
    heard = await ask(wrapped(), "/body", parts, method="POST")

    assert heard.status == 413
    assert heard.parts_read == BODY_BYTES_MAX // 65_536 + 1


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    headers = {"content-length": str(BODY_BYTES_MAX)}
    heard = await ask(wrapped(), "/body", [b" " * BODY_BYTES_MAX], method="POST", headers=headers)

    assert (heard.status, heard.body) == (200, str(BODY_BYTES_MAX).encode())


async def test_webhooks_have_a_limit_of_their_own() -> None:
    whole = b" " * (BODY_BYTES_MAX + 1)
    headers = {"content-length": str(len(whole))}
    heard = await ask(wrapped(), "/webhooks/a/b", [whole], method="POST", headers=headers)

    assert (heard.status, heard.body) == (200, str(len(whole)).encode())


@pytest.mark.parametrize(
    ("sent", "sku"),
    [
        ("MUG", "MUG"),
        ("A%2FB", "A/B"),
        ("A%2fB%2F", "A/B/"),
        ("%2F", "/"),
        ("50%25", "50%"),
        ("A%252FB", "A%2FB"),
        ("A%20B%3FC%23D", "A B?C#D"),
        ("%C3%84%F0%9F%8D%B5", "Ä🍵"),
        ("%2E", "."),
        ("%2E%2E", ".."),
        ("history", "history"),
        ("A%2Fhistory", "A/history"),
        ("a+b", "a+b"),
    ],
)
@pytest.mark.parametrize("rest", ["", "/history"])
async def test_a_sku_is_one_segment_whatever_it_holds(sent: str, sku: str, rest: str) -> None:
    path = f"/api/v1/stock/{sent}{rest}"
    heard = await ask(wrapped(), path, decoded=unquote(path))

    assert (heard.status, document(heard)) == (200, sku)


async def test_a_slash_that_is_not_encoded_separates() -> None:
    assert (await ask(wrapped(), "/api/v1/stock/A/B")).status == 404


async def test_an_address_that_hides_its_first_segments_is_the_same_address() -> None:
    sent, meant = "/api/v1/%73tock/A%2FB", "/api/v1/stock/A/B"
    heard = await ask(wrapped(), sent, decoded=meant)

    assert (heard.status, document(heard)) == (200, "A/B")
