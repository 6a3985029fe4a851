"""The HTTP door of a running service: is it alive, is it ready, what do its metrics say."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST

from stocksync import __version__, metrics
from stocksync.engine.context import Context
from stocksync.errors import LedgerError
from stocksync.ops import gauges

Guard = Callable[[str | None], None]


def bearer(token: str) -> Guard:
    """Let in who knows the token; everybody when there is none."""

    def check(authorization: Annotated[str | None, Header()] = None) -> None:
        expected = f"Bearer {token}".encode()
        given = (authorization or "").encode("utf-8", "surrogateescape")
        if token and not hmac.compare_digest(given, expected):
            raise HTTPException(401, "unauthorised", {"WWW-Authenticate": "Bearer"})

    return check


def build(context: Callable[[], Context], *, token: str = "") -> FastAPI:
    """Build the application over the context that is in force."""
    app = FastAPI(title="stocksync", version=__version__, docs_url=None, redoc_url=None)
    guarded = [Depends(bearer(token))]

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "ok"}

    @app.get("/readyz", dependencies=guarded)
    async def readyz() -> dict[str, str]:
        """Say whether the books can be read."""
        await _or_unavailable(context().ledger.runs, 1)
        return {"status": "ready"}

    @app.get("/metrics", dependencies=guarded)
    async def exposition() -> Response:
        """Return every metric in the text form that Prometheus scrapes."""
        await _or_unavailable(gauges.refresh, context())
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    return app


async def _or_unavailable(ask: Callable[[Any], Awaitable[object]], about: object) -> None:
    try:
        await ask(about)
    except LedgerError as error:
        raise HTTPException(503, str(error)) from error
