"""A REC+ connector in front of a scripted site, and a shelf that pages like one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stocksync.connectors import recplus
from stocksync.connectors.recplus import RecPlusConnector
from stocksync.contracts.connector import StoreAccount
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Observation
from tests.unit.scripted_store import Asked, Said, ScriptedStore, now

SAMPLES = Path(__file__).parents[1] / "samples" / "recplus"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def connector(script: Callable[[Asked], Said] | list[Said]) -> tuple[RecPlusConnector, Any]:
    store = ScriptedStore(script)
    account = StoreAccount(
        store=StoreId("shop"),
        url="https://shop.test",
        credentials={"username": "u", "password": "canary-7f3a"},
    )
    return recplus.connect(account, now=now, transport=store.transport), store


def rows(count: int, *, first: int = 0) -> list[dict[str, Any]]:
    return [{"code": f"C{n:04}", "stock": n, "cost": ""} for n in range(first, first + count)]


class Shelf:
    """`/stock` of a site: clamps the limit, tells a total or not, and may change on the way."""

    def __init__(
        self,
        stock: list[dict[str, Any]],
        *,
        most: int = 1000,
        bare: bool = False,
        between: Callable[["Shelf", int], None] | None = None,
    ) -> None:
        self.stock = stock
        self.most = most
        self.bare = bare
        self.between = between
        self.calls = 0

    def __call__(self, asked: Asked) -> Said:
        self.calls += 1
        if self.between:
            self.between(self, self.calls)
        wanted = asked.query["codes"].split(",") if "codes" in asked.query else None
        shown = [row for row in self.stock if wanted is None or row["code"] in wanted]
        offset = int(asked.query.get("offset", "0"))
        limit = min(int(asked.query.get("limit", "25")), self.most)
        page = shown[offset : offset + limit]
        if self.bare:
            return Said(page)
        paging = {"offset": offset, "limit": limit, "next_page_href": "//evil.test/stock.json"}
        return Said(
            {"stock": page, "count": len(page), "total_count": len(shown), "paging": paging}
        )


async def census(one: RecPlusConnector) -> list[Observation]:
    return [shown async for page in one.census() for shown in page]


def correction(code: str, quantity: int = 84, expected: int = 90) -> Correction:
    return Correction(listing=ListingId(code), quantity=quantity, expected=expected, code=code)
