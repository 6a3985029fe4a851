"""Webhooks of stores: a request that proves where it comes from makes a look due, and no more."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from starlette.requests import ClientDisconnect

from stocksync import metrics
from stocksync.connectors.webhooks import names_in
from stocksync.contracts.dispatch import Dispatcher
from stocksync.domain.hints import Hint
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context
from stocksync.errors import LedgerError
from stocksync.ops.doors import NOBODY, Door
from stocksync.ops.inbox import Inbox

PATH: Final = "/webhooks/{store}/{secret}"
BODY_BYTES_MAX: Final = 1_000_000
BODY_SECONDS_MAX: Final = 10.0
RETRY_SECONDS: Final = 5
#: The event, where a store tells it outside the body: Simvoly's header, else our own address.
EVENT_HEADER: Final = "x-webhook-topic"
EVENT_PARAMETER: Final = "event"

log = structlog.get_logger(__name__)


class WebhookDesk(Protocol):
    """What webhooks need of the service; `webhooks` are the doors of the stores that have some."""

    @property
    def context(self) -> Callable[[], Context]: ...

    @property
    def dispatcher(self) -> Dispatcher: ...

    @property
    def webhooks(self) -> Callable[[], Mapping[StoreId, Door]]: ...


def router(desk: WebhookDesk) -> APIRouter:
    """Serve `POST /webhooks/{store}/{secret}` (`DESIGN §5`); secret and proof are its only keys."""
    routes = APIRouter()
    # A plain route: what FastAPI does before it calls a function halves how many events fit.
    routes.add_route(PATH, _Reception(desk).receive, methods=["POST"], include_in_schema=False)
    return routes


class _Reception:
    """Hears webhooks one by one, and lets the inbox keep what they hint at."""

    def __init__(self, desk: WebhookDesk) -> None:
        self._desk = desk
        self._inbox = Inbox(self._keep, desk.dispatcher.hinted)

    async def receive(self, request: Request) -> Response:
        """Take a hint from a store: what it says is looked up, never believed."""
        at, secret = StoreId(request.path_params["store"]), request.path_params["secret"]
        door = self._desk.webhooks().get(at, NOBODY)
        outcome = "failed"
        try:
            body = await _body_of(request)
            _require_admission(door, secret, request, body)
            names = names_in(door.platform, _event_of(request), body)
            if names:
                now = self._desk.context().now()
                await self._inbox.put([Hint(store=at, key=name, received_at=now) for name in names])
            outcome = "accepted" if names else "ignored"
        except HTTPException:
            outcome = "refused"
            raise
        except LedgerError as error:
            log.warning("hint not kept", store=at, error=str(error))
            wait = {"Retry-After": str(RETRY_SECONDS)}
            raise HTTPException(503, "not kept, send it again", wait) from None
        finally:
            if door is not NOBODY:
                metrics.WEBHOOKS.labels(at, outcome).inc()
        return Response(status_code=204)

    async def _keep(self, hints: Collection[Hint]) -> None:
        await self._desk.context().ledger.hint(hints)


def _require_admission(door: Door, secret: str, request: Request, body: bytes) -> None:
    if not door.admits(secret, request.headers, body):
        raise HTTPException(401, "unauthorised", {"WWW-Authenticate": "Bearer"})


def _event_of(request: Request) -> str:
    """Return the event that the request names beside its body, or ""."""
    named = request.headers.get(EVENT_HEADER) or request.query_params.get(EVENT_PARAMETER)
    return named or ""


async def _body_of(request: Request) -> bytes:
    """Read the body, unless its headers say already that it will not be read.

    Raises:
        HTTPException: It is compressed, too large, too slow, cut off, or of no length. The
            connection is closed then: what is left of the body is not waited for.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise _unread(415, "send the body as it is, not compressed")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal():
        raise _unread(400, "Content-Length is not a number")
    if len(announced) > len(str(BODY_BYTES_MAX)) or int(announced) > BODY_BYTES_MAX:
        raise _unread(413, f"a body has at most {BODY_BYTES_MAX} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for part in request.stream():
                body += part
                if len(body) > BODY_BYTES_MAX:
                    raise _unread(413, f"a body has at most {BODY_BYTES_MAX} bytes")
    except TimeoutError:
        raise _unread(408, "the body took too long") from None
    except ClientDisconnect:
        raise _unread(400, "the body was cut off") from None
    return bytes(body)


def _unread(status: int, reason: str) -> HTTPException:
    return HTTPException(status, reason, {"Connection": "close"})
