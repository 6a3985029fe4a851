"""`stocksync demo`: five fake stores brought into agreement over real HTTP, and the proof."""

import asyncio
import logging
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Annotated, Final

import structlog
import typer
from rich.console import Console

from stocksync import bootstrap, logs
from stocksync.cli import demo_show
from stocksync.cli.demo_show import Ending
from stocksync.cli.demo_story import Busy, Story, Tell
from stocksync.cli.demo_world import CONFIGURATION, Clock, World, fake_world
from stocksync.cli.exits import Exit
from stocksync.cli.session import Session, session_of
from stocksync.cli.tables import say
from stocksync.sandbox.shoppers import Shoppers

PORT: Final = 8080
SERVING_PAUSE_SECONDS: Final = 2.0
_TITLE_WIDTH: Final = 12


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the options of the command say."""

    serve: bool
    seconds: float
    skus: int
    seed: int


def demo(  # noqa: PLR0917 - typer calls it by name
    ctx: typer.Context,
    serve: Annotated[
        bool, typer.Option("--serve", help="Stay up afterwards, until Ctrl-C.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the folder with books and rules.")
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, max=20, help="How long people shop.")
    ] = 5.0,
    skus: Annotated[
        int, typer.Option("--skus", min=40, max=500, help="How many SKUs there are.")
    ] = 240,
    seed: Annotated[int, typer.Option("--seed", help="Other goods and other shoppers.")] = 1,
) -> int:
    """Show the main job with fake stores, from start to end."""
    session = session_of(ctx)
    # A store that is down is part of the story, and told there.
    level = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=level)
    folder = Path(tempfile.mkdtemp(prefix="stocksync-demo-"))
    wishes = Wishes(serve=serve, seconds=seconds, skus=skus, seed=seed)
    try:
        return asyncio.run(_play(session, folder, wishes))
    finally:
        if keep or serve:
            _say_unless_json(session, f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _play(session: Session, folder: Path, wishes: Wishes) -> Exit:
    """Play the story, show its end, and stay up if asked to."""
    started = time.monotonic()
    port = free_port() if wishes.serve else PORT
    with _telling(session) as (tell, busy):
        busy("opening five stores")
        async with fake_world(folder, skus=wishes.skus, seed=wishes.seed, port=port) as world:
            shoppers = Shoppers(world.catalogue.shops, Random(wishes.seed))  # noqa: S311
            listings = sum(len(shop.items) for shop in world.catalogue.shops.values())
            tell("open", f"five fake stores on 127.0.0.1 with {listings} listings")
            async with bootstrap.opened(world.plan) as context:
                clock = Clock()
                story = Story(
                    world=world,
                    context=replace(context, now=clock),
                    clock=clock,
                    shoppers=shoppers,
                    seconds=wishes.seconds,
                    tell=tell,
                    busy=busy,
                )
                proofs, verdict = await story.play()
            ending = Ending(
                story=story,
                proofs=proofs,
                verdict=verdict,
                seconds=time.monotonic() - started,
            )
            busy("")
            session.answer(demo_show.document(ending), lambda: demo_show.draw(ending))
            if not ending.holds:
                return Exit.FAILED
            if wishes.serve:
                await _stay(session, world, shoppers)
            else:
                _say_unless_json(session, "next: stocksync demo --serve, or stocksync init")
    return Exit.DONE


async def _stay(session: Session, world: World, shoppers: Shoppers) -> None:
    """Run the service over the fake stores, with people buying slowly, until a signal."""
    logs.configure()
    http = world.plan.settings.http
    lines = [f"  {store}: {url}/_sandbox/state" for store, url in world.sandbox.urls.items()]
    for line in (
        "people keep buying slowly; Ctrl-C ends it. Look at",
        f"  http://{http.host}:{http.port}/metrics",
        *lines,
        f"  stocksync --config {world.folder / CONFIGURATION} stock list",
    ):
        _say_unless_json(session, line)
    people = asyncio.create_task(shoppers.run(lambda: False, lambda: SERVING_PAUSE_SECONDS))
    try:
        from stocksync.service import serve  # noqa: PLC0415 - FastAPI takes a second to load

        await serve(world.plan, told=lambda text: _say_unless_json(session, text))
    finally:
        people.cancel()
        with suppress(asyncio.CancelledError):
            await people


@contextmanager
def _telling(session: Session) -> Iterator[tuple[Tell, Busy]]:
    """Give out two ways to speak: a line that stays, and what is being done, on terminals only."""
    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    status = console.status("") if console.is_terminal else None

    def tell(title: str, text: str) -> None:
        if status is not None:
            status.stop()
        if not session.json:
            said = f"{title:{_TITLE_WIDTH}} {text}"
            demo_show.say_wrapped(said, indent=_TITLE_WIDTH + 1)

    def busy(doing: str) -> None:
        if status is None:
            return
        if not doing:
            status.stop()
            return
        status.update(doing)
        status.start()

    try:
        yield tell, busy
    finally:
        if status is not None:
            status.stop()


def _say_unless_json(session: Session, text: str) -> None:
    if not session.json:
        say(text)


def free_port() -> int:
    """Return the usual port of the service, or any free one when somebody has it already."""
    for port in (PORT, 0):
        with socket.socket() as door, suppress(OSError):
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(("127.0.0.1", port))
            found: int = door.getsockname()[1]
            return found
    raise OSError("no port is free on 127.0.0.1")
