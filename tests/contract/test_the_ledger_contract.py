"""The ledger's contract is tested too: each mutant breaks one promise and is caught by name."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from stocksync.contracts.ledger import (
    BookedMovement,
    Commit,
    Hold,
    HoldState,
    Intent,
    IntentState,
    Lease,
    RunRecord,
    StoreRecord,
    Verdict,
)
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import Movement
from stocksync.domain.stock import Levels, ListingRecord, StockLevel
from stocksync.errors import LedgerBroken, LedgerError, StaleLevel
from stocksync.ledger.memory import MemoryLedger
from tests.contract.ledger_all import CLAUSES
from tests.contract.ledger_rigs import memory_rig, sqlite_rig


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


class OpensTwo(MemoryLedger):
    def _require_one_open(self, intents: list[Intent]) -> None:
        return


class CountsWhatCloses(MemoryLedger):
    def _require_one_open(self, intents: list[Intent]) -> None:
        opened = [at for at in intents if at.state is IntentState.OPEN]
        super()._require_one_open(opened)


class RewritesIntents(MemoryLedger):
    def _merged(self, intents: list[Intent]) -> list[Intent]:
        return intents


class NewestIntentFirst(MemoryLedger):
    async def intents(
        self,
        store: StoreId | None = None,
        states: Iterable[IntentState] = (IntentState.OPEN, IntentState.UNKNOWN),
    ) -> list[Intent]:
        return list(reversed(await super().intents(store, states)))


class TakesTheFirstThatFits(MemoryLedger):
    async def hold(self, hash_: str) -> Hold | None:
        return next((at for at in reversed(self._holds) if at.hash.startswith(hash_)), None)


class NewHoldEachTime(MemoryLedger):
    def _put_hold(self, hold: Hold) -> None:
        self._holds.append(hold)


class ReopensTheDecided(MemoryLedger):
    def _put_hold(self, hold: Hold) -> None:
        same = [at for at, known in enumerate(self._holds) if known.hash == hold.hash]
        if same and hold.state is HoldState.OPEN:
            self._holds[same[-1]] = hold
        else:
            super()._put_hold(hold)


class SharesRuns(MemoryLedger):
    def _put_run(self, run: RunRecord) -> None:
        self._runs[run.id] = run


class RunsAsWritten(MemoryLedger):
    async def runs(self, limit: int = 20) -> list[RunRecord]:
        return list(self._runs.values())[:limit]


class DropsTheLease(MemoryLedger):
    async def commit(self, commit: Commit) -> int:
        booked = await super().commit(commit)
        if commit.store:
            self._leases.pop(commit.store.store, None)
        return booked


class LosesTheRules(MemoryLedger):
    async def store(self, store: StoreId) -> StoreRecord:
        return replace(await super().store(store), rules_fingerprint="")


class GivesItToTwo(MemoryLedger):
    async def acquire(
        self, store: StoreId, *, holder: str, now: datetime, until: datetime
    ) -> Lease | None:
        if self._leases.get(store):
            self._leases[store] = replace(self._leases[store], holder="")
        return await super().acquire(store, holder=holder, now=now, until=until)


class HoldsForever(MemoryLedger):
    async def lease_holder(self, store: StoreId) -> str:
        tenure = self._leases.get(store)
        return tenure.holder if tenure else ""


class NeverFences(MemoryLedger):
    async def commit(self, commit: Commit) -> int:
        return await super().commit(replace(commit, lease=None))


class AnybodyGivesBack(MemoryLedger):
    async def release(self, lease: Lease) -> None:
        self._leases[lease.store] = replace(self._leases[lease.store], holder="")


class RenewsTheLost(MemoryLedger):
    async def renew(self, lease: Lease, *, until: datetime) -> bool:
        await super().renew(lease, until=until)
        return True


class GivesUpOnGoodWrites(MemoryLedger):
    async def commit(self, commit: Commit) -> int:
        if commit.records and commit.records[0].version == 1:
            raise StaleLevel("always")
        return await super().commit(commit)


MUTANTS = [
    (BooksAgain, "L01"),
    (KeepsTheFirstSilently, "L02"),
    (ForgetsHeldUnits, "L03"),
    (OldestFirst, "L04"),
    (HandsOutItsBooks, "L05"),
    (FoldsCase, "L06"),
    (OffsetsOneSkuWithAnother, "L07"),
    (CriesWolf, "L08"),
    (ProvesSealsOnly, "L09"),
    (ProvesBalancesOnly, "L10"),
    (SealsEachAlone, "L11"),
    (WritesNothingDown, "L12"),
    (GuessesTheZone, "L13"),
    (CutsTextAtNul, "L14"),
    (ForgetsAttempts, "L20"),
    (InventsTheAbsent, "L21"),
    (BooksBeforeItChecks, "L22"),
    (LastOneWins, "L22"),
    (OverwritesTheNew, "L23"),
    (LastOneWins, "L24"),
    (GivesUpOnGoodWrites, "L24"),
    (MarksItsOwn, "L25"),
    (MarksWithoutTrace, "L26"),
    (NewestMarkWins, "L26"),
    (DueByName, "L27"),
    (RemembersOwnForever, "L28"),
    (OneStoreOnly, "L29"),
    (CountsTheGone, "L30"),
    (ForgivesQuarantine, "L31"),
    (OpensTwo, "L40"),
    (CountsWhatCloses, "L41"),
    (RewritesIntents, "L42"),
    (NewestIntentFirst, "L43"),
    (TakesTheFirstThatFits, "L44"),
    (NewHoldEachTime, "L45"),
    (ReopensTheDecided, "L45"),
    (SharesRuns, "L46"),
    (RunsAsWritten, "L46"),
    (DropsTheLease, "L47"),
    (LosesTheRules, "L47"),
    (GivesItToTwo, "L48"),
    (HoldsForever, "L48"),
    (NeverFences, "L49"),
    (AnybodyGivesBack, "L50"),
    (RenewsTheLost, "L50"),
]
#: How a clause fails: by what it asserts, or by an error that ought (not) to have been raised.
CAUGHT = (AssertionError, pytest.fail.Exception, LedgerError)


@pytest.mark.parametrize(
    ("mutant", "clause_id"), MUTANTS, ids=lambda at: getattr(at, "__name__", at)
)
async def test_mutant_is_caught(mutant: type[MemoryLedger], clause_id: str) -> None:
    async with memory_rig(mutant) as rig:
        with pytest.raises(CAUGHT):
            await CLAUSES[clause_id].check(rig)


async def test_books_without_a_trigger_are_caught(tmp_path: Path) -> None:
    async with sqlite_rig(tmp_path) as rig:
        assert rig.execute
        rig.execute("DROP TRIGGER movements_never_change")
        with pytest.raises(CAUGHT):
            await CLAUSES["L05"].check(rig)


def test_every_clause_has_a_mutant() -> None:
    assert {clause_id for _, clause_id in MUTANTS} == set(CLAUSES)
