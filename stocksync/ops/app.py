"""The HTTP door of a running service: its API, its pages, its webhooks, its health and metrics."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST

from stocksync import __version__, metrics
from stocksync.errors import LedgerError
from stocksync.ops import answers, api, gauges, pages, webhooks
from stocksync.ops.desk import Desk
from stocksync.ops.envelope import Envelope
from stocksync.ops.guarded import Guarded


def build(desk: Desk) -> FastAPI:
    """Build the application: everything but `/healthz` and webhooks needs a token to read."""
    app = FastAPI(
        title="stocksync",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    answers.install(app)
    app.add_middleware(Envelope)
    app.include_router(health(desk))
    app.include_router(api.router(desk), prefix=api.PREFIX)
    app.include_router(webhooks.router(desk))
    app.include_router(pages.router(desk))
    return app


def health(desk: Desk) -> APIRouter:
    """Say whether the service is alive, whether it is ready, and how it is doing."""
    add = Guarded(desk.access)

    async def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "ok"}

    async def readyz() -> dict[str, str]:
        """Say whether the books can be read, and may be written."""
        await _or_unavailable(desk.context().ledger.runs, 1)
        if frozen := desk.context().frozen():
            raise HTTPException(503, frozen)
        return {"status": "ready"}

    async def exposition() -> Response:
        """Return every metric in the text form that Prometheus scrapes."""
        await _or_unavailable(gauges.refresh, desk.context())
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    add.routes.add_api_route("/healthz", healthz, methods=["GET"])
    add.get("/readyz", readyz, model=dict[str, str])
    add.get(
        "/metrics",
        exposition,
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    return add.routes


async def _or_unavailable(ask: Callable[[Any], Awaitable[object]], about: object) -> None:
    try:
        await ask(about)
    except LedgerError as error:
        raise HTTPException(503, str(error)) from error
