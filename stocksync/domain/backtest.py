"""Replay what was sold under other rules: what they would have oversold, and kept from sale.

What was asked for is what was really sold, no more: nobody knows what would have been. A store
sells no more than it shows, and the rest of what it sold is **lost**. A sale of what is shown takes
place; the units of it that were not free any more, at all locations together, are **oversold**
(units that wait for an explanation are taken for free until an order claims them).
**Withheld** are the free units that a listing does not show, each for as long as that lasts: of a
kit, the units in as many kits as are complete; units listed twice count twice. A change of a
listing's number, once the news of a movement reached it, is a **correction**.

The replay begins as if the rules had held all the while, so that first numbers correct nothing.
Returns, counts and adjustments come as they came, except the return of an order whose units were
lost. Where each unit is given to one store only, listings change at once and not one by one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stocksync.domain.happenings import Happening, Teller, is_here
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.knowledge import News, free_of
from stocksync.domain.movements import Account, Movement, MovementKind, suspense
from stocksync.domain.stage import Actor, Scene, Stage, Tally

_SUSPENSE: Final = suspense(StoreId(""))
_Changes = dict[Sku, dict[Account, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a replay went, by store and in all.

    `unjudged`: units sold by listings that are not linked to those SKUs any more; such sales take
    place as they did.
    """

    stores: Mapping[StoreId, Tally]
    total: Tally
    unjudged: int = 0


class Replay:
    """Replays a history under one rulebook: first every listing enters, then movements follow."""

    def __init__(self, scene: Scene) -> None:
        self.stage = Stage(scene)
        self._teller = Teller()
        self._unsold: Counter[tuple[object, ...]] = Counter()
        self._unjudged = 0
        self._waiting: Counter[Sku] = Counter()

    def book(self, recorded_at: datetime, movement: Movement) -> None:
        """Let a movement happen again; they come in the order of the books."""
        for happening in self._teller.tell(recorded_at, movement):
            self._play(happening)

    def close(self) -> Outcome:
        """Let the last movement happen and the rest of the time pass, and say how it went."""
        for happening in self._teller.end():
            self._play(happening)
        stage = self.stage
        stage.advance(stage.scene.ended_at)
        for tally in (*stage.tallies.values(), stage.total):
            tally.meter.run(stage.scene.ended_at)
        return Outcome(stores=stage.tallies, total=stage.total, unjudged=self._unjudged)

    def _play(self, happening: Happening) -> None:
        """Let one thing happen, and the news of it set out."""
        stage = self.stage
        stage.advance(happening.at)
        changes: _Changes = defaultdict(lambda: defaultdict(int))
        actor = None
        if happening.store is not None and happening.listing is not None:
            actor = stage.actors.get((happening.store, happening.listing))
        if actor is not None and not actor.started:
            actor = None
        self._let_come(happening, actor, changes)
        sold = self._sell(happening, actor, changes)
        tracked = {
            sku: units
            for sku, units in changes.items()
            if sku in stage.dependent and (any(units.values()) or sku not in stage.stock)
        }
        news = News(at=stage.moment, store=happening.store, changes=tracked, sold=sold)
        stage.stock.book(news)
        for sku in tracked:
            for dependent in stage.dependent[sku]:
                if dependent.started and dependent.shown is None:
                    stage.settle(dependent)
                stage.measure(dependent)
        if tracked:
            stage.spread(news)

    def _let_come(self, happening: Happening, actor: Actor | None, changes: _Changes) -> None:
        """Let everything but sales take place; the listing it is told of moves with it."""
        came: Counter[Sku] = Counter()
        for movement in happening.others:
            units = movement.units
            if movement.kind is MovementKind.RETURN:
                units -= self._never_sold(happening, movement)
            for account, change in ((movement.source, -units), (movement.destination, units)):
                if account.startswith(_SUSPENSE):
                    self._waiting[movement.sku] += change
                elif is_here(account):
                    changes[movement.sku][account] += change
                    came[movement.sku] += change
        if actor is not None and actor.shown is not None and actor.recipe:
            sku, needed = next(iter(actor.parts.items()))
            actor.shown += came[sku] // needed

    def _never_sold(self, happening: Happening, movement: Movement) -> int:
        """Count the units of a return that were never sold in the replay."""
        key = (happening.store, happening.listing, happening.document, movement.sku)
        units = min(movement.units, self._unsold[key])
        if units:
            self._unsold[key] -= units
        return units

    def _sell(
        self, happening: Happening, actor: Actor | None, changes: _Changes
    ) -> Mapping[Sku, int]:
        """Sell what is shown of what was sold, and count the rest; return the units sold."""
        asked: Counter[Sku] = Counter()
        for movement in happening.sales:
            asked[movement.sku] += movement.units
        if not asked:
            return {}
        if actor is None or actor.shown is None or asked.keys() != actor.parts.keys():
            self._unjudged += asked.total()
            _take(happening.sales, dict(asked), changes)
            return asked
        pieces = max(-(-units // actor.parts[sku]) for sku, units in asked.items())
        sold_pieces = min(pieces, max(0, actor.shown))
        actor.shown -= sold_pieces
        sold = {sku: min(units, sold_pieces * actor.parts[sku]) for sku, units in asked.items()}
        for sku, units in asked.items():
            if happening.document and units > sold[sku]:
                key = (happening.store, happening.listing, happening.document, sku)
                self._unsold[key] += units - sold[sku]
        self._count(actor.store, asked, sold, changes)
        _take(happening.sales, dict(sold), changes)
        return sold

    def _count(
        self,
        store: StoreId,
        asked: Mapping[Sku, int],
        sold: Mapping[Sku, int],
        changes: _Changes,
    ) -> None:
        """Count a sale: what took place, what could not, and what was not there to be sold."""
        stage = self.stage
        oversold = 0
        for sku, units in sold.items():
            free = (
                stage.stock.free(sku) + free_of(changes.get(sku, {})) + max(0, self._waiting[sku])
            )
            oversold += max(0, units - max(0, free))
        for tally in (stage.tallies[store], stage.total):
            tally.sold += sum(sold.values())
            tally.lost += sum(asked.values()) - sum(sold.values())
            tally.oversold += oversold
            tally.oversold_in[tally.meter.stretch(stage.moment)] += oversold


def _take(sales: Iterable[Movement], units: dict[Sku, int], changes: _Changes) -> None:
    """Take sold units from where they were taken in history, as long as there are any."""
    for movement in sales:
        taken = min(movement.units, units[movement.sku])
        units[movement.sku] -= taken
        changes[movement.sku][movement.source] -= taken
