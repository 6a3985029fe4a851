"""A small merchant for engine tests: stores in dicts, a clock that moves when told, real books."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count as counter

from stocksync.connectors.memory import CAPABILITIES, MemoryConnector
from stocksync.contracts.connector import Capabilities, Guarantee, WriteResult
from stocksync.contracts.ledger import Ledger, RunRecord
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.merge import FirstContact, Role
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Match, Rule, Wishes
from stocksync.domain.stock import Correction, Observation
from stocksync.domain.stocktake import Count
from stocksync.engine import stocktake
from stocksync.engine.context import Context, Store
from stocksync.engine.sync import sync
from stocksync.ledger.memory import MemoryLedger

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SET_ONLY = replace(CAPABILITIES, guarantee=Guarantee.SET)


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def pass_(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Shop(MemoryConnector):
    """A store that can be made to fail: each queued error is raised once by the next such call."""

    def __init__(
        self,
        store: StoreId,
        stock: dict[ListingId, object],
        *,
        now: Clock,
        capabilities: Capabilities,
        codes: Mapping[ListingId, str | None] | None = None,
    ) -> None:
        super().__init__(store, stock, now=now, capabilities=capabilities, codes=codes)
        self.stock = stock
        self.census_errors: list[Exception] = []
        self.read_errors: list[Exception] = []
        #: (error, applied): whether the write took place before its answer was lost
        self.write_errors: list[tuple[Exception, bool]] = []
        self.before_write: list[tuple[ListingId, object]] = []
        self.before_read: list[tuple[ListingId, object]] = []
        self.written: list[tuple[ListingId, int]] = []

    async def census(self) -> AsyncIterator[Sequence[Observation]]:
        if self.census_errors:
            raise self.census_errors.pop(0)
        async for page in super().census():
            yield page

    async def read(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        if self.read_errors:
            raise self.read_errors.pop(0)
        while self.before_read:
            listing, value = self.before_read.pop(0)
            self.stock[listing] = value
        return await super().read(listings)

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        while self.before_write:
            listing, value = self.before_write.pop(0)
            self.stock[listing] = value
        self.written += [(at.listing, at.quantity) for at in corrections]
        if self.write_errors:
            error, applied = self.write_errors.pop(0)
            if applied:
                await super().write(corrections)
            raise error
        return await super().write(corrections)


@dataclass(kw_only=True)
class World:
    """A merchant with stores `{store: {sku: shown}}` over one ledger."""

    stores: dict[str, dict[str, object]]
    ledger: Ledger
    clock: Clock = field(default_factory=Clock)
    roles: Mapping[str, Role] = field(default_factory=dict)
    first_contact: FirstContact = FirstContact.PUSH
    rules: Sequence[Rule] = ()
    book: Rulebook = field(default_factory=Rulebook)
    capabilities: Capabilities = SET_ONLY
    codes: Mapping[str, Mapping[ListingId, str | None]] = field(default_factory=dict)
    switches: Mapping[str, dict[str, object]] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: counter(1))

    def __post_init__(self) -> None:
        self.shops = {
            StoreId(name): Shop(
                StoreId(name),
                {ListingId(at): shown for at, shown in stock.items()},
                now=self.clock,
                capabilities=self.capabilities,
                codes=self.codes.get(name),
            )
            for name, stock in self.stores.items()
        }
        for name, offered in self.switches.items():
            self.shops[StoreId(name)] = Shop(
                StoreId(name),
                {ListingId(at): shown for at, shown in offered.items()},
                now=self.clock,
                capabilities=replace(self.capabilities, switches_only=True),
                codes=dict.fromkeys(map(ListingId, offered)),
            )
        self.context = self.open()

    def open(self, rules: Sequence[Rule] | None = None) -> Context:
        """Stand the engine up anew over the same books, as after a restart."""
        wanted = self.rules if rules is None else rules
        names = "|".join(str(rule) for rule in wanted)
        self.context = Context(
            ledger=self.ledger,
            book=replace(self.book, rules=tuple(wanted), fingerprint=f"rules:{names}"),
            stores={
                name: Store(
                    seat=Seat(
                        store=name,
                        role=self.roles.get(name, Role.CHANNEL),
                        first_contact=self.first_contact,
                        switches=shop.capabilities.switches_only,
                    ),
                    connector=shop,
                )
                for name, shop in self.shops.items()
            },
            now=self.clock,
            new_id=lambda: f"id{next(self.ids):06}",
            holder="test",
        )
        return self.context

    async def count(self, **on_hand: int) -> None:
        """Count stock by hand: openings for SKUs that the ledger does not know."""
        counts = [Count(sku=Sku(sku), on_hand=units) for sku, units in on_hand.items()]
        await stocktake.count(self.context, counts, document="test")

    async def sync(self, *stores: str, skus: Sequence[str] | None = None) -> RunRecord:
        self.clock.pass_(1)
        names = [StoreId(name) for name in stores] or None
        only = None if skus is None else [Sku(sku) for sku in skus]
        run = await sync(self.context.in_force(), names, skus=only)
        self.clock.pass_(1)
        return run

    def shows(self, store: str) -> dict[str, object]:
        return {str(at): value for at, value in self.shops[StoreId(store)].stock.items()}

    def sell(self, store: str, sku: str, units: int) -> None:
        stock = self.shops[StoreId(store)].stock
        shown = stock[ListingId(sku)]
        assert isinstance(shown, int)
        stock[ListingId(sku)] = shown - units

    async def on_hand(self, sku: str) -> int:
        levels = await self.ledger.levels([Sku(sku)])
        return sum(level.on_hand for level in levels[Sku(sku)].values())

    async def movements(self) -> int:
        return (await self.ledger.verify()).movements

    def report(self, run: RunRecord, store: str) -> Mapping[str, object]:
        return next(at for at in run.stores if at["store"] == store)


def world(stores: dict[str, dict[str, object]], **options: object) -> World:
    """Return a merchant over fresh books in memory."""
    clock = Clock()
    return World(stores=stores, ledger=MemoryLedger(now=clock), clock=clock, **options)  # type: ignore[arg-type]


def rule(name: str, *, sku: str = "", store: str = "", **wishes: object) -> Rule:
    """Return a rule for some SKUs, or some store."""
    match = Match(sku=sku, store=StoreId(store) if store else None)
    return Rule(name=name, place=f"test.yaml:{name}", match=match, wishes=Wishes(**wishes))  # type: ignore[arg-type]
