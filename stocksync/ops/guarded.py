"""Routes that look at who asks before they look at anything else of a request."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException as AnyHTTPException

from stocksync.ops.access import Access, Caller, Guard, Scope
from stocksync.ops.answers import refusals

_UNREADABLE: Final = 400


class GuardedRoute(APIRoute):
    """A route whose guards speak first: FastAPI by itself reads and judges the body before."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()
        guards = list(_guards(self.dependant))

        async def handle_if_admitted(request: Request) -> Response:
            for guard in guards:
                await guard(request)
            try:
                return await handle(request)
            except AnyHTTPException as error:
                if error.status_code != _UNREADABLE:
                    raise
                raise HTTPException(422, "body: is not JSON") from error

        return handle_if_admitted


def _guards(dependant: Dependant) -> Iterator[Guard]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Guard):
            yield inner.call
        yield from _guards(inner)


def caller_of(request: Request) -> Caller:
    """Return who the guard of this route let in."""
    caller: Caller = request.state.caller
    return caller


class Guarded:
    """Adds routes to a router, each with its scope and all that it may answer."""

    def __init__(self, access: Access) -> None:
        self.routes = APIRouter(route_class=GuardedRoute)
        self._access = access

    def get(
        self,
        path: str,
        handler: Callable[..., Any],
        *,
        model: Any = None,
        refuses: tuple[int, ...] = (),
        **more: Any,
    ) -> None:
        """Add a question, which needs the scope `read`."""
        self._add("GET", "read", path, handler, model=model, refuses=refuses, **more)

    def post(
        self,
        path: str,
        handler: Callable[..., Any],
        scope: Scope,
        *,
        model: Any = None,
        refuses: tuple[int, ...] = (),
        **more: Any,
    ) -> None:
        """Add something that changes the world."""
        self._add("POST", scope, path, handler, model=model, refuses=refuses, **more)

    def _add(
        self,
        method: str,
        scope: Scope,
        path: str,
        handler: Callable[..., Any],
        *,
        model: Any,
        refuses: tuple[int, ...],
        responses: dict[int | str, dict[str, Any]] | None = None,
        **more: Any,
    ) -> None:
        self.routes.add_api_route(
            path,
            handler,
            methods=[method],
            dependencies=[Depends(self._access.require(scope))],
            response_model=model,
            responses=refusals(*refuses) | (responses or {}),
            **more,
        )
