"""The API of a merchant over books in memory: asked over ASGI, by tokens of every scope."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from stocksync.contracts.dispatch import Dispatcher
from stocksync.dispatch.embedded import Embedded
from stocksync.ops import app
from stocksync.ops.access import SCOPES, Access, Scope, token
from stocksync.ops.desk import Desk, ServiceView, StoreView
from stocksync.ops.limits import Limits, Pace
from tests.world import World, world

SECRETS: Mapping[Scope, str] = {at: f"canary-{at}-0123456789abcdef" for at in SCOPES}
#: Nobody's rate limit is tested by the way.
NO_LIMITS = Limits(
    token=Pace(burst=1e9, per_second=1),
    address=Pace(burst=1e9, per_second=1),
    failure=Pace(burst=1e9, per_second=1),
)
HOST = "http://127.0.0.1"


def two_shops(**options: Any) -> World:
    """Return a merchant with two stores that show the same two SKUs."""
    return world({"shop": {"MUG": 10, "CAP": 3}, "trade": {"MUG": 10, "CAP": 3}}, **options)


def desk_of(
    merchant: World,
    dispatcher: Dispatcher,
    *,
    limits: Limits = NO_LIMITS,
    open_to_all: bool = False,
) -> Desk:
    tokens = [] if open_to_all else [token(f"{at}er", SECRETS[at], [at]) for at in SCOPES]
    stores = tuple(
        StoreView(
            id=store.id,
            platform="memory",
            url=f"https://{store.id}.example",
            role=store.seat.role,
            first_contact=store.seat.first_contact,
            poll=timedelta(minutes=1),
            sweep=timedelta(minutes=1),
        )
        for store in merchant.context.stores.values()
    )
    return Desk(
        context=lambda: merchant.context,
        dispatcher=dispatcher,
        access=Access(tokens, now=merchant.clock, limits=limits),
        view=lambda: ServiceView(stores=stores, rules="rules/"),
        started_at=merchant.clock(),
    )


@dataclass
class Api:
    """A client of the API; each request names the scope it comes with, `None` for no token."""

    merchant: World
    dispatcher: Embedded
    desk: Desk
    app: FastAPI
    client: httpx.AsyncClient

    async def ask(
        self,
        method: str,
        path: str,
        *,
        scope: Scope | None = "approve",
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        given = {} if scope is None else {"Authorization": f"Bearer {SECRETS[scope]}"}
        return await self.client.request(
            method, f"/api/v1{path}", headers={**given, **(headers or {})}, **options
        )

    async def get(self, path: str, expect: int = 200, **options: Any) -> Any:
        return self._said(await self.ask("GET", path, **options), expect)

    async def post(self, path: str, body: Any = None, expect: int = 200, **options: Any) -> Any:
        content = {} if body is None else {"json": body}
        return self._said(await self.ask("POST", path, **content, **options), expect)

    @staticmethod
    def _said(answer: httpx.Response, expect: int) -> Any:
        assert answer.status_code == expect, f"{answer.status_code}: {answer.text}"
        return answer.json()

    async def run(self, expect: str = "ok", **body: Any) -> dict[str, Any]:
        """Start a run, wait until it ended, and return it."""
        started = await self.post("/reconcile", body, expect=202)
        events = [event async for event in self.dispatcher.events(started["run"])]
        found: dict[str, Any] = await self.get(f"/runs/{started['run']}")
        assert (events[-1].stage, found["outcome"]) == ("ended", expect)
        return found

    async def quiet(self) -> None:
        """Wait until nothing that was asked for is under way."""
        await self.dispatcher.idle()


@asynccontextmanager
async def serving(
    merchant: World | None = None, *, limits: Limits = NO_LIMITS, open_to_all: bool = False
) -> AsyncIterator[Api]:
    """Serve the API of a merchant to a client in this process."""
    subject = merchant or two_shops()
    dispatcher = Embedded(lambda: subject.context)
    desk = desk_of(subject, dispatcher, limits=limits, open_to_all=open_to_all)
    built = app.build(desk)
    transport = httpx.ASGITransport(app=built, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
        yield Api(subject, dispatcher, desk, built, client)
    await asyncio.wait_for(dispatcher.drain(5), 10)


def events_in(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Take a stream of server-sent events apart: number, name and data of each."""
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if fields:
            yield int(fields["id"]), fields["event"], json.loads(fields["data"])
