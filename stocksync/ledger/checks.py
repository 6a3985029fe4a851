"""What every ledger asks of a commit before it opens a transaction, whatever it is kept in."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from stocksync.contracts.ledger import Commit, HoldState, Intent, IntentState
from stocksync.domain.hints import Hint
from stocksync.domain.movements import Movement
from stocksync.domain.stock import NotCounted
from stocksync.errors import LedgerBroken

#: What a person or the engine decided finally; the same plan held again is a new hold.
FINAL: Final = frozenset({HoldState.WITHDRAWN, HoldState.APPLIED})


def is_empty(commit: Commit) -> bool:
    """Tell whether a commit changes nothing; a lease alone changes nothing."""
    return not (
        commit.movements
        or commit.records
        or commit.due_skus
        or commit.due_listings
        or commit.intents
        or commit.holds
        or commit.run
        or commit.store
        or commit.answered
        or commit.lines
    )


def check(commit: Commit) -> None:
    """Refuse a commit that cannot be meant, or that not every database can keep.

    Raises:
        ValueError: A time has no zone, a name holds NUL or half a character, or listings are due
            and nobody says since when.
    """
    if (commit.due_skus or commit.due_listings) and commit.due_since is None:
        raise ValueError("a commit that makes listings due needs due_since")
    for moment in _moments(commit):
        require_zone(moment)
    for text in _texts(commit):
        require_keepable(text)


def check_hints(hints: Iterable[Hint]) -> None:
    """Refuse hints that not every database can keep.

    Raises:
        ValueError: A time has no zone, or a key holds NUL or half a character.
    """
    for hint in hints:
        require_zone(hint.received_at)
        require_keepable(hint.key)


def require_keepable(text: str) -> None:
    if "\0" in text or not (text.isascii() or _has_bytes(text)):
        raise ValueError(f"no database keeps a text with NUL or half a character: {text!a}")


def _has_bytes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(commit: Commit) -> Iterator[str]:
    """Yield the texts that come from stores and name things, those of one row joined."""
    for movement in commit.movements:
        yield f"{movement.key} {movement.sku} {movement.listing} {movement.document}"
    for line in commit.lines:
        yield f"{line.order} {line.line}"
    for record in commit.records:
        yield f"{record.listing} {record.code} {record.sku} {record.group} {record.title}"
        if isinstance(record.reading, NotCounted):
            yield record.reading.shown


def require_zone(moment: datetime | None) -> None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError("the ledger keeps no time without a time zone")


def _moments(commit: Commit) -> Iterator[datetime | None]:
    yield commit.due_since
    for movement in commit.movements:
        yield movement.occurred_at
    for record in commit.records:
        yield record.due_since
        yield record.retry_at
        yield record.unexplained_since
        if record.reading is not None:
            yield record.reading.read_at
    for intent in commit.intents:
        yield intent.created_at
        yield intent.resolved_at
    for hold in commit.holds:
        yield hold.created_at
        yield hold.decided_at
    if commit.run is not None:
        yield commit.run.started_at
        yield commit.run.finished_at
    if commit.store is not None:
        yield commit.store.last_pull_at
        yield commit.store.last_push_at
        yield commit.store.last_sweep_at
        yield commit.store.feed_from
        yield commit.store.feed_at


Essence = tuple[str, str, str, int]


def essence(movement: Movement) -> Essence:
    """Return what one key must always mean: the SKU, both accounts and the units."""
    return (movement.sku, movement.source, movement.destination, movement.units)


def only_new(movements: Iterable[Movement], booked: Mapping[str, Essence]) -> list[Movement]:
    """Leave out what is booked already, in the books or earlier in the same commit.

    Raises:
        LedgerBroken: A key comes back with another content; both cannot be true.
    """
    known = dict(booked)
    new = []
    for movement in movements:
        before = known.setdefault(movement.key, essence(movement))
        if before != essence(movement):
            raise LedgerBroken(f"movement {movement.key!r} is booked already, with other content")
        if movement.key not in booked:
            new.append(movement)
    return list({movement.key: movement for movement in new}.values())


def in_writing_order(intents: Iterable[Intent]) -> list[Intent]:
    """Return the last word on each intent, resolved ones first: they make room for open ones."""
    last = {intent.id: intent for intent in intents}
    return sorted(last.values(), key=lambda intent: intent.state is IntentState.OPEN)


def describe_mismatch(sku: str, account: str, *, balance: int, folded: int) -> str:
    return f"{sku} {account}: balance {balance}, movements {folded}"
