"""Write a commit into dictionaries: check everything first, then change everything."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from stocksync.contracts.ledger import (
    BookedMovement,
    Commit,
    Hold,
    HoldState,
    Intent,
    IntentState,
    Lease,
    ListingKey,
    RunRecord,
    StoreRecord,
)
from stocksync.contracts.sales import Shown
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import Account, Movement, fold
from stocksync.domain.orders import KnownLine
from stocksync.domain.stock import ListingRecord
from stocksync.errors import LeaseLost, StaleLevel
from stocksync.ledger.checks import (
    FINAL,
    check,
    essence,
    in_writing_order,
    is_empty,
    only_new,
    require_zone,
)
from stocksync.ledger.memory_hints import MemoryHints
from stocksync.ledger.seals import FIRST, seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """Who has the lease of a store, until when, and under which epoch."""

    holder: str
    until: datetime
    epoch: int


def decision(hold: Hold) -> tuple[HoldState, datetime | None, str]:
    """Return what changes about a hold; the rest of it is its name."""
    return (hold.state, hold.decided_at, hold.decided_by)


class MemoryBooks(MemoryHints):
    """What a ledger remembers, the one way to change it, and the leases.

    Values are frozen and none is copied; no method waits, so no other can come between.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self._books: list[BookedMovement] = []
        self._keys: dict[str, BookedMovement] = {}
        self._balances: dict[Sku, dict[Account, int]] = defaultdict(dict)
        self._records: dict[StoreId, dict[ListingId, ListingRecord]] = defaultdict(dict)
        self._intents: dict[str, Intent] = {}
        self._pending: dict[ListingKey, dict[str, Intent]] = defaultdict(dict)
        self._holds: list[Hold] = []
        self._runs: dict[str, RunRecord] = {}
        self._stores: dict[StoreId, StoreRecord] = {}
        self._leases: dict[StoreId, Tenure] = {}
        self._lines: dict[tuple[StoreId, str, str], KnownLine] = {}
        self._numbers: dict[ListingKey, list[Shown]] = defaultdict(list)

    async def commit(self, commit: Commit) -> int:
        check(commit)
        if is_empty(commit):
            return 0
        if commit.lease is not None and not self._is_current(commit.lease):
            raise LeaseLost(f"{commit.lease.store}: another runner took over")
        self._require_holds(commit.as_read)
        new = self._new(commit.movements)
        self._require_versions(commit.records)
        intents = self._merged(commit.intents)
        self._require_one_open(intents)
        self._book(new)
        self._keep_numbers(commit.records)
        for record in commit.records:
            self._put(replace(record, version=record.version + 1, unanswered=frozenset()))
        self._mark_due(commit)
        for intent in intents:
            self._put_intent(intent)
        for hold in commit.holds:
            self._put_hold(hold)
        if commit.run is not None:
            self._put_run(commit.run)
        if commit.store is not None:
            self._stores[commit.store.store] = commit.store
        self._forget(commit.answered)
        self._lines |= {(at.store, at.order, at.line): at for at in commit.lines}
        return len(new)

    def _new(self, movements: list[Movement]) -> list[Movement]:
        known = {
            movement.key: essence(self._keys[movement.key].movement)
            for movement in movements
            if movement.key in self._keys
        }
        return only_new(movements, known)

    def _require_versions(self, records: list[ListingRecord]) -> None:
        keys = Counter(record.key for record in records)
        for record in records:
            known = self._records[record.store].get(record.listing)
            if keys[record.key] > 1 or record.version != (known.version if known else 0):
                raise StaleLevel("a listing changed since it was read: decide again")

    def _require_holds(self, as_read: list[Hold]) -> None:
        for hold in as_read:
            same = [at for at in self._holds if (at.hash, at.store) == (hold.hash, hold.store)]
            if not same or decision(same[-1]) != decision(hold):
                raise StaleLevel(f"hold {hold.hash} changed since it was read: look again")

    def _merged(self, intents: list[Intent]) -> list[Intent]:
        """Let what an intent is about stay as it was first written down."""
        merged = []
        for intent in in_writing_order(intents):
            first = self._intents.get(intent.id, intent)
            merged.append(
                replace(
                    first,
                    state=intent.state,
                    resolved_at=intent.resolved_at,
                    detail=intent.detail,
                )
            )
        return merged

    def _require_one_open(self, intents: list[Intent]) -> None:
        changed = {intent.id: intent for intent in intents}
        for intent in intents:
            after = self._pending.get((intent.store, intent.listing), {}) | {
                id_: other
                for id_, other in changed.items()
                if (other.store, other.listing) == (intent.store, intent.listing)
            }
            if sum(other.state is IntentState.OPEN for other in after.values()) > 1:
                raise StaleLevel("another run is writing this listing: decide again")

    def _book(self, new: Iterable[Movement]) -> None:
        now = self._now()
        for movement in new:
            before = self._books[-1].seal if self._books else FIRST
            number = len(self._books) + 1
            booked = BookedMovement(number=number, recorded_at=now, movement=movement, seal="")
            booked = replace(booked, seal=seal(before, booked))
            self._books.append(booked)
            self._keys[movement.key] = booked
            for (sku, account), units in fold([movement]).items():
                self._balances[sku][account] = self._balances[sku].get(account, 0) + units

    def _keep_numbers(self, records: Iterable[ListingRecord]) -> None:
        for record in records:
            known = self._records[record.store].get(record.listing)
            if record.baseline is None or (known and known.baseline == record.baseline):
                continue
            past = self._numbers[record.key]
            if past and past[-1].since == self._now():
                past.pop()
            past.append(Shown(self._now(), record.baseline))

    def _put(self, record: ListingRecord) -> None:
        self._records[record.store][record.listing] = record

    def _mark_due(self, commit: Commit) -> None:
        if not (commit.due_skus or commit.due_listings):
            return
        written = {record.key for record in commit.records}
        known = [record for at_store in self._records.values() for record in at_store.values()]
        for record in known:
            named = record.key in commit.due_listings or record.sku in commit.due_skus
            if named and record.key not in written:
                since = record.due_since or commit.due_since
                self._put(replace(record, due_since=since, version=record.version + 1))

    def _put_intent(self, intent: Intent) -> None:
        self._intents[intent.id] = intent
        pending = self._pending[intent.store, intent.listing]
        pending.pop(intent.id, None)
        if intent.state in (IntentState.OPEN, IntentState.UNKNOWN):
            pending[intent.id] = intent

    def _put_hold(self, hold: Hold) -> None:
        for at in reversed(range(len(self._holds))):
            known = self._holds[at]
            same = (known.hash, known.store) == (hold.hash, hold.store)
            if same and known.state not in FINAL:
                self._holds[at] = replace(
                    known, state=hold.state, decided_at=hold.decided_at, decided_by=hold.decided_by
                )
                return
        self._holds.append(hold)

    def _put_run(self, run: RunRecord) -> None:
        # Written out and read again, so that a caller's dictionary is not shared with the books.
        stores = json.loads(json.dumps([dict(store) for store in run.stores]))
        self._runs[run.id] = replace(run, stores=tuple(stores))

    def _is_current(self, lease: Lease) -> bool:
        tenure = self._leases.get(lease.store)
        return tenure is not None and bool(tenure.holder) and tenure.epoch == lease.epoch

    async def acquire(
        self, store: StoreId, *, holder: str, now: datetime, until: datetime
    ) -> Lease | None:
        require_zone(now)
        require_zone(until)
        before = self._leases.get(store)
        if before is not None and before.holder not in ("", holder) and before.until >= now:
            return None
        epoch = 1 if before is None else before.epoch + 1
        self._leases[store] = Tenure(holder=holder, until=until, epoch=epoch)
        return Lease(store=store, epoch=epoch)

    async def renew(self, lease: Lease, *, until: datetime) -> bool:
        require_zone(until)
        if not self._is_current(lease):
            return False
        self._leases[lease.store] = replace(self._leases[lease.store], until=until)
        return True

    async def release(self, lease: Lease) -> None:
        if self._is_current(lease):
            self._leases[lease.store] = replace(self._leases[lease.store], holder="")

    async def lease_holder(self, store: StoreId) -> str:
        tenure = self._leases.get(store)
        return tenure.holder if tenure is not None and tenure.until >= self._now() else ""
