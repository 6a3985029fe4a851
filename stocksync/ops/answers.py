"""How the API refuses: one form for every error, and a status for each kind of ours."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException as AnyHTTPException

from stocksync.errors import (
    ConfigurationError,
    LedgerError,
    RunInProgress,
    StaleLevel,
    StalePlan,
    StockSyncError,
    UnknownName,
)

PROBLEMS_MAX: Final = 10
RETRY_SECONDS: Final = 5

#: The first that fits counts.
_STATUS: Final[tuple[tuple[type[StockSyncError], int], ...]] = (
    (UnknownName, 404),
    (RunInProgress, 409),
    (StalePlan, 409),
    (StaleLevel, 409),
    (ConfigurationError, 422),
    (LedgerError, 503),
)


class Refusal(BaseModel):
    """What every request that fails is answered."""

    error: str
    request_id: str


class Running(Refusal):
    """Why a run was not started: `run` goes on, and can be watched instead."""

    run: str


_REFUSALS: Final[Mapping[int, tuple[type[Refusal], str]]] = {
    401: (Refusal, "No token, or one that is not known here."),
    403: (Refusal, "The token may not do this, or a page of another site asked."),
    404: (Refusal, "Nothing is called like this."),
    409: (Refusal, "It is decided or taken already."),
    413: (Refusal, "The body is too large."),
    422: (Refusal, "The request is malformed; the error names the field."),
    429: (Refusal, "Too many requests; `Retry-After` says how many seconds to wait."),
    503: (Refusal, "The books cannot be used now; nothing was changed."),
}
#: What any request to a guarded route may be answered.
ALWAYS: Final = (401, 403, 429, 503)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of these statuses, and of those that are always possible."""
    return {
        status: {"model": _REFUSALS[status][0], "description": _REFUSALS[status][1]}
        for status in sorted({*ALWAYS, *statuses})
    }


def request_id(request: Request) -> str:
    """Return the name of a request, which its answer and its log lines carry."""
    return str(getattr(request.state, "request_id", ""))


def refuse(
    request: Request,
    status: int,
    error: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: str,
) -> Response:
    """Answer an error. In ASCII: whatever a request held can be written back."""
    content = {"error": error, "request_id": request_id(request), **more}
    return Response(
        json.dumps(content), status, headers=dict(headers or {}), media_type="application/json"
    )


def install(app: FastAPI) -> None:
    """Give every error that we know its answer; `Envelope` answers for the others."""
    app.add_exception_handler(AnyHTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(StockSyncError, _told)


async def _refused(request: Request, error: Exception) -> Response:
    known = cast("HTTPException", error)
    return refuse(request, known.status_code, str(known.detail), headers=known.headers)


async def _malformed(request: Request, error: Exception) -> Response:
    problems = cast("RequestValidationError", error).errors()
    return refuse(request, 422, "; ".join(_sentences(problems)))


async def _told(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    if isinstance(error, RunInProgress):
        return refuse(request, status, str(error), run=error.run)
    headers = {"Retry-After": str(RETRY_SECONDS)} if isinstance(error, LedgerError) else {}
    return refuse(request, status, str(error), headers=headers)


def _sentences(problems: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Say what is wrong with which field, never what was in it."""
    for problem in problems[:PROBLEMS_MAX]:
        place = [str(part) for part in problem["loc"]]
        if problem["type"] == "json_invalid":
            yield "body: is not JSON"
        else:
            yield f"{'.'.join(place[1:]) or place[0]}: {problem['msg']}"
    if len(problems) > PROBLEMS_MAX:
        yield f"and {len(problems) - PROBLEMS_MAX} more"
