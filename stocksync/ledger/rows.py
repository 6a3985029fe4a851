"""Carry values of the contract into rows and back; columns are read by position, for speed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import RowMapping

from stocksync.contracts.ledger import (
    BookedMovement,
    Hold,
    HoldState,
    Intent,
    IntentState,
    RunRecord,
    StoreRecord,
)
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import Account, Movement, MovementKind
from stocksync.domain.plan import Line
from stocksync.domain.stock import (
    Counted,
    Gap,
    ListingRecord,
    NotCounted,
    Offered,
    Presence,
    Reading,
)
from stocksync.domain.stories import ALL_EXPLAINED, OwnWrite, Story, Unexplained
from stocksync.ledger.tables import COUNTED, OFFERED

_PRESENCE: Final = {presence.value: presence for presence in Presence}
#: Between the unanswered writes of one listing, or its stories, that are kept as one text.
SEPARATOR: Final = ","
#: Between the parts of one of them.
PART: Final = "|"
#: Times read out of JSON that are remembered: the listings of one page were read at one time.
MOMENTS_MAX: Final = 1_024


def movement_row(booked: BookedMovement) -> dict[str, Any]:
    movement = booked.movement
    return {
        "number": booked.number,
        "key": movement.key,
        "sku": movement.sku,
        "kind": movement.kind.value,
        "source": movement.source,
        "destination": movement.destination,
        "units": movement.units,
        "occurred_at": movement.occurred_at,
        "recorded_at": booked.recorded_at,
        "store": movement.store,
        "listing": movement.listing,
        "document": movement.document,
        "reason": movement.reason,
        "run": movement.run,
        "seal": booked.seal,
    }


def booked_from(row: RowMapping) -> BookedMovement:
    return BookedMovement(
        number=row["number"],
        recorded_at=row["recorded_at"],
        seal=row["seal"],
        movement=Movement(
            key=row["key"],
            sku=Sku(row["sku"]),
            kind=MovementKind(row["kind"]),
            source=Account(row["source"]),
            destination=Account(row["destination"]),
            units=row["units"],
            occurred_at=row["occurred_at"],
            store=row["store"],
            listing=row["listing"],
            document=row["document"],
            reason=row["reason"],
            run=row["run"],
        ),
    )


def reading_columns(reading: Reading | None) -> tuple[str | None, int | None, str]:
    """Return kind, number and text of a reading; a gap has a text and never a number."""
    if isinstance(reading, Counted):
        return COUNTED, reading.quantity, ""
    if isinstance(reading, Offered):
        return OFFERED, int(reading.on), ""
    if isinstance(reading, NotCounted):
        return reading.gap.value, None, reading.shown
    return None, None, ""


def listing_row(record: ListingRecord) -> dict[str, Any]:
    kind, number, text = reading_columns(record.reading)
    return {
        "store": record.store,
        "listing": record.listing,
        "code": record.code,
        "sku": record.sku,
        "group": record.group,
        "title": record.title,
        "presence": record.presence.value,
        "quarantine": record.quarantine,
        "reading_kind": kind,
        "reading_number": number,
        "reading_text": text,
        "read_at": record.read_at,
        "baseline": record.baseline,
        "settled": record.settled,
        "due_since": record.due_since,
        "attempts": record.attempts,
        "retry_at": record.retry_at,
        "version": record.version + 1,
        "unexplained": SEPARATOR.join(map(_story, sorted(record.unexplained, key=_told))),
        "unexplained_since": record.unexplained_since,
        "missed": record.missed,
    }


def record_from(row: Sequence[Any]) -> ListingRecord:
    """Make a record of the columns of `listings` in order, as JSON has them, and own values."""
    store, listing, code, sku, group, title, presence, quarantine = row[:8]
    kind, number, text, read_at = row[8:12]
    baseline, settled, due_since, attempts, retry_at, version = row[12:18]
    unexplained, unexplained_since, missed, own = row[18:]
    return ListingRecord(
        store=store,
        listing=listing,
        code=code,
        sku=sku,
        group=group,
        title=title,
        presence=_PRESENCE[presence],
        quarantine=quarantine,
        reading=None if kind is None else _reading(kind, number, text, read_at),
        baseline=baseline,
        settled=bool(settled),
        due_since=None if due_since is None else moment(due_since),
        attempts=attempts,
        retry_at=None if retry_at is None else moment(retry_at),
        version=version,
        unexplained=_stories(unexplained),
        unexplained_since=None if unexplained_since is None else moment(unexplained_since),
        missed=missed,
        unanswered=_writes(own),
    )


def _told(story: Story) -> tuple[int, int, list[str]]:
    return story.missing, story.hidden, sorted(story.arrived)


def _story(story: Story) -> str:
    return PART.join([str(story.missing), str(story.hidden), *sorted(story.arrived)])


def _stories(text: str) -> Unexplained:
    """Read stories: the units that are missing, those that are hidden, the writes that arrived."""
    if not text:
        return ALL_EXPLAINED
    return frozenset(map(_story_of, text.split(SEPARATOR)))


def _story_of(text: str) -> Story:
    missing, *rest = text.split(PART)
    return Story(int(missing), int(rest[0]) if rest else 0, frozenset(rest[1:]))


def _writes(text: str | None) -> frozenset[OwnWrite]:
    """Read the unanswered writes of a listing, each its name, its target and when it was sent."""
    if not text:
        return frozenset()
    parts = [each.split(PART) for each in text.split(SEPARATOR)]
    return frozenset(OwnWrite(name, int(target), moment(at)) for name, target, at in parts)


@lru_cache(maxsize=MOMENTS_MAX)
def moment(text: str) -> datetime:
    """Read a time out of JSON: PostgreSQL says its zone, SQLite keeps UTC without saying so."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _reading(kind: str, number: Any, text: str, shown_at: str) -> Reading:
    read_at = moment(shown_at)
    if kind == COUNTED:
        return Counted(number, read_at)
    if kind == OFFERED:
        return Offered(on=bool(number), read_at=read_at)
    return NotCounted(Gap(kind), text, read_at)


def intent_row(intent: Intent) -> dict[str, Any]:
    return {
        "id": intent.id,
        "run": intent.run,
        "store": intent.store,
        "listing": intent.listing,
        "sku": intent.sku,
        "before": intent.before,
        "target": intent.target,
        "state": intent.state.value,
        "created_at": intent.created_at,
        "resolved_at": intent.resolved_at,
        "detail": intent.detail,
    }


def intent_from(row: RowMapping) -> Intent:
    return Intent(**{**dict(row), "state": IntentState(row["state"])})


def hold_row(hold: Hold) -> dict[str, Any]:
    return {
        "hash": hold.hash,
        "store": hold.store,
        "gate": hold.gate.value,
        "reason": hold.reason,
        "lines": [
            {
                "store": line.store,
                "listing": line.listing,
                "sku": line.sku,
                "before": line.before,
                "after": line.after,
                "why": line.why,
            }
            for line in hold.lines
        ],
        "state": hold.state.value,
        "created_at": hold.created_at,
        "decided_at": hold.decided_at,
        "decided_by": hold.decided_by,
    }


def hold_from(row: RowMapping) -> Hold:
    return Hold(
        hash=row["hash"],
        store=StoreId(row["store"]),
        gate=Gate(row["gate"]),
        reason=row["reason"],
        lines=tuple(
            Line(**{**line, "listing": ListingId(line["listing"])}) for line in row["lines"]
        ),
        state=HoldState(row["state"]),
        created_at=row["created_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
    )


def run_row(run: RunRecord) -> dict[str, Any]:
    return {
        "id": run.id,
        "kind": run.kind,
        "trigger": run.trigger,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "outcome": run.outcome,
        "stores": [dict(store) for store in run.stores],
        "error": run.error,
    }


def run_from(row: RowMapping) -> RunRecord:
    return RunRecord(**{**row, "stores": tuple(row["stores"])})


def store_row(store: StoreRecord) -> dict[str, Any]:
    return {
        "store": store.store,
        "last_pull_at": store.last_pull_at,
        "last_push_at": store.last_push_at,
        "last_sweep_at": store.last_sweep_at,
        "failures": store.failures,
        "last_error": store.last_error,
        "rules_fingerprint": store.rules_fingerprint,
        "links_fingerprint": store.links_fingerprint,
        "feed_from": store.feed_from,
        "feed_at": store.feed_at,
        "delay_seconds": store.delay_seconds,
    }


def store_from(row: RowMapping) -> StoreRecord:
    return StoreRecord(**{name: row[name] for name in _STORE})


_STORE: Final = tuple(store_row(StoreRecord(store=StoreId(""))))
