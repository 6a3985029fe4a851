"""A merchant for tests: real connectors before fake stores, and one engine over books."""

from collections.abc import Mapping
from functools import cached_property
from itertools import count as counter
from typing import Any, Final

from stocksync.contracts.ledger import Ledger, RunRecord
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.merge import FirstContact
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stock import ListingRecord
from stocksync.domain.stocktake import Count
from stocksync.engine import stocktake
from stocksync.engine.context import Context, Store
from stocksync.engine.sync import sync
from stocksync.ledger.memory import MemoryLedger
from tests.contract.rigs import Rig
from tests.world import Clock

#: The platforms whose stores show quantities.
STOCKED: Final = ("recplus", "b2bwave", "freewebstore", "simvoly")


class Merchant:
    """Stores by id, each on its own platform; offer things first, then sync."""

    def __init__(self, platforms: Mapping[str, str], *, ledger: Ledger | None = None) -> None:
        self.clock = Clock()
        self.ledger = MemoryLedger(now=self.clock) if ledger is None else ledger
        self.rigs = {
            name: Rig(platform, store=StoreId(name), now=self.clock)
            for name, platform in platforms.items()
        }
        self._ids = counter(1)

    @cached_property
    def context(self) -> Context:
        return Context(
            ledger=self.ledger,
            book=Rulebook(fingerprint="no rules"),
            stores={StoreId(name): self._store(name) for name in self.rigs},
            now=self.clock,
            new_id=lambda: f"id{next(self._ids):06}",
            holder="test",
        )

    def _store(self, name: str) -> Store:
        # The first plan is carried out as it stands: no gate has a word in it.
        seat = Seat(store=StoreId(name), first_contact=FirstContact.PUSH)
        return Store(seat=seat, connector=self.rigs[name].connector)

    def offer(self, store: str, code: str | None, quantity: object = 5, **facts: Any) -> ListingId:
        return self.rigs[store].offer(code, quantity, **facts)

    async def count(self, on_hand: Mapping[str, int]) -> None:
        """Count stock by hand, as openings."""
        counts = [Count(sku=Sku(sku), on_hand=units) for sku, units in on_hand.items()]
        await stocktake.count(self.context, counts, document="test")

    async def sync(self) -> RunRecord:
        """Run once over all stores, a moment after whatever was before."""
        self.clock.pass_(1)
        run = await sync(self.context)
        self.clock.pass_(1)
        return run

    async def on_hand(self, sku: str) -> int:
        levels = await self.ledger.levels([Sku(sku)])
        return sum(level.on_hand for level in levels[Sku(sku)].values())

    async def movements(self) -> int:
        return (await self.ledger.verify()).movements

    async def records(self, store: str) -> dict[ListingId, ListingRecord]:
        return await self.ledger.records(StoreId(store))

    def report(self, run: RunRecord, store: str) -> Mapping[str, Any]:
        return next(at for at in run.stores if at["store"] == store)

    async def aclose(self) -> None:
        for rig in self.rigs.values():
            await rig.aclose()


async def agreed(platform: str, units: int = 10) -> Merchant:
    """Return a merchant whose stores `a` and `b` agree with the books on MUG; `b` is on trial."""
    at = Merchant({"a": "b2bwave" if platform == "recplus" else "recplus", "b": platform})
    for name in at.rigs:
        at.offer(name, "MUG", units)
    await at.count({"MUG": units})
    run = await at.sync()
    assert run.outcome == "ok", run.stores
    return at
