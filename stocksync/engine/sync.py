"""One run over many stores: all are read side by side, then all are brought to their targets."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from stocksync.contracts.ledger import Commit, Lease, RunRecord
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.engine.context import Context, Store
from stocksync.engine.hinted import look_where_hinted
from stocksync.engine.hot import look_where_hot
from stocksync.engine.pull import pull
from stocksync.engine.push import push
from stocksync.engine.report import StoreReport, overall
from stocksync.engine.work import at_store
from stocksync.errors import LedgerError

PASSES_MAX: Final = 3
Progress = Callable[[StoreId, str], None]


def no_progress(store: StoreId, stage: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Sync:
    """A run in progress: its name, what it is about, and a report per store."""

    context: Context
    run: str
    reports: dict[StoreId, StoreReport]
    skus: Collection[Sku] | None = None
    progress: Progress = no_progress

    async def pull(self, store: Store, *, deep: bool = False) -> None:
        """Pull one store under its lease; `deep` reads the orders of many days again."""
        report = self.reports[store.id]

        async def work(lease: Lease) -> None:
            await pull(
                self.context,
                store,
                report,
                run=self.run,
                lease=lease,
                skus=self.skus,
                deep=deep,
            )

        await at_store(self.context, store, report, "pull", work)
        self.progress(store.id, report.outcome if report.stopped else "read")

    async def look(self, store: Store) -> None:
        """Read what the store hinted at, under its lease."""
        report = self.reports[store.id]

        async def work(lease: Lease) -> None:
            await look_where_hinted(self.context, store, report, run=self.run, lease=lease)

        await at_store(self.context, store, report, "look", work)

    async def hot(self, store: Store) -> None:
        """Read what sells fast or is nearly out, under its lease."""
        report = self.reports[store.id]

        async def work(lease: Lease) -> None:
            await look_where_hot(self.context, store, report, run=self.run, lease=lease)

        await at_store(self.context, store, report, "hot", work)

    async def sweep(self, store: Store) -> None:
        """Read everything, then compare every listing with its target, whatever is marked due."""
        await self.pull(store, deep=True)
        if not self.reports[store.id].stopped:
            await self.push(store, every=True)

    async def push(self, store: Store, *, every: bool = False) -> None:
        """Push to one store under its lease."""
        report = self.reports[store.id]

        async def work(lease: Lease) -> None:
            await push(
                self.context,
                store,
                report,
                run=self.run,
                lease=lease,
                skus=self.skus,
                every=every,
            )

        await at_store(self.context, store, report, "sweep" if every else "push", work)
        self.progress(store.id, "written" if report.outcome == "ok" else report.outcome)

    def moved(self) -> int:
        """Count the SKUs whose levels changed so far."""
        return sum(len(report.moved) for report in self.reports.values())


async def sync(
    context: Context,
    stores: Collection[StoreId] | None = None,
    *,
    skus: Collection[Sku] | None = None,
    trigger: str = "command",
    progress: Progress = no_progress,
    name: str = "",
) -> RunRecord:
    """Pull every store, then push every store that can be written, and record the run.

    Changes that appear while stores are written make further passes, up to `PASSES_MAX`. `name`
    is the run's own, when somebody waits for it already.
    """
    chosen = [context.stores[at] for at in (stores or context.stores)]
    reports = {store.id: StoreReport(store=store.id) for store in chosen}
    began = context.now()
    run = RunRecord(id=name or context.new_id(), kind="sync", trigger=trigger, started_at=began)
    work = Sync(context=context, run=run.id, reports=reports, skus=skus, progress=progress)
    await context.ledger.commit(Commit(run=run))
    try:
        await together(chosen, work.pull)
        for _ in range(PASSES_MAX):
            before = work.moved()
            ready = [store for store in chosen if not reports[store.id].stopped]
            await together(ready, work.push)
            if work.moved() == before:
                break
    except BaseException as error:
        ended = finished(work, run, "interrupted", f"{type(error).__name__}: {error}")
        with suppress(LedgerError):
            await asyncio.shield(context.ledger.commit(Commit(run=ended)))
        raise
    ended = finished(work, run, overall(reports.values()))
    await context.ledger.commit(Commit(run=ended))
    return ended


async def together(
    stores: Collection[Store], work: Callable[[Store], Coroutine[Any, Any, None]]
) -> None:
    """Do the same at every store at once; what one store throws was caught at that store.

    Raises what stops everything, such as books that do not add up, as itself and not in a group.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for store in stores:
                group.create_task(work(store))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from several


def finished(work: Sync, run: RunRecord, outcome: str, error: str = "") -> RunRecord:
    """Return a run as it ended, with what it did to each store."""
    return replace(
        run,
        finished_at=work.context.now(),
        outcome=outcome,
        stores=tuple(report.as_json() for report in work.reports.values()),
        error=error,
    )
