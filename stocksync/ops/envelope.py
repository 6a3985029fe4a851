"""What wraps every request: its name, a limit to its body, safe headers, and SKUs kept whole."""

import json
import re
import uuid
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

import structlog
from fastapi import HTTPException
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES_MAX: Final = 256 * 1024
#: Where a body has a limit of its own.
OWN_LIMITS: Final = ("/webhooks/",)
_ANNOUNCED_DIGITS_MAX: Final = 15
HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
REQUEST_ID: Final = "X-Request-Id"
_GIVEN_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
#: Where one segment is a SKU, which may hold a slash itself.
_WITH_SKU: Final = ("/api/v1/stock/", "/api/v1/explain/")
_FIXED_SEGMENTS: Final = 4
_TOO_LARGE: Final = f"a body has at most {BODY_BYTES_MAX} bytes"
_DEFECT: Final = "this is a defect, please report it with the request_id"
log = structlog.get_logger(__name__)


class SkuConvertor(Convertor[str]):
    """Takes one segment of an address, as it was sent, for a SKU."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        raise NotImplementedError


register_url_convertor("sku", SkuConvertor())


class Envelope:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is logged meanwhile carries its name."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = _name_of(scope["headers"])
        scope.setdefault("state", {})["request_id"] = name
        _keep_skus_whole(scope)

        began = False

        async def send_named(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = name
                for header, value in HEADERS.items():
                    headers.setdefault(header, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request=name):
            try:
                await self._answer(scope, receive, send_named)
            except Exception:
                log.exception("unexpected error", path=_loggable(scope["path"]))
                if began:
                    raise  # the connection breaks, so that nobody takes half an answer for one
                await _refuse(500, _DEFECT, name, send_named)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, unless its headers announce more than any of ours needs."""
        if scope["path"].startswith(OWN_LIMITS):
            await self._app(scope, receive, send)
        elif _announced(scope["headers"]) > BODY_BYTES_MAX:
            await _refuse(413, _TOO_LARGE, scope["state"]["request_id"], send)
        else:
            await self._app(scope, _limited(receive), send)


def _limited(receive: Receive) -> Receive:
    """Stop reading a body that grows beyond what any request of ours needs."""
    seen = 0

    async def receive_some() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_BYTES_MAX:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return receive_some


async def _refuse(status: int, error: str, name: str, send: Send) -> None:
    """Answer an error without the application; what is left of the body is not read."""
    content = json.dumps({"error": error, "request_id": name}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _loggable(path: str) -> str:
    """Return a path without the secret that the address of a webhook ends with."""
    own = next((at for at in OWN_LIMITS if path.startswith(at)), "")
    return f"{own}…" if own else path


def _name_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Take the name that a request brought, if it is a plain one, or make one up."""
    wanted = REQUEST_ID.lower().encode()
    given = next((value for name, value in headers if name == wanted), b"")
    return given.decode() if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> int:
    given = next((value for name, value in headers if name == b"content-length"), b"0")
    if not given.isdigit():
        return 0
    return int(given) if len(given) <= _ANNOUNCED_DIGITS_MAX else BODY_BYTES_MAX + 1


def _keep_skus_whole(scope: Scope) -> None:
    """Leave the segments after `stock/` as they were sent: `%2F` in a SKU separates nothing."""
    raw: bytes = scope.get("raw_path") or b""
    if not raw or not scope["path"].startswith(_WITH_SKU):
        return
    segments = raw.decode("ascii", "replace").split("/")
    fixed = [unquote(segment) for segment in segments[:_FIXED_SEGMENTS]]
    if "/".join(fixed) + "/" in _WITH_SKU:
        scope["path"] = "/".join([*fixed, *segments[_FIXED_SEGMENTS:]])
