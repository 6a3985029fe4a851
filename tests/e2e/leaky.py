"""stocksync with a leak in every place where one could be: what the canaries must find.

Run as `python -m tests.e2e.leaky`, with the words of the program.
"""

from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from stocksync import bootstrap, metrics
from stocksync.__main__ import main
from stocksync.connectors.answers import Secrets
from stocksync.ops import app


def hide_nothing(_: Secrets, text: str) -> str:
    """Pass on what a store said, secrets and all: to the terminal, the log, the books, the API."""
    return text


def label_with_a_secret(store: Any, *rest: Any) -> Any:
    """Label series with what opens the store."""
    for word in store.credentials.values():
        metrics.WEBHOOKS.labels(store.id, word.get_secret_value()).inc()
    return connect(store, *rest)


def log_each_request(desk: Any) -> ASGIApp:
    """Keep an access log, with the secret ends of addresses in it."""
    served = build(desk)

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        structlog.get_logger().info("request", path=scope["path"])
        await served(scope, receive, send)

    return logged


connect, build = bootstrap.connect, app.build

if __name__ == "__main__":
    for place, name, leak in (
        (Secrets, "hide", hide_nothing),
        (bootstrap, "connect", label_with_a_secret),
        (app, "build", log_each_request),
    ):
        setattr(place, name, leak)
    main()
