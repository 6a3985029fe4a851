"""A thousand ordinary days, with busy ones among them: no gate closes, and the books are right."""

import random

import pytest

from stocksync.contracts.ledger import HoldState
from stocksync.domain.identifiers import StoreId
from stocksync.engine.report import StoreReport
from stocksync.engine.sync import Sync
from tests.world import World, world

A, B = StoreId("a"), StoreId("b")
HOUR = 3600.0


def number(value: object) -> int:
    assert isinstance(value, int)
    return value


class Life:
    """What customers and people do to a store with forty listings, hour by hour."""

    def __init__(self, at: World, seed: int) -> None:
        self.at = at
        self.chance = random.Random(seed)
        self.stock = at.shops[A].stock
        self.listings = list(self.stock)
        self.rate = 0.0
        self.busiest = 0
        self.sold = 0

    def day(self, number: int) -> None:
        """Begin a day: most are calm, some are busy, and now and then there is a sale."""
        weekend = number % 7 > 4
        self.rate = self.chance.choice([0.02, 0.05, 0.15] if weekend else [0.01, 0.02])

    def hour(self, hour: int) -> None:
        """Let an hour pass; a delivery comes in the morning, if at all."""
        if hour == 7 and self.chance.random() < 0.6:
            self.deliver()
        if 8 <= hour < 23:
            self.sell()
            if self.chance.random() < 0.02:
                self.edit()

    def sell(self) -> None:
        """Sell in the store and beside it; on a day of sale in 15 % of the listings each hour."""
        most = round(self.rate * len(self.listings))
        buyers = most if self.rate > 0.1 else self.chance.randint(0, most)
        for listing in self.chance.sample(self.listings, k=buyers):
            units = min(number(self.stock[listing]), self.chance.choice([1, 1, 1, 2, 3]))
            self.stock[listing] = number(self.stock[listing]) - units
            self.sold += units
        self.busiest = max(self.busiest, buyers)

    def sell_elsewhere(self) -> None:
        """Sell in the other store, of which the first one hears at night, through us."""
        other = self.at.shops[B].stock
        for listing in self.chance.sample(self.listings, k=3):
            other[listing] = max(0, number(other[listing]) - 1)

    def deliver(self) -> None:
        """Fill up some of what is nearly out, each by another number of units."""
        low = [at for at in self.listings if number(self.stock[at]) < 12]
        for listing in low[:8]:
            self.stock[listing] = number(self.stock[listing]) + self.chance.randint(10, 40)

    def edit(self) -> None:
        """Correct a number by hand, or put back what was returned."""
        listing = self.chance.choice(self.listings)
        shown = number(self.stock[listing])
        self.stock[listing] = max(0, shown + self.chance.choice([-3, -1, 1, 2]))


async def lived(days: int, *, every_hour: bool, seed: int) -> Life:
    """Live through some days with a pull each hour, and a whole run each night.

    A pull that finds nothing new is left out unless it is asked for `every_hour`: no gate is asked.
    """
    stock = {sku: 12 + at for at, sku in enumerate(f"S{number:02}" for number in range(40))}
    at = world({"a": {**stock}, "b": {**stock}})
    await at.count(**stock)
    await at.sync()
    life = Life(at, seed)
    a, b = at.context.stores[A], at.context.stores[B]
    for number_of_day in range(days):
        life.day(number_of_day)
        for hour in range(24):
            before = {**life.stock}
            life.hour(hour)
            at.clock.pass_(HOUR)
            if every_hour or before != life.stock:
                reports = {store: StoreReport(store=store) for store in (A, B)}
                work = Sync(context=at.context, run="run", reports=reports)
                await work.pull(a)
                await work.push(b)
                assert {at.outcome for at in reports.values()} == {"ok"}, (number_of_day, reports)
        life.sell_elsewhere()
        run = await at.sync()
        assert run.outcome == "ok", (number_of_day, run.stores)
    assert await at.ledger.holds(None, list(HoldState)) == []
    for sku in stock:
        assert await at.on_hand(sku) == at.shows("a")[sku]
    return life


@pytest.mark.parametrize("seed", range(4))
async def test_a_thousand_ordinary_days_are_never_stopped(seed: int) -> None:
    life = await lived(250, every_hour=False, seed=seed)
    assert life.busiest == 6, "15 % of the listings"
    assert life.sold > 250 * 5


async def test_ordinary_days_with_a_pull_every_hour_are_never_stopped() -> None:
    life = await lived(20, every_hour=True, seed=99)
    assert life.sold > 20 * 5
