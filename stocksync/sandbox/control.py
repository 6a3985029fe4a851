"""The back door of a fake store: sell, return, set and break things with curl."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from stocksync.sandbox.faults import Fault
from stocksync.sandbox.shop import Shop, UnknownCode
from stocksync.sandbox.wire import Answer, Call, read_call, send_answer

PREFIX: Final = "/_sandbox/"
LOOPBACK: Final = {"127.0.0.1", "::1"}


def with_control(app: ASGIApp, shop: Shop) -> ASGIApp:
    """Add `/_sandbox/…` to a store: no credentials, loopback callers only, never recorded.

    `POST sell|return {"code", "units"}`, `POST set {"code", "quantity"}`,
    `POST fault {"fault", "times", "method", "path_contains", "details"}` (a fault "none" clears
    all, times 0 makes it permanent), `POST apply_late`, `GET state`.
    """

    async def controlled(scope: Scope, receive: Receive, send: Send) -> None:
        client = (scope.get("client") or ("",))[0]
        if not scope["path"].startswith(PREFIX) or client not in LOOPBACK:
            await app(scope, receive, send)
            return
        call = await read_call(scope, receive)
        await send_answer(send, _answer(shop, call))

    return controlled


def _answer(shop: Shop, call: Call) -> Answer:
    if call.method == "GET" and call.segments[1:] == ("state",):
        return Answer(200, state(shop))
    actions: dict[str, Callable[[Shop, dict[str, Any]], dict[str, Any]]] = {
        "sell": lambda shop, body: {"units": shop.sell(body["code"], body.get("units", 1))},
        "return": lambda shop, body: {"units": shop.take_back(body["code"], body.get("units", 1))},
        "set": _set,
        "fault": _fault,
        "apply_late": lambda shop, _body: {"applied": shop.apply_late()},
    }
    action = actions.get(call.segments[-1])
    if call.method != "POST" or action is None:
        return Answer(404, {"error": f"try POST {', '.join(actions)} or GET state"})
    body = call.body if call.raw_body else {}
    if not isinstance(body, dict):
        return Answer(400, {"error": "the body must be a JSON object"})
    try:
        return Answer(200, action(shop, body))
    except UnknownCode as error:
        return Answer(404, {"error": f"no item has the code {error.args[0]!r}"})
    except (KeyError, TypeError, ValueError) as error:
        return Answer(400, {"error": f"{type(error).__name__}: {error}"})


def state(shop: Shop) -> dict[str, Any]:
    """Show a store as its buyers and its admin see it, and what its API was asked."""
    return {
        "platform": shop.platform,
        "items": [
            {"code": item.code, "quantity": item.shown, "active": item.active, "tags": item.tags}
            for item in shop.items
        ],
        "sold": dict(shop.sold),
        "returned": dict(shop.returned),
        "requests": dict(Counter(request.method for request in shop.requests)),
        "writes": [list(write) for write in shop.writes],
    }


def _set(shop: Shop, body: dict[str, Any]) -> dict[str, Any]:
    shop.set_quantity(body["code"], body["quantity"])
    return {"quantity": shop.quantity(body["code"])}


def _fault(shop: Shop, body: dict[str, Any]) -> dict[str, Any]:
    name = str(body["fault"]).lower()
    if name == "none":
        shop.faults.clear()
        return {"fault": name}
    fault, times, details = Fault(name), int(body.get("times", 1)), body.get("details", {})
    method, path_contains = body.get("method"), body.get("path_contains")
    if times > 0:
        shop.faults.next(fault, times, method=method, path_contains=path_contains, **details)
    else:
        shop.faults.always(fault, method=method, path_contains=path_contains, **details)
    return {"fault": name, "times": times}
