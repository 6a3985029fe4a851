"""Two stores that tell their orders and show nonsense now and then, and the person who decides."""

from dataclasses import dataclass

from stocksync.contracts.ledger import HoldState
from stocksync.domain.gates import REFUSABLE
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import Account, MovementKind
from stocksync.engine.decisions import decide
from stocksync.engine.report import StoreReport
from stocksync.engine.sync import Sync
from tests.unit.feed_kit import A, B, FeedShop, feed_of, feeding
from tests.world import World

SKUS = ("MUG", "CUP", "POT", "JUG")
OPENING = 60
#: No shelf holds so many: the gate for numbers out of range stops them, whatever was shown before.
HUGE = 500_000


@dataclass
class Shops:
    """Two stores that tell their orders, and what is true of them; `broken` ones show zeros."""

    at: World
    broken: bool = False

    @property
    def both(self) -> dict[str, FeedShop]:
        return {"a": feed_of(self.at, A), "b": feed_of(self.at, B)}

    def shown(self, name: str, sku: str) -> int:
        shown = self.both[name].stock[ListingId(sku)]
        assert isinstance(shown, int)
        return shown

    def sell_out(self, name: str, *, told: bool = True) -> None:
        for sku in SKUS:
            if self.shown(name, sku) < HUGE // 2:
                self.both[name].buy(sku, HUGE, told=told)

    def mistake(self, name: str, sku: str) -> None:
        """Let a store show a number that no order explains."""
        if self.shown(name, sku) < HUGE // 2:
            self.both[name].stock[ListingId(sku)] = HUGE

    def empty(self, name: str) -> None:
        """Let a store show nothing but zeros, as one does that broke."""
        self.broken = True
        for sku in SKUS:
            self.both[name].stock[ListingId(sku)] = 0

    def left(self) -> dict[str, int]:
        """Return what is there: what was counted, less what was ordered."""
        orders = [line for shop in self.both.values() for line in (*shop.sold, *shop.hidden)]
        return {
            sku: OPENING - sum(line.units for line in orders if line.code == sku) for sku in SKUS
        }

    async def say(self, to: HoldState) -> None:
        """Decide about everything that is held; nobody approves what is nonsense."""
        for hold in await self.at.ledger.holds():
            numbers = [line.after or 0 for line in hold.lines]
            nonsense = max(numbers) > HUGE // 2 or (self.broken and 0 in numbers)
            ours = hold.gate not in REFUSABLE
            wanted = HoldState.APPROVED if ours else HoldState.REJECTED if nonsense else to
            await decide(self.at.context, hold.hash, wanted, by="anna")

    async def look(self, name: str) -> None:
        """Pull a store and write to none: what comes of it has to wait."""
        store = self.at.context.stores[StoreId(name)]
        self.at.clock.pass_(1)
        reports = {store.id: StoreReport(store=store.id)}
        await Sync(context=self.at.context, run="look", reports=reports).pull(store)

    async def agreed_on(self, name: str, sku: str) -> int:
        """Return the number that the books compare a listing with."""
        listing = ListingId(sku)
        records = await self.at.ledger.records(StoreId(name), [listing])
        return records[listing].baseline or 0

    async def waiting(self) -> int:
        totals = await self.at.ledger.totals()
        return sum(units for name, units in totals.items() if name.startswith("suspense:"))

    async def booked(self, sku: str) -> list[tuple[MovementKind, int]]:
        """Return kind and units of what left or reached the shelf since the opening."""
        history = [each.movement for each in await self.at.ledger.history(Sku(sku))]
        return [
            (each.kind, each.units)
            for each in reversed(history)
            if each.kind not in (MovementKind.OPENING, MovementKind.SUSPENSE)
        ]

    async def assert_agreed(self) -> None:
        """Let everything be told and decided, and prove that the books end at the truth."""
        for shop in self.both.values():
            shop.tell()
            shop.write_errors = []
        for _ in range(6):
            self.at.clock.pass_(20 * 60)
            await self.at.sync()
            await self.say(HoldState.REJECTED)
        await self.at.sync()
        left = self.left()
        assert {sku: await self.at.on_hand(sku) for sku in SKUS} == left
        shown = {sku: max(0, units) for sku, units in left.items()}
        assert self.at.shows("a") == self.at.shows("b") == shown
        assert await self.waiting() == 0
        assert Account("adjusted:unexplained") not in await self.at.ledger.totals()


async def begun(**options: object) -> Shops:
    stock = dict.fromkeys(SKUS, OPENING)
    shops: dict[str, dict[str, object]] = {"a": {**stock}, "b": {**stock}}
    at = feeding(shops, **options)
    await at.count(**stock)
    await at.sync()
    return Shops(at)
