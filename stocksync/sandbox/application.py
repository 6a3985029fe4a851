"""Turn a fake store into an ASGI application whose exchanges can go wrong on demand."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from stocksync.sandbox.faults import ConnectionDropped, Fault, Planned
from stocksync.sandbox.shop import Request, Shop
from stocksync.sandbox.wire import NO_BODY, UNREADABLE, Answer, Call, Store, read_call, send_answer

MAINTENANCE_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>We will be back soon</title></head>"
    b"<body><h1>Down for maintenance</h1></body></html>"
)
DENIED: Final = "User is not authorized to access this resource"


def application(shop: Shop, store: Store) -> ASGIApp:
    """Serve one store; every request is recorded before anything happens to it.

    Raises `ConnectionDropped` where a real connection would end without (all of) an answer.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"a store speaks http, not {scope['type']}")
        call = await read_call(scope, receive)
        shop.requests.append(
            Request(
                call.method,
                call.path,
                dict(call.query),
                _as_seen(call),
            )
        )
        shop.in_flight += 1
        shop.in_flight_max = max(shop.in_flight_max, shop.in_flight)
        try:
            # Yield once, so that callers who send several requests at a time really overlap.
            await asyncio.sleep(0)
            planned = shop.faults.take(
                method=call.method, path=call.path, offset=store.offset(call)
            )
            await Exchange(shop, store, call, receive, send).run(planned)
        finally:
            shop.in_flight -= 1

    return app


def _as_seen(call: Call) -> object:
    """Show a body to a person or a test: JSON, else text, else None."""
    if not call.raw_body:
        return None
    body = call.body
    return call.raw_body.decode(errors="replace") if body is UNREADABLE else body


@dataclass(slots=True)
class Exchange:
    """One request and its answer, with the one fault it meets."""

    shop: Shop
    store: Store
    call: Call
    receive: Receive
    send: Send

    async def run(self, planned: Planned | None) -> None:
        """Answer the request, or fail to."""
        if planned is None:
            await self._answer(self.store.handle(self.call))
            return
        match planned.fault:
            case Fault.SLOW:
                await self._slowly(**planned.details)
            case Fault.HANGS:
                await self._never(**planned.details)
            case Fault.DROP_REQUEST | Fault.DROP_REPLY | Fault.LATE_APPLY:
                self._drop(planned.fault)
            case Fault.TRUNCATED | Fault.CONTENT_LENGTH_LIE:
                await self._cut(planned.fault)
            case _:
                await self._answer(self._faulty(planned))

    async def _answer(self, answer: Answer) -> None:
        await send_answer(self.send, answer)

    async def _slowly(self, *, seconds: float = 1.0, processed: bool = True) -> None:
        answer = self.store.handle(self.call) if processed else None
        await asyncio.sleep(seconds)
        await self._answer(answer or self.store.handle(self.call))

    async def _never(self, *, processed: bool = False) -> None:
        if processed:
            self.store.handle(self.call)
        while (await self.receive())["type"] != "http.disconnect":
            pass

    def _drop(self, fault: Fault) -> None:
        if fault is Fault.DROP_REPLY:
            self.store.handle(self.call)
        if fault is Fault.LATE_APPLY:
            self.shop.later(lambda: self.store.handle(self.call))
        raise ConnectionDropped(f"{self.call.method} {self.call.path}")

    async def _cut(self, fault: Fault) -> None:
        answer = self.store.handle(self.call)
        half = Answer(answer.status, answer.raw[: len(answer.raw) // 2], answer.headers)
        if fault is Fault.TRUNCATED:
            await self._answer(half)
            return
        await send_answer(self.send, half, announce=len(answer.raw) + 1)
        raise ConnectionDropped(f"{self.call.method} {self.call.path}")

    def _faulty(self, planned: Planned) -> Answer:
        """Make the wrong answer of a fault that does answer."""
        details = planned.details
        match planned.fault:
            case Fault.UNAUTHORISED | Fault.FORBIDDEN:
                return self.store.error(401 if planned.fault is Fault.UNAUTHORISED else 403, DENIED)
            case Fault.RATE_LIMITED:
                return self._rate_limited(**details)
            case Fault.PAGE_SHIFT:
                self._shift(**details)
                return self.store.handle(self.call)
            case Fault.NOT_TAKEN:
                with self.shop.untouched():
                    return self.store.handle(self.call)
            case Fault.EMPTY_LIST:
                return self.store.empty_listing(self.call)
            case _:
                return self._misleading(planned.fault, details)

    def _misleading(self, fault: Fault, details: Any) -> Answer:
        """Make an answer that is not what the caller hopes to read."""
        if details.get("processed", fault in {Fault.EMPTY_BODY, Fault.ERROR_AFTER}):
            self.store.handle(self.call)
        status = details.get("status", 200)
        match fault:
            case Fault.ERROR_BEFORE | Fault.ERROR_AFTER:
                return self.store.error(details.get("status", 500), "Something went wrong")
            case Fault.HTML:
                return Answer(status, MAINTENANCE_PAGE, content_type="text/html; charset=utf-8")
            case Fault.EMPTY_BODY:
                return Answer(status, NO_BODY, {"content-type": "application/json"})
            case Fault.ERROR_BODY:
                return Answer(status, self.store.error(500, "Something went wrong").body)
            case Fault.REDIRECT:
                location = details.get("location", "https://elsewhere.invalid/")
                return Answer(details.get("status", 302), NO_BODY, {"location": location})
            case _:
                content_type = details.get("content_type", "application/json")
                return Answer(status, details.get("body", b""), content_type=content_type)

    def _rate_limited(self, *, retry_after: int | str | datetime | None = 1) -> Answer:
        answer = self.store.error(429, "Too Many Requests")
        if retry_after is None:
            return answer
        if isinstance(retry_after, datetime):
            retry_after = format_datetime(retry_after, usegmt=True)
        return Answer(
            answer.status, answer.body, {**answer.headers, "retry-after": str(retry_after)}
        )

    def _shift(self, *, direction: str = "insert", code: str = "NEW-AT-THE-FRONT") -> None:
        """Change the listing at its front while somebody is paging through it."""
        if direction == "insert":
            self.shop.add(code, 1, at=0)
        else:
            self.shop.remove(self.shop.items[0].code)
