"""Ledgers that break one promise about looking around."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from stocksync.contracts.browsing import Activity
from stocksync.contracts.ledger import Intent
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.ledger.memory import MemoryLedger


class FindsOnlyWhatMoved(MemoryLedger):
    async def search(self, text: str, *, after: str = "", offset: int = 0, limit: int) -> list[Sku]:
        found = await super().search(text, after=after, limit=offset + limit)
        return [sku for sku in found if sku in self._balances][offset:]


class BeginsWithTheLastOne(MemoryLedger):
    async def search(self, text: str, *, after: str = "", offset: int = 0, limit: int) -> list[Sku]:
        found = await super().search(text, limit=limit + 99)
        return [sku for sku in found if sku >= after][offset : offset + limit]


class FoldsEveryLetter(MemoryLedger):
    async def search(self, text: str, *, after: str = "", offset: int = 0, limit: int) -> list[Sku]:
        found = await super().search("", after=after, limit=offset + limit)
        return [sku for sku in found if text.casefold() in sku.casefold()][offset:]


class CountsTheLastMomentToo(MemoryLedger):
    async def activity(self, moments: Sequence[datetime]) -> list[Activity]:
        return await super().activity([*moments[:-1], moments[-1] + timedelta(seconds=1)])


class CountsOneStoreOfARun(MemoryLedger):
    async def activity(self, moments: Sequence[datetime]) -> list[Activity]:
        runs = self._runs
        self._runs = {id_: replace(run, stores=run.stores[:1]) for id_, run in runs.items()}
        try:
            return await super().activity(moments)
        finally:
            self._runs = runs


class OldestWriteFirst(MemoryLedger):
    async def writes(self, store: StoreId, listing: ListingId, limit: int) -> list[Intent]:
        return list(reversed(await super().writes(store, listing, limit)))


class WatchesTheFewFirst(MemoryLedger):
    async def hot(self, *, nearly_out: int, since: datetime, sold: int, limit: int) -> list[Sku]:
        few = await super().hot(nearly_out=nearly_out, since=since, sold=10**9, limit=limit)
        fast = await super().hot(nearly_out=0, since=since, sold=sold, limit=limit)
        return [*few, *fast][:limit]


class ForgetsWhatIsReserved(MemoryLedger):
    async def hot(self, *, nearly_out: int, since: datetime, sold: int, limit: int) -> list[Sku]:
        kept = self._balances
        self._balances = {
            sku: {at: units for at, units in accounts.items() if not at.startswith("hold:")}
            for sku, accounts in kept.items()
        }
        try:
            found = await super().hot(nearly_out=nearly_out, since=since, sold=sold, limit=limit)
        finally:
            self._balances = kept
        return found


class CountsSalesOfAllTime(MemoryLedger):
    async def hot(self, *, nearly_out: int, since: datetime, sold: int, limit: int) -> list[Sku]:
        early = datetime.min.replace(tzinfo=since.tzinfo)
        return await super().hot(nearly_out=nearly_out, since=early, sold=sold, limit=limit)
