"""Run jobs in this process: at most one per store at a time, and a push where a change is due."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, get_args

import structlog

from stocksync.contracts.dispatch import Kind, RunEvent, StoreStatus, Wish
from stocksync.contracts.ledger import Commit, RunRecord
from stocksync.dispatch.manual import ManualRuns
from stocksync.dispatch.reminders import Pace, Reminders, job_for
from stocksync.domain import circuit
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context
from stocksync.engine.hot import hot_listings
from stocksync.engine.report import Outcome, StoreReport, worst
from stocksync.engine.sync import Sync, finished
from stocksync.errors import LedgerError, LedgerUnavailable, StockSyncError

log = structlog.get_logger(__name__)

_ORDER: Final[tuple[Kind, ...]] = get_args(Kind)
#: What reads the whole store, and so answers for every look at a part of it.
_WHOLE: Final = ("sweep", "pull")
_PARTS: Final = ("look", "hot")
#: What a report shows that makes it worth a row in the books.
_NEWS: Final = ("movements", "corrections", "unknown", "failed")


@dataclass(slots=True)
class _Desk:
    """One store's queue: what is asked for, the task that works on it, how each kind last ended.

    `stopped`: the last pull failed or was held, so nothing may be written before a good one.
    `booked`: movements of looks since the last pull. `rests`: until when (monotonic) the store is
    left alone because it keeps failing: all of it by False, only writing by True.
    """

    wanted: set[Kind] = field(default_factory=set)
    task: asyncio.Task[None] | None = None
    outcomes: dict[Kind, Outcome] = field(default_factory=dict)
    stopped: bool = False
    booked: int = 0
    rests: dict[bool, float] = field(default_factory=dict)
    working: Kind | None = None
    error: str = ""


class Embedded:
    """Do what the scheduler asks for, store by store, without a second process.

    A store that is working when it is asked again does what was asked once it is done: requests
    coalesce, and jobs of one store never overlap. A pull that books a change makes every store's
    push due at once; a slow store delays nobody else.
    """

    def __init__(
        self,
        context: Callable[[], Context],
        *,
        next_pull: Callable[[StoreId], datetime | None] = lambda _: None,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self._context = context
        self._next_pull = next_pull
        self._manual = ManualRuns(context)
        self._monotonic = pace.monotonic
        self._desks: dict[StoreId, _Desk] = {}
        self._reminders = Reminders(lambda store: self.request(store, "look"), pace)
        self._stopping = False

    def hinted(self, store: StoreId) -> None:
        """Look soon at what waiting hints of a store name; many of them are one look."""
        if not self._stopping and store in self._context().stores:
            self._reminders.remind(store)

    async def recall(self) -> None:
        """Look at what was hinted before this process began."""
        for store in {hint.store for hint in await self._context().ledger.hints()}:
            self.hinted(store)

    def request(self, store: StoreId, kind: Kind) -> bool:
        """Ask for a job; False when the store has one of this kind waiting already, or we stop."""
        if self._stopping:
            return False
        desk = self._desks.setdefault(store, _Desk())
        if kind in desk.wanted:
            return False
        desk.wanted.add(kind)
        if desk.task is None or desk.task.done():
            # In a context of its own: what it logs is not about the request that asked for it.
            desk.task = asyncio.create_task(
                self._work(store, desk), name=f"store {store}", context=contextvars.Context()
            )
        return True

    async def reconcile(self, wish: Wish) -> str:
        """Start a run by hand and return its name; its jobs take turns with the scheduled ones.

        Raises:
            LedgerUnavailable: The service is stopping.
        """
        if self._stopping:
            raise LedgerUnavailable("the service is stopping: ask again once it runs")
        return await self._manual.start(wish)

    def events(self, run: str) -> AsyncIterator[RunEvent]:
        """Yield the events of a run by hand until it ends."""
        return self._manual.watch(run)

    def statuses(self) -> list[StoreStatus]:
        """Return what each store is doing, and how its last job ended."""
        nothing = _Desk()
        desks = ((store, self._desks.get(store, nothing)) for store in self._context().stores)
        return [
            StoreStatus(
                store=store,
                working=desk.working,
                outcome=worst(desk.outcomes.values()),
                error=desk.error,
                next_pull_at=self._next_pull(store),
            )
            for store, desk in desks
        ]

    async def drain(self, seconds: float) -> bool:
        """Take no more requests, let running jobs end, and cancel what is left after `seconds`."""
        self._stopping = True
        self._reminders.stop()
        for desk in self._desks.values():
            desk.wanted.clear()
        running = [*self._running(), asyncio.create_task(self._manual.drain(seconds))]
        _, late = await asyncio.wait(running, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return not late

    async def idle(self) -> None:
        """Wait until no store has anything to do; for tests and for one-shot use."""
        while running := self._running():
            await asyncio.wait(running)

    def _running(self) -> list[asyncio.Task[None]]:
        return [at.task for at in self._desks.values() if at.task and not at.task.done()]

    async def _work(self, store: StoreId, desk: _Desk) -> None:
        """Do what is wanted until nothing is: pulls before pushes, so that pushes know more."""
        while desk.wanted:
            if store not in self._context().stores:
                desk.wanted.clear()  # a reload took it away
                return
            kind: Kind | None = None
            run = self._context().new_id()
            try:
                kind = desk.working = await self._next(store, desk)
                if kind is None:
                    continue
                with structlog.contextvars.bound_contextvars(run=run):
                    report = await self._job(store, kind, run)
            except StockSyncError as error:
                log.exception("job failed", store=store, kind=kind, reason=str(error))
                continue
            finally:
                desk.working = None
            with structlog.contextvars.bound_contextvars(run=run):
                self._tell(desk, kind, report)
            await self._let_rest(desk, kind, report)
            if kind != "push":
                desk.stopped = report.stopped
                desk.booked = desk.booked + report.movements if kind in _PARTS else 0
                if not self._stopping:
                    desk.wanted.add("push")
            if report.moved:
                for other in self._context().stores:
                    self.request(other, "push")

    async def _next(self, store: StoreId, desk: _Desk) -> Kind | None:
        """Take the next job off the list; None when there is nothing in it to do."""
        wanted = next(kind for kind in _ORDER if kind in desk.wanted)
        desk.wanted.discard(wanted)
        if await self._rests(store, desk, wanted):
            return None  # asked again at the next poll; a run by hand tries at once
        if wanted in _WHOLE:
            desk.wanted -= {"pull", *_PARTS}  # they would see nothing that this one does not
            return wanted
        if desk.stopped:
            return None  # only a whole pull tells whether the store is well again
        if wanted == "push":
            return wanted
        if wanted == "hot":
            context = self._context()
            return "hot" if await hot_listings(context, context.stores[store]) else None
        answer = await job_for(self._context(), store, booked=desk.booked)
        if answer is not None:
            self._reminders.begun(store, answer)
        return answer

    async def _rests(self, store: StoreId, desk: _Desk, kind: Kind) -> bool:
        """Tell whether the store is left alone now; no more once some other run met it well."""
        for writing, until in list(desk.rests.items()):
            if until <= self._monotonic() or (writing and kind != "push"):
                continue
            if circuit.is_open((await self._context().ledger.store(store)).failures):
                return True
            del desk.rests[writing]
        return False

    async def _let_rest(self, desk: _Desk, kind: Kind, report: StoreReport) -> None:
        """Leave a store alone that keeps failing, for longer each time; end it when it works."""
        if report.outcome != "failed":
            desk.rests.pop(kind == "push", None)
            return
        with suppress(LedgerError):  # then the job failed for that, and the store is not to blame
            known = await self._context().ledger.store(report.store)
            if not circuit.is_open(known.failures):
                return
            rest = circuit.pause(known.failures).total_seconds()
            desk.rests[circuit.about_writing(known.last_error)] = self._monotonic() + rest

    async def _job(self, store: StoreId, kind: Kind, name: str) -> StoreReport:
        """Do one job, and keep a row of it when it did anything."""
        context = self._context()
        run = RunRecord(id=name, kind=kind, trigger="schedule", started_at=context.now())
        report = StoreReport(store=store)
        work = Sync(context=context, run=run.id, reports={store: report})
        at = context.stores[store]
        match kind:
            case "sweep":
                await work.sweep(at)
            case "pull":
                await work.pull(at)
            case "look":
                await work.look(at)
            case "hot":
                await work.hot(at)
            case "push":
                await work.push(at)
        if any(getattr(report, name) for name in _NEWS):
            await context.ledger.commit(Commit(run=finished(work, run, report.outcome)))
        return report

    def _tell(self, desk: _Desk, kind: Kind, report: StoreReport) -> None:
        """Log what changed: units booked, numbers written, a store's turn for worse or better."""
        if report.movements or report.corrections:
            log.info(
                "stock moved",
                store=report.store,
                kind=kind,
                movements=report.movements,
                confirmed=report.confirmed,
                corrections=report.corrections,
            )
        if kind in _WHOLE:
            before = worst(desk.outcomes.pop(at, "ok") for at in (*_WHOLE, *_PARTS))
        else:
            before = desk.outcomes.get(kind, "ok")
        if report.outcome != before:
            level = log.info if report.outcome == "ok" else log.warning
            level(
                "store is fine again" if report.outcome == "ok" else f"store {report.outcome}",
                store=report.store,
                kind=kind,
                error=report.error or None,
            )
        desk.outcomes[kind] = report.outcome
        desk.error = report.error
