"""A bare ASGI client: requests as a server hands them on, and a listener who can go away."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def scope_of(
    path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, **more: Any
) -> Scope:
    """Return the scope of a request to a path as it was sent."""
    raw = path.encode()
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": more.pop("decoded", path),
        "raw_path": raw,
        "query_string": b"",
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in (headers or {}).items()
        ],
        "client": ("203.0.113.9", 4711),
        "server": ("127.0.0.1", 8080),
        **more,
    }


@dataclass
class Heard:
    """What came back: status, headers in lower case, body, and how many parts were asked for."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    parts_read: int = 0


async def ask(app: ASGIApp, path: str, parts: Sequence[bytes] = (b"",), **options: Any) -> Heard:
    """Send one request whose body comes in parts, and return what was answered."""
    heard = Heard()

    async def receive() -> Message:
        if heard.parts_read == len(parts):
            await asyncio.Event().wait()  # who asked stays until it is answered
        heard.parts_read += 1
        part = parts[heard.parts_read - 1]
        more = heard.parts_read < len(parts)
        return {"type": "http.request", "body": part, "more_body": more}

    async def send(message: Message) -> None:
        take(heard, message)

    await app(scope_of(path, **options), receive, send)
    return heard


def take(heard: Heard, message: Message) -> None:
    if message["type"] == "http.response.start":
        heard.status = message["status"]
        heard.headers = {name.decode(): value.decode() for name, value in message["headers"]}
    heard.body += message.get("body", b"")


@dataclass
class Listener:
    """Somebody who listens to an answer that goes on, until `leave`."""

    app: ASGIApp
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self._left = asyncio.Event()
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        began = False

        async def receive() -> Message:
            nonlocal began
            if not began:
                began = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            take(self.heard, message)
            self._news.set()

        request: tuple[Scope, Receive, Send] = (
            scope_of(self.path, headers=self.headers),
            receive,
            send,
        )
        await self.app(*request)

    async def until(self, text: str, times: int = 1) -> str:
        """Listen until something was heard so often; return all that was."""
        async with asyncio.timeout(10):
            while self.heard.body.decode().count(text) < times:
                self._news.clear()
                await self._news.wait()
        return self.heard.body.decode()

    async def end(self) -> Heard:
        """Listen until the answer ends."""
        await asyncio.wait_for(self._task, 10)
        return self.heard

    async def leave(self) -> None:
        """Go away, and wait until that is noticed."""
        self._left.set()
        await asyncio.wait_for(self._task, 10)
