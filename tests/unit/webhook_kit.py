"""A service with webhooks for tests: real jobs, a clock that moves when told, bare ASGI."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any, cast

from fastapi import FastAPI
from starlette.types import Message

from stocksync.dispatch.embedded import Embedded
from stocksync.dispatch.reminders import Pace
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Observation
from stocksync.ops import webhooks
from stocksync.ops.doors import Door, door
from tests.world import World, world

A, B = StoreId("a"), StoreId("b")
SECRET = "canary-path-secret"
KEY = "canary-signature-key"
PASSWORD = "canary-påssword"
TOKEN = "canary-bearer-token"


class Time:
    """Time that passes when told; who pauses is woken in the order of their alarms."""

    def __init__(self) -> None:
        self.moment = 100.0
        self._alarms: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def __call__(self) -> float:
        return self.moment

    async def pause(self, seconds: float) -> None:
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._alarms, (self.moment + seconds, next(self._numbers), alarm))
        await alarm

    async def pass_(self, seconds: float) -> None:
        until = self.moment + seconds
        await settled()
        while self._alarms and self._alarms[0][0] <= until:
            self.moment, _, alarm = heappop(self._alarms)
            if not alarm.done():
                alarm.set_result(None)
            await settled()
        self.moment = until


async def settled() -> None:
    """Let everything that can go on go on."""
    for _ in range(30):
        await asyncio.sleep(0)


@dataclass
class Answer:
    """What came back, and how much of the body was asked for."""

    status: int
    headers: dict[str, str]
    body: bytes
    parts_read: int


@dataclass(kw_only=True)
class Service:
    """Stores, jobs and a door; `reads` are the listings that each look asked store a for."""

    world: World
    time: Time = field(default_factory=Time)
    doors: dict[StoreId, Door] = field(default_factory=dict)
    reads: list[list[ListingId]] = field(default_factory=list)

    def __post_init__(self) -> None:
        pace = Pace(monotonic=self.time, pause=self.time.pause)
        self.jobs = Embedded(lambda: self.world.context, pace=pace)
        self.app = FastAPI()
        self.app.include_router(webhooks.router(self))
        shop = self.world.shops[A]
        honest = shop.read

        async def read(listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
            self.reads.append(list(listings))
            return await honest(listings)

        shop.read = read  # type: ignore[method-assign]

    @property
    def context(self) -> Any:
        return lambda: self.world.context

    @property
    def dispatcher(self) -> Embedded:
        return self.jobs

    @property
    def webhooks(self) -> Any:
        return lambda: self.doors

    async def post(
        self,
        path: str = f"/webhooks/a/{SECRET}",
        body: bytes | object = b"{}",
        headers: Mapping[str, str | bytes] | None = None,
        *,
        method: str = "POST",
        announce: int | str | None = None,
    ) -> Answer:
        """Send one request as a server would hand it on, a body in parts of 64 KiB."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        size = len(raw) if announce is None else announce
        sent = {"content-length": str(size), **(headers or {})}
        return await call(self.app, method, path, sent, raw)

    async def looks(self) -> list[list[ListingId]]:
        """Let one window pass, and return what the looks in it asked for."""
        before = len(self.reads)
        await self.time.pass_(2)
        await self.jobs.idle()
        return self.reads[before:]


async def call(
    app: Any, method: str, path: str, headers: Mapping[str, str | bytes], raw: bytes
) -> Answer:
    parts = [raw[at : at + 65_536] for at in range(0, len(raw), 65_536)] or [b""]
    read, sent = 0, cast("list[Message]", [])
    where, _, query = path.partition("?")

    async def receive() -> Message:
        nonlocal read
        read += 1
        part = parts[read - 1]
        return {"type": "http.request", "body": part, "more_body": read < len(parts)}

    async def send(message: Message) -> None:
        sent.append(message)

    encoded = [(name.encode(), _bytes(value)) for name, value in headers.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": encoded,
        "client": ("203.0.113.9", 4711),
        "server": ("sync.example", 443),
    }
    await app(scope, receive, send)
    start, *rest = sent
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], told, b"".join(at.get("body", b"") for at in rest), read)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def signed(body: bytes, key: str = KEY) -> dict[str, str | bytes]:
    return {"x-webhook-signature": hmac.new(key.encode(), body, hashlib.sha512).hexdigest()}


def about(*codes: str, event: str = "update.product") -> dict[str, object]:
    """Return a wrapped REC+ event about a product and its variations."""
    first, *others = codes or ("",)
    product = {"id": 1, "code": first, "variations": [{"code": code} for code in others]}
    return {"event": event, "data": product}


async def service(
    platform: str = "recplus", *, skus: Sequence[str] = ("MUG", "BOWL"), **given: str
) -> Service:
    """Return a service whose stores a and b agree on ten of each SKU; a has webhooks."""
    at = world({"a": dict.fromkeys(skus, 10), "b": dict.fromkeys(skus, 10)})
    await at.count(**dict.fromkeys(skus, 10))
    await at.sync()
    doors = {A: door(platform, {"secret": SECRET, **given})}
    return Service(world=at, doors=doors)
