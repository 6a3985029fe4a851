"""Ledgers that break one promise about intents, holds, runs, stores or leases."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from stocksync.contracts.ledger import (
    Commit,
    Hold,
    HoldState,
    Intent,
    IntentState,
    Lease,
    RunRecord,
    StoreRecord,
)
from stocksync.domain.identifiers import StoreId
from stocksync.errors import StaleLevel
from stocksync.ledger.memory import MemoryLedger


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


class TakesNoForTheEnd(MemoryLedger):
    def _put_hold(self, hold: Hold) -> None:
        if any(at.hash == hold.hash and at.state is HoldState.REJECTED for at in self._holds):
            self._holds.append(hold)
        else:
            super()._put_hold(hold)


class LastDecisionWins(MemoryLedger):
    def _require_holds(self, as_read: list[Hold]) -> None:
        return


class ComparesStatesOnly(MemoryLedger):
    def _require_holds(self, as_read: list[Hold]) -> None:
        for hold in as_read:
            if not any(
                (at.hash, at.store, at.state) == (hold.hash, hold.store, hold.state)
                for at in self._holds
            ):
                raise StaleLevel("changed")


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
