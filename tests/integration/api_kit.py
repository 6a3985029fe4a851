"""The API of a merchant over real books: asked over ASGI, by tokens of every scope."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from stocksync.contracts.dispatch import Dispatcher
from stocksync.dispatch.embedded import Embedded
from stocksync.ledger.sql import open_ledger
from stocksync.ops import app
from stocksync.ops.access import SCOPES, Access, Scope, token
from stocksync.ops.desk import Desk, ServiceView, StoreView
from stocksync.ops.limits import Limits, Pace
from tests.world import Clock, World

SECRETS: Mapping[Scope, str] = {at: f"canary-{at}-0123456789abcdef" for at in SCOPES}
#: Nobody's rate limit is tested by the way.
NO_LIMITS = Limits(
    token=Pace(burst=1e9, per_second=1),
    address=Pace(burst=1e9, per_second=1),
    failure=Pace(burst=1e9, per_second=1),
)
HOST = "http://127.0.0.1"


STORES = {"shop": {"MUG": 10, "CAP": 3}, "trade": {"MUG": 10, "CAP": 3}}


@asynccontextmanager
async def merchant(
    folder: Path, blank: Path, stores: Mapping[str, Mapping[str, object]] = STORES, **options: Any
) -> AsyncIterator[World]:
    """Open the books of a merchant, by default one with two stores that show the same two SKUs.

    `blank` is an empty database; books that stand in the folder already are opened again.
    """
    file, clock = folder / "books.db", Clock()
    if not file.exists():
        shutil.copy(blank, file)
    ledger = await open_ledger(f"sqlite:///{file}", now=clock)
    try:
        shown = {store: dict(stock) for store, stock in stores.items()}
        yield World(stores=shown, ledger=ledger, clock=clock, **options)
    finally:
        await ledger.aclose()


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
        assert answer.headers["content-type"] == "application/json"
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
async def answering(
    subject: World, *, limits: Limits = NO_LIMITS, open_to_all: bool = False
) -> AsyncIterator[Api]:
    """Answer for a merchant to a client in this process."""
    dispatcher = Embedded(lambda: subject.context)
    desk = desk_of(subject, dispatcher, limits=limits, open_to_all=open_to_all)
    async with client_of(desk) as client:
        yield Api(subject, dispatcher, desk, client)
    await asyncio.wait_for(dispatcher.drain(5), 10)


@asynccontextmanager
async def client_of(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the whole application; what it raises is answered, as by a server."""
    transport = httpx.ASGITransport(app=app.build(desk), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
        yield client


@asynccontextmanager
async def serving(
    folder: Path,
    blank: Path,
    stores: Mapping[str, Mapping[str, object]] = STORES,
    *,
    limits: Limits = NO_LIMITS,
    open_to_all: bool = False,
    **options: Any,
) -> AsyncIterator[Api]:
    """Open books and answer for them."""
    async with (
        merchant(folder, blank, stores, **options) as subject,
        answering(subject, limits=limits, open_to_all=open_to_all) as api,
    ):
        yield api


def events_in(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Take a stream of server-sent events apart: number, name and data of each."""
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if fields:
            yield int(fields["id"]), fields["event"], json.loads(fields["data"])


def path_of(sku: str, rest: str = "") -> str:
    """Encode a SKU as one segment, also where it looks like a step in a tree."""
    return f"/stock/{quote(sku, safe='').replace('.', '%2E')}{rest}"


async def adjust(
    api: Api, units: object = -2, key: str = "k1", *, sku: str = "MUG", expect: int = 201,
    reason: object = "damaged", **more: Any,
) -> Any:  # fmt: skip
    body = {"units": units, "reason": reason, **more}
    headers = {"Idempotency-Key": key}
    return await api.post(path_of(sku, "/adjustments"), body, expect=expect, headers=headers)


async def adjustments(api: Api, sku: str = "MUG") -> list[dict[str, Any]]:
    rows = (await api.get(path_of(sku, "/history")))["movements"]
    return [row for row in rows if row["kind"] == "adjustment"]
