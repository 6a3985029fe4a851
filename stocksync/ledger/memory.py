"""The ledger in dictionaries: the same promises, kept until the process ends."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from stocksync.contracts.browsing import CORRECTION_OUTCOMES, SMALL, Activity
from stocksync.contracts.history import PastMovement
from stocksync.contracts.ledger import (
    BookedMovement,
    Hold,
    HoldState,
    Intent,
    IntentState,
    RunRecord,
    StoreRecord,
    Verdict,
)
from stocksync.contracts.sales import Shown
from stocksync.domain.agreements import agreement
from stocksync.domain.identifiers import ListingId, LocationId, Sku, StoreId
from stocksync.domain.movements import PRESENT, Account, MovementKind, at, fold, held
from stocksync.domain.movements import levels as levels_from
from stocksync.domain.orders import KnownLine
from stocksync.domain.stock import Levels, ListingRecord, Presence, shown_number, state_of
from stocksync.domain.stories import OwnWrite
from stocksync.domain.velocity import SoldUnits
from stocksync.ledger.checks import describe_mismatch, require_keepable, require_zone
from stocksync.ledger.memory_books import MemoryBooks
from stocksync.ledger.seals import broken


class MemoryLedger(MemoryBooks):
    """The books of a test or a simulation."""

    async def records(
        self, store: StoreId, listings: Collection[ListingId] | None = None
    ) -> dict[ListingId, ListingRecord]:
        known = self._records.get(store, {})
        wanted = known if listings is None else dict.fromkeys(listings)
        return {at: self._with_own(known[at]) for at in wanted if at in known}

    async def records_of(self, skus: Collection[Sku]) -> list[ListingRecord]:
        wanted = set(skus)
        return [record for record in self._all_records() if record.sku in wanted]

    async def due(self, store: StoreId) -> list[ListingRecord]:
        waiting = [
            (record.due_since, record.listing, record)
            for record in self._all_records(store)
            if record.due_since is not None
        ]
        return [record for _, _, record in sorted(waiting, key=lambda at: at[:2])]

    async def identities(self, store: StoreId) -> list[tuple[ListingId, str | None, Sku | None]]:
        return [(at.listing, at.code, at.sku) for at in self._present(store)]

    async def agreements(self, store: StoreId) -> set[int]:
        return {
            agreement(at.listing, at.code, at.baseline)
            for at in self._present(store)
            if at.baseline is not None
            and shown_number(at.reading) == at.baseline
            and not self._with_own(at).own_values
        }

    async def counts(self, store: StoreId) -> tuple[int, int, int]:
        present = self._present(store)
        baselines = [at.baseline for at in present if at.baseline is not None]
        return (len(present), len(baselines), sum(baseline > 0 for baseline in baselines))

    async def states(self) -> dict[tuple[StoreId, str], int]:
        return dict(Counter((at.store, state_of(at).value) for at in self._all_records()))

    async def levels(self, skus: Collection[Sku]) -> dict[Sku, Levels]:
        return {sku: levels_from(self._balances[sku]) for sku in skus if sku in self._balances}

    async def skus(self) -> list[Sku]:
        return sorted(self._balances)

    async def totals(self) -> dict[Account, int]:
        totals: dict[Account, int] = defaultdict(int)
        for accounts in self._balances.values():
            for account, units in accounts.items():
                totals[account] += units
        return dict(totals)

    async def oversold(self) -> int:
        prefixes = (at(LocationId("")), held(LocationId("")))
        there = [
            sum(units for account, units in accounts.items() if account.startswith(prefixes))
            for accounts in self._balances.values()
        ]
        return sum(-units for units in there if units < 0)

    async def history(self, sku: Sku, limit: int | None = None) -> list[BookedMovement]:
        found = [booked for booked in reversed(self._books) if booked.movement.sku == sku]
        return found[:limit]

    async def movements_since(
        self, moment: datetime, *, after: int = 0, limit: int
    ) -> list[PastMovement]:
        begin = max(self._first_since(moment), after)
        page = self._books[begin : begin + limit]
        return [PastMovement(at.number, at.recorded_at, at.movement) for at in page]

    async def levels_at(self, skus: Collection[Sku], moment: datetime) -> dict[Sku, Levels]:
        before = [at.movement for at in self._books[: self._first_since(moment)]]
        balances: dict[Sku, dict[Account, int]] = defaultdict(dict)
        for (sku, account), units in fold(each for each in before if each.sku in skus).items():
            balances[sku][account] = units
        return {sku: levels_from(accounts) for sku, accounts in balances.items()}

    def _first_since(self, moment: datetime) -> int:
        require_zone(moment)
        return bisect_left(self._books, moment, key=lambda booked: booked.recorded_at)

    async def booked(self, key: str) -> BookedMovement | None:
        return self._keys.get(key)

    async def intents(
        self,
        store: StoreId | None = None,
        states: Iterable[IntentState] = (IntentState.OPEN, IntentState.UNKNOWN),
    ) -> list[Intent]:
        wanted = set(states)
        found = [
            intent
            for intent in self._intents.values()
            if intent.state in wanted and store in (None, intent.store)
        ]
        return sorted(found, key=lambda intent: (intent.created_at, intent.id))

    async def writes(self, store: StoreId, listing: ListingId, limit: int) -> list[Intent]:
        found = [at for at in self._intents.values() if (at.store, at.listing) == (store, listing)]
        return sorted(found, key=lambda at: (at.created_at, at.id), reverse=True)[:limit]

    async def search(self, text: str, *, after: str = "", offset: int = 0, limit: int) -> list[Sku]:
        require_keepable(text + after)
        listed = {record.sku for record in self._all_records() if record.sku is not None}
        wanted = text.translate(SMALL)
        found = [sku for sku in {*self._balances, *listed} if wanted in sku.translate(SMALL)]
        return sorted(sku for sku in found if sku > after)[offset : offset + limit]

    async def hot(self, *, nearly_out: int, since: datetime, sold: int, limit: int) -> list[Sku]:
        sales: Counter[Sku] = Counter()
        for booked in self._books:
            if booked.recorded_at >= since and booked.movement.kind is MovementKind.SALE:
                sales[booked.movement.sku] += booked.movement.units
        fast = sorted((-units, sku) for sku, units in sales.items() if units >= sold)
        left = {
            sku: sum(units for account, units in accounts.items() if account.startswith(PRESENT))
            for sku, accounts in self._balances.items()
        }
        few = sorted((units, sku) for sku, units in left.items() if 1 <= units <= nearly_out)
        return list(dict.fromkeys(sku for _, sku in fast + few))[:limit]

    async def known_lines(
        self, store: StoreId, orders: Collection[str]
    ) -> dict[tuple[str, str], KnownLine]:
        wanted = set(orders)
        return {
            (order, line): known
            for (shop, order, line), known in self._lines.items()
            if shop == store and order in wanted
        }

    async def unexplained(self, store: StoreId) -> list[ListingRecord]:
        found = [record for record in self._all_records(store) if record.unexplained]
        return sorted(found, key=lambda record: (str(record.unexplained_since), record.listing))

    async def absent(self, store: StoreId) -> list[ListingRecord]:
        return [at for at in self._all_records(store) if at.presence is Presence.ABSENT]

    async def sold(self, skus: Collection[Sku], since: datetime) -> dict[Sku, list[SoldUnits]]:
        require_zone(since)
        found: dict[Sku, list[SoldUnits]] = {}
        for booked in self._books:
            movement = booked.movement
            when = min(movement.occurred_at, booked.recorded_at)
            if movement.kind is MovementKind.SALE and movement.sku in skus and when > since:
                found.setdefault(movement.sku, []).append(SoldUnits(when, movement.units))
        return found

    async def numbers(
        self, store: StoreId, listings: Collection[ListingId], since: datetime
    ) -> dict[ListingId, list[Shown]]:
        require_zone(since)
        found = {}
        for listing in listings:
            past = self._numbers.get((store, listing), [])
            before = [shown for shown in past if shown.since <= since]
            after = [shown for shown in past if shown.since > since]
            if past:
                found[listing] = before[-1:] + after
        return found

    async def activity(self, moments: Sequence[datetime]) -> list[Activity]:
        return [self._between(began, ended) for began, ended in pairwise(moments)]

    def _between(self, began: datetime, ended: datetime) -> Activity:
        booked = [at for at in self._books if began <= at.recorded_at < ended]
        runs = [run for run in self._runs.values() if began <= run.started_at < ended]
        reports = [report for run in runs for report in run.stores]
        counts = ((at, sum(each.get(at, 0) for each in reports)) for at in CORRECTION_OUTCOMES)
        return Activity(
            began_at=began,
            movements=dict(Counter(at.movement.kind.value for at in booked)),
            corrections={outcome: count for outcome, count in counts if count},
        )

    async def holds(
        self, store: StoreId | None = None, states: Iterable[HoldState] = (HoldState.OPEN,)
    ) -> list[Hold]:
        wanted = set(states)
        return [at for at in self._holds if at.state in wanted and store in (None, at.store)]

    async def hold(self, hash_: str) -> Hold | None:
        names = {at.hash for at in self._holds if hash_ and at.hash.startswith(hash_)}
        if hash_ not in names and len(names) != 1:
            return None
        name = hash_ if hash_ in names else names.pop()
        return next(at for at in reversed(self._holds) if at.hash == name)

    async def runs(self, limit: int = 20) -> list[RunRecord]:
        newest = sorted(self._runs.values(), key=lambda run: (run.started_at, run.id), reverse=True)
        return newest[:limit]

    async def run(self, id_: str) -> RunRecord | None:
        return self._runs.get(id_)

    async def store(self, store: StoreId) -> StoreRecord:
        return self._stores.get(store, StoreRecord(store=store))

    async def named(self, store: StoreId, names: Collection[str]) -> list[ListingId]:
        wanted = set(names)
        return [
            at.listing
            for at in self._all_records(store)
            if wanted & {at.listing, at.code, at.group}
        ]

    async def verify(self) -> Verdict:
        return Verdict(
            movements=len(self._books),
            skus=len(self._balances),
            imbalances=tuple(
                sku for sku, accounts in sorted(self._balances.items()) if sum(accounts.values())
            ),
            mismatches=tuple(self._mismatches()),
            broken_seals=tuple(broken(self._books)),
        )

    async def aclose(self) -> None:
        """Close nothing; the books stay readable."""

    def _mismatches(self) -> Iterable[str]:
        folded = fold(booked.movement for booked in self._books)
        balances = {
            (sku, account): units
            for sku, accounts in self._balances.items()
            for account, units in accounts.items()
        }
        for sku, account in sorted({*folded, *balances}):
            balance, sum_ = balances.get((sku, account), 0), folded.get((sku, account), 0)
            if balance != sum_:
                yield describe_mismatch(sku, account, balance=balance, folded=sum_)

    def _present(self, store: StoreId) -> list[ListingRecord]:
        return [at for at in self._all_records(store) if at.presence is Presence.PRESENT]

    def _all_records(self, store: StoreId | None = None) -> list[ListingRecord]:
        stores = sorted(self._records) if store is None else [store]
        return [
            self._with_own(record)
            for at in stores
            for _, record in sorted(self._records.get(at, {}).items())
        ]

    def _with_own(self, record: ListingRecord) -> ListingRecord:
        """Add the writes whose outcome is not known."""
        pending = self._pending.get(record.key)
        if not pending:
            return record
        own = [
            OwnWrite(intent.id, intent.target, intent.created_at)
            for intent in pending.values()
            if intent.state is IntentState.UNKNOWN
        ]
        return replace(record, unanswered=frozenset(own))
