"""What all fake stores share on the wire: the request, the answer, credentials and paging."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import parse_qsl, unquote

from starlette.types import Receive, Scope, Send

from stocksync.sandbox.faults import ConnectionDropped

Row = TypeVar("Row")

#: The body of a request that is not JSON.
UNREADABLE: Final = object()
#: The body of an answer that has none.
NO_BODY: Final = object()

JSON_TYPE: Final = "application/json"
#: Digits of a number in a query: enough for milliseconds since 1970.
DIGITS_MAX: Final = 15


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read to its end; `segments` are the decoded parts of the path."""

    method: str
    path: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: bytes

    @property
    def body(self) -> Any:
        """Read the body as JSON; `UNREADABLE` when it is something else."""
        try:
            return json.loads(self.raw_body)
        except ValueError:
            return UNREADABLE

    @property
    def is_json(self) -> bool:
        """Say whether the request declares a JSON body."""
        declared = self.headers.get("content-type", "")
        return declared.split(";")[0].strip().lower() == JSON_TYPE

    def number(self, name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        """Read a whole number from the query, clamped; the default for anything else."""
        text = self.query.get(name, "")
        is_number = text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX
        value = int(text) if is_number else default
        value = max(least, value)
        return value if most is None else min(most, value)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; the body is any JSON value, bytes as they are, or nothing."""

    status: int
    body: object = NO_BODY
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = f"{JSON_TYPE}; charset=utf-8"

    @property
    def raw(self) -> bytes:
        """Write the body as bytes."""
        if self.body is NO_BODY:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


#: What carries out a call; it gets the call and the variable parts of its path.
Action = Callable[..., Answer]


class Store(Protocol):
    """The platform's part: what a call means, without faults and without sockets."""

    def handle(self, call: Call, /) -> Answer:
        """Check the credentials and carry out the call."""
        ...

    def offset(self, call: Call, /) -> int | None:
        """Say which row a listing starts from; None when the call is no listing."""
        ...

    def empty_listing(self, call: Call, /) -> Answer:
        """Answer a listing as if there were nothing."""
        ...

    def error(self, status: int, message: str, /) -> Answer:
        """Give an error the shape that this platform uses."""
        ...


def route(call: Call, routes: Mapping[str, Action]) -> Answer | None:
    """Find the action for a call and carry it out; None when there is none.

    A route is written as `GET /products/*`; its action gets the call and every part that a
    star stands for.
    """
    for pattern, action in routes.items():
        method, _, path = pattern.partition(" ")
        parts = without_slash(path)
        if method != call.method or len(parts) != len(call.segments):
            continue
        pairs = list(zip(parts, call.segments, strict=True))
        if all(part in {"*", given} for part, given in pairs):
            return action(call, *(given for part, given in pairs if part == "*"))
    return None


def without_slash(path: str) -> list[str]:
    """Split a path into its non-empty parts, still encoded."""
    return [part for part in path.split("/") if part]


async def read_call(scope: Scope, receive: Receive) -> Call:
    """Read one request to its end; parts of the path are decoded one by one."""
    chunks = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionDropped("the caller left in the middle of the request")
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    raw_path = (scope.get("raw_path") or scope["path"].encode()).split(b"?")[0].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return Call(
        method=scope["method"],
        path=scope["path"],
        segments=tuple(unquote(part) for part in without_slash(raw_path)),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        },
        raw_body=b"".join(chunks),
    )


async def send_answer(send: Send, answer: Answer, *, announce: int | None = None) -> None:
    """Send an answer whole, or announce another length than it has and leave it open."""
    raw = answer.raw
    headers = {**answer.headers}
    if raw or announce is not None:
        headers["content-type"] = answer.content_type
    if answer.status != HTTPStatus.NO_CONTENT:
        headers["content-length"] = str(len(raw) if announce is None else announce)
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": raw, "more_body": announce is not None})


def same(given: str, wanted: str) -> bool:
    """Compare two secrets."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def has_basic(call: Call, username: str, password: str) -> bool:
    """Check HTTP Basic credentials."""
    kind, _, encoded = call.headers.get("authorization", "").partition(" ")
    wanted = base64.b64encode(f"{username}:{password}".encode()).decode()
    return kind.lower() == "basic" and same(encoded.strip(), wanted)


def has_bearer(call: Call, token: str) -> bool:
    """Check a Bearer token."""
    kind, _, given = call.headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and same(given.strip(), token)


def page(rows: Sequence[Row], offset: int, limit: int) -> list[Row]:
    """Cut one page out of all rows."""
    return list(rows[offset : offset + limit])
