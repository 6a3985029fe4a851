"""The real process against real sockets: it polls, makes others follow, and drains."""

import asyncio
import re
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stocksync.sandbox.faults import Fault
from tests.e2e.serve_kit import Service, command, merchant

FOLLOWERS = ("shop", "trade", "web", "site")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with merchant(tmp_path) as made:
        yield made


async def test_a_sale_in_one_store_reaches_the_others_and_sigterm_drains(service: Service) -> None:
    code = next(iter(service.sandbox.shops["shop"].items)).code
    assert code is not None
    async with service.running() as process:
        shown = {store: service.sandbox.shops[store] for store in ("shop", "trade", "web", "site")}
        before = shown["shop"].quantity(code)
        assert before is not None
        await service.until(lambda: len({shop.quantity(code) for shop in shown.values()}) == 1)
        agreed = shown["shop"].quantity(code)
        assert agreed is not None
        shown["web"].sell(code, 2)
        await service.until(
            lambda: {shop.quantity(code) for shop in shown.values()} == {agreed - 2}
        )
        status, text = await asyncio.to_thread(service.get, "/metrics")
        assert status == 200
        assert 'stocksync_movements_total{kind="sale",store="web"} 1.0' in text
        assert 'stocksync_propagation_seconds_count{store="shop"}' in text
        assert (await asyncio.to_thread(service.get, "/metrics", ""))[0] == 401
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        assert b"Traceback" not in errors


async def agreed(service: Service) -> tuple[str, int]:
    """Wait until all stores show one number of the first code; return both."""
    code = next(iter(service.sandbox.shops["shop"].items)).code
    assert code is not None
    stores = [service.sandbox.shops[name] for name in FOLLOWERS]
    await service.until(lambda: len({shop.quantity(code) for shop in stores}) == 1)
    shown = stores[0].quantity(code)
    assert shown is not None
    return code, shown


async def test_a_second_signal_ends_at_once_while_a_store_hangs(service: Service) -> None:
    async with service.running() as process:
        await agreed(service)
        faults = service.sandbox.shops["web"].faults
        faults.always(Fault.HANGS)
        await service.until(lambda: Fault.HANGS in faults.met)
        process.send_signal(signal.SIGTERM)
        await service.said(process, "stopping")
        assert process.returncode is None
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
        assert process.returncode == 1
        assert time.monotonic() - began < 25, "less than the drain would have taken"
        assert b"cut off" in errors
        assert b"Traceback" not in errors


async def test_a_hangup_takes_new_rules_and_the_stores_follow_at_once(service: Service) -> None:
    async with service.running() as process:
        code, shown = await agreed(service)
        (service.folder / "rules" / "20.yaml").write_text(
            "rules:\n  - {name: keep, match: {store: trade}, set: {cap: 1}}\n"
        )
        process.send_signal(signal.SIGHUP)
        await service.said(process, "configuration reloaded")
        shops = service.sandbox.shops
        await service.until(lambda: shops["trade"].quantity(code) == 1)
        assert shops["shop"].quantity(code) == shown


async def test_a_wrong_file_is_refused_whole_and_the_service_goes_on(service: Service) -> None:
    async with service.running() as process:
        code, shown = await agreed(service)
        service.rewrite('"poll"', '"pol"')
        (service.folder / "rules" / "20.yaml").write_text(
            "rules:\n  - {name: keep, match: {store: trade}, set: {cap: 1}}\n"
        )
        process.send_signal(signal.SIGHUP)
        told = await service.said(process, "reload refused")
        assert "did you mean" in told or "poll" in told
        shops = service.sandbox.shops
        shops["web"].sell(code, 1)
        await service.until(lambda: shops["trade"].quantity(code) == shown - 1)


async def test_a_store_that_a_reload_adds_is_read_and_one_it_drops_is_left_alone(
    service: Service,
) -> None:
    file = service.folder / "stocksync.yaml"
    whole = file.read_text()
    kept = re.sub(r'(?m)^  - \{"id": "web".*\n', "", whole)
    assert kept != whole
    file.write_text(kept)
    async with service.running() as process:
        shops = service.sandbox.shops
        code = next(iter(shops["shop"].items)).code
        assert code is not None
        await service.until(lambda: shops["trade"].quantity(code) == shops["shop"].quantity(code))
        asked = len(shops["web"].writes)
        file.write_text(whole)
        process.send_signal(signal.SIGHUP)
        await agreed(service)
        assert len(shops["web"].writes) >= asked
        file.write_text(kept)
        process.send_signal(signal.SIGHUP)
        await service.said(process, "configuration reloaded")
        await service.said(process, "configuration reloaded")
        shops["shop"].sell(code, 1)
        left = shops["web"].quantity(code)
        await service.until(lambda: shops["trade"].quantity(code) == shops["shop"].quantity(code))
        assert shops["web"].quantity(code) == left


async def test_a_taken_address_is_said_in_one_sentence_before_any_store_is_asked(
    service: Service,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", service.port))
        other.listen()
        process = await asyncio.create_subprocess_exec(
            *command(service.folder), "serve", stderr=asyncio.subprocess.PIPE
        )
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert f"127.0.0.1:{service.port} is taken by another program" in errors.decode()
    assert b"Traceback" not in errors
