"""A door with a token for tests: a route of each scope, and a way in and out for browsers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response

from stocksync.ops import answers
from stocksync.ops.access import Access, Token, token
from stocksync.ops.guarded import Guarded, caller_of
from stocksync.ops.limits import Limits
from tests.world import Clock

BASE = "http://sync.example:8080"
SECRET = "canary-of-anna"
ANNA = token("anna", SECRET, ["operate"])
OWN = {"Sec-Fetch-Site": "same-origin"}


def application(access: Access) -> FastAPI:
    app, add = FastAPI(), Guarded(access)
    answers.install(app)

    async def who(request: Request) -> dict[str, str]:
        caller = caller_of(request)
        return {"name": caller.name, "scope": caller.scope}

    async def enter(request: Request, response: Response) -> dict[str, str]:
        secret = (await request.body()).decode()
        caller = access.sign_in(request, response, secret)
        if caller is None:
            response.status_code = 401
        return {"csrf": caller.csrf if caller else ""}

    async def leave(request: Request, response: Response) -> None:
        access.sessions.end(request, response)

    add.get("/read", who)
    add.post("/operate", who, "operate")
    add.post("/approve", who, "approve")
    app.include_router(add.routes)
    app.add_api_route("/in", enter, methods=["POST"])
    app.add_api_route("/out", leave, methods=["POST"])
    return app


@asynccontextmanager
async def client_of(
    access: Access, *, base: str = BASE, address: str = "203.0.113.9"
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=application(access), client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client


def guard(*tokens: Token, clock: Clock | None = None, limits: Limits = Limits()) -> Access:  # noqa: B008 - frozen
    return Access(tokens or (ANNA,), now=clock or Clock(), limits=limits)


async def signed_in(client: httpx.AsyncClient, secret: str = SECRET) -> str:
    """Sign in as a browser does; the client keeps the cookie. Return the CSRF token."""
    answer = await client.post("/in", content=secret, headers=OWN)
    assert answer.status_code == 200, answer.text
    csrf = str(answer.json()["csrf"])
    assert csrf
    return csrf


def bearer(secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}
