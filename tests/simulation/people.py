"""What people and bad luck do in a simulated world while our service works."""

import asyncio
import random
from contextlib import suppress
from typing import Any

from stocksync.contracts.ledger import HoldState
from stocksync.domain.hints import Hint
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.engine.decisions import adjust_once
from stocksync.errors import StockSyncError
from tests.simulation.switches import PRINT, turn
from tests.simulation.world import World


class People:
    """Shoppers, the stores' admins, the operator, and whoever pulls a plug."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = random.Random(f"people {world.options.seed}")
        self.pending: dict[str, tuple[str, int]] = {}
        self.zeroed: dict[str, dict[str, int]] = {}
        self._numbers = 0
        self._set_at = -1e9

    async def shop(self) -> None:
        """Send shoppers until the day ends."""
        rate = self.world.options.visits_per_minute / 60
        while True:
            await asyncio.sleep(self.chance.expovariate(rate))
            self.visit()

    def visit(self) -> None:
        """Let one person do one thing in one store."""
        world, chance = self.world, self.chance
        if chance.random() < world.options.rate("mass_zero"):
            self.zero_everything()
            return
        if chance.random() < world.options.rate("recreated"):
            self.recreate()
            return
        if world.options.switches and chance.random() < world.options.rate("admin_edit") / 4:
            name = turn(world.merchant.shops[PRINT], chance)
            world.trace.line(f"people: {name} turned")
            world.trace.reached("an admin turned a switch")
            return
        story = chance.choice(list(world.truth.stories.values()))
        shop = world.merchant.shops[story.store]
        if story.baseline is None or not shop.find(story.code):
            return
        before = shop.quantity(story.code) or 0
        fed = story.store in world.merchant.fed
        if chance.random() < world.options.rate("cancellation"):
            self.cancel(story.store)
        elif chance.random() < world.options.rate("admin_edit"):
            shop.set_quantity(story.code, max(0, before + chance.randint(-3, 3)))
            world.trace.reached("an admin edited a number")
        elif chance.random() < 0.06 and not fed:
            shop.take_back(story.code, chance.randint(1, 2))
        elif before:
            shop.sell(story.code, chance.choice([1, 1, 1, 2, 3]))
        self.tell(story.store, story.code, before)
        self.judge_oversold()

    def cancel(self, store: str) -> None:
        """Let a buyer take an order back: it shows as cancelled, and its units are there again."""
        shop = self.world.merchant.shops[store]
        orders = [order for order in shop.orders if not order.is_cancelled]
        if shop.platform == "freewebstore":
            return  # in the shape of its older documents nothing tells that an order was cancelled
        if store in self.world.merchant.fed and orders:
            shop.cancel(self.chance.choice(orders).order_id)
            self.world.trace.reached("an order was cancelled")

    def judge_oversold(self) -> None:
        """I14: where each unit is given to one store and orders show at once, none is oversold."""
        merchant, options = self.world.merchant, self.world.options
        if merchant.mode != "allocated" or options.feed_lag_seconds:
            return
        sold = self.world.truth.sales.sold()
        arrived = dict(self.world.truth.adjusted)
        for sku, units in self.pending.values():
            arrived[sku] += units
        for sku, units in merchant.opening.items():
            if units + arrived[sku] < sold[sku]:
                self.world.trace.broken("I14", f"{sold[sku]} of {sku} sold, and {units} there were")

    def tell(self, store: str, code: str, before: int) -> None:
        """Write down what a person did, and let the store hint at it."""
        world = self.world
        after = world.merchant.shops[store].quantity(code) or 0
        if after == before:
            return
        world.trace.line(f"people: {store}/{code} {before} -> {after}")
        world.truth.happened(store, code, after - before)
        if after == 0:
            world.trace.reached("a listing was sold out")
        if self.chance.random() < world.options.rate("hints"):
            world.loop.call_later(self.chance.uniform(0, 3), self._hint, store, code)

    def _hint(self, store: str, code: str) -> None:
        for process in self.world.living:
            process.spawn(self._keep_hint(process, store, code), "hint")

    async def _keep_hint(self, process: Any, store: str, code: str) -> None:
        hint = Hint(store=StoreId(store), key=code, received_at=self.world.our_now())
        with suppress(StockSyncError):
            await process.context.ledger.hint([hint])
            process.dispatcher.hinted(StoreId(store))
            self.world.trace.reached("a hint was kept")

    def zero_everything(self) -> None:
        """Let an import set a whole store to zero, and somebody notice later."""
        store = self.chance.choice(sorted({at for at, _ in self.world.truth.stories}))
        shop = self.world.merchant.shops[store]
        if store in self.zeroed:
            return
        saved = {}
        for (at, code), story in self.world.truth.stories.items():
            if at == store and story.baseline is not None and shop.find(code):
                saved[code] = shop.quantity(code) or 0
        self.zeroed[store] = saved
        self.world.trace.reached("an import zeroed a store")
        self.world.truth.watch.zeroed(store, {code for code, units in saved.items() if units})
        for code in saved:
            self._edit(store, code, 0)
        wait = self.world.options.poll_seconds * self.chance.uniform(0.5, 4)
        self.world.loop.call_later(wait, self.restore, store)

    def restore(self, store: str) -> None:
        """Put the numbers back that an import had destroyed."""
        for code, units in self.zeroed.pop(store, {}).items():
            if self.world.merchant.shops[store].find(code):
                self._edit(store, code, units)
        self.world.truth.watch.restored(store)

    def _edit(self, store: str, code: str, units: int) -> None:
        shop = self.world.merchant.shops[store]
        before = shop.quantity(code) or 0
        shop.set_quantity(code, units)
        self.tell(store, code, before)

    def recreate(self) -> None:
        """Delete a product, and make it anew under the same code a little later."""
        world = self.world
        stories = [
            story
            for story in world.truth.stories.values()
            if world.merchant.shops[story.store].platform != "recplus"
            and len(world.merchant.shops[story.store].find(story.code)) == 1
            and len(
                world.merchant.shops[story.store].product(
                    world.merchant.shops[story.store].item(story.code).product_id
                )
            )
            == 1
        ]
        if not stories:
            return
        story = self.chance.choice(stories)
        world.merchant.shops[story.store].remove(story.code)
        world.truth.removed(story.store, story.code)
        world.trace.line(f"people: {story.name} deleted")
        wait = self.chance.uniform(1, 2 * world.options.poll_seconds)
        world.loop.call_later(wait, self._add_again, story.store, story.code)

    def _add_again(self, store: str, code: str) -> None:
        self.world.merchant.shops[store].add(code, self.chance.randint(0, 20))
        self.world.truth.deleted.discard((store, code))
        self.world.trace.line(f"people: {store}/{code} made anew")
        self.world.trace.reached("a listing was made anew")

    async def operate(self) -> None:
        """Look at what is held every minute, decide, and now and then receive goods."""
        while True:
            await asyncio.sleep(self.chance.uniform(30, 90))
            for process in self.world.living[:1]:
                process.spawn(self._operate(process), "operator")

    async def _operate(self, process: Any) -> None:
        with suppress(StockSyncError):
            for hold in await process.context.ledger.holds(None, (HoldState.OPEN,)):
                # Where orders are read nothing but sales happens: whoever looked would approve.
                sane = bool(self.world.merchant.fed) or self.chance.random() < 0.6
                to = HoldState.APPROVED if sane else HoldState.REJECTED
                await self.world.decide(process, hold.hash, to)
            if self.chance.random() < self.world.options.rate("adjustment") * 10:
                self._numbers += 1
                sku = self.chance.choice(list(self.world.merchant.opening))
                lost = [] if self.world.merchant.mode == "allocated" else [-2, -1]
                units = self.chance.choice([*lost, 1, 3, 8])
                self.pending[f"goods {self._numbers}"] = (sku, units)
            for key in list(self.pending):
                await self.adjust(process, key)

    async def adjust(self, process: Any, key: str) -> None:
        """Book goods that came or went under a key of our own, until an answer says they are."""
        sku, units = self.pending[key]
        await adjust_once(process.context, Sku(sku), units, reason="counted", location="", key=key)
        if self.pending.pop(key, None) is not None:
            self.world.truth.adjusted[sku] += units
            self.world.trace.reached("goods were booked by a person")

    async def pull_plugs(self) -> None:
        """Let stores go down and come back, and credentials be lost and found."""
        world = self.world
        while True:
            await asyncio.sleep(1.0)
            for store in world.merchant.shops:
                for kind, where in (
                    ("outage", world.network.down),
                    ("auth_lost", world.counter.locked_out),
                ):
                    if store not in where and self.chance.random() < world.options.rate(kind):
                        where.add(store)
                        world.trace.line(f"{store}: {kind}")
                        world.trace.reached(f"fault {kind}")
                        world.loop.call_later(self.chance.uniform(5, 200), where.discard, store)
            if self.chance.random() < world.options.rate("clock_jump"):
                self.set_clock()

    def set_clock(self) -> None:
        """Set the clock of our machine: back by up to an hour, ahead by as much as is claimed.

        Ahead of what a late write needs to arrive the horizon would pass too early, and another
        runner would take a lease that still lasts; of two clocks that differ by more than
        `CLOCKS_APART` orders tell nothing.
        """
        world = self.world
        if world.options.rate("stale_reads"):
            return  # how long ago we wrote, the clock alone tells
        back = -self.chance.choice([2.0, 60.0, 3600.0])
        ahead = 0.3 * world.options.horizon_seconds
        if world.merchant.fed:
            back, ahead = -2.0, 2.0
        alone = not (world.options.rate("second_runner") or world.options.rate("restored_books"))
        rested = world.loop.time() - self._set_at > world.options.horizon_seconds
        seconds = self.chance.uniform(0.1, 1.0) * back
        if alone and rested and self.chance.random() < 0.6:
            seconds = self.chance.uniform(0.1, 1.0) * ahead
        if world.merchant.fed and abs(world.skew + seconds) > ahead:
            return
        self._set_at = world.loop.time()
        world.skew += seconds
        world.set_back += max(0.0, -seconds)
        world.trace.line(f"our clock was set by {seconds:+.1f} s")
        world.trace.reached(f"our clock was set {'ahead' if seconds > 0 else 'back'}")

    async def rival(self) -> None:
        """Let a second runner work on the same books for a while."""
        world = self.world
        if not world.options.rate("second_runner"):
            return
        while True:
            await asyncio.sleep(self.chance.uniform(5, 60))
            process = await world.begin()
            process.run()
            world.trace.reached("a second runner worked on the same books")
            await asyncio.sleep(self.chance.uniform(10, 120))
            if not process.dead:
                process.die()
