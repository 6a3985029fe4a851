"""Seeded shoppers who buy, and rarely return, in fake stores."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Final, Literal, NamedTuple

from stocksync.sandbox.shop import Shop

RETURN_RATE: Final = 0.04
UNITS_MAX: Final = 3


class Visit(NamedTuple):
    """What one shopper did; `units` is what really changed hands, 0 when it was sold out."""

    store: str
    kind: Literal["sale", "return"]
    code: str
    units: int


class Shoppers:
    """People who shop at random, the same people for the same seed.

    They buy only what a code names without doubt and what the store counts.
    """

    def __init__(
        self, shops: Mapping[str, Shop], random: Random, *, return_rate: float = RETURN_RATE
    ) -> None:
        """Send shoppers to some stores (by id); stores that count nothing are left alone."""
        self._shops = dict(shops)
        self._random = random
        self._return_rate = return_rate
        self._codes: dict[str, tuple[int, list[str]]] = {}
        self.visits: list[Visit] = []

    def step(self) -> Visit | None:
        """Let one shopper visit one store; None when there is nothing to buy anywhere."""
        stores = [store for store in self._shops if self._buyable(store)]
        if not stores:
            return None
        store = self._random.choice(stores)
        shop = self._shops[store]
        kept = self._kept(shop) if self._random.random() < self._return_rate else []
        if kept:
            code = self._random.choice(kept)
            visit = Visit(store, "return", code, shop.take_back(code, 1))
        else:
            code = self._random.choice(self._buyable(store))
            units = self._random.randint(1, UNITS_MAX)
            visit = Visit(store, "sale", code, shop.sell(code, units))
        self.visits.append(visit)
        return visit

    async def run(
        self,
        until: Callable[[], bool],
        pause: Callable[[], float],
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Shop until told to stop, with a pause in seconds after each visit."""
        while not until():
            self.step()
            await sleep(pause())

    def _buyable(self, store: str) -> list[str]:
        shop = self._shops[store]
        version, codes = self._codes.get(store, (-1, []))
        if version != shop.version:
            codes = [
                item.code
                for item in shop.items
                if item.code and item.shown is not None and len(shop.find(item.code)) == 1
            ]
            self._codes[store] = (shop.version, codes)
        return codes

    def _kept(self, shop: Shop) -> list[str]:
        """List what buyers still have and could bring back."""
        return [
            code
            for code, units in shop.sold.items()
            if units > shop.returned[code] and len(shop.find(code)) == 1
        ]
