"""Runs that a person asks for: one at a time, named at once, and watched while they go on."""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

import structlog

from stocksync.contracts.dispatch import RunEvent, Wish
from stocksync.contracts.ledger import Commit, RunRecord
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context
from stocksync.engine.preview import preview
from stocksync.engine.sync import Progress, sync
from stocksync.errors import LedgerError, RunInProgress, UnknownName

REMEMBERED_MAX: Final = 50
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Watched:
    """A run's events so far, and a bell that rings at each of them."""

    events: list[RunEvent] = field(default_factory=list)
    ended: bool = False
    bell: asyncio.Condition = field(default_factory=asyncio.Condition)


class ManualRuns:
    """Start runs by hand and let any number of people watch them."""

    def __init__(self, context: Callable[[], Context]) -> None:
        self._context = context
        self._watched: OrderedDict[str, _Watched] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._current = ""

    async def start(self, wish: Wish) -> str:
        """Start a run and return its name, under which the books know it by then.

        Raises:
            RunInProgress: The one before has not ended.
            UnknownName: A store that is not configured.
            LedgerUnavailable: The books cannot be written, so no run began.
        """
        if self._task is not None and not self._task.done():
            raise RunInProgress(self._current)
        context = self._context()
        for store in wish.stores:
            if store not in context.stores:
                near = get_close_matches(store, list(context.stores), n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise UnknownName(f"no store is called {store!r}{hint}")
        self._current = context.new_id()
        watched = self._watched[self._current] = _Watched()
        while len(self._watched) > REMEMBERED_MAX:
            self._watched.popitem(last=False)
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(
            self._run(context, self._current, wish, watched, known), context=contextvars.Context()
        )
        run = self._current
        await known
        return run

    async def watch(self, run: str) -> AsyncIterator[RunEvent]:
        """Yield a run's events from its beginning, until it ends."""
        watched = self._watched.get(run)
        if watched is None:
            raise UnknownName(f"no run {run!r} is remembered here; see the list of runs")
        seen = 0
        while not (watched.ended and seen == len(watched.events)):
            async with watched.bell:
                while seen == len(watched.events) and not watched.ended:
                    await watched.bell.wait()
            for event in watched.events[seen:]:
                yield event
                seen += 1

    async def drain(self, seconds: float) -> None:
        """Let the running one end, and cancel it after `seconds`."""
        if self._task is None or self._task.done():
            return
        await asyncio.wait([self._task], timeout=seconds)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(
        self,
        context: Context,
        run: str,
        wish: Wish,
        watched: _Watched,
        known: asyncio.Future[None],
    ) -> None:
        """Do what was asked, telling each step; however it ends, the watchers are told."""
        outcome = "interrupted"
        tellings: set[asyncio.Task[None]] = set()

        def tell(store: StoreId, stage: str) -> None:
            event = RunEvent(run=run, at=context.now(), stage=stage, store=store)
            tellings.add(asyncio.create_task(_ring(watched, event)))

        try:
            if await _is_known(context, run, wish, known):
                outcome = await (_look if wish.dry_run else _act)(context, run, wish, tell)
        except Exception:
            outcome = "failed"
            log.exception("run failed", run=run)
        finally:
            await asyncio.gather(*tellings)
            last = RunEvent(run=run, at=context.now(), stage="ended", outcome=outcome)
            await _ring(watched, last, ended=True)


async def _is_known(context: Context, run: str, wish: Wish, known: asyncio.Future[None]) -> bool:
    """Write down that a run begins, before anybody hears its name."""
    kind = "plan" if wish.dry_run else "sync"
    began = RunRecord(id=run, kind=kind, trigger=wish.trigger, started_at=context.now())
    try:
        await context.ledger.commit(Commit(run=began))
    except LedgerError as error:
        known.set_exception(error)
        return False
    known.set_result(None)
    return True


async def _ring(watched: _Watched, event: RunEvent, *, ended: bool = False) -> None:
    async with watched.bell:
        watched.events.append(event)
        watched.ended = ended
        watched.bell.notify_all()


async def _act(context: Context, run: str, wish: Wish, tell: Progress) -> str:
    """Carry the run out."""
    ended = await sync(
        context,
        wish.stores or None,
        skus=wish.skus or None,
        trigger=wish.trigger,
        progress=tell,
        name=run,
    )
    return ended.outcome


async def _look(context: Context, run: str, wish: Wish, tell: Progress) -> str:
    """Only plan, and keep the plan as the run's result."""
    began = context.now()
    plan = await preview(context, wish.stores or None, skus=wish.skus or None)
    for at in plan.stores:
        tell(at.store, "planned")
    outcomes = [at.outcome for at in plan.stores]
    outcome = next((at for at in ("failed", "held") if at in outcomes), "ok")
    record = RunRecord(
        id=run,
        kind="plan",
        trigger=wish.trigger,
        started_at=began,
        finished_at=context.now(),
        outcome=outcome,
        stores=tuple(at.as_json() | {"lines": at.lines_json()} for at in plan.stores),
    )
    await context.ledger.commit(Commit(run=record))
    return outcome
