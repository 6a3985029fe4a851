"""Order feeds in front of scripted stores, and the vendors' own examples of orders."""

import copy
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stocksync.connectors import REGISTRY
from stocksync.contracts.connector import OrderFeed, StoreAccount
from stocksync.domain.identifiers import StoreId
from stocksync.domain.orders import OrderLine
from tests.contract.kinds import KINDS
from tests.unit.scripted_store import Asked, Said, ScriptedStore, now

SAMPLES = Path(__file__).parents[1] / "samples"
LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)
Json = dict[str, Any]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def changed(row: Mapping[str, Any], **fields: object) -> Json:
    """Copy a row with other fields; `...` takes a field away."""
    copied = {**copy.deepcopy(dict(row)), **fields}
    return {name: value for name, value in copied.items() if value is not ...}


def feed(
    platform: str, script: Callable[[Asked], Said] | list[Said], **options: str
) -> tuple[OrderFeed, ScriptedStore]:
    store = ScriptedStore(script)
    account = StoreAccount(
        store=StoreId("shop"),
        url="https://shop.test",
        credentials=KINDS[platform].credentials,
        options=options,
        requests_per_second=1_000_000,
    )
    connector = REGISTRY[platform](account, now=now, transport=store.transport)
    assert isinstance(connector, OrderFeed)
    return connector, store


async def told(connector: OrderFeed, since: datetime = LONG_AGO) -> list[OrderLine]:
    return [line async for page in connector.orders(since) for line in page]


def units(lines: list[OrderLine]) -> dict[str, int]:
    return {line.line: line.units for line in lines}
