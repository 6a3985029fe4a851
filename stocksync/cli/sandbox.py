"""`sandbox`: five fake stores on this machine, with everything needed to try things out."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from stocksync.cli.exits import Exit
from stocksync.cli.files import put, starter_rules
from stocksync.cli.session import CONFIG_FILE, Session, session_of
from stocksync.cli.tables import say
from stocksync.errors import ConfigurationError
from stocksync.sandbox.catalogue import Catalogue, plain_catalogue
from stocksync.sandbox.serve import Sandbox
from stocksync.settings import Settings, load_settings

FOLDER: Final = Path("sandbox")
SKUS: Final = 240
SKUS_MAX: Final = 200_000
SWITCHES: Final = "40-availability.yaml"
_EVERY_STORE: Final = {"poll": "5s"}


def sandbox(
    ctx: typer.Context,
    skus: Annotated[
        int, typer.Option("--skus", min=1, max=SKUS_MAX, help="So many products in each store.")
    ] = SKUS,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where to put the configuration.")
    ] = FOLDER,
) -> int:
    """Serve five fake stores to try things out with."""
    session = session_of(ctx)
    asyncio.run(_serve(session, plain_catalogue(skus), folder))
    return Exit.DONE


async def _serve(session: Session, catalogue: Catalogue, folder: Path) -> None:
    """Open the stores, put the files beside them, and wait to be stopped."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    config = folder / CONFIG_FILE
    ports = _ports_of(config, catalogue) if config.exists() else {}
    stores = Sandbox(catalogue.shops, ports=ports)
    try:
        await stores.__aenter__()
    except OSError as error:
        raise ConfigurationError([f"a store cannot be served: {error.strerror}"]) from None
    try:
        kept = _put_files(stores, catalogue, folder)
        document = {"folder": str(folder), "kept": kept, "stores": stores.urls}
        session.answer(document, lambda: _draw(config, kept, stores.urls, catalogue))
        await stopping.wait()
    finally:
        await stores.__aexit__(None, None, None)


def _put_files(stores: Sandbox, catalogue: Catalogue, folder: Path) -> list[str]:
    """Write what is not there yet; return the files that were."""
    text = stores.configuration("sqlite:///stocksync.db", "rules/", every_store=_EVERY_STORE)
    files = {
        folder / CONFIG_FILE: text,
        folder / "stock.csv": catalogue.stock_take(),
        folder / "rules" / SWITCHES: catalogue.rules(),
    }
    for rules in starter_rules():
        files.setdefault(folder / "rules" / rules.name, rules.read_text("utf-8"))
    modes = {folder / CONFIG_FILE: 0o600}
    return [
        str(file)
        for file, content in files.items()
        if not put(file, content, mode=modes.get(file, 0o644))
    ]


def _ports_of(config: Path, catalogue: Catalogue) -> dict[str, int]:
    """Return the ports that an earlier sandbox wrote down, so that its configuration still fits.

    Raises:
        ConfigurationError: The configuration is not that of a sandbox.
    """
    settings: Settings = load_settings(config, {})
    ports: dict[str, int] = {}
    for store in settings.stores:
        address = urlsplit(store.url)
        if address.hostname == "127.0.0.1" and address.port is not None:
            ports[store.id] = address.port
    if ports.keys() != catalogue.shops.keys():
        advice = "choose another --folder"
        raise ConfigurationError([f"{config}: is not the configuration of a sandbox; {advice}"])
    return ports


def _draw(config: Path, kept: list[str], urls: Mapping[str, str], catalogue: Catalogue) -> None:
    """Say where the stores are, and what to try."""
    for store, url in urls.items():
        say(f"{store:<6} {catalogue.shops[store].platform:<13} {url}")
    for file in kept:
        say(f"kept {file} (it was there already)")
    call = f"stocksync --config {config}"
    sku = next(iter(catalogue.opening))
    body = f'{{"code": "{sku}", "units": 2}}'
    say()
    say("in another terminal:")
    for step in ("migrate", f"stock import {config.parent / 'stock.csv'}", "sync", "holds list"):
        say(f"  {call} {step}")
    say()
    say("sell something in a store, then sync again:")
    say(f"  curl -d '{body}' {urls['shop']}/_sandbox/sell")
    say(f"  curl {urls['web']}/_sandbox/state")
    say()
    say("Ctrl-C stops the stores")
