"""How each connector is stood in front of its fake store, and how the fake is stocked."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from stocksync.connectors import REGISTRY
from stocksync.connectors.memory import CAPABILITIES, MemoryFeed
from stocksync.contracts.connector import StockWriter, StoreAccount
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.orders import OrderLine
from stocksync.sandbox.items import Item, Location
from stocksync.sandbox.serve import APPS
from stocksync.sandbox.shop import Shop
from tests.contract.kinds import KINDS, MEMORY, Shape
from tests.transport import StoreTransport

NOON: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
STORE: Final = StoreId("shop")
Bend = Callable[[StockWriter], StockWriter]


def noon() -> datetime:
    return NOON


class Rig:
    """One connector in front of one empty fake store, both fresh.

    Stock the store first: the connector is connected when it is first asked for. `bend` puts a
    mutant in front of it. An `http:` url speaks to a real socket instead of the fake.
    """

    over_http = True
    #: After how many pages of a walk the store changes, and how; for stores without a list.
    while_walking: tuple[int, Callable[[], None]] | None = None

    def __init__(
        self,
        name: str,
        shape: str = "",
        *,
        bend: Bend | None = None,
        options: Mapping[str, str] | None = None,
        concurrency_max: int | None = None,
        store: StoreId = STORE,
        now: Callable[[], datetime] = noon,
        url: str = "https://store.test",
    ) -> None:
        self.name = name
        self.kind = KINDS[name]
        self.shape = self.kind.shapes[shape]
        self.shop = Shop(name, now=now)
        self._store, self._now, self._url = store, now, url
        self.items: dict[ListingId, Item] = {}
        self._build: dict[str, Any] = {"name": name, "shape": shape, "bend": bend}
        self._options = {**self.shape.account, **(options or {})}
        self._concurrency_max = concurrency_max
        app = APPS[name](self.shop, **self.kind.credentials, **self.shape.app)
        self.network = StoreTransport(app)

    def another(self, **changes: Any) -> "Rig":
        """Stand up the same kind of rig, fresh and empty."""
        return type(self)(**{**self._build, **changes})

    def with_places(self) -> "Rig":
        """Stand up the same kind of rig for a store that keeps stock in two locations."""
        return self.another(options=self.kind.places)

    @cached_property
    def unbent(self) -> StockWriter:
        account = StoreAccount(
            store=self._store,
            url=self._url,
            credentials=self.kind.credentials,
            options=self._options,
            listings=tuple(self.items),
            requests_per_second=1_000_000,
            concurrency_max=self._concurrency_max,
        )
        network = None if self._url.startswith("http:") else self.network
        return REGISTRY[self.name](account, now=self._now, transport=network)

    @cached_property
    def connector(self) -> StockWriter:
        bend: Bend | None = self._build["bend"]
        return bend(self.unbent) if bend else self.unbent

    @property
    def switches(self) -> bool:
        """Say whether the store has no quantities, asked of a connector that is not this one."""
        return self.another().unbent.capabilities.switches_only

    @property
    def page_max(self) -> int:
        """Rows of a full page, asked of a connector that is not this one."""
        return self.another().unbent.capabilities.page_max

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be shown: the secret, and how HTTP Basic writes it."""
        pair = list(self.kind.credentials.values())
        basic = [base64.b64encode(":".join(pair).encode()).decode()] if len(pair) > 1 else []
        return (self.kind.secret, *basic)

    @property
    def write_requests(self) -> int:
        """Count the requests that could have changed something."""
        return self.shop.count() - self.shop.count("GET")

    def add(self, quantity: object = 5, **facts: Any) -> ListingId:
        """Put something on sale that shows this quantity."""
        if self.name == "idealfactory" and quantity is not None:
            facts = {**self._offered(on=bool(quantity)), **facts}
            quantity = None
        return self.offer(f"SKU-{len(self.items)}", quantity, **facts)

    def offer(self, code: str | None, quantity: object, **facts: Any) -> ListingId:
        """Put something on sale under this code."""
        item = self.shop.add(code, quantity, **facts)
        listing = self.kind.listing(item)
        self.items[listing] = item
        return listing

    def _offered(self, *, on: bool) -> dict[str, Any]:
        """Let every second thing be a variant, which is switched by its tags."""
        if len(self.items) % 2 == 0:
            return {"active": on}
        tags = ["print", "in-stock" if on else "out-of-stock"]
        return {"variant_id": len(self.items), "tags": tags}

    def fill(self, count: int) -> dict[ListingId, int]:
        """Put many things on sale, and say what each shows."""
        most = 1 if self.name == "idealfactory" else 7
        numbers = [1 + place % most for place in range(count)]
        return {self.add(number): number for number in numbers}

    def group(self, count: int, quantity: int = 5) -> list[ListingId]:
        """Put things on sale that one write request can set together."""
        if self.name != "simvoly":
            return [self.add(quantity) for _ in range(count)]
        first = self.shop.add("SKU-GROUP", quantity, options={"Size": "0"})
        listings = [self.kind.listing(first)]
        self.items[listings[0]] = first
        for size in range(1, count):
            facts = {"product_id": first.product_id, "options": {"Size": str(size)}}
            listings.append(self.add(quantity, **facts))
        return listings

    def add_in_places(self, quantity: int, units: Sequence[tuple[str, int]]) -> ListingId:
        """Put something on sale that is kept in several locations, numbered from 1."""
        places = [
            Location(location_id=number, code=code, quantity=count)
            for number, (code, count) in enumerate(units, start=1)
        ]
        return self.add(quantity, locations=places)

    def units_in_places(self, listing: ListingId) -> list[tuple[str, int]]:
        return [(place.code, place.quantity) for place in self.items[listing].locations]

    def ghost(self) -> ListingId:
        """Name a listing that the store does not know, in the group of the first one."""
        if self.name == "simvoly":
            return ListingId(f"{self.shop.items[0].product_id}:ghost")
        ghosts = {"recplus": "GHOST", "idealfactory": "product:999"}
        return ListingId(ghosts.get(self.name, "999999"))

    def shows(self, listing: ListingId) -> object:
        """Say what a buyer sees: a number, or whether it is offered as 1 or 0."""
        item = self.items[listing]
        if self.name != "idealfactory":
            return item.shown
        return int(item.active if item.variant_id is None else "out-of-stock" not in item.tags)

    def sell(self, *wanted: tuple[ListingId, int]) -> str:
        """Let somebody buy these units as one order, and name it."""
        order = self.shop.sell_together(self._coded(wanted))
        assert order is not None, "nothing could be sold"
        return str(order.order_id)

    def fill_cart(self, *wanted: tuple[ListingId, int]) -> str:
        """Let somebody leave these units in a cart."""
        return str(self.shop.fill_cart(self._coded(wanted)).order_id)

    def check_out(self, cart: str) -> None:
        self.shop.check_out(int(cart))

    def cancel(self, order: str) -> None:
        self.shop.cancel(int(order))

    def _coded(self, wanted: Sequence[tuple[ListingId, int]]) -> list[tuple[str, int]]:
        return [(self.items[listing].code or "", units) for listing, units in wanted]

    def take_away_the_first(self) -> None:
        self.shop.remove(self.shop.items[0].code)

    def add_at_the_front(self) -> None:
        self.shop.add("NEW-AT-THE-FRONT", 1, at=0)

    async def aclose(self) -> None:
        await self.unbent.aclose()


class MemoryRig(Rig):
    """The reference connector: its store is a dict, and there is no network."""

    over_http = False

    def __init__(
        self,
        name: str,
        shape: str = "",
        *,
        bend: Bend | None = None,
        now: Callable[[], datetime] = noon,
    ) -> None:
        self.name, self.kind, self.shape, self._now = name, MEMORY, Shape(), now
        self.shop = Shop(name)
        self.stock: dict[ListingId, object] = {}
        self.sold: list[OrderLine] = []
        self._build = {"name": name, "shape": shape, "bend": bend}

    def with_places(self) -> Rig:
        return self

    @cached_property
    def unbent(self) -> StockWriter:
        small = replace(CAPABILITIES, page_max=3, read_batch_max=4, write_batch_max=4)
        return MemoryFeed(STORE, self.stock, sold=self.sold, now=self._now, capabilities=small)

    @property
    def write_requests(self) -> int:
        return self.unbent.api_calls

    def add(self, quantity: object = 5, **facts: Any) -> ListingId:
        listing = ListingId(f"SKU-{len(self.stock)}")
        self.stock[listing] = quantity
        return listing

    def group(self, count: int, quantity: int = 5) -> list[ListingId]:
        return [self.add(quantity) for _ in range(count)]

    def ghost(self) -> ListingId:
        return ListingId("GHOST")

    def shows(self, listing: ListingId) -> object:
        return self.stock[listing]

    def sell(self, *wanted: tuple[ListingId, int]) -> str:
        order = f"order {len(self.sold)}"
        for number, (listing, units) in enumerate(wanted):
            line = OrderLine(
                order=order,
                line=str(number),
                units=units,
                placed_at=self._now(),
                listing=listing,
            )
            self.sold.append(line)
        return order

    def fill_cart(self, *wanted: tuple[ListingId, int]) -> str:
        self.carts = {"cart": wanted}
        return "cart"

    def check_out(self, cart: str) -> None:
        self.sell(*self.carts.pop(cart))

    def cancel(self, order: str) -> None:
        self.sold[:] = [replace(at, units=0) if at.order == order else at for at in self.sold]

    def take_away_the_first(self) -> None:
        del self.stock[next(iter(self.stock))]

    def add_at_the_front(self) -> None:
        kept = dict(self.stock)
        self.stock.clear()
        self.stock |= {ListingId("NEW-AT-THE-FRONT"): 1, **kept}


RIGS: Final[Mapping[str, type[Rig]]] = {**dict.fromkeys(KINDS, Rig), "memory": MemoryRig}
SHAPES: Final = [(name, shape) for name, kind in KINDS.items() for shape in kind.shapes] + [
    ("memory", "")
]


def stand(name: str, shape: str = "", *, bend: Bend | None = None) -> Rig:
    """Stand up the rig of a connector."""
    return RIGS[name](name, shape, bend=bend)
