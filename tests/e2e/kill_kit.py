"""Kill the real program again and again while people shop, and prove each time that nothing broke.

The program runs in processes of its own over a real database and real sockets.
"""

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from stocksync.contracts.ledger import Commit, HoldState, Intent, IntentState
from stocksync.domain.identifiers import StoreId
from stocksync.errors import StaleLevel
from stocksync.ledger.sql import SqlLedger, open_ledger
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.shop import Shop
from stocksync.sandbox.shoppers import Shoppers
from tests.e2e.nursery_kit import Nursery
from tests.e2e.serve_kit import Service, merchant

FOLLOWERS = ("shop", "trade", "web", "site")
#: The platforms whose orders are read unless somebody says no.
TELL_ORDERS = ("recplus", "freewebstore", "simvoly")
#: Shorter than a start takes, up to long enough for a few polls: a kill may come at any moment.
LIVES = (0.05, 1.2)
#: One life in so many is longer, or nothing would ever be written when much was sold.
LONGER = (5, 3.0)
#: So much of every SKU that nothing is sold out in a night: that is another story.
PLENTY = 20_000
#: How long quiet stores may take to agree with the books: a write in doubt rests for a minute.
PATIENCE = 100.0
#: How long a write takes at night.
SLOW_SECONDS = 0.15
RULE = "rules:\n  - {name: mode, match: {sku: '*'}, set: {mode: %s}}\n"


@dataclass(frozen=True, kw_only=True)
class Night:
    """What one massacre is about: how much there is of everything, and what is known of it.

    `delivered` units reach the shelf after each kill, one SKU at a time.
    """

    on_hand: int = PLENTY
    delivered: int = 0
    orders: bool = True
    mode: str = "shared"


@dataclass(frozen=True)
class Taken:
    """A number of ours that a store took, and what it showed until then."""

    store: str
    code: str
    before: int
    after: int
    at: datetime


@dataclass
class Massacre:
    """A merchant whose program is killed over and over; `faults` is what was found wrong."""

    service: Service
    random: Random
    night: Night
    database: str
    opening: Counter[str]
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)

    def truth(self) -> dict[str, int]:
        """Return what is left of each SKU: what was there less what the stores sold."""
        left = Counter(self.opening)
        for name in FOLLOWERS:
            left.subtract(self.service.sandbox.shops[name].sold)
        return dict(left)

    def shown(self) -> dict[str, list[int]]:
        shops = self.service.sandbox.shops
        return {
            code: [shops[name].quantity(code) or 0 for name in FOLLOWERS] for code in self.opening
        }

    @asynccontextmanager
    async def books(self) -> AsyncIterator[SqlLedger]:
        ledger = await open_ledger(self.database, now=lambda: datetime.now(UTC))
        try:
            yield ledger
        finally:
            await ledger.aclose()

    async def believed(self) -> dict[str, int]:
        """Return what the books say is there."""
        async with self.books() as books:
            levels = await books.levels(await books.skus())
        return {
            str(sku): sum(at.on_hand for at in places.values()) for sku, places in levels.items()
        }

    async def examine(self, moment: str) -> None:
        """Prove the books as the kill left them, and that no write was sent without an intent."""
        taken = list(self.taken)  # a process that lives goes on writing while the books are read
        async with self.books() as books:
            if books.frozen:
                self.faults.append(f"{moment}: {books.frozen}")
            verdict = await books.verify()
            announced = await books.intents(None, tuple(IntentState))
            await self._approve(books)
        if not verdict.sound:
            self.faults.append(f"{moment}: {verdict}")
        self.faults += [f"{moment}: {missing}" for missing in unannounced(taken, announced)]
        if self.night.mode == "allocated":
            oversold = {code: left for code, left in self.truth().items() if left < 0}
            self.faults += [f"{moment}: oversold {oversold}"] if oversold else []

    async def _approve(self, books: SqlLedger) -> None:
        """Say of every plan that a gate holds that it is true: all of this really happens."""
        for hold in await books.holds():
            now = datetime.now(UTC)
            yes = replace(hold, state=HoldState.APPROVED, decided_at=now, decided_by="owner")
            with suppress(StaleLevel):  # the service ended it just now
                await books.commit(Commit(holds=[yes], as_read=[hold]))
            self.kills["approved"] += 1

    async def reap(self, nursery: Nursery, kills: int) -> None:
        """Start the program and kill it, so many times."""
        for number in range(kills):
            word = "sync" if self.random.random() < 0.3 else "serve"
            pid = await nursery.start(word)
            often, most = LONGER
            life = self.random.uniform(*LIVES) if number % often else self.random.uniform(0, most)
            if not await nursery.ends_within(life):
                os.kill(pid, signal.SIGKILL)
            status = await nursery.wait()
            self.kills["killed" if os.WIFSIGNALED(status) else "ended"] += 1
            if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status) not in (0, 1, 3):
                self.faults.append(f"{word} {number} ended with {os.WEXITSTATUS(status)}")
            await self.examine(f"kill {number} of {word}")
            await self.deliver(nursery)

    async def agree(self, nursery: Nursery) -> None:
        """Run the service over quiet stores until books, stores and truth agree."""
        ends_at = time.monotonic() + PATIENCE
        pid = await nursery.start("serve")
        await self.service.until(lambda: self.service.get("/healthz")[0] == 200)
        while not await self.settled():
            assert time.monotonic() < ends_at, await self.story()
            await self.examine("while they come to agree")
            await asyncio.sleep(0.2)
        os.kill(pid, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(await nursery.wait()) == 0

    def slow_down(self) -> None:
        """Let every write take its time, before it takes place or after, so that kills fall in.

        Before it at those that are read after each write: sold out until then, they rest a minute.
        """
        for name, method in (("shop", "POST"), ("trade", "POST"), ("web", "PUT"), ("site", "PUT")):
            self.service.sandbox.shops[name].faults.always(
                Fault.SLOW, method=method, seconds=SLOW_SECONDS, processed=method == "POST"
            )

    def speed_up(self) -> None:
        for name in FOLLOWERS:
            self.service.sandbox.shops[name].faults.clear()

    async def deliver(self, nursery: Nursery) -> None:
        """Put units on the shelf, as a person who counts a delivery does."""
        if self.night.delivered:
            sku = self.random.choice(list(self.opening))
            words = (sku, f"+{self.night.delivered}", "--reason", "delivery")
            assert await nursery.run("stock", "adjust", *words) == 0
            self.opening[sku] += self.night.delivered

    async def shop_until(self, done: asyncio.Event) -> int:
        """Let people buy until told to stop; return how many units they bought."""
        shoppers = Shoppers(
            {name: self.service.sandbox.shops[name] for name in FOLLOWERS},
            self.random,
            return_rate=0,
        )
        while not done.is_set():
            shoppers.step()
            await asyncio.sleep(self.random.expovariate(20))
        return sum(visit.units for visit in shoppers.visits)

    async def settled(self) -> bool:
        """Tell whether books and stores agree, and where orders are read, with the truth."""
        believed, shown = await self.believed(), self.shown()
        if not await self._met() or (self.night.orders and believed != self.truth()):
            return False
        if self.night.mode == "allocated":
            return all(sum(shown[code]) <= max(0, left) for code, left in believed.items())
        return all(set(shown[code]) == {max(0, left)} for code, left in believed.items())

    async def _met(self) -> bool:
        """Tell whether every store was read: what is sold before that is older than the books."""
        async with self.books() as books:
            known = [await books.store(StoreId(name)) for name in FOLLOWERS]
        return all(store.last_pull_at for store in known)

    async def story(self) -> str:
        """Say what does not agree, for whoever has to find out why."""
        truth, believed, shown = self.truth(), await self.believed(), self.shown()
        wrong = [code for code in truth if set(shown[code]) != {max(0, truth[code])}]
        async with self.books() as books:
            known = {name: await books.records(StoreId(name)) for name in FOLLOWERS}
            holds = await books.holds()
        told = [f"{at}: {truth[at]} true, {believed[at]} booked, {shown[at]}" for at in wrong]
        records = (record for store in known.values() for record in store.values())
        told += [str(record) for record in records if record.sku in wrong]
        return "\n".join([*told, *(hold.reason for hold in holds)])

    def note(self, store: str, shop: Shop) -> None:
        """Keep when a store took which number of ours."""
        written = shop.write

        def write(item: object, value: object) -> None:
            written(item, value)  # type: ignore[arg-type]
            last = shop.writes[-1]
            numbers = int(float(str(last.before))), int(float(str(last.after)))
            self.taken.append(Taken(store, last.code or "", *numbers, datetime.now(UTC)))

        shop.write = write  # type: ignore[method-assign]


def unannounced(taken: list[Taken], announced: list[Intent]) -> list[str]:
    """Name the writes that a store took and that no intent in the books announces (`I8`)."""
    known = {(intent.store, intent.sku, intent.target) for intent in announced}
    return [
        f"{at.store} was written {at.code} = {at.after} without an intent"
        for at in taken
        if at.before != at.after and (StoreId(at.store), at.code, at.after) not in known
    ]


@dataclass(frozen=True, kw_only=True)
class Unknowable:
    """What levels alone can not tell of one SKU (`reliability §2.2, 2.4`).

    `lost` was sold between our look and our write, which took its place. `doubtful` is how far
    writes that were never answered would have moved it, had they taken place, or not.
    """

    lost: int = 0
    doubtful: int = 0


def unknowable(taken: list[Taken], intents: list[Intent]) -> dict[str, Unknowable]:
    """Add up by SKU what the stores took without being read once more, and what was in doubt."""
    lost: Counter[str] = Counter()
    for write in taken:
        announced = [
            intent
            for intent in intents
            if (intent.store, intent.sku, intent.target) == (write.store, write.code, write.after)
            and intent.created_at <= write.at
        ]
        lost[write.code] += max(announced, key=lambda at: at.created_at).before - write.before
    doubtful: Counter[str] = Counter()
    for intent in intents:
        answered = intent.state is not IntentState.UNKNOWN and not intent.detail
        doubtful[intent.sku] += 0 if answered else abs(intent.before - intent.target)
    codes = lost.keys() | doubtful.keys()
    return {at: Unknowable(lost=lost[at], doubtful=doubtful[at]) for at in codes}


@asynccontextmanager
async def massacre(
    folder: Path, seed: int, night: Night | None = None, *, database: str = ""
) -> AsyncIterator[Massacre]:
    """Stand a merchant; unless told otherwise with stores that tell every order, and plenty."""
    night = night or Night()
    async with merchant(folder, database=database, on_hand=night.on_hand, poll="1s") as service:
        text = (folder / "stocksync.yaml").read_text()
        asked = {"b2bwave": "true"} if night.orders else dict.fromkeys(TELL_ORDERS, "false")
        for platform, answer in asked.items():
            text = re.sub(f'("platform": "{platform}")', rf'\1, "orders": {answer}', text)
        (folder / "stocksync.yaml").write_text(text)
        (folder / "rules" / "20-mode.yaml").write_text(RULE % night.mode)
        opening = Counter(dict.fromkeys(service.sandbox.shops["shop"].on_hand(), night.on_hand))
        subject = Massacre(
            service=service,
            random=Random(seed),
            night=night,
            database=database or f"sqlite:///{folder / 'books.db'}",
            opening=opening,
        )
        for name in FOLLOWERS:
            subject.note(name, service.sandbox.shops[name])
        yield subject
