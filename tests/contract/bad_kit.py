"""The table of bad inputs, and real connectors to feed it through."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from stocksync.connectors import REGISTRY
from stocksync.connectors.http import Transport
from stocksync.contracts.connector import StockWriter, StoreAccount
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.merge import FirstContact
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stock import Observation
from stocksync.engine.context import Context, Store
from stocksync.ledger.memory import MemoryLedger
from tests.unit.scripted_store import Asked, Said, ScriptedStore, now, socket_store
from tests.world import Clock

TABLE: Final = Path(__file__).parents[1] / "samples" / "bad_inputs.jsonl"
CREDENTIALS: Final[Mapping[str, Mapping[str, str]]] = {
    "recplus": {"username": "u", "password": "canary-1"},
    "b2bwave": {"app_code": "a", "token": "canary-2"},
    "freewebstore": {"api_key": "canary-3"},
    "simvoly": {"api_key": "canary-4"},
}


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    id: str
    channel: str
    name: str
    input: str
    expect: str


def cases(channel: str) -> list[Case]:
    """Return the cases of a channel, in the order of the table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [
        case for case in (Case(**json.loads(line)) for line in lines) if case.channel == channel
    ]


def page(platform: str, *rows: tuple[str, str]) -> bytes:
    """Write a platform's list of rows (code, quantity), each as the JSON text given."""
    shapes = {
        "recplus": ('{"code":%s,"stock":%s,"cost":""}', '{"stock":[%s],"total_count":%d}'),
        "b2bwave": ('{"id":ID,"code":%s,"quantity":%s,"quantity_monitor":true}', "[%s]"),
        "freewebstore": (
            '{"id":"ID","sku":%s,"stock":%s,"is_option_stock":false}',
            '{"products":{"items":[%s],"found":%d}}',
        ),
        "simvoly": (
            '{"id":ID,"type":"physical","title":"t","variants":[{"sku":%s,"quantity":%s}]}',
            '{"skip":0,"limit":50,"items":[%s],"totalCount":%d}',
        ),
    }
    row, envelope = shapes[platform]
    texts = [(row % at).replace("ID", str(number)) for number, at in enumerate(rows, start=1)]
    inside = ",".join(texts)
    text = envelope % ((inside, len(rows)) if "%d" in envelope else inside)
    return text.encode("utf-8", "surrogatepass")


def stand(platform: str, *, transport: Transport | None = None, url: str = "") -> StockWriter:
    """Build a platform's real connector before a transport, or before a real address."""
    account = StoreAccount(
        store=StoreId(platform), url=url or "https://shop.test", credentials=CREDENTIALS[platform]
    )
    return REGISTRY[platform](account, now=now, transport=transport)


def before(
    platform: str, script: Callable[[Asked], Said] | list[Said]
) -> tuple[StockWriter, ScriptedStore]:
    """Stand a connector before a scripted store."""
    store = ScriptedStore(script)
    return stand(platform, transport=store.transport), store


@asynccontextmanager
async def at_socket(answer: Any) -> AsyncIterator[tuple[StockWriter, list[bytes]]]:
    """Stand the REC+ connector before a real socket, with a deadline that a test can wait for."""
    async with socket_store(answer) as (origin, heads):
        connector = stand("recplus", url=origin)
        http: Any = connector._http  # type: ignore[attr-defined]
        http._limits = replace(http._limits, deadline_seconds=0.3, patience_seconds=0.0)
        yield connector, heads
        await connector.aclose()


async def census(connector: StockWriter) -> dict[ListingId, Observation]:
    """Read everything a connector lists."""
    return {row.listing: row async for rows in connector.census() for row in rows}


def merchant(*connectors: StockWriter) -> Context:
    """Stand the engine before these connectors, over fresh books."""
    clock = Clock()
    return Context(
        ledger=MemoryLedger(now=clock),
        book=Rulebook(fingerprint="none"),
        stores={
            connector.store: Store(
                seat=Seat(store=connector.store, first_contact=FirstContact.PUSH),
                connector=connector,
            )
            for connector in connectors
        },
        now=clock,
        new_id=iter(f"id{number:05}" for number in range(10_000)).__next__,
        holder="test",
    )
