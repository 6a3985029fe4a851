"""A fast server of the five stores' pages, so that the client is what a benchmark measures.

Pages are encoded once and kept until a row in them changes. Shapes as in the vendors' documents.
"""

import asyncio
import functools
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

PLATFORMS: Final = ("recplus", "b2bwave", "freewebstore", "simvoly", "idealfactory")
SKUS_PER_PRINT: Final = 100
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def code(index: int) -> str:
    return f"SKU-{index:06}"


class Shop:
    """One store's quantities, and its pages as bytes."""

    def __init__(self, platform: str, skus: int) -> None:
        self.platform = platform
        self.count = -(-skus // SKUS_PER_PRINT) if platform == "idealfactory" else skus
        self.quantities = [1] * self.count if platform == "idealfactory" else [50] * skus
        self.first = 1 if platform == "idealfactory" else 0
        self.pages: dict[tuple[int, int], bytes] = {}
        self.writes = 0
        self.reads = 0

    def set(self, index: int, quantity: int) -> None:
        self.quantities[index] = quantity
        self.pages.clear()

    def row(self, index: int) -> dict[str, Any]:
        quantity = self.quantities[index]
        if self.platform == "recplus":
            return {"code": code(index), "stock": quantity, "cost": "3.50"}
        if self.platform == "b2bwave":
            return {
                "id": index, "name": f"Product {index}", "code": code(index),
                "part_number": code(index), "is_active": True, "quantity": quantity,
                "quantity_monitor": True, "can_backorder": False, "minimum_quantity": "0.0",
                "product_variants": [],
            }  # fmt: skip
        if self.platform == "freewebstore":
            return {
                "id": str(index), "name": f"Product {index}", "sku": code(index),
                "stock": quantity, "is_option_stock": False, "price": 1.99, "rrp": "2.99",
                "disabled": False, "hidden": False, "updatedon": "2019-10-16T11:03:20.137Z",
            }  # fmt: skip
        if self.platform == "simvoly":
            variant = {
                "options": [], "price": 199, "onSale": False, "regularPrice": 199,
                "salePrice": 0, "quantity": quantity, "sku": code(index), "weight": 0,
            }  # fmt: skip
            return {
                "id": index, "type": "physical", "title": f"Product {index}",
                "url": f"product-{index}", "hidden": False, "categories": [], "options": [],
                "variants": [variant],
            }  # fmt: skip
        return {
            "id": index + 1,
            "name": f"Print {index}",
            "code": f"P{index}",
            "active": bool(quantity),
        }

    def page(self, start: int, size: int) -> bytes:
        found = self.pages.get((start, size))
        if found is None:
            rows = [self.row(index) for index in range(start, min(start + size, self.count))]
            found = self.pages[start, size] = json.dumps(self.envelope(rows, start, size)).encode()
        return found

    def envelope(self, rows: list[dict[str, Any]], start: int, size: int) -> Any:
        if self.platform == "recplus":
            paging = {"offset": start, "limit": size}
            return {
                "stock": rows, "count": len(rows), "total_count": self.count, "paging": paging,
            }  # fmt: skip
        if self.platform == "freewebstore":
            return {"products": {"found": self.count, "items": rows}}
        if self.platform == "simvoly":
            return {"totalCount": self.count, "limit": size, "skip": start, "items": rows}
        return rows

    def answer(self, method: str, target: str, body: bytes) -> bytes:
        """Answer one request with JSON bytes."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/_sell":
            for index in range(int(query["first"]), self.count, int(query["every"])):
                self.set(index, self.quantities[index] - 1)
            return b"{}"
        if parts.path == "/_counters":
            return json.dumps({"reads": self.reads, "writes": self.writes}).encode()
        if method == "GET":
            self.reads += 1
            return self.get(parts.path, query)
        self.writes += 1
        return self.put(parts.path, json.loads(body))

    def get(self, path: str, query: Mapping[str, str]) -> bytes:
        if "codes" in query:
            rows = [self.row(int(at[4:])) for at in query["codes"].split(",")]
            return json.dumps(
                self.envelope(rows, 0, len(rows)) | {"total_count": len(rows)}
            ).encode()
        if "code_eq" in query:
            return json.dumps([self.row(int(query["code_eq"][4:]))]).encode()
        last = unquote(path.rstrip("/").rsplit("/", 1)[1])
        if last.isdigit():
            return json.dumps(self.detail(int(last) - self.first)).encode()
        if self.platform == "b2bwave":
            size = int(query["per_page"])
            return self.page((int(query["page"]) - 1) * size, size)
        start = query.get("offset") or query.get("start") or query.get("skip") or "0"
        return self.page(int(start), int(query.get("limit") or query["per_page"]))

    def detail(self, index: int) -> dict[str, Any]:
        row = self.row(index)
        if self.platform == "freewebstore":
            return {"id": index, "name": row["name"], "code": row["sku"], "stock": row["stock"],
                    "is_stock_option": False, "deleted": False}  # fmt: skip
        return row

    def put(self, path: str, body: Any) -> bytes:
        if self.platform == "recplus":
            for row in body:
                self.set(int(row["code"][4:]), row["stock"])
            return json.dumps({"stock": body}).encode()
        if self.platform == "b2bwave":
            self.set(int(body["id"]), int(body["quantity"]))
            return json.dumps(self.row(int(body["id"]))).encode()
        index = int(path.rsplit("/", 1)[1]) - self.first
        if self.platform == "freewebstore":
            self.set(index, body["stock"])
            return json.dumps({"message": "Product Updated", "productId": index}).encode()
        if self.platform == "simvoly":
            self.set(index, body["variants"][0]["quantity"])
        else:
            self.set(index, int(body["active"]))
        return json.dumps(self.row(index)).encode()


class Talk(asyncio.Protocol):
    """Just enough HTTP/1.1 for one keep-alive client at a time on a connection."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            found = _LENGTH.search(head)
            length = int(found[1]) if found else 0
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            said = self.shop.answer(method, target, body)
            self.transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                % len(said)
                + said
            )


async def serve(skus: int, told: Callable[[dict[str, int]], None]) -> None:
    """Serve every platform on a port of its own until cancelled."""
    loop = asyncio.get_running_loop()
    ports: dict[str, int] = {}
    for platform in PLATFORMS:
        shop = Shop(platform, skus)
        server = await loop.create_server(functools.partial(Talk, shop), "127.0.0.1", 0)
        ports[platform] = server.sockets[0].getsockname()[1]
    told(ports)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), lambda ports: print(json.dumps(ports), flush=True)))
