"""Compare what every listing should show under two rulebooks, with the stock of this moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from stocksync.domain.availability import Step, Steps
from stocksync.domain.gates import Gate, Trip
from stocksync.domain.identifiers import StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.linking import as_linked, follows_rules
from stocksync.domain.plan import Line, target_for
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rulediff import Cause, cause_of, most_allowed
from stocksync.domain.stock import ListingRecord
from stocksync.domain.targets import Picture, skus_shown, target_of
from stocksync.engine.backtest import replayed
from stocksync.engine.batches import batches
from stocksync.engine.context import Context, Store
from stocksync.engine.picture import picture_for
from stocksync.engine.push import SLICE, plan_of

_WHY: Final = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A listing whose target differs, and why."""

    line: Line
    cause: Cause
    switch: bool = False

    @property
    def units(self) -> int | None:
        """Return by how much; None for a switch, and where rules leave the listing alone."""
        before, after = self.line.before, self.line.after
        return None if before is None or after is None or self.switch else after - before


@dataclass(slots=True, kw_only=True)
class StoreDiff:
    """What differs in one store. `trip` is what a gate would say to our plan under the new rules.

    `listings` are those that rules decide about; `allowed` how many may change, and fall to 0.
    """

    store: StoreId
    listings: int = 0
    differences: list[Difference] = field(default_factory=list)
    trip: Trip | None = None
    allowed: tuple[int, int] = (0, 0)

    @property
    def up(self) -> int:
        return sum(at.units for at in self.differences if at.units is not None and at.units > 0)

    @property
    def down(self) -> int:
        return sum(-at.units for at in self.differences if at.units is not None and at.units < 0)


async def compare(context: Context, old: Rulebook, new: Rulebook) -> list[StoreDiff]:
    """Work out every listing's target under both rulebooks; nothing is read from a store."""
    now = context.now()
    before = replace(context, book=old.at(now))
    after = replace(context, book=new.at(now))
    return [await _compare_store(before, after, store) for store in replayed(context)]


async def _compare_store(before: Context, after: Context, store: Store) -> StoreDiff:
    records = list((await after.ledger.records(store.id)).values())
    was = as_linked(records, store.seat, before.book)
    will = as_linked(records, store.seat, after.book)
    found = StoreDiff(store=store.id)
    for some in batches(list(zip(was, will, strict=True)), SLICE):
        one = await _view(before, store, [old for old, _ in some])
        other = await _view(after, store, [new for _, new in some])
        for old, new in some:
            found.listings += one.follows(old) or other.follows(new)
            first, second = one.target(old), other.target(new)
            if first != second:
                found.differences.append(_difference(old, new, (one, first), (other, second)))
    outgo = await plan_of(after, store, will)
    found.trip = next((trip for trip in outgo.trips if trip.gate is Gate.MASS_PUSH), None)
    _, counted, in_stock = await after.ledger.counts(store.id)
    found.allowed = most_allowed(listings=counted, in_stock=in_stock)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """Some listings of one store as one rulebook sees them."""

    seat: Seat
    book: Rulebook
    picture: Picture

    def follows(self, record: ListingRecord) -> bool:
        return follows_rules(record, self.seat, self.book)

    def target(self, record: ListingRecord) -> int | None:
        return (
            target_of(record, self.seat, self.picture, self.book) if self.follows(record) else None
        )

    def steps(self, record: ListingRecord) -> list[Step]:
        """Return the way to a listing's target; that of a switch is that of each SKU behind it."""
        steps = Steps()
        if not self.follows(record):
            return []
        target_of(record, self.seat, self.picture, self.book, steps=steps)
        for sku in skus_shown(record, self.seat, self.book) if self.seat.switches else ():
            target_for(
                sku,
                self.seat.store,
                stores=[self.seat.store],
                levels=self.picture.levels,
                rulebook=self.book,
                steps=steps,
                sales=self.picture.sales,
            )
        return steps.all


async def _view(context: Context, store: Store, records: Sequence[ListingRecord]) -> _View:
    picture = await picture_for(context, records)
    return _View(seat=store.seat, book=context.book, picture=picture)


def _difference(
    old: ListingRecord,
    new: ListingRecord,
    before: tuple[_View, int | None],
    after: tuple[_View, int | None],
) -> Difference:
    (one, first), (other, second) = before, after
    line = Line(
        store=new.store,
        listing=new.listing,
        sku=str(new.sku or old.sku or ""),
        before=first,
        after=second,
        why=_WHY,
    )
    cause = _link_cause(old, new) or cause_of(one.steps(old), other.steps(new))
    return Difference(line=line, cause=cause, switch=one.seat.switches)


def _link_cause(old: ListingRecord, new: ListingRecord) -> Cause | None:
    """Say when a listing stands for another SKU, or is set aside, or is so no more."""
    if old.quarantine != new.quarantine:
        return Cause(note=new.quarantine or "set aside no more")
    if old.sku != new.sku:
        return Cause(note=f"linked to {new.sku or 'no SKU'}, not to {old.sku or 'no SKU'}")
    return None
