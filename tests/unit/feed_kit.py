"""A merchant whose stores tell their orders, for engine tests."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from stocksync.contracts.connector import WriteResult
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import Account, MovementKind
from stocksync.domain.orders import OrderLine
from stocksync.domain.stock import Correction
from tests.world import Shop, World, world

A, B = StoreId("a"), StoreId("b")
MUG = Sku("MUG")


class FeedShop(Shop):
    """A store that tells what it sold, as soon as `lag` orders came after."""

    sees_changes = True

    def open_orders(self) -> "FeedShop":
        self.sold: list[OrderLine] = []
        self.hidden: list[OrderLine] = []
        self.feed_errors: list[Exception] = []
        self.asked_since: list[object] = []
        self.in_the_gap: list[Callable[[], object]] = []
        self.after_write: list[Callable[[], object]] = []
        return self

    def buy(self, sku: str, units: int, *, told: bool = True) -> str:
        """Sell as a customer does: the level falls at once, and the order is told now or later."""
        shown = self.stock[ListingId(sku)]
        assert isinstance(shown, int)
        units = min(units, shown)
        number = str(len(self.sold) + len(self.hidden) + 1)
        if units > 0:
            self.stock[ListingId(sku)] = shown - units
            line = OrderLine(order=number, line="1", units=units, placed_at=self._now(), code=sku)
            (self.sold if told else self.hidden).append(line)
        return number

    def tell(self) -> None:
        """Tell of the orders that were kept back."""
        self.sold += self.hidden
        self.hidden = []

    def cancel(self, order: str, *, restock: bool = True) -> None:
        for at, line in enumerate(self.sold):
            if line.order == order:
                self.sold[at] = replace(line, units=0)
                if restock:
                    shown = self.stock[ListingId(str(line.code))]
                    assert isinstance(shown, int)
                    self.stock[ListingId(str(line.code))] = shown + line.units

    async def orders(self, since: object) -> AsyncIterator[Sequence[OrderLine]]:
        self.asked_since.append(since)
        if self.feed_errors:
            raise self.feed_errors.pop(0)
        yield list(self.sold)

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        while self.in_the_gap:
            self.in_the_gap.pop(0)()
        results = await super().write(corrections)
        while self.after_write:
            self.after_write.pop(0)()
        return results


def feeding(stores: dict[str, dict[str, object]], **options: object) -> World:
    """Stand stores that tell their orders over one ledger."""
    at = world(stores, **options)
    for shop in at.shops.values():
        shop.__class__ = FeedShop
        feed_of(at, shop.store).open_orders()
    with_feed(at)
    return at


def feed_of(at: World, store: StoreId) -> FeedShop:
    shop = at.shops[store]
    assert isinstance(shop, FeedShop)
    return shop


def merchant(units: int = 10, **options: object) -> tuple[World, FeedShop, FeedShop]:
    """Stand two stores that tell their orders over one ledger."""
    at = feeding({"a": {"MUG": units}, "b": {"MUG": units}}, **options)
    return at, feed_of(at, A), feed_of(at, B)


def with_feed(at: World) -> None:
    stores = {
        name: replace(store, seat=replace(store.seat, feed=True))
        for name, store in at.context.stores.items()
    }
    at.context = replace(at.context, stores=stores)


async def begun(units: int = 10, **options: object) -> tuple[World, FeedShop, FeedShop]:
    at, a, b = merchant(units, **options)
    await at.count(MUG=units)
    await at.sync()
    return at, a, b


async def waiting(at: World, store: str) -> int:
    return (await at.ledger.totals()).get(Account(f"suspense:{store}"), 0)


async def booked(at: World) -> list[tuple[MovementKind, int, str]]:
    """Return kind, units and document of what was booked, the opening left out."""
    history = await at.ledger.history(MUG)
    found = [(each.movement.kind, each.movement.units, each.movement.document) for each in history]
    return [each for each in reversed(found) if each[0] is not MovementKind.OPENING]
