"""Ledgers that break one promise about hints."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from stocksync.contracts.ledger import Commit
from stocksync.domain.hints import WHOLE_STORE, Hint
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.ledger.memory import MemoryLedger


class HearsOnce(MemoryLedger):
    async def hint(self, hints: Collection[Hint]) -> None:
        await super().hint([at for at in hints if (at.store, at.key) not in self._hints])


class LastTimeWins(MemoryLedger):
    def _keep(self, store: StoreId, hints: list[Hint]) -> None:
        super()._keep(store, hints)
        for at in hints:
            known = self._hints.get((store, at.key))
            if known:
                self._hints[store, at.key] = replace(known, received_at=at.received_at)


class KeepsEveryKey(MemoryLedger):
    def _keep(self, store: StoreId, hints: list[Hint]) -> None:
        for at in hints:
            known = self._hints.get((store, at.key), replace(at, times=0))
            self._hints[store, at.key] = replace(known, times=known.times + at.times)


class NeverTooMuch(KeepsEveryKey):
    def _keep(self, store: StoreId, hints: list[Hint]) -> None:
        if any(at.key == WHOLE_STORE for at in hints):
            MemoryLedger._keep(self, store, hints)
        else:
            super()._keep(store, hints)


class ForgetsTheRenewed(MemoryLedger):
    def _forget(self, answered: Iterable[Hint]) -> None:
        for at in answered:
            self._hints.pop((at.store, at.key), None)


class AnswersFirst(MemoryLedger):
    async def commit(self, commit: Commit) -> int:
        self._forget(commit.answered)
        return await super().commit(commit)


class TakesAnyHint(MemoryLedger):
    async def hint(self, hints: Collection[Hint]) -> None:
        for at in hints:
            self._keep(at.store, [at])


class FindsByBeginning(MemoryLedger):
    async def named(self, store: StoreId, names: Collection[str]) -> list[ListingId]:
        return [
            at.listing
            for at in self._present(store)
            if at.listing.startswith(tuple(names)) or at.code in names
        ]
