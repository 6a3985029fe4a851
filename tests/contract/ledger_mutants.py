"""Ledgers that break one promise about books or listings, each in a way that has been seen."""

from collections.abc import Collection
from dataclasses import replace

from stocksync.contracts.ledger import (
    BookedMovement,
    Commit,
    Intent,
    IntentState,
    RunRecord,
    Verdict,
)
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import Movement
from stocksync.domain.stock import Levels, ListingRecord, StockLevel
from stocksync.errors import LedgerBroken
from stocksync.ledger.memory import MemoryLedger


class BooksAgain(MemoryLedger):
    def _new(self, movements: list[Movement]) -> list[Movement]:
        super()._new(movements)
        return movements


class KeepsTheFirstSilently(MemoryLedger):
    def _new(self, movements: list[Movement]) -> list[Movement]:
        try:
            return super()._new(movements)
        except LedgerBroken:
            return [at for at in movements if at.key not in self._keys]


class ForgetsHeldUnits(MemoryLedger):
    async def levels(self, skus: Collection[Sku]) -> dict[Sku, Levels]:
        return {
            sku: {
                at: StockLevel(on_hand=level.on_hand - level.reserved)
                for at, level in known.items()
            }
            for sku, known in (await super().levels(skus)).items()
        }


class OldestFirst(MemoryLedger):
    async def history(self, sku: Sku, limit: int | None = None) -> list[BookedMovement]:
        return list(reversed(await super().history(sku, limit)))


class HandsOutItsBooks(MemoryLedger):
    async def history(self, sku: Sku, limit: int | None = None) -> list[BookedMovement]:
        self._books.reverse()
        return self._books


class FoldsCase(MemoryLedger):
    async def skus(self) -> list[Sku]:
        return sorted({Sku(sku.strip().lower()) for sku in await super().skus()})


class OffsetsOneSkuWithAnother(MemoryLedger):
    async def oversold(self) -> int:
        totals = await self.totals()
        return max(0, -sum(units for at, units in totals.items() if at.startswith("loc:")))


class CriesWolf(MemoryLedger):
    async def verify(self) -> Verdict:
        return replace(await super().verify(), mismatches=("MUG",))


class ProvesSealsOnly(MemoryLedger):
    async def verify(self) -> Verdict:
        return replace(await super().verify(), imbalances=(), mismatches=())


class ProvesBalancesOnly(MemoryLedger):
    async def verify(self) -> Verdict:
        return replace(await super().verify(), broken_seals=())


class SealsEachAlone(MemoryLedger):
    """A seal over the movement only: changes show, a removal does not."""

    async def verify(self) -> Verdict:
        verdict = await super().verify()
        numbers = {booked.number for booked in self._books}
        kept = tuple(at for at in verdict.broken_seals if at - 1 in numbers)
        return replace(verdict, broken_seals=kept)


class WritesNothingDown(MemoryLedger):
    async def commit(self, commit: Commit) -> int:
        booked = await super().commit(commit)
        if not commit.movements:
            self._put_run(RunRecord(id="quiet", kind="pull", trigger="", started_at=self._now()))
        return booked


class GuessesTheZone(MemoryLedger):
    async def commit(self, commit: Commit) -> int:
        if commit.due_since is not None and commit.due_since.tzinfo is None:
            commit.due_since = commit.due_since.replace(tzinfo=self._now().tzinfo)
        return await super().commit(commit)


class CutsTextAtNul(MemoryLedger):
    async def commit(self, commit: Commit) -> int:
        commit.movements = [replace(at, sku=Sku(at.sku.split("\0")[0])) for at in commit.movements]
        return await super().commit(commit)


class ForgetsAttempts(MemoryLedger):
    def _put(self, record: ListingRecord) -> None:
        super()._put(replace(record, attempts=0))


class InventsTheAbsent(MemoryLedger):
    async def records(
        self, store: StoreId, listings: Collection[ListingId] | None = None
    ) -> dict[ListingId, ListingRecord]:
        known = await super().records(store, listings)
        blank = {at: ListingRecord(store=store, listing=at) for at in listings or ()}
        return blank | known


class BooksBeforeItChecks(MemoryLedger):
    async def commit(self, commit: Commit) -> int:
        self._book(self._new(commit.movements))
        return await super().commit(commit)


class OverwritesTheNew(MemoryLedger):
    def _require_versions(self, records: list[ListingRecord]) -> None:
        super()._require_versions([record for record in records if record.version])


class LastOneWins(MemoryLedger):
    def _require_versions(self, records: list[ListingRecord]) -> None:
        return


class MarksItsOwn(MemoryLedger):
    def _mark_due(self, commit: Commit) -> None:
        super()._mark_due(replace(commit, records=[]))


class MarksWithoutTrace(MemoryLedger):
    def _mark_due(self, commit: Commit) -> None:
        versions = {record.key: record.version for record in self._all_records()}
        super()._mark_due(commit)
        for record in self._all_records():
            self._put(replace(record, version=versions[record.key]))


class MarksOnceOnly(MemoryLedger):
    def _mark_due(self, commit: Commit) -> None:
        due = [record for record in self._all_records() if record.due_since is not None]
        super()._mark_due(commit)
        for record in due:
            self._put(record)


class NewestMarkWins(MemoryLedger):
    def _mark_due(self, commit: Commit) -> None:
        for record in self._all_records() if commit.due_skus else ():
            self._put(replace(record, due_since=None))
        super()._mark_due(commit)


class DueByName(MemoryLedger):
    async def due(self, store: StoreId) -> list[ListingRecord]:
        return sorted(await super().due(store), key=lambda at: at.listing)


class RemembersOwnForever(MemoryLedger):
    def _put_intent(self, intent: Intent) -> None:
        super()._put_intent(
            replace(intent, state=IntentState.UNKNOWN)
            if intent.state is IntentState.SETTLED
            else intent
        )


class OneStoreOnly(MemoryLedger):
    async def records_of(self, skus: Collection[Sku]) -> list[ListingRecord]:
        return [at for at in await super().records_of(skus) if at.store == "shop"]


class CountsTheGone(MemoryLedger):
    def _present(self, store: StoreId) -> list[ListingRecord]:
        return self._all_records(store)


class ForgivesQuarantine(MemoryLedger):
    async def states(self) -> dict[tuple[StoreId, str], int]:
        found = await super().states()
        return {(store, state): n for (store, state), n in found.items() if state != "quarantined"}
