"""The demo of the Kubernetes overlay, without Kubernetes: its files, its commands, in its order."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from stocksync.sandbox.catalogue import STORES
from tests.e2e.prometheus_kit import Installation, Program, free_port, stocksync
from tests.integration.deploy_kit import DEPLOY, document

DEMO = DEPLOY / "kubernetes/overlays/demo"
_PORT = re.compile(r"http://127\.0\.0\.1:(\d+)")


def put_files(folder: Path, port: int) -> list[int]:
    """Put the demo's configuration where this test may write; return the ports of its stores."""
    folder.mkdir()
    token = folder / "token"
    token.write_text("demo-only")
    token.chmod(0o600)
    text = (DEMO / "stocksync.yaml").read_text()
    ports = {number: free_port() for number in _PORT.findall(text)}
    text = _PORT.sub(lambda found: f"http://127.0.0.1:{ports[found[1]]}", text)
    text = text.replace("/run/secrets/stocksync/http_token", str(token))
    text = text.replace("port: 8080", f"port: {port}").replace("/data/", f"{folder}/")
    (folder / "stocksync.yaml").write_text(text)
    return list(ports.values())


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[Program]:
    await program.start()
    try:
        yield program
    finally:
        assert await program.stop() == 0


def test_the_probe_of_the_fake_stores_asks_the_last_one() -> None:
    pod = document("kubernetes/overlays/demo/sandbox.yaml")["spec"]["template"]["spec"]
    probe = pod["initContainers"][0]["startupProbe"]["exec"]["command"]
    assert _PORT.findall((DEMO / "stocksync.yaml").read_text())[-1] in probe[-1]


@pytest.mark.slow
async def test_the_demo_reads_and_writes_all_its_fake_stores(tmp_path: Path) -> None:
    folder, port = tmp_path / "demo", free_port()
    ports = put_files(folder, port)
    config = folder / "stocksync.yaml"
    sandbox = Program(
        arguments=[*stocksync(config)[:-2], "sandbox", "--folder", str(folder), "--skus", "12"],
        output=tmp_path / "sandbox",
    )
    service = Program(arguments=[*stocksync(config), "serve"], output=tmp_path / "service")
    installation = Installation(folder=folder, config=config, port=port, service=service)

    async def stores_open() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", ports[-1])
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def all_written() -> bool:
        try:
            answer = await client.get("/metrics")
        except httpx.TransportError:
            return False
        success = r'^stocksync_last_success_timestamp_seconds\{kind="push",store="(\w+)"\}'
        written = set(re.findall(success, answer.text, re.MULTILINE))
        return written == {store for store, _, _ in STORES}

    token = {"authorization": "Bearer demo-only"}
    async with (
        running(sandbox),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=token) as client,
    ):
        await sandbox.until("open", 20, stores_open)
        await installation.command("migrate")
        async with running(service):
            await service.until("all stores written", 40, all_written)
            shown = (await client.get("/metrics")).text
    [on_hand] = re.findall(r"^stocksync_on_hand_units (\S+)", shown, re.MULTILINE)
    assert float(on_hand) > 0, "one store is the beginning of the books"
