"""Remember in the books how often a store failed in a row, and say so when it is left alone."""

from contextlib import suppress
from dataclasses import replace
from typing import Final

import structlog

from stocksync.contracts.ledger import Commit, Lease
from stocksync.domain import circuit
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context
from stocksync.errors import Action, LedgerError, StockSyncError

_MENDED_BY_HAND: Final = (Action.PAUSE_STORE, Action.RECORD)

log = structlog.get_logger(__name__)


async def failed(context: Context, lease: Lease, kind: str, error: Exception) -> None:
    """Count a failed job; one line in the log when that opens the circuit.

    What cannot be written down now is not counted: the error itself is what matters.
    """
    with suppress(LedgerError):
        before = await context.ledger.store(lease.store)
        failures = circuit.failures_after(before.failures, at_once=_asks_for_a_person(error))
        last_error = circuit.described(kind, str(error) or type(error).__name__)
        after = replace(before, failures=failures, last_error=last_error)
        await context.ledger.commit(Commit(store=after, lease=lease))
        if circuit.is_open(failures) and not circuit.is_open(before.failures):
            log.warning(
                "store paused: it is asked less and less often until it works again",
                store=lease.store,
                failures=failures,
                error=last_error,
            )


async def worked(context: Context, lease: Lease, kind: str) -> None:
    """Forget the failures of a store that works again; one line in the log if it was left alone."""
    before = await context.ledger.store(lease.store)
    if not before.failures or not circuit.ends(kind, before.last_error):
        return
    after = replace(before, failures=0, last_error="")
    await context.ledger.commit(Commit(store=after, lease=lease))
    if circuit.is_open(before.failures):
        log.info("store works again", store=lease.store, failures=before.failures)


async def is_open(context: Context, store: StoreId) -> bool:
    """Tell whether a store is left alone; when the books cannot say, it is not."""
    with suppress(LedgerError):
        return circuit.is_open((await context.ledger.store(store)).failures)
    return False


def _asks_for_a_person(error: Exception) -> bool:
    """Tell whether asking again will not help: refused credentials, another API, a refused read."""
    return isinstance(error, StockSyncError) and error.action in _MENDED_BY_HAND
