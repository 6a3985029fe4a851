"""A network for tests: every request reaches a fake store in this process, and is remembered."""

from collections.abc import Mapping

import httpx
from starlette.types import ASGIApp

from stocksync.sandbox.faults import ConnectionDropped


class StoreTransport(httpx.ASGITransport):
    """Carry requests to an ASGI application; a dropped connection is a network error.

    `answer_headers` are added to each answer, as a proxy in front of a store would. `sent` holds
    every request as httpx sends it, before the store makes anything of it. Requests with one of the
    methods in `closed_to` find nobody at the door.
    """

    def __init__(self, app: ASGIApp, *, answer_headers: Mapping[str, str] | None = None) -> None:
        super().__init__(app=app)
        self.answer_headers = dict(answer_headers or {})
        self.sent: list[httpx.Request] = []
        self.closed_to: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if request.method in self.closed_to:
            raise httpx.ConnectError("connection refused", request=request)
        try:
            answer = await super().handle_async_request(request)
        except ConnectionDropped as dropped:
            raise httpx.ReadError(str(dropped), request=request) from dropped
        answer.headers.update(self.answer_headers)
        return answer

    @property
    def hosts(self) -> set[str]:
        """Name every host that was spoken to."""
        return {request.url.host for request in self.sent}

    @property
    def raw_paths(self) -> list[str]:
        """Show the paths and queries exactly as they go over the wire."""
        return [request.url.raw_path.decode("ascii") for request in self.sent]
