"""How many webhooks a second one core accepts durably, beside a commit for each of them.

Run as `python -m tests.benchmarks.webhooks`; prints events per second and the slowest of a
hundred for the bare door (nothing kept), one commit per event, and ours. Server and sender have a
core each.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import uvicorn
from fastapi import FastAPI

from stocksync.domain.identifiers import StoreId
from stocksync.ledger.migrations import migrate
from stocksync.ledger.sql import open_ledger
from stocksync.ops import webhooks
from stocksync.ops.doors import door

SECRET: Final = "benchmark-secret-0001"
KEY: Final = "benchmark-key"
MODES: Final = ("bare", "commit each", "ours")
SENDERS: Final = 64
SERVER_CORE, SENDER_CORE = 0, 1


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one server did: events per second, and milliseconds of the slowest in a hundred."""

    mode: str
    per_second: float
    slow_ms: float
    kept: int


def event(number: int, products: int) -> bytes:
    """Return a request as Simvoly sends it: an order of one product, signed."""
    order = {"id": number, "invoiceNo": number, "customerName": "Ann", "total": 49.5, "items": []}
    item = {"id": number, "productId": 1 + number % products, "sku": "MUG", "quantity": 1}
    body = json.dumps(order | {"items": [item]}).encode()
    signed = hmac.new(KEY.encode(), body, hashlib.sha512).hexdigest()
    head = (
        f"POST /webhooks/site/{SECRET}?event=order_created HTTP/1.1\r\nhost: localhost\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"x-webhook-signature: {signed}\r\n\r\n"
    )
    return head.encode() + body


def pin(core: int) -> None:
    with suppress(OSError, AttributeError):
        os.sched_setaffinity(0, {core})


# --- the servers ---------------------------------------------------------------------------------

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def naive(file: Path, *, keeps: bool) -> Any:
    """Return the least there can be: check the signature, commit a row, answer."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, body TEXT)")

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        signature = dict(scope["headers"])[b"x-webhook-signature"]
        signed = hmac.new(KEY.encode(), body, hashlib.sha512).hexdigest().encode()
        status = 204 if hmac.compare_digest(signature, signed) else 401
        if keeps and status != 401:
            database.execute("INSERT INTO events (body) VALUES (?)", [body.decode()])
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


async def ours(url: str) -> FastAPI:
    ledger = await open_ledger(url, now=lambda: datetime.now(UTC))
    context = SimpleNamespace(ledger=ledger, now=lambda: datetime.now(UTC))
    doors = {StoreId("site"): door("simvoly", {"secret": SECRET, "signature": KEY})}
    desk = SimpleNamespace(
        context=lambda: context,
        dispatcher=SimpleNamespace(hinted=lambda _: None),
        webhooks=lambda: doors,
    )
    app = FastAPI()
    app.include_router(webhooks.router(cast("webhooks.WebhookDesk", desk)))
    return app


async def serve(mode: str, folder: Path, handle: int) -> None:
    pin(SERVER_CORE)
    app: Any
    if mode == "ours":
        app = await ours(f"sqlite:///{folder}/books.db")
    else:
        app = naive(folder / "naive.db", keeps=mode != "bare")
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    await uvicorn.Server(config).serve([socket.socket(fileno=handle)])


# --- the sender ----------------------------------------------------------------------------------


async def send_all(port: int, events: list[bytes]) -> tuple[float, list[float]]:
    """Send every event once over connections that are kept; return seconds in all and of each."""
    waiting, took = iter(events), []

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 204 " not in head.split(b"\r\n", 1)[0]:
                raise RuntimeError(head.decode())
            if b"transfer-encoding: chunked" in head.lower():
                await reader.readuntil(b"0\r\n\r\n")
            took.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    return time.perf_counter() - began, took


async def measure(mode: str, events: list[bytes], folder: Path) -> Measured:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(SENDERS * 2)
        port, handle = listening.getsockname()[1], listening.fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.webhooks"),
            *("--serve", mode, "--folder", str(folder), "--handle", str(handle)),
            pass_fds=[handle],
        )
        try:
            await send_all(port, events[: SENDERS * 2])  # it is up, and warm
            seconds, took = await send_all(port, events)
        finally:
            process.terminate()
            await process.wait()
    return Measured(
        mode=mode,
        per_second=len(events) / seconds,
        slow_ms=sorted(took)[int(len(took) * 0.99)] * 1000,
        kept=kept_by(mode, folder),
    )


def kept_by(mode: str, folder: Path) -> int:
    """Count the events that the database says it has, from behind the server's back."""
    file, asked = folder / "naive.db", "SELECT count(*) FROM events"
    if mode == "ours":
        file, asked = folder / "books.db", "SELECT coalesce(sum(times), 0) FROM hints"
    database = sqlite3.connect(file)
    try:
        return int(database.execute(asked).fetchone()[0])
    finally:
        database.close()


async def compare(number: int, products: int, modes: tuple[str, ...] = MODES) -> list[Measured]:
    """Measure each server in turn with the same events."""
    events = [event(at, products) for at in range(number)]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        migrate(f"sqlite:///{folder}/books.db")
        before = os.sched_getaffinity(0)
        pin(SENDER_CORE)
        try:
            found = [await measure(mode, events, folder) for mode in modes]
        finally:
            os.sched_setaffinity(0, before)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=20_000)
    arguments.add_argument("--products", type=int, default=500)
    arguments.add_argument("--serve", choices=MODES)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--handle", type=int)
    chosen = arguments.parse_args()
    if chosen.serve:
        asyncio.run(serve(chosen.serve, chosen.folder, chosen.handle))
        return
    found = asyncio.run(compare(chosen.events, chosen.products))
    floor = next(at for at in found if at.mode == "commit each")
    print(f"{chosen.events} events about {chosen.products} products, {SENDERS} at once")
    for at in found:
        print(
            f"{at.mode:>12}: {at.per_second:8,.0f} events/s  99 % within {at.slow_ms:6.1f} ms"
            f"  {at.per_second / floor.per_second:5.2f} x one commit each  ({at.kept:,} kept)"
        )


if __name__ == "__main__":
    main()
