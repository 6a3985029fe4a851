"""One job at one store: take its lease, do the work, and turn what goes wrong into a report."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

import structlog

from stocksync import metrics
from stocksync.contracts.ledger import Lease
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context, Store
from stocksync.engine.intents import question_orphans
from stocksync.engine.report import StoreReport
from stocksync.errors import Action, LedgerBroken, LedgerError, StockSyncError

LEASE_SECONDS: Final = 60
RENEW_SECONDS: Final = 20

log = structlog.get_logger(__name__)

Work = Callable[[Lease], Awaitable[None]]


async def at_store(
    context: Context, store: Store, report: StoreReport, kind: str, work: Work
) -> None:
    """Do one job at a store nobody else works on; a store that fails leaves the others alone."""
    calls = store.connector.api_calls
    started = context.now()
    try:
        async with store.turn:
            await _under_lease(context, store, report, work)
    except LedgerBroken:
        raise
    except StockSyncError as error:
        report.stopped = True
        report.worsen("failed", advice(error))
    except Exception as error:  # a defect at one store must not stop the others
        log.exception("unexpected error", store=store.id, kind=kind)
        report.stopped = True
        report.worsen("failed", f"unexpected {type(error).__name__}: {error} (please report it)")
    report.api_calls += store.connector.api_calls - calls
    _measure(context, store.id, report, kind, (context.now() - started).total_seconds())


async def _under_lease(context: Context, store: Store, report: StoreReport, work: Work) -> None:
    """Do the work as the only one at this store, or say who else is at it."""
    lease = await _acquire(context, store.id, context.holder)
    if lease is None:
        holder = await context.ledger.lease_holder(store.id)
        if context.is_gone(holder) and (dead := await _acquire(context, store.id, holder)):
            await context.ledger.release(dead)
            lease = await _acquire(context, store.id, context.holder)
    if lease is None:
        report.worsen("skipped", f"another run works on this store now ({holder}); try again later")
        report.stopped = True
        return
    try:
        async with _kept(context, lease):
            await question_orphans(context, store.id, lease)
            await work(lease)
    finally:
        with suppress(LedgerError):
            await context.ledger.release(lease)


async def _acquire(context: Context, store: StoreId, holder: str) -> Lease | None:
    now = context.now()
    until = now + timedelta(seconds=LEASE_SECONDS)
    return await context.ledger.acquire(store, holder=holder, now=now, until=until)


@asynccontextmanager
async def _kept(context: Context, lease: Lease) -> AsyncIterator[None]:
    """Renew a lease for as long as the work takes."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            until = context.now() + timedelta(seconds=LEASE_SECONDS)
            if not await context.ledger.renew(lease, until=until):
                return

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


NEXT_STEP: Final = {
    Action.PAUSE_STORE: "check the store's address and credentials in the configuration",
    Action.WAIT: "nothing is lost; the next run tries again",
    Action.RETRY: "nothing is lost; the next run tries again",
    Action.RECORD: "nothing was changed by this request",
    Action.READ_FIRST: "the next run reads the store before it writes again",
    Action.DECIDE_AGAIN: "another run was faster; run it again",
    Action.STOP: "nothing was booked for this store",
}


def advice(error: StockSyncError) -> str:
    """Say what went wrong and what happens next, in one line."""
    return f"{error} ({NEXT_STEP.get(error.action, 'see the log')})"


def _measure(
    context: Context, store: StoreId, report: StoreReport, kind: str, seconds: float
) -> None:
    """Show in the metrics how the job went."""
    durations = {"pull": metrics.PULL_SECONDS, "push": metrics.PUSH_SECONDS}.get(kind)
    if durations is not None:  # a look is no pull: it would make pulls seem quick
        durations.labels(store).observe(seconds)
    metrics.RUNS.labels(store, kind, report.outcome).inc()
    if report.outcome == "ok":
        metrics.LAST_SUCCESS.labels(store, kind).set(context.now().timestamp())
    states = {"ok": "healthy", "held": "held", "skipped": "waiting", "failed": "paused"}
    metrics.show_state(store, states[report.outcome])
