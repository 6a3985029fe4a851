"""A change that comes while a store is being written is written too, however the two interleave."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from stocksync.contracts.connector import WriteResult
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.stock import Correction
from stocksync.engine import stocktake
from tests.world import Shop, World, world


class Interrupted(Shop):
    """A shop in which something happens elsewhere just before it is looked at, or written."""

    moment = ""
    meanwhile: Callable[[], Awaitable[object]]

    async def read(self, listings: Sequence[ListingId]) -> object:  # type: ignore[override]
        await self._at("read")
        return await super().read(listings)

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        await self._at("write")
        return await super().write(corrections)

    async def _at(self, moment: str) -> None:
        if self.moment == moment:
            self.moment = ""
            await self.meanwhile()


async def interrupted(moment: str) -> World:
    """Two stores that agree, and a second change that comes while the first one is written."""
    at = world({"a": {"MUG": 100}, "b": {"MUG": 100}})
    await at.count(MUG=100)
    await at.sync()
    shop = at.shops[StoreId("a")]
    shop.__class__ = Interrupted
    assert isinstance(shop, Interrupted)
    shop.moment = moment
    shop.meanwhile = lambda: stocktake.adjust(at.context, Sku("MUG"), -3, reason="broken")
    return at


@pytest.mark.parametrize("moment", ["read", "write"])
async def test_a_second_change_during_a_write_keeps_the_listing_due(moment: str) -> None:
    at = await interrupted(moment)
    at.sell("b", "MUG", 1)
    await at.sync()
    await at.sync()
    assert await at.on_hand("MUG") == 96
    assert at.shows("a") == {"MUG": 96}


async def test_a_listing_written_without_interruption_is_due_no_more() -> None:
    at = await interrupted("never")
    at.sell("b", "MUG", 1)
    await at.sync()
    assert await at.ledger.due(StoreId("a")) == []
