"""A door to a scripted store, with a planted secret and a clock that tests move."""

from collections.abc import Mapping
from typing import Any

from stocksync.connectors.credentials import basic
from stocksync.connectors.http import HttpLimits, StoreHttp, Transport
from stocksync.domain.identifiers import StoreId
from tests.unit.scripted_store import now

SECRET = "canary-7f3a"
OK: dict[str, list[object]] = {"stock": []}


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def door(
    transport: Transport | None,
    *,
    origin: str = "https://shop.test",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> StoreHttp:
    limits = HttpLimits(**more.pop("limits", {}))
    return StoreHttp(
        store=StoreId("shop"),
        origin=origin,
        base_path=more.pop("base_path", "/api/v1"),
        headers=basic("user", SECRET) if headers is None else headers,
        limits=limits,
        now=now,
        transport=transport,
        **more,
    )
