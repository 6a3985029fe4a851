"""Fill the gauges that are questions to the ledger, just before somebody reads them."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import product
from math import inf
from typing import Final

import structlog

from stocksync import metrics
from stocksync.contracts.ledger import IntentState, Ledger, Verdict
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import StoreId
from stocksync.domain.movements import PRESENT, suspense
from stocksync.domain.stock import ListingState
from stocksync.engine.context import Context

log = structlog.get_logger(__name__)

#: Time without a proof, in lengths of the proof before.
_REST: Final = 99
_UNFINISHED = (IntentState.OPEN, IntentState.UNKNOWN)


async def refresh(context: Context) -> None:
    """Ask the ledger for everything that is a state and not an event."""
    now = context.now()
    await _listings(context)
    await _intents(context, now)
    await _holds(context)
    totals = await context.ledger.totals()
    for store in context.stores:
        metrics.SUSPENSE.labels(store).set(totals.get(suspense(store), 0))
        swept = (await context.ledger.store(store)).last_sweep_at
        if swept is not None:
            metrics.SWEEP_AGE.labels(store).set((now - swept).total_seconds())
    metrics.ON_HAND.set(
        sum(units for account, units in totals.items() if account.startswith(PRESENT))
    )
    metrics.OVERSOLD.set(await context.ledger.oversold())


async def _listings(context: Context) -> None:
    counts = Counter(await context.ledger.states())
    for store, at in context.stores.items():
        if at.seat.switches:
            # Rules link these listings to SKUs; they have no code of their own to be unlinked by.
            counts[store, ListingState.LINKED] += counts.pop((store, ListingState.UNLINKED), 0)
    for store, state in product(context.stores, ListingState):
        metrics.LISTINGS.labels(store, state.value).set(counts[store, state.value])


async def _intents(context: Context, now: datetime) -> None:
    intents = await context.ledger.intents(None, _UNFINISHED)
    counts = Counter((intent.store, intent.state) for intent in intents)
    for store, state in product(context.stores, _UNFINISHED):
        metrics.INTENTS.labels(store, state.value).set(counts[store, state])
    for store in context.stores:
        ages = [(now - at.created_at).total_seconds() for at in intents if at.store == store]
        metrics.OLDEST_INTENT_AGE.labels(store).set(max(ages, default=0))


async def _holds(context: Context) -> None:
    counts: Counter[tuple[StoreId, Gate]] = Counter(
        (hold.store, hold.gate) for hold in await context.ledger.holds()
    )
    for store, gate in product(context.stores, Gate):
        metrics.HOLDS.labels(store, gate.value).set(counts[store, gate])


async def prove(ledger: Ledger) -> Verdict:
    """Prove the books and show what does not add up; slow on long books, so run it rarely."""
    verdict = await ledger.verify()
    metrics.LEDGER_IMBALANCE.set(len(verdict.imbalances) + len(verdict.broken_seals))
    metrics.PROJECTION_MISMATCH.set(len(verdict.mismatches))
    return verdict


class Prover:
    """Prove the books again and again, and never spend more than a hundredth of the time on it.

    Ask as often as you like, once an hour for example: books so long that a proof takes a minute
    are then proved every 100 minutes. A proof reads in a thread of its own and holds up no writer.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._free_at = -inf
        self._sound = True

    async def prove(self, ledger: Ledger) -> bool:
        """Prove the books unless that was done lately; tell whether it was done now.

        Raises:
            LedgerUnavailable: They cannot be read now.
        """
        began = self._monotonic()
        if began < self._free_at:
            return False
        self._free_at = inf
        try:
            self._tell(await prove(ledger))
        finally:
            ended = self._monotonic()
            self._free_at = ended + _REST * (ended - began)
        return True

    def _tell(self, verdict: Verdict) -> None:
        """Log it once when the books break, and once when they are whole again."""
        if verdict.sound == self._sound:
            return
        self._sound = verdict.sound
        if verdict.sound:
            log.info("the books add up again")
            return
        log.critical(
            "the books do not add up",
            imbalances=len(verdict.imbalances),
            mismatches=len(verdict.mismatches),
            broken_seals=len(verdict.broken_seals),
            next="stop the service, then see `stocksync ledger verify`",
        )
