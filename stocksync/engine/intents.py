"""Finish, or question, every write that was begun: nothing that may have happened is repeated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from stocksync import metrics
from stocksync.contracts.ledger import Commit, Intent, IntentState, Lease
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.merge import Change
from stocksync.domain.stock import Correction, shown_number
from stocksync.engine.context import Context


def open_intents(
    context: Context, store: StoreId, corrections: Sequence[Correction], *, run: str
) -> dict[ListingId, Intent]:
    """Write down what is about to be sent, one intent per listing; the caller commits them."""
    now = context.now()
    return {
        correction.listing: Intent(
            id=context.new_id(),
            run=run,
            store=store,
            listing=correction.listing,
            sku=str(correction.sku or ""),
            before=correction.expected,
            target=correction.quantity,
            state=IntentState.OPEN,
            created_at=now,
        )
        for correction in corrections
    }


def closed(intent: Intent, state: IntentState, now: datetime, detail: str = "") -> Intent:
    """Return an intent as it ended."""
    return replace(intent, state=state, resolved_at=now, detail=detail)


async def question_orphans(context: Context, store: StoreId, lease: Lease) -> int:
    """Turn the open intents of a run that died into unknown ones; they may have been sent.

    Only the holder of the store's lease may ask: an open intent is then nobody's.
    """
    orphans = await context.ledger.intents(store, (IntentState.OPEN,))
    if orphans:
        unknown = [
            replace(intent, state=IntentState.UNKNOWN, detail="the run that sent it did not end")
            for intent in orphans
        ]
        await context.ledger.commit(Commit(intents=unknown, lease=lease))
    return len(orphans)


def resolve_by_readings(
    unknown: Iterable[Intent], numbers: Mapping[ListingId, int | None], horizon: datetime
) -> list[Intent]:
    """Close the unknown intents that evidence decides.

    A store that shows the target took the write. One that has not shown it until `horizon` will
    not take it any more: what it shows is then the truth of that listing.
    """
    decided = []
    for intent in unknown:
        if intent.listing in numbers and numbers[intent.listing] == intent.target:
            decided.append(replace(intent, state=IntentState.CONFIRMED, detail="seen in the store"))
        elif intent.created_at < horizon:
            detail = "not seen in the store in time"
            decided.append(replace(intent, state=IntentState.SETTLED, detail=detail))
    return decided


def numbers_seen(changes: Iterable[Change]) -> dict[ListingId, int | None]:
    """Return what each changed listing shows now."""
    return {change.listing: shown_number(change.record.reading) for change in changes}


def count_outcome(store: StoreId, outcome: str, times: int = 1) -> None:
    """Count how writes ended."""
    metrics.CORRECTIONS.labels(store, outcome).inc(times)
