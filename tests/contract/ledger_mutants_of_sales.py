"""Ledgers that break one promise about orders."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from stocksync.contracts.ledger import Commit, StoreRecord
from stocksync.contracts.sales import Shown
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import MovementKind
from stocksync.domain.orders import KnownLine
from stocksync.domain.stock import ListingRecord, Presence
from stocksync.domain.velocity import SoldUnits
from stocksync.ledger.memory import MemoryLedger


class KnowsLinesOfAnyStore(MemoryLedger):
    async def known_lines(
        self, store: StoreId, orders: Collection[str]
    ) -> dict[tuple[str, str], KnownLine]:
        return {(at.order, at.line): at for at in self._lines.values() if at.order in orders}


class KeepsTheFirstUnits(MemoryLedger):
    async def commit(self, commit: Commit) -> int:
        known = {(at.order, at.line) for at in self._lines.values()}
        new = [at for at in commit.lines if (at.order, at.line) not in known]
        return await super().commit(replace(commit, lines=new))


class NewestWaitsFirst(MemoryLedger):
    async def unexplained(self, store: StoreId) -> list[ListingRecord]:
        return list(reversed(await super().unexplained(store)))


class TakesTheGoneForAbsent(MemoryLedger):
    async def absent(self, store: StoreId) -> list[ListingRecord]:
        records = (await self.records(store)).values()
        return [at for at in records if at.presence is not Presence.PRESENT]


class ForgetsMissedCensuses(MemoryLedger):
    def _put(self, record: ListingRecord) -> None:
        super()._put(replace(record, missed=0))


class RemembersEveryLook(MemoryLedger):
    def _keep_numbers(self, records: Iterable[ListingRecord]) -> None:
        for record in records:
            if record.baseline is not None:
                self._numbers[record.key].append(Shown(self._now(), record.baseline))


class ForgetsWhatHeldBefore(MemoryLedger):
    async def numbers(
        self, store: StoreId, listings: Collection[ListingId], since: datetime
    ) -> dict[ListingId, list[Shown]]:
        found = await super().numbers(store, listings, since)
        return {at: [each for each in past if each.since >= since] for at, past in found.items()}


class LosesTheFeed(MemoryLedger):
    async def store(self, store: StoreId) -> StoreRecord:
        return replace(await super().store(store), feed_at=None)


class SellsAgainAtTheEdge(MemoryLedger):
    async def sold(self, skus: Collection[Sku], since: datetime) -> dict[Sku, list[SoldUnits]]:
        return await super().sold(skus, since - timedelta(seconds=1))


class BelievesEveryClock(MemoryLedger):
    async def sold(self, skus: Collection[Sku], since: datetime) -> dict[Sku, list[SoldUnits]]:
        found: dict[Sku, list[SoldUnits]] = {}
        for movement in (booked.movement for booked in self._books):
            sale = movement.kind is MovementKind.SALE and movement.sku in skus
            if sale and movement.occurred_at > since:
                sold = SoldUnits(movement.occurred_at, movement.units)
                found.setdefault(movement.sku, []).append(sold)
        return found


class ForgetsHowSlowItIs(MemoryLedger):
    async def store(self, store: StoreId) -> StoreRecord:
        return replace(await super().store(store), delay_seconds=0)
