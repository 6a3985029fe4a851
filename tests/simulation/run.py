"""Run one seed from its first to its last moment, and judge what is left."""

import asyncio
import random
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import stamina
import structlog

from stocksync.connectors import (
    b2bwave,
    b2bwave_orders,
    b2bwave_pages,
    freewebstore,
    freewebstore_orders,
    http,
    recplus,
    recplus_orders,
    simvoly,
    simvoly_orders,
)
from stocksync.domain.orders import FEED_SETTLE
from stocksync.errors import StockSyncError
from stocksync.ledger.migrations import migrate
from tests.simulation import judges
from tests.simulation.archive import Archive
from tests.simulation.guards import judge_secrets
from tests.simulation.loop import VirtualLoop
from tests.simulation.options import Options
from tests.simulation.people import People
from tests.simulation.process import Process
from tests.simulation.trace import Trace, Violation
from tests.simulation.world import World, folder


@dataclass(kw_only=True)
class Result:
    """What became of a seed. `crash` is the traceback of a mistake in the simulator itself."""

    options: Options
    digest: str = ""
    violations: list[Violation] = field(default_factory=list)
    sometimes: Counter[str] = field(default_factory=Counter)
    tail: list[str] = field(default_factory=list)
    sold: int = 0
    exposed: int = 0
    ambiguous: int = 0
    error: int = 0
    cycles: int = 0
    steps: int = 0
    seconds: float = 0.0
    lines: int = 0
    pulls: dict[str, list[float]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return bool(self.violations)


@cache
def empty_books() -> bytes:
    """Make the tables once; every seed starts from a copy."""
    with folder() as home:
        file = Path(home) / "empty.db"
        migrate(f"sqlite:///{file}")
        return file.read_bytes()


def run_seed(options: Options) -> Result:
    """Run one seed. Never raises: what goes wrong is in the result."""
    loop = VirtualLoop(random.Random(f"loop {options.seed}"), shuffled=options.shuffled)
    random.seed(options.seed)
    asyncio.set_event_loop(loop)
    with folder() as home, in_small(loop) as logs:
        world = World(options, loop, Path(home), empty_books())
        loop.set_exception_handler(lambda _, context: _complain(world.trace, context))
        logs.trace = world.trace
        try:
            loop.run_until_complete(_live(world))
        except Exception:  # noqa: BLE001 - a mistake of ours is a finding too
            world.trace.broken("simulator", traceback.format_exc())
        finally:
            _end(loop)
            world.close()
    return _result(options, world, loop)


def _result(options: Options, world: World, loop: VirtualLoop) -> Result:
    trace, truth = world.trace, world.truth
    return Result(
        options=options,
        digest=trace.digest,
        violations=trace.violations,
        sometimes=trace.sometimes,
        tail=list(trace.tail),
        sold=truth.sold,
        exposed=truth.exposed,
        ambiguous=truth.doubt.ambiguous,
        error=truth.sales.error() + sum(abs(at.real - at.booked) for at in truth.believed()),
        cycles=world.cycles,
        steps=world.steps,
        seconds=loop.time(),
        lines=trace.lines,
        pulls=dict(world.pulls),
    )


def _complain(trace: Trace, context: dict[str, Any]) -> None:
    trace.broken("loop", f"{context.get('message')}: {context.get('exception')!r}")


def _end(loop: VirtualLoop) -> None:
    """Leave nothing running."""
    for task in asyncio.all_tasks(loop):
        task.cancel()
    with suppress(BaseException):
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.run_until_complete(loop.shutdown_asyncgens())
    asyncio.set_event_loop(None)
    loop.close()


async def _live(world: World) -> None:
    """Safety first: everything may fail. Then liveness: nothing does, and all must come right."""
    await world.open_shop()
    await judges.judge_calm(world, "the opening")
    if world.trace.violations:
        return
    world.stale.begin()
    people = People(world)
    archive = Archive(people)
    world.network.quiet = False
    deeds = [
        asyncio.create_task(deed)
        for deed in (
            people.shop(),
            people.operate(),
            people.pull_plugs(),
            people.rival(),
            archive.lose_books(),
        )
    ]
    end = world.loop.time() + world.options.minutes * 60
    while world.loop.time() < end and not world.trace.violations:
        await asyncio.sleep(5.0)
        judges.judge_books(world)
        judges.judge_suspense(world)
    for deed in deeds:
        deed.cancel()
    await asyncio.wait(deeds)
    for deed in deeds:
        if not deed.cancelled() and deed.exception():
            raise deed.exception() or RuntimeError
    if not world.trace.violations:
        await _recover(world, people, archive)
    world.restarts = False
    for process in world.living:
        await world.clear(process)


async def _recover(world: World, people: People, archive: Archive) -> None:
    """Let all trouble end, and see that the service comes right without it."""
    world.trace.line("liveness")
    world.network.quiet = True
    world.network.down.clear()
    world.stale.end()
    world.counter.locked_out.clear()
    world.restarts = False
    for store in list(people.zeroed):
        people.restore(store)
    await archive.accept()
    for process in world.living[:-1]:
        await world.clear(process)
    while world.burials:
        await asyncio.wait(list(world.burials))
    process = world.living[0] if world.living else await world.begin()
    process.stop_polling()
    settle = FEED_SETTLE.total_seconds() if world.merchant.fed else 0.0
    longest = max(world.options.horizon_seconds, 2 * world.options.poll_seconds, settle)
    await asyncio.sleep(longest + world.set_back + 70)
    for key in list(people.pending):
        with suppress(StockSyncError):
            await people.adjust(process, key)
    await asyncio.sleep(max(judges.rest_of_pause(process), judges.rest_of_back_off(world)))
    await _converge(world, process)
    for _ in range(3):
        await world.cycle(process)
        await world.approve_all(process)
    await asyncio.sleep(judges.rest_of_back_off(world))
    if world.merchant.fed:
        await world.cycle(process)
        await asyncio.sleep(FEED_SETTLE.total_seconds() + 10)
    for _ in range(2 if world.merchant.mode == "shared" else 6):
        await world.cycle(process)
    await judges.judge_calm(world, "the end")
    judges.judge_kept(world)
    judges.judge_truth(world)
    await judges.judge_quiet(world, process)


async def _converge(world: World, process: Process) -> None:
    """Count the cycles until all is right, where no person and no order has to be waited for."""
    for number in range(1, 4):
        await world.cycle(process)
        if world.waits():
            return
        if not list(judges.not_calm(world)):
            world.cycles = number
            return
    world.trace.broken("I5", "three quiet cycles do not bring all stores to their targets")


class Logs:
    """Our log lines, read for what must never be in them."""

    trace: Trace | None = None

    def read(self, _logger: Any, _method: str, event: Any) -> Any:
        trace = self.trace
        if trace is not None:
            judge_secrets(trace, str(event), "a line of the log")
            name, reason = event.get("event"), event.get("reason", "")
            if name == "unexpected error":
                trace.broken("defect", f"{event} {traceback.format_exc()[-1500:]}")
            if name == "job failed":
                trace.reached("a job failed in the dispatcher")
                if "is booked already" in str(reason) or "imbalance" in str(reason):
                    trace.broken("I1", str(reason))
        raise structlog.DropEvent


@contextmanager
def in_small(loop: VirtualLoop) -> Iterator[Logs]:
    """Make pages small and time virtual for as long as a seed runs."""
    logs = Logs()
    walk: Any = b2bwave_pages.PageWalk.__init__
    saved: list[tuple[Any, str, Any]] = [
        (recplus, "CAPABILITIES", recplus.CAPABILITIES),
        (simvoly, "PAGE_MAX", simvoly.PAGE_MAX),
        (freewebstore, "PAGE_MAX", freewebstore.PAGE_MAX),
        (recplus_orders, "ORDERS_PAGE", recplus_orders.ORDERS_PAGE),
        (simvoly_orders, "ORDERS_PAGE", simvoly_orders.ORDERS_PAGE),
        (freewebstore_orders, "ORDERS_PAGE", freewebstore_orders.ORDERS_PAGE),
        (b2bwave_pages, "PER_PAGE", b2bwave_pages.PER_PAGE),
        (walk, "__defaults__", walk.__defaults__),
        (b2bwave, "_PAGED", b2bwave._PAGED),
        (b2bwave_orders, "_PAGED", b2bwave_orders._PAGED),
    ]
    small: list[Any] = [_page_of(recplus.CAPABILITIES, 5), 4, 5, 10, 10, 10, 4]
    small += [(1, False, 4, *walk.__defaults__[3:])]
    small += [at._PAGED | {"per_page": "4"} for at in (b2bwave, b2bwave_orders)]
    for (module, name, _), value in zip(saved, small, strict=True):
        setattr(module, name, value)
    defaults: Any = http.StoreHttp.__init__.__kwdefaults__
    real = defaults["monotonic"]
    defaults["monotonic"] = loop.time
    structlog.configure(processors=[logs.read])
    tested = stamina.is_testing()
    stamina.set_testing(False)
    try:
        yield logs
    finally:
        defaults["monotonic"] = real
        for module, name, value in saved:
            setattr(module, name, value)
        structlog.reset_defaults()
        stamina.set_testing(tested, attempts=3)


def _page_of(capabilities: Any, rows: int) -> Any:
    return replace(capabilities, page_max=rows)
