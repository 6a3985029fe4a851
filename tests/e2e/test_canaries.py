"""No secret of a configuration is ever heard again, whatever stores and callers do."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from stocksync.sandbox import serve as sandbox_serve
from stocksync.sandbox.faults import Fault
from tests.e2e.canary_kit import (
    CANARIES,
    PLACES,
    SHAPES,
    Cage,
    Ears,
    ask_everything,
    caged,
    echo,
    say_aloud,
    with_canaries,
)

pytestmark = pytest.mark.slow
WAIT_SECONDS = 40
REGISTER = ("webhooks", "register", "--store", "site", "--url", "https://sync.example")


@pytest.fixture(autouse=True)
def stores_ask_for_canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_serve, "CREDENTIALS", with_canaries())


async def a_bad_day(cage: Cage) -> None:
    """Refuse writes aloud; then refuse everything, each store in its own way."""
    shops = cage.shops
    await cage.run("stock", "import", str(cage.folder / "stock.csv"), expect=0)
    for store, method in {"shop": "POST", "trade": "POST", "web": "PUT", "site": "PUT"}.items():
        say_aloud(shops[store], Fault.ANSWER, method=method, **echo(store, 400))
    await cage.run("sync", expect=1)
    say_aloud(shops["shop"], Fault.ANSWER, **echo("shop", 401))
    say_aloud(shops["trade"], Fault.ANSWER, **echo("trade", 500))
    say_aloud(shops["web"], Fault.ANSWER, **echo("web", 200, content_type="text/html"))
    say_aloud(shops["site"], Fault.ANSWER, **echo("site", 403))
    say_aloud(shops["print"], Fault.DROP_REPLY)
    await asyncio.gather(
        cage.run("check", expect=1),
        cage.run("sync", "--json", expect=1),
        cage.run(*REGISTER, expect=1),
        cage.run("migrate", expect=2, config="postgres.yaml"),
    )


@asynccontextmanager
async def served(cage: Cage) -> AsyncIterator[httpx.AsyncClient]:
    """Run the service, and hear its log to the end; jobs that hang are cut off."""
    process = await cage.start("serve")
    said = asyncio.create_task(process.communicate())
    try:
        address = f"http://127.0.0.1:{cage.port}"
        async with httpx.AsyncClient(base_url=address, timeout=10) as client:
            yield client
    finally:
        # The second one cuts off what a store that never answers holds up.
        while process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait([said], timeout=1)
        out, errors = await said
        cage.ears.hear("stdout", out)
        cage.ears.hear("log", errors)


async def failed_once(client: httpx.AsyncClient, stores: Sequence[str]) -> bool:
    """Tell whether a pull of each of these stores has failed by now."""
    right = {"authorization": f"Bearer {CANARIES['main-token']}"}
    try:
        text = (await client.get("/metrics", headers=right)).text
    except httpx.TransportError:
        return False
    lines = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in text.splitlines()}
    failed = 'stocksync_runs_total{{kind="{}",outcome="failed",store="{}"}}'
    kinds = ("pull", "sweep")
    return all(
        any(float(lines.get(failed.format(kind, at), "0")) > 0 for kind in kinds) for at in stores
    )


async def a_day_of(cage: Cage) -> Ears:
    """Live through a bad day by hand, then with the service, and listen to it all."""
    await a_bad_day(cage)
    say_aloud(cage.shops["print"], Fault.HANGS)
    async with served(cage) as client:
        async with asyncio.timeout(WAIT_SECONDS):
            while not await failed_once(client, ("shop", "trade", "web", "site")):
                await asyncio.sleep(0.3)
        await ask_everything(cage, client)
    cage.hear_the_files()
    return cage.ears


async def test_no_canary_is_heard_anywhere(tmp_path: Path) -> None:
    async with caged(tmp_path) as cage:
        ears = await a_day_of(cage)
    assert ears.heard.keys() == PLACES
    assert ears.leaks() == {}
    # There was something to hear: the stores' own words arrived, only without the secrets.
    for place in ("stdout", "stderr", "log", "ledger", "api"):
        assert b"is wrong, as in" in ears.heard[place], place
    assert b"stocksync_store_state" in ears.heard["metrics"]


async def test_a_leak_in_any_place_would_be_heard(tmp_path: Path) -> None:
    """The same day with a program that leaks everywhere: the test above can fail."""
    program = [sys.executable, "-m", "tests.e2e.leaky"]
    async with caged(tmp_path, program) as cage:
        leaks = (await a_day_of(cage)).leaks()
    assert leaks.keys() == PLACES
    for place in PLACES - {"metrics"}:
        assert "site-key" in leaks[place], place
    assert {"shop-hook", "site-hook"} <= leaks["log"]
    assert {"shop-word", "trade-token", "web-key"} <= leaks["metrics"]


@pytest.mark.parametrize("name", CANARIES)
def test_every_canary_is_heard_even_when_it_is_cut_short(name: str) -> None:
    ears = Ears()
    ears.hear("log", b"x" * 50 + CANARIES[name][:12].encode() + b"\x00")
    assert ears.leaks() == {"log": {name}}
    assert set(SHAPES.values()) == CANARIES.keys()
