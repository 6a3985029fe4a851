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
from stocksync.engine import circuit
from stocksync.engine.context import Context, Store
from stocksync.engine.intents import question_orphans
from stocksync.engine.report import StoreReport
from stocksync.engine.tenure import LEASE_SECONDS
from stocksync.errors import Action, LedgerBroken, LedgerError, StockSyncError

RENEW_SECONDS: Final = 20.0
#: How soon a renewal that the database did not answer is tried again.
RETRY_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)

Work = Callable[[Lease], Awaitable[None]]


async def at_store(
    context: Context, store: Store, report: StoreReport, kind: str, work: Work
) -> None:
    """Do one job at a store nobody else works on; a store that fails leaves the others alone."""
    calls = store.connector.api_calls
    started = context.monotonic()
    try:
        async with store.turn:
            await _under_lease(context, store, report, kind, work)
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
    _measure(context, store.id, report, kind, context.monotonic() - started)
    await _show_state(context, store.id, report)


async def _under_lease(
    context: Context, store: Store, report: StoreReport, kind: str, work: Work
) -> None:
    """Do the work as the only one at this store, or say who else is at it."""
    began = context.monotonic()
    lease = await _acquire(context, store.id, context.holder)
    if lease is None:
        holder = await context.ledger.lease_holder(store.id)
        if context.is_gone(holder) and (dead := await _acquire(context, store.id, holder)):
            await context.ledger.release(dead)
            began = context.monotonic()
            lease = await _acquire(context, store.id, context.holder)
    if lease is None:
        report.worsen("skipped", f"another run works on this store now ({holder}); try again later")
        report.stopped = True
        return
    store.tenure.renewed(began)
    try:
        async with _kept(context, store, lease):
            await question_orphans(context, store.id, lease)
            await _counted(context, lease, kind, work)
    finally:
        store.tenure.lost()
        with suppress(LedgerError):
            await context.ledger.release(lease)


async def _counted(context: Context, lease: Lease, kind: str, work: Work) -> None:
    """Do the work, and count in the books how it went; what our own books refuse is not counted."""
    try:
        await work(lease)
    except LedgerError:
        raise
    except Exception as error:
        await circuit.failed(context, lease, kind, error)
        raise
    await circuit.worked(context, lease, kind)


async def _acquire(context: Context, store: StoreId, holder: str) -> Lease | None:
    now = context.now()
    until = now + timedelta(seconds=LEASE_SECONDS)
    return await context.ledger.acquire(store, holder=holder, now=now, until=until)


@asynccontextmanager
async def _kept(context: Context, store: Store, lease: Lease) -> AsyncIterator[None]:
    """Renew a lease for as long as the work takes.

    Its end is counted from one look at the clock: a clock that is set meanwhile neither gives the
    store away nor keeps it for an hour. A database that is away for a moment is asked again.
    """
    anchor = context.now() - timedelta(seconds=context.monotonic())

    async def renew() -> None:
        rest = RENEW_SECONDS
        while True:
            await asyncio.sleep(rest)
            asked_at = context.monotonic()
            until = anchor + timedelta(seconds=asked_at + LEASE_SECONDS)
            try:
                kept = await context.ledger.renew(lease, until=until)
            except LedgerError as error:
                log.warning("lease not renewed", store=store.id, reason=str(error))
                rest = RETRY_SECONDS
                continue
            if not kept:
                store.tenure.lost()
                return
            store.tenure.renewed(asked_at)
            rest = RENEW_SECONDS

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


async def _show_state(context: Context, store: StoreId, report: StoreReport) -> None:
    """Show what becomes of the store: one that failed waits, one that fails on is paused."""
    states = {"ok": "healthy", "held": "held", "skipped": "waiting", "failed": "waiting"}
    paused = report.outcome == "failed" and await circuit.is_open(context, store)
    metrics.show_state(store, "paused" if paused else states[report.outcome])
