"""Serve the pages of five stores as fast as a socket allows, from bytes made beforehand.

Run as `python -m tests.benchmarks.pages --skus N`: prints the stores' addresses as one line of
JSON and serves until standard input ends. Rows have the shape of the fake stores, which have that
of the manuals. A write changes what later pages show.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from stocksync.sandbox import (
    b2bwave_records,
    freewebstore_records,
    idealfactory,
    simvoly_records,
)
from stocksync.sandbox.items import Item

STORES: Final = ("shop", "trade", "web", "site", "print")
PAGE: Final = {"shop": 1000, "trade": 500, "web": 100, "site": 50}
SKUS_PER_PRODUCT: Final = 100
SOLD_PART: Final = 100
_HEAD_END: Final = b"\r\n\r\n"
_ID, _CODE, _UNITS = 987654321, "@CODE@", 123456789


def sku_of(number: int) -> str:
    return f"SKU-{number:06d}"


def units_of(number: int) -> int:
    """Return what is on hand of a SKU at the beginning; never so little that a sale ends it."""
    return 10 + number * 7 % 90


def sold_numbers(skus: int) -> dict[str, list[int]]:
    """Choose one SKU in a hundred, and let each stock store sell a fourth of them."""
    chosen = range(0, skus, SOLD_PART)
    sellers = STORES[:4]
    return {store: list(chosen[place::4]) for place, store in enumerate(sellers)}


def _template(shape: Callable[[Item], dict[str, Any]]) -> str:
    """Make the JSON of one row with holes for id, code and units."""
    item = Item(
        product_id=_ID,
        code=_CODE,
        title=f"Item {_CODE}",
        quantity=_UNITS,
        changed_at=datetime(2030, 1, 1, tzinfo=UTC),
    )
    text = json.dumps(shape(item)).replace("%", "%%")
    holes = {str(_ID): "%(id)d", _CODE: "%(code)s", str(_UNITS): "%(units)d"}
    for mark, hole in holes.items():
        text = text.replace(mark, hole)
    return text


def _stock_row(item: Item) -> dict[str, Any]:
    return {"code": item.code, "stock": item.quantity, "cost": ""}


@dataclass
class Shelf:
    """One store: the units of each SKU by number, and the pages made of them so far."""

    store: str
    units: list[int]
    row: str
    detail: str
    asked: Counter[str] = field(default_factory=Counter)
    pages: dict[int, bytes] = field(default_factory=dict)

    def text(self, number: int, template: str) -> str:
        return template % {
            "id": number + 1,
            "code": sku_of(number),
            "units": self.units[number],
        }

    def set(self, number: int, units: int) -> None:
        self.units[number] = units
        self.pages.pop(number // PAGE[self.store], None)

    def page(self, start: int) -> bytes:
        """Return a whole answer with the page that begins at a row; kept until a row changes."""
        size = PAGE[self.store]
        kept = self.pages.get(start // size)
        if kept is None or start % size:
            rows = range(start, min(start + size, len(self.units)))
            joined = ", ".join(self.text(number, self.row) for number in rows)
            kept = answer(self._enveloped(joined, start, len(rows)))
            if start % size == 0:
                self.pages[start // size] = kept
        return kept

    def _enveloped(self, rows: str, start: int, length: int) -> str:
        total, size = len(self.units), PAGE[self.store]
        match self.store:
            case "shop":
                paging = f'{{"offset": {start}, "limit": {size}, "previous_page_href": null}}'
                said = f'"count": {length}, "total_count": {total}, "paging": {paging}'
                return f'{{"href": "/stock.json", "stock": [{rows}], {said}}}'
            case "web":
                return f'{{"products": {{"found": {total}, "items": [{rows}]}}}}'
            case "site":
                said = f'"totalCount": {total}, "limit": {size}, "skip": {start}'
                return f'{{{said}, "items": [{rows}]}}'
            case _:
                return f"[{rows}]"


def answer(body: str, status: str = "200 OK") -> bytes:
    raw = body.encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}"
    return head.encode() + _HEAD_END + raw


class Mall:
    """All stores of the bench, and what their addresses mean."""

    def __init__(self, skus: int) -> None:
        units = [units_of(number) for number in range(skus)]
        shapes = {
            "shop": (_stock_row, _stock_row),
            "trade": (b2bwave_records.listed_product, b2bwave_records.written_product),
            "web": (freewebstore_records.listed_product, freewebstore_records.product),
            "site": (_simvoly, _simvoly),
        }
        self.shelves = {
            store: Shelf(store, list(units), _template(row), _template(detail))
            for store, (row, detail) in shapes.items()
        }
        product = _template(idealfactory.product).replace('"active": true', '"active": %(active)s')
        self.product = product
        self.active = [True] * -(-skus // SKUS_PER_PRODUCT)
        self.asked: Counter[str] = Counter()

    def reply(self, store: str, method: str, target: str, body: bytes) -> bytes:
        """Carry out one request."""
        address = urlsplit(target)
        if address.path == "/_bench/sell":
            return self._sell()
        if address.path == "/_bench/asked":
            return answer(json.dumps(self.asked))
        self.asked[f"{store} {'read' if method == 'GET' else 'write'}"] += 1
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        last = unquote(address.path.rpartition("/")[2])
        given = json.loads(body) if body else None
        if store == "print":
            return self._product(int(last), given)
        shelf = self.shelves[store]
        actions = {
            "shop": self._shop,
            "trade": self._trade,
            "web": self._web,
            "site": self._site,
        }
        return actions[store](shelf, query, last, given)

    def _sell(self) -> bytes:
        for store, numbers in sold_numbers(len(self.shelves["shop"].units)).items():
            for number in numbers:
                self.shelves[store].set(number, self.shelves[store].units[number] - 1)
        return answer("{}")

    def _shop(self, shelf: Shelf, query: dict[str, str], _last: str, given: Any) -> bytes:
        if given is None and "codes" not in query:
            return shelf.page(int(query["offset"]))
        for row in given or ():
            shelf.set(_number(row["code"]), row["stock"])
        codes = query["codes"].split(",") if given is None else [row["code"] for row in given]
        rows = ", ".join(shelf.text(_number(code), shelf.row) for code in codes)
        return answer(f'{{"stock": [{rows}], "count": {len(codes)}, "total_count": {len(codes)}}}')

    def _trade(self, shelf: Shelf, query: dict[str, str], _last: str, given: Any) -> bytes:
        if given is not None:
            number = int(given["id"]) - 1
            shelf.set(number, int(given["quantity"]))
            return answer(shelf.text(number, shelf.detail))
        if "code_eq" in query:
            return answer(f"[{shelf.text(_number(query['code_eq']), shelf.row)}]")
        return shelf.page((int(query["page"]) - 1) * PAGE["trade"])

    def _web(self, shelf: Shelf, query: dict[str, str], last: str, given: Any) -> bytes:
        if not last:
            return shelf.page(int(query["start"]))
        if given is None:
            return answer(shelf.text(int(last) - 1, shelf.detail))
        shelf.set(int(last) - 1, given["stock"])
        return answer(json.dumps({"productId": int(last)}))

    def _site(self, shelf: Shelf, query: dict[str, str], last: str, given: Any) -> bytes:
        if last == "products":
            return shelf.page(int(query["skip"]))
        if given is not None:
            shelf.set(int(last) - 1, given["variants"][0]["quantity"])
        return answer(shelf.text(int(last) - 1, shelf.detail))

    def _product(self, number: int, given: Any) -> bytes:
        if given is not None:
            self.active[number - 1] = given["active"]
        shown = {
            "id": number,
            "code": f"PRINT-{number}",
            "active": json.dumps(self.active[number - 1]),
        }
        return answer(self.product % shown)


def _simvoly(item: Item) -> dict[str, Any]:
    return simvoly_records.product([item])


def _number(code: str) -> int:
    return int(code.removeprefix("SKU-"))


class Door(asyncio.Protocol):
    """HTTP/1.1 with kept connections, as much of it as a well-behaved client needs."""

    def __init__(self, mall: Mall, store: str) -> None:
        self._mall = mall
        self._store = store
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(_HEAD_END)) >= 0:
            head = self._held[:end].decode("latin-1")
            begin = end + len(_HEAD_END)
            length = 0
            for line in head.split("\r\n")[1:]:
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            if len(self._held) < begin + length:
                return
            body, self._held = self._held[begin : begin + length], self._held[begin + length :]
            method, target, _ = head.split(" ", 2)
            assert self._transport is not None
            self._transport.write(self._mall.reply(self._store, method, target, body))


async def serve(skus: int) -> None:
    """Open a port for each store, say which, and serve until standard input ends."""
    mall, loop = Mall(skus), asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda store=store: Door(mall, store), "127.0.0.1", 0)  # type: ignore[misc]
        for store in STORES
    ]
    for shelf in mall.shelves.values():
        for start in range(0, skus, PAGE[shelf.store]):
            shelf.page(start)
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    addresses = {
        store: f"http://127.0.0.1:{port}" for store, port in zip(STORES, ports, strict=True)
    }
    print(json.dumps(addresses), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        server.close()


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("--skus", type=int, required=True)
    asyncio.run(serve(words.parse_args().skus))
