"""A store whose every answer is written in the test: over ASGI, or over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def now() -> datetime:
    return NOW


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def sent(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    body: object = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class ScriptedStore:
    """Answer each request with `script(asked)`, or with the next of a list; remember them all."""

    def __init__(self, script: Callable[[Asked], Said] | list[Said]) -> None:
        self._script = script
        self.asked: list[Asked] = []

    @property
    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(app=self._serve)

    async def _serve(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        asked = Asked(
            method=scope["method"],
            path=scope["path"],
            raw_path=scope["raw_path"].decode(),
            query=dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
            headers={name.decode().lower(): value.decode() for name, value in scope["headers"]},
            body=body,
        )
        self.asked.append(asked)
        script = self._script
        said = script[len(self.asked) - 1] if isinstance(script, list) else script(asked)
        headers = {"content-type": "application/json"} | dict(said.headers)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": said.status, "headers": raw})
        await send({"type": "http.response.body", "body": said.content})


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def socket_store(handler: Handler) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve raw bytes on loopback; gives the origin and the heads of the requests received."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client hung up, which is what some tests are about
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", heads
    finally:
        server.close()
        await server.wait_closed()
