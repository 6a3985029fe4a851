"""Finish, or question, every write that was begun: nothing that may have happened is repeated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from stocksync import metrics
from stocksync.contracts.ledger import Commit, Intent, IntentState, Lease
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Observation, shown_number
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
    unknown: Iterable[Intent],
    numbers: Mapping[ListingId, int | None],
    horizon: datetime,
    *,
    now: datetime,
    complete: bool,
) -> list[Intent]:
    """Close the unknown intents that can no longer arrive, of listings that were read since.

    Seeing the target proves nothing before: a sale may have come to the same number, and the write
    may still arrive and undo the next one (`reliability §2.4`). After `horizon` what the store
    shows is the truth of that listing; one that a `complete` census misses shows nothing.
    """
    decided = []
    for intent in unknown:
        read = complete or intent.listing in numbers
        if intent.created_at >= horizon or not read:
            continue
        if numbers.get(intent.listing) == intent.target:
            decided.append(closed(intent, IntentState.CONFIRMED, now, "seen in the store"))
        else:
            detail = "not seen in the store in time"
            decided.append(closed(intent, IntentState.SETTLED, now, detail))
    return decided


def numbers_seen(news: Mapping[ListingId, Observation]) -> dict[ListingId, int | None]:
    """Return what each listing that was read shows now."""
    return {listing: shown_number(seen.reading) for listing, seen in news.items()}


def count_outcome(store: StoreId, outcome: str, times: int = 1) -> None:
    """Count how writes ended."""
    metrics.CORRECTIONS.labels(store, outcome).inc(times)
