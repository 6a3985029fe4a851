"""Ledgers that break one promise about looking back."""

from collections.abc import Collection
from datetime import datetime, timedelta

from stocksync.contracts.history import PastMovement
from stocksync.domain.identifiers import Sku
from stocksync.domain.stock import Levels
from stocksync.ledger.memory import MemoryLedger


class ForgetsTheMomentItself(MemoryLedger):
    async def movements_since(
        self, moment: datetime, *, after: int = 0, limit: int
    ) -> list[PastMovement]:
        later = moment + timedelta(microseconds=1)
        return await super().movements_since(later, after=after, limit=limit)


class NewestComesFirst(MemoryLedger):
    async def movements_since(
        self, moment: datetime, *, after: int = 0, limit: int
    ) -> list[PastMovement]:
        return (await super().movements_since(moment, after=after, limit=limit))[::-1]


class RepeatsTheLastOfAPage(MemoryLedger):
    async def movements_since(
        self, moment: datetime, *, after: int = 0, limit: int
    ) -> list[PastMovement]:
        return await super().movements_since(moment, after=max(0, after - 1), limit=limit)


class GoesOnBeforeTheMoment(MemoryLedger):
    async def movements_since(
        self, moment: datetime, *, after: int = 0, limit: int
    ) -> list[PastMovement]:
        since = moment - timedelta(days=1) if after else moment
        return await super().movements_since(since, after=after, limit=limit)


class KnowsTheLevelsOfToday(MemoryLedger):
    async def levels_at(self, skus: Collection[Sku], moment: datetime) -> dict[Sku, Levels]:
        return await self.levels(list(await super().levels_at(skus, moment)))


class CountsTheMomentToo(MemoryLedger):
    async def levels_at(self, skus: Collection[Sku], moment: datetime) -> dict[Sku, Levels]:
        return await super().levels_at(skus, moment + timedelta(microseconds=1))
