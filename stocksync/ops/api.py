"""The API under /api/v1: start runs, watch them, see stock, adjust it, decide on holds."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from stocksync.contracts.dispatch import Wish
from stocksync.contracts.ledger import RunRecord
from stocksync.domain.identifiers import StoreId
from stocksync.errors import UnknownName
from stocksync.ops import actions, models
from stocksync.ops.answers import Running
from stocksync.ops.api_stock import StockRoutes, named
from stocksync.ops.api_stores import StoreRoutes
from stocksync.ops.desk import Desk
from stocksync.ops.events import CONTENT_TYPE, Streams
from stocksync.ops.guarded import Guarded, caller_of

PREFIX: Final = "/api/v1"
RUNS_MAX: Final = 200

_EVENT: Final = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
_EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events as they come; each is like this.",
        "content": {CONTENT_TYPE: {"schema": _EVENT}},
    }
}
_RUNNING: Final[dict[int | str, dict[str, Any]]] = {
    409: {"model": Running, "description": "Another run goes on; `run` names it."}
}


def router(desk: Desk) -> APIRouter:
    """Return all routes of the API (`DESIGN §5`), each with its scope and every status it has."""
    add = Guarded(desk.access)
    runs, streams = RunRoutes(desk), Streams(desk)
    add.post(
        "/reconcile",
        runs.reconcile,
        "operate",
        model=models.Started,
        refuses=(404, 413, 422),
        responses=_RUNNING,
        status_code=202,
    )
    add.get(
        "/runs", runs.runs, model=models.Runs, refuses=(422,), response_model_exclude_unset=True
    )
    add.get(
        "/runs/{run}",
        runs.run,
        model=models.Run,
        refuses=(404, 422),
        response_model_exclude_unset=True,
    )
    add.get(
        "/runs/{run}/events",
        streams.events,
        refuses=(404, 422),
        responses=_EVENTS,
        response_class=StreamingResponse,
    )
    StockRoutes(desk).add_to(add)
    StoreRoutes(desk).add_to(add)
    add.get("/openapi.json", document, include_in_schema=False)
    return add.routes


async def document(request: Request) -> dict[str, Any]:
    """Return the description of this API as OpenAPI."""
    described: dict[str, Any] = request.app.openapi()
    return described


class RunRoutes:
    """Runs by hand: starting one, and what the last ones did."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def reconcile(
        self, request: Request, body: models.Reconcile | None = None
    ) -> dict[str, str]:
        """Start a run: read the stores, book what happened, correct the others."""
        wish = body or models.Reconcile()
        asked = Wish(
            stores=tuple(StoreId(store) for store in dict.fromkeys(wish.stores)),
            skus=tuple(dict.fromkeys(named(sku) for sku in wish.skus)),
            dry_run=wish.dry_run,
        )
        return {"run": await actions.reconcile(self._desk, caller_of(request), asked)}

    async def runs(self, limit: Annotated[int, Query(ge=1, le=RUNS_MAX)] = 20) -> dict[str, Any]:
        """List the last runs, newest first, without the lines of plans."""
        found = await self._desk.context().ledger.runs(limit)
        return {"runs": [run_json(run, lines=False) for run in found]}

    async def run(self, run: str) -> dict[str, Any]:
        """Show what a run did to each store, or what a dry one would do, line by line."""
        found = await self._desk.context().ledger.run(run) if run.isprintable() else None
        if found is None:
            raise UnknownName(f"no run is called {run!r}")
        return run_json(found)


def run_json(run: RunRecord, *, lines: bool = True) -> dict[str, Any]:
    """Return a run as `runs --json` does."""
    reports = [dict(report) for report in run.stores]
    if not lines:
        reports = [{at: report[at] for at in report if at != "lines"} for report in reports]
    return {
        "id": run.id,
        "kind": run.kind,
        "trigger": run.trigger,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "outcome": run.outcome,
        "error": run.error,
        "stores": reports,
    }
