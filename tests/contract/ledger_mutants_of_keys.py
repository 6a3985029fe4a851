"""Ledgers that lose their place: after a SKU, or among the keys of movements."""

from stocksync.contracts.ledger import BookedMovement
from stocksync.domain.identifiers import Sku
from stocksync.ledger.memory import MemoryLedger


class BeginsWithTheLast(MemoryLedger):
    async def search(self, text: str, *, after: str = "", offset: int = 0, limit: int) -> list[Sku]:
        found = await super().search(text, limit=1_000_000)
        return [sku for sku in found if sku >= after][offset : offset + limit]


class FindsKeysOfAnyCase(MemoryLedger):
    async def booked(self, key: str) -> BookedMovement | None:
        found = (at for at in self._books if at.movement.key.lower() == key.lower())
        return next(found, None)
