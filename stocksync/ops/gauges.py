"""Fill the gauges that are questions to the ledger, just before somebody reads them."""

from collections import Counter
from datetime import datetime
from itertools import product

from stocksync import metrics
from stocksync.contracts.ledger import IntentState, Ledger
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import ListingState
from stocksync.engine.context import Context

_UNFINISHED = (IntentState.OPEN, IntentState.UNKNOWN)


async def refresh(context: Context) -> None:
    """Ask the ledger for everything that is a state and not an event."""
    now = context.now()
    await _listings(context)
    await _intents(context, now)
    await _holds(context)
    totals = await context.ledger.totals()
    for store in context.stores:
        metrics.SUSPENSE.labels(store).set(
            sum(units for account, units in totals.items() if account == f"suspense:{store}")
        )
        swept = (await context.ledger.store(store)).last_sweep_at
        if swept is not None:
            metrics.SWEEP_AGE.labels(store).set((now - swept).total_seconds())
    present = ("loc:", "hold:")
    metrics.ON_HAND.set(
        sum(units for account, units in totals.items() if account.startswith(present))
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


async def prove(ledger: Ledger) -> None:
    """Prove the books and show what does not add up; slow on long books, so run it rarely."""
    verdict = await ledger.verify()
    metrics.LEDGER_IMBALANCE.set(len(verdict.imbalances) + len(verdict.broken_seals))
    metrics.PROJECTION_MISMATCH.set(len(verdict.mismatches))
