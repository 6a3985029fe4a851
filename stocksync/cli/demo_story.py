"""What happens in `stocksync demo`, stage by stage, told as it really went."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from stocksync.cli.demo_proof import StoreProof, compare
from stocksync.cli.demo_world import OWN_RULE, STOCK_TAKE, Clock, World
from stocksync.cli.text import count
from stocksync.contracts.ledger import Commit, HoldState, RunRecord, Verdict
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import ListingRecord
from stocksync.engine import stocktake
from stocksync.engine.context import Context
from stocksync.engine.sync import sync
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.shoppers import Shoppers

Tell = Callable[[str, str], None]
Busy = Callable[[str], None]

#: Parts of the shopping time and of the SKUs: more visits would, rightly, trip the gates.
_ALONE: Final = 0.6
_SKUS_PER_VISIT: Final = 5
#: After so many seconds the stages that can be left out are left out, and this is said.
_SLOW_SECONDS: Final = 30.0
_ROUNDS_MAX: Final = 6
_PATIENCE: Final = timedelta(hours=1)
_NEWS: Final = ("movements", "corrections", "unknown", "failed")


@dataclass(kw_only=True)
class Story:
    """The demo in progress.

    `wrong` holds how many listings of each store were off their targets at some moments: before
    the first write, and once the sales that nothing had watched were known.
    """

    world: World
    context: Context
    clock: Clock
    shoppers: Shoppers
    seconds: float
    tell: Tell
    busy: Busy
    started: float = field(default_factory=time.monotonic)
    written: Counter[StoreId] = field(default_factory=Counter)
    wrong: dict[str, Mapping[StoreId, int]] = field(default_factory=dict)
    quiet: RunRecord | None = None

    async def play(self) -> tuple[dict[StoreId, StoreProof], Verdict]:
        """Play every stage, then ask stores and books for the proof."""
        await self.count_the_shelves()
        await self.meet_the_stores()
        await self.let_people_shop()
        if self.is_slow():
            self.tell("skipped", "sales during a sync and a bad day: this machine is slow today")
        else:
            await self.let_people_shop_meanwhile()
            await self.have_a_bad_day()
        await self.settle()
        self.busy("asking every store and the books")
        return await compare(self.context, self.world), await self.context.ledger.verify()

    def is_slow(self) -> bool:
        return time.monotonic() - self.started > _SLOW_SECONDS

    async def count_the_shelves(self) -> None:
        """Carry the count of the shelves into the books."""
        counts = self.world.counts
        booked = await stocktake.count(self.context, counts, document=STOCK_TAKE)
        units = sum(at.on_hand for at in counts)
        self.tell("count", f"{STOCK_TAKE}: {booked} SKUs with {units} units opened in the ledger")
        names = [rule.name for rule in self.context.book.rules if rule.name.startswith(OWN_RULE)]
        self.tell("rules", "; ".join(name.removeprefix(OWN_RULE) for name in names))

    async def meet_the_stores(self) -> None:
        """Look at every store for the first time, agree to the first plan, and carry it out."""
        run = await self.sync("looking at the stores for the first time")
        readings = sum(report["readings"] for report in run.stores)
        proofs = await compare(self.context, self.world)
        self.wrong["at first"] = {store: len(proof.wrong) for store, proof in proofs.items()}
        holds = await self.context.ledger.holds()
        self.tell("first look", f"{readings} listings read, nothing written: {_held(run)}")
        for hold in holds:
            now = self.context.now()
            agreed = replace(hold, state=HoldState.APPROVED, decided_at=now, decided_by="the demo")
            await self.context.ledger.commit(Commit(holds=[agreed]))
        off = sum(len(proof.wrong) for proof in proofs.values())
        self.tell("approve", f"{count(len(holds), 'first plan')} approved, {off} listings to set")
        run = await self.sync("writing the first plans")
        self.tell("first sync", _done(run))

    async def let_people_shop(self) -> None:
        """Let people buy while nothing watches, then sync."""
        self.busy("people are buying, and nothing syncs")
        before = len(self.shoppers.visits)
        await self.shop_for(self.seconds * _ALONE, self.visits(_ALONE))
        self.tell("shopping", self.bought(before))
        run = await self.sync("bringing the stores into agreement")
        self.wrong["after sales"] = {
            StoreId(report["store"]): report["confirmed"] for report in run.stores
        }
        self.tell("sync", _done(run))

    async def let_people_shop_meanwhile(self) -> None:
        """Let people buy while syncs run, as they do in life."""
        before, rounds = len(self.shoppers.visits), 0
        part = 1 - _ALONE
        async with asyncio.TaskGroup() as group:
            shopping = group.create_task(self.shop_for(self.seconds * part, self.visits(part)))
            while not shopping.done():
                await self.sync("syncing while people buy")
                rounds += 1
        self.tell("both at once", f"{self.bought(before)}, during {count(rounds, 'sync')}")

    async def have_a_bad_day(self) -> None:
        """Sync with a lost answer, a store that lists nothing, and one that is down."""
        sold_out = self.sell_out()
        shops = self.world.catalogue.shops
        shops["shop"].faults.next(Fault.DROP_REPLY, method="POST")
        shops["trade"].faults.always(Fault.EMPTY_LIST, method="GET")
        shops["web"].faults.always(Fault.ERROR_BEFORE, status=503)
        self.tell("a bad day", f"sold out: {', '.join(sold_out)}; then three things go wrong:")
        run = await self.sync("syncing on a bad day")
        for shop in shops.values():
            shop.faults.clear()
        for report in run.stores:
            if report["unknown"]:
                unknown = count(report["unknown"], "write")
                self.tell(report["store"], f"the answer to {unknown} was lost; it was read back")
            if report["error"]:
                self.tell(report["store"], f"{report['outcome']}: {report['error']}")

    async def settle(self) -> None:
        """Sync until there is nothing to do, and keep the run that found nothing."""
        moved: Counter[str] = Counter()
        for _ in range(_ROUNDS_MAX):
            run = await self.sync("syncing until nothing is left to do")
            news = {name: sum(report[name] for report in run.stores) for name in _NEWS}
            moved.update(news)
            if any(news.values()):
                continue
            self.quiet = run
            if not await self.parked():
                break
            # A refused write is tried again after a minute; the demo does not sit that out.
            self.clock.skip(_PATIENCE)
        self.tell("calm again", f"{moved['movements']} changes booked, {moved['corrections']} set")

    async def parked(self) -> list[ListingRecord]:
        """Return the listings whose write was refused and is to be tried again later."""
        now = self.context.now()
        due = [await self.context.ledger.due(store) for store in self.context.stores]
        return [at for records in due for at in records if at.retry_at and at.retry_at > now]

    async def sync(self, doing: str) -> RunRecord:
        """Run one sync over all stores, and add up what it wrote."""
        self.busy(doing)
        run = await sync(
            self.context,
            trigger="demo",
            progress=lambda store, stage: self.busy(f"{doing} ({store} {stage})"),
        )
        for report in run.stores:
            self.written[StoreId(report["store"])] += report["confirmed"]
        return run

    def visits(self, part: float) -> int:
        """Return how many people come in a part of the shopping time."""
        return max(4, int(len(self.world.catalogue.opening) / _SKUS_PER_VISIT * part))

    async def shop_for(self, seconds: float, visits: int) -> None:
        """Let so many people shop, evenly over so many seconds."""
        last = len(self.shoppers.visits) + visits
        await self.shoppers.run(lambda: len(self.shoppers.visits) >= last, lambda: seconds / visits)

    def bought(self, since: int) -> str:
        """Say what people bought and brought back since a visit."""
        visits = self.shoppers.visits[since:]
        sold = sum(visit.units for visit in visits if visit.kind == "sale")
        back = sum(visit.units for visit in visits if visit.kind == "return")
        return f"{len(visits)} people bought {count(sold, 'unit')} and brought back {back}"

    def sell_out(self) -> list[str]:
        """Sell everything that is left of the first printed product, in two stores."""
        [entry] = [at for at in self.world.catalogue.availability if at.get("product") == 1]
        skus = entry["skus"]
        codes = [str(sku) for sku in skus] if isinstance(skus, list) else []
        for number, code in enumerate(codes):
            shop = self.world.catalogue.shops[("shop", "site")[number % 2]]
            shop.sell(code, max(0, shop.quantity(code) or 0))
        return codes


def _held(run: RunRecord) -> str:
    held = [report["store"] for report in run.stores if report["outcome"] == "held"]
    if not held:
        return "no store differs from the books"
    return f"{', '.join(held)} differ and wait for a person"


def _done(run: RunRecord) -> str:
    """Say what a run did, in one line."""
    total: dict[str, Any] = {
        name: sum(report[name] for report in run.stores)
        for name in ("movements", "confirmed", "api_calls")
    }
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0
    return (
        f"{total['movements']} changes booked, {total['confirmed']} listings set, "
        f"{total['api_calls']} API calls, {took:.1f} s"
    )
