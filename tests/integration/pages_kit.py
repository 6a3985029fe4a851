"""People before the pages of a merchant over books in memory, asked over ASGI."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any, Final

import httpx
from fastapi import FastAPI

from stocksync.contracts.dispatch import Dispatcher
from stocksync.dispatch.embedded import Embedded
from stocksync.ops import app
from stocksync.ops.access import SCOPES, Access, Scope, token
from stocksync.ops.desk import Desk, ServiceView, StoreView
from stocksync.ops.limits import Limits, Pace
from stocksync.ops.pagekit import sku_address
from tests.world import World, world

HOST: Final = "http://127.0.0.1"
#: A browser says this of a form on a page of the same place.
OWN_FORM: Final = {"Sec-Fetch-Site": "same-origin"}
SECRETS: Final[Mapping[Scope, str]] = {at: f"canary-{at}-0123456789abcdef" for at in SCOPES}
_EVER: Final = Pace(burst=1e9, per_second=1)


def desk_of(
    merchant: World,
    dispatcher: Dispatcher,
    *,
    warnings: tuple[str, ...] = (),
    open_to_all: bool = False,
    **more: Any,
) -> Desk:
    """Return the desk of a service for a merchant, with a token for each scope and no limits."""
    stores = tuple(
        StoreView(
            id=store.id,
            platform="memory",
            url=f"https://{store.id}.example",
            role=store.seat.role,
            first_contact=store.seat.first_contact,
            poll=timedelta(minutes=1),
            sweep=timedelta(hours=1),
        )
        for store in merchant.context.stores.values()
    )
    view = ServiceView(stores=stores, rules="rules/", warnings=warnings)
    return Desk(
        context=lambda: merchant.context,
        dispatcher=dispatcher,
        access=Access(
            [] if open_to_all else [token(f"{at}er", SECRETS[at], [at]) for at in SCOPES],
            now=merchant.clock,
            limits=Limits(token=_EVER, address=_EVER, failure=_EVER),
        ),
        view=lambda: view,
        started_at=merchant.clock(),
        **more,
    )


class Forms(HTMLParser):
    """Reads the forms of a page as a browser would, and every address that it loads or opens."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.inline: list[str] = []
        self._fields: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.addresses += [given[at] for at in ("href", "src", "action", "hx-get") if at in given]
        self.inline += [at for at in given if at == "style" or at.startswith(("on", "hx-on"))]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        if tag == "form":
            self._fields = self.forms[given["action"]] = {}
        if tag == "input" and "name" in given:
            self._fields[given["name"]] = given.get("value", "")


@asynccontextmanager
async def stranger(*, open_to_all: bool = False) -> AsyncIterator[httpx.AsyncClient]:
    """Be somebody whom the pages do not know."""
    merchant = world({"shop": {"MUG": 10}})
    dispatcher = Embedded(lambda: merchant.context)
    built = app.build(desk_of(merchant, dispatcher, open_to_all=open_to_all))
    async with client_of(built) as client:
        yield client
    await dispatcher.drain(5)


def client_of(built: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=built, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=HOST)


@dataclass
class Person:
    """Somebody before the pages, with a session."""

    client: httpx.AsyncClient
    merchant: World
    dispatcher: Embedded

    async def page(self, path: str) -> Forms:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return Forms(answer.text)

    async def send(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        return await self.client.post(path, data=fields, headers={**OWN_FORM, **headers})

    async def adjusting(self, sku: str = "MUG") -> tuple[str, dict[str, str]]:
        """Return the address and the fields of the adjustment form of a SKU."""
        forms = (await self.page(sku_address(sku))).forms
        return next((at, forms[at]) for at in forms if at.startswith("/actions/adjust"))


@asynccontextmanager
async def person(
    scope: Scope = "approve",
    *,
    merchant: World | None = None,
    reload: Callable[[], Awaitable[tuple[str, ...]]] | None = None,
) -> AsyncIterator[Person]:
    """Sign somebody in to the pages of a merchant with two stores, both counted and read."""
    at = merchant or world({"shop": {"MUG": 10, "CAP": 3}, "trade": {"MUG": 10, "CAP": 3}})
    await at.count(MUG=10, CAP=3)
    await at.sync()
    dispatcher = Embedded(lambda: at.context)
    desk = desk_of(at, dispatcher)
    built = app.build(desk if reload is None else replace(desk, reload=reload))
    async with client_of(built) as client:
        signed = await client.post("/sign-in", data={"token": SECRETS[scope]}, headers=OWN_FORM)
        assert signed.status_code == 303
        yield Person(client, at, dispatcher)
    await dispatcher.drain(5)
