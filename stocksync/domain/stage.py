"""The stage of a replay: listings that follow the rules of the moment, once news reaches them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Final

from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.knowledge import AT_ONCE, Knowledge, News, Ways
from stocksync.domain.meters import STRETCHES, Meter
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stock import Levels, ListingRecord
from stocksync.domain.targets import ListingKey, Picture, skus_behind, skus_shown, target_of
from stocksync.domain.velocity import NO_SALES, RecentSales

_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a replay is told beside the history.

    `listed_in`: the stores that list each SKU. `moving`: the SKUs that move in the history.
    `measured`: how long corrections take to reach a store, where that was measured.
    """

    book: Rulebook
    stores: Collection[StoreId]
    began_at: datetime
    ended_at: datetime
    listed_in: Mapping[Sku, AbstractSet[StoreId]] = field(default_factory=dict)
    moving: AbstractSet[Sku] = frozenset()
    ways: Ways = field(default_factory=Ways)
    measured: Mapping[StoreId, timedelta] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What is counted of one store, or of all together: units, listings and corrections."""

    meter: Meter
    listings: int = 0
    sold: int = 0
    lost: int = 0
    oversold: int = 0
    corrections: int = 0
    oversold_in: list[int] = field(default_factory=lambda: [0] * STRETCHES)


@dataclass(slots=True, kw_only=True)
class Actor:
    """A listing on the stage.

    `behind` are the stocked SKUs that decide its target, `recipe` the units in one kit (a SKU that
    is no kit is one of itself), `pack` the kits in one piece, `parts` the units in one. `first` is
    what it showed at the beginning, `shown` what it shows now. `timed`: rules say something else
    at other times.
    """

    record: ListingRecord
    seat: Seat
    behind: AbstractSet[Sku]
    recipe: Mapping[Sku, int]
    pack: int
    parts: Mapping[Sku, int]
    first: int | None
    timed: bool
    shown: int | None = None
    withheld: int = 0
    started: bool = False

    @property
    def store(self) -> StoreId:
        return self.record.store


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """What comes up at a moment: news in some stores, a new listing, or other rules."""

    skus: Iterable[Sku] = ()
    stores: AbstractSet[StoreId] = frozenset()
    starts: Actor | None = None
    book: Rulebook | None = None


class Stage:
    """Keeps what every listing shows, from one moment to the next."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.moment = scene.began_at
        self.actors: dict[ListingKey, Actor] = {}
        self.dependent: dict[Sku, list[Actor]] = defaultdict(list)
        self.tallies = {store: self._tally() for store in scene.stores}
        self.total = self._tally()
        self._agenda: list[tuple[datetime, int, _Due]] = []
        self._numbers = count()
        self._books = books_of(scene.book, scene.began_at, scene.ended_at)
        self._book = self._books[0][1]
        for moment, book in self._books[1:]:
            self._plan(moment, _Due(book=book))
        velocities = (rule.wishes.velocity_buffer for rule in scene.book.rules)
        self._window = max((at.window for at in velocities if at is not None), default=AT_ONCE)
        self.stock = Knowledge(scene.ways, remembered_for=self._window)
        self._circles: dict[timedelta, set[StoreId]] = defaultdict(set)
        for store in scene.stores:
            self._circles[scene.ways.written(store)].add(store)

    def enter(
        self,
        record: ListingRecord,
        seat: Seat,
        levels: Mapping[Sku, Levels],
        *,
        since: datetime,
        first: int | None = None,
    ) -> None:
        """Let a listing take part from `since` on; `first` is what it showed at the beginning.

        `levels` are those of the beginning, of the SKUs behind it that were known by then. A
        listing whose SKUs never move is measured once and forgotten.
        """
        actor = self._cast(record, seat, first)
        for sku in actor.behind & levels.keys():
            if sku not in self.stock:
                self.stock.open(sku, levels[sku])
        later = since > self.moment
        if later:
            self._plan(since, _Due(starts=actor))
        else:
            self._start(actor)
        if actor.timed or later or not actor.behind.isdisjoint(self.scene.moving):
            self.actors[record.key] = actor
            for sku in actor.behind:
                self.dependent[sku].append(actor)
        else:
            self.stock.forget(sku for sku in actor.behind if sku not in self.dependent)

    def _cast(self, record: ListingRecord, seat: Seat, first: int | None) -> Actor:
        sku = None if seat.switches else record.sku
        recipe = {} if sku is None else self._book.parts(sku)
        pack = 1 if sku is None else self._book.policy(sku, record.store).pack
        return Actor(
            record=record,
            seat=seat,
            behind=frozenset(skus_behind(record, seat, self._book)),
            recipe=recipe,
            pack=pack,
            parts={part: units * pack for part, units in recipe.items()},
            first=first,
            timed=self._is_timed(record, seat),
        )

    def _is_timed(self, record: ListingRecord, seat: Seat) -> bool:
        """Tell whether the rules for a listing, or for those it shares with, change with time."""
        if len(self._books) == 1:
            return False
        books = {id(book): book for _, book in self._books}.values()
        for sku in skus_shown(record, seat, self._book):
            for store in {record.store, *self.scene.listed_in.get(sku, ())}:
                policy = self._book.policy(sku, store)
                if any(book.policy(sku, store) != policy for book in books):
                    return True
        return False

    def advance(self, to: datetime) -> None:
        """Let everything come up that does until a moment, that moment included."""
        while self._agenda and self._agenda[0][0] <= to:
            moment = self._agenda[0][0]
            self.moment = max(self.moment, moment)
            reached: dict[ListingKey, Actor] = {}
            while self._agenda and self._agenda[0][0] == moment:
                reached |= self._reached(self._agenda_next())
            for actor in reached.values():
                self.settle(actor)
        self.moment = max(self.moment, to)

    def _agenda_next(self) -> _Due:
        return heappop(self._agenda)[2]

    def _reached(self, due: _Due) -> dict[ListingKey, Actor]:
        """Return the listings that something is news to."""
        if due.starts is not None:
            self._start(due.starts)
        if due.book is not None:
            self._book = due.book
            return {key: at for key, at in self.actors.items() if at.timed and at.started}
        return {
            actor.record.key: actor
            for sku in due.skus
            for actor in self.dependent.get(sku, ())
            if actor.store in due.stores and actor.started
        }

    def spread(self, news: News) -> None:
        """Let news set out: every store's listings go by it once it arrives."""
        seen = news.at + self.scene.ways.seen(news.store)
        for delay, stores in self._circles.items():
            self._plan(seen + delay, _Due(skus=news.changes, stores=stores))
        for sku in news.sold if self._window else ():
            for actor in self.dependent.get(sku, ()):
                self._plan_calm(news, sku, actor)

    def _plan_calm(self, news: News, sku: Sku, actor: Actor) -> None:
        """Look at a listing again when a sale is no reason any more to keep units back."""
        for shown in skus_shown(actor.record, actor.seat, self._book):
            velocity = self._book.policy(shown, actor.store).velocity_buffer
            if velocity is not None:
                due = _Due(skus=(sku,), stores={actor.store})
                self._plan(news.at + velocity.window + self.scene.ways.written(actor.store), due)

    def _plan(self, moment: datetime, due: _Due) -> None:
        heappush(self._agenda, (moment, next(self._numbers), due))

    def _start(self, actor: Actor) -> None:
        actor.started = True
        for tally in (self.tallies[actor.store], self.total):
            tally.listings += 1
        self.settle(actor)
        if actor.shown is None and all(sku in self.stock for sku in actor.behind):
            actor.shown = actor.first  # a rule says to leave it alone: it stays as it was
            self.measure(actor)

    def settle(self, actor: Actor) -> None:
        """Bring a listing to its target; its first number of all is no correction."""
        wanted = self.wanted(actor)
        if wanted is None or wanted == actor.shown:
            return
        if actor.shown is not None:
            for tally in (self.tallies[actor.store], self.total):
                tally.corrections += 1
        actor.shown = wanted
        self.measure(actor)

    def wanted(self, actor: Actor) -> int | None:
        """Ask the one formula what a listing should show, by what its store was told so far."""
        store, behind = actor.store, actor.behind
        sales = NO_SALES
        if self._window:
            sold = self.stock.sales_for(behind, store, self.moment)
            sales = RecentSales(at=self.moment, sold=sold, delays=self.scene.measured)
        picture = Picture(
            levels={
                sku: self.stock.levels_for(sku, store, self.moment)
                for sku in behind
                if sku in self.stock
            },
            listed_in=self.scene.listed_in,
            sales=sales,
        )
        return target_of(actor.record, actor.seat, picture, self._book)

    def measure(self, actor: Actor) -> None:
        """Measure how many free units a listing does not show."""
        if not actor.recipe or actor.shown is None:
            return
        kits = min(max(0, self.stock.free(sku)) // units for sku, units in actor.recipe.items())
        hidden = max(0, kits - max(0, actor.shown) * actor.pack)
        withheld = hidden * sum(actor.recipe.values())
        if withheld != actor.withheld:
            for tally in (self.tallies[actor.store], self.total):
                tally.meter.change(withheld - actor.withheld, self.moment)
            actor.withheld = withheld

    def _tally(self) -> Tally:
        meter = Meter(began_at=self.scene.began_at, ended_at=self.scene.ended_at)
        return Tally(meter=meter)


def books_of(
    book: Rulebook, began_at: datetime, ended_at: datetime
) -> list[tuple[datetime, Rulebook]]:
    """Return the rules as they change with the clock, each from its moment on, to the minute."""
    found = [(began_at, book.at(began_at))]
    if not any(rule.is_timed for rule in book.rules):
        return found
    moment = began_at.replace(second=0, microsecond=0) + _MINUTE
    while moment < ended_at:
        now = book.at(moment)
        if now is not found[-1][1]:
            found.append((moment, now))
        moment += _MINUTE
    return found
