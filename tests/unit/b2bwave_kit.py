"""A B2B Wave connector in front of a scripted shop, with pages as its clients saw them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stocksync.connectors import b2bwave
from stocksync.connectors.b2bwave import B2BWaveConnector
from stocksync.contracts.connector import StoreAccount
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Observation
from tests.unit.scripted_store import Asked, Said, ScriptedStore, now

SAMPLES = Path(__file__).parents[1] / "samples" / "b2bwave"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def connector(
    script: Callable[[Asked], Said] | list[Said], options: Mapping[str, str] | None = None
) -> tuple[B2BWaveConnector, Any]:
    store = ScriptedStore(script)
    account = StoreAccount(
        store=StoreId("trade"),
        url="https://trade.test",
        credentials={"app_code": "trade", "token": "canary-7f3a"},
        options=options or {},
    )
    return b2bwave.connect(account, now=now, transport=store.transport), store


def products(count: int) -> list[dict[str, Any]]:
    return [
        {"id": n, "code": f"C{n}", "name": "", "quantity": n % 7, "quantity_monitor": True}
        for n in range(count, 0, -1)
    ]


class Shop:
    """`/products` of a shop that pages as its clients saw it, or not at all."""

    def __init__(
        self,
        stock: list[dict[str, Any]],
        *,
        size: int | None = None,
        obeys_page: bool = True,
        obeys_filter: bool = True,
        all_at_once: bool = False,
    ) -> None:
        self.stock = stock
        self.size = size
        self.obeys_page = obeys_page
        self.obeys_filter = obeys_filter
        self.all_at_once = all_at_once

    def __call__(self, asked: Asked) -> Said:
        assert asked.path == "/api/products"
        assert asked.query["paginated"] == "1"
        code = asked.query.get("code_eq") if self.obeys_filter else None
        shown = [row for row in self.stock if code is None or row["code"] == code]
        if self.all_at_once:
            return Said(shown)
        size = self.size or int(asked.query["per_page"])
        start = (int(asked.query["page"]) - 1) * size if self.obeys_page else 0
        return Said(shown[start : start + size])


async def census(one: B2BWaveConnector) -> list[Observation]:
    return [shown async for page in one.census() for shown in page]


def correction(listing: str, quantity: int = 99, code: str | None = None) -> Correction:
    return Correction(listing=ListingId(listing), quantity=quantity, expected=50, code=code)
