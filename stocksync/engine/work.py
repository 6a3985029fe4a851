"""One job at one store: take its lease, do the work, and turn what goes wrong into a report."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from stocksync import metrics
from stocksync.contracts.ledger import Lease
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context, Store
from stocksync.engine.intents import question_orphans
from stocksync.engine.report import StoreReport
from stocksync.errors import Action, ConnectorError, LeaseLost, StaleLevel

LEASE_SECONDS: Final = 60
RENEW_SECONDS: Final = 20

Work = Callable[[Lease], Awaitable[None]]


async def at_store(
    context: Context, store: Store, report: StoreReport, kind: str, work: Work
) -> None:
    """Do one job at a store nobody else works on; a store that fails leaves the others alone."""
    calls = store.connector.api_calls
    started = context.now()
    lease = await context.ledger.acquire(
        store.id,
        holder=context.holder,
        now=started,
        until=started + timedelta(seconds=LEASE_SECONDS),
    )
    if lease is None:
        holder = await context.ledger.lease_holder(store.id)
        report.worsen("skipped", f"another run works on this store now ({holder}); try again later")
        report.stopped = True
    else:
        try:
            async with _kept(context, lease):
                await question_orphans(context, store.id, lease)
                await work(lease)
        except (ConnectorError, LeaseLost, StaleLevel) as error:
            report.stopped = True
            report.worsen("failed", advice(error))
        finally:
            await context.ledger.release(lease)
    report.api_calls += store.connector.api_calls - calls
    _measure(context, store.id, report, kind, (context.now() - started).total_seconds())


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
}


def advice(error: ConnectorError | LeaseLost | StaleLevel) -> str:
    """Say what went wrong and what happens next, in one line."""
    return f"{error} ({NEXT_STEP.get(error.action, 'see the log')})"


def _measure(
    context: Context, store: StoreId, report: StoreReport, kind: str, seconds: float
) -> None:
    """Show in the metrics how the job went."""
    durations = metrics.PULL_SECONDS if kind == "pull" else metrics.PUSH_SECONDS
    durations.labels(store).observe(seconds)
    metrics.RUNS.labels(store, kind, report.outcome).inc()
    if report.outcome == "ok":
        metrics.LAST_SUCCESS.labels(store, kind).set(context.now().timestamp())
    states = {"ok": "healthy", "held": "held", "skipped": "waiting", "failed": "paused"}
    metrics.show_state(store, states[report.outcome])
