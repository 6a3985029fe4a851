"""Three-way merge: from baseline and reading to a named change that adds to the ledger.

Changes are differences, so they add, and the order of stores never matters (`domain.md §3.1`).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from stocksync.domain.doubts import likely_change, lowest_change
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import MovementKind
from stocksync.domain.orders import NOTHING_SOLD, Sold
from stocksync.domain.rules import Increases
from stocksync.domain.stock import (
    Counted,
    Gap,
    ListingRecord,
    NotCounted,
    Observation,
    Offered,
    Presence,
    shown_number,
)
from stocksync.domain.stories import ALL_EXPLAINED, explain, missing_units


class Role(StrEnum):
    """What a store's change means."""

    CHANNEL = "channel"
    MASTER = "master"
    MIRROR = "mirror"
    OBSERVE = "observe"


class FirstContact(StrEnum):
    """What becomes of the difference when a listing is read for the first time."""

    HOLD = "hold"
    PUSH = "push"
    ADOPT = "adopt"


class ChangeKind(StrEnum):
    """What happened to a listing between two looks. Every difference gets exactly one name."""

    FIRST_CONTACT = "first_contact"
    SALE = "sale"
    RETURN = "return"
    COUNT = "count"
    OWN_WRITE = "own_write"
    DRIFT = "drift"
    REFUSED_INCREASE = "refused_increase"
    HELD_INCREASE = "held_increase"
    SEEN_ONCE = "seen_once"
    NOTED = "noted"
    SWITCHED = "switched"
    UNTRACKED = "untracked"
    UNREADABLE = "unreadable"
    RELINKED = "relinked"
    RETURNED_TO_LIST = "returned_to_list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One listing's change: the record as it will stand, and the units it moves in the ledger.

    `units` are base units (packs multiplied out), signed: below zero left us. `suspended` units
    leave sale without being booked as sold, because it is not known what they belong to; below
    zero they come back, because it is known now.
    """

    kind: ChangeKind
    before: int | None
    after: int | None
    record: ListingRecord
    units: int = 0
    suspended: int = 0

    @property
    def store(self) -> StoreId:
        return self.record.store

    @property
    def listing(self) -> ListingId:
        return self.record.listing

    @property
    def sku(self) -> Sku | None:
        return self.record.sku

    @property
    def movement_kind(self) -> MovementKind | None:
        return {
            ChangeKind.SALE: MovementKind.SALE,
            ChangeKind.RETURN: MovementKind.RETURN,
            ChangeKind.COUNT: MovementKind.COUNT,
        }.get(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How one listing's changes are to be read: its store's role, and the rules that hold.

    With `feed`, sales are booked from the store's orders, and levels are only explained by them.
    """

    role: Role = Role.CHANNEL
    pack: int = 1
    accept_increases: Increases = Increases.YES
    feed: bool = False


def merge(
    record: ListingRecord, seen: Observation, terms: Terms, sold: Sold = NOTHING_SOLD
) -> Change | None:
    """Name what happened to a linked listing since it was last agreed on; None for nothing.

    `sold` is what the store's orders told of it since. `record` already carries the SKU and
    quarantine that hold now. The record returned has the new reading and baseline, to be committed
    together with the movement (`reliability §2.4`).
    """
    looked = replace(record, reading=seen.reading, group=seen.group, title=seen.title)
    looked = replace(looked, presence=Presence.PRESENT, missed=0)
    if isinstance(seen.reading, NotCounted):
        return _gap(record, looked, seen.reading)
    number = shown_number(seen.reading)
    before = record.baseline
    if before is None:
        first = replace(looked, baseline=number)
        return Change(kind=ChangeKind.FIRST_CONTACT, before=None, after=number, record=first)
    if terms.feed and terms.role is Role.CHANNEL and isinstance(seen.reading, Counted):
        return _explained(record, looked, seen.reading, terms, sold)
    if number is None or number in record.own_values or number == before:
        return _own_or_nothing(record, looked, number)
    change = _outside_change(record, looked, number, terms)
    return change if _believes(change, record, terms) else _seen_once(change, looked)


def _believes(change: Change, record: ListingRecord, terms: Terms) -> bool:
    """Tell whether an increase counts: where two looks must show it, the last one did too."""
    if change.kind is not ChangeKind.RETURN or terms.accept_increases is not Increases.TWICE:
        return True
    last = shown_number(record.reading)
    return last is not None and last >= (change.after or 0) > (record.baseline or 0)


def _seen_once(change: Change, looked: ListingRecord) -> Change:
    """Remember an increase without believing it: nothing moves until the next look shows it too."""
    kept = replace(looked, baseline=change.before)
    return replace(change, kind=ChangeKind.SEEN_ONCE, record=kept, units=0, suspended=0)


def _explained(
    record: ListingRecord, looked: ListingRecord, reading: Counted, terms: Terms, sold: Sold
) -> Change | None:
    """Explain a level by the orders behind it; what no order explains is kept from sale."""
    number, before = reading.quantity, record.baseline or 0
    left, outside = explain(number, before, record.unanswered, sold, record.unexplained)
    if not (sold.units or outside) and left == record.unexplained:
        return _own_or_nothing(record, looked, number)
    since = reading.read_at if left and left != record.unexplained else record.unexplained_since
    explained = replace(
        looked, baseline=number, unexplained=left, unexplained_since=since if left else None
    )
    change = Change(
        kind=ChangeKind.SALE,
        before=record.baseline,
        after=number,
        record=explained,
        suspended=(explained.suspended - record.suspended) * terms.pack,
    )
    return _with_increase(change, outside, record, terms) if outside else change


def _with_increase(change: Change, outside: int, record: ListingRecord, terms: Terms) -> Change:
    """Name units that came from outside by what the rules want done about them."""
    units = outside * terms.pack
    alone = not change.suspended and change.after == (change.before or 0) + outside
    match terms.accept_increases:
        case Increases.NO:
            return replace(change, kind=ChangeKind.REFUSED_INCREASE)
        case Increases.HOLD | Increases.TWICE if not alone:
            # First what is explained; the next look holds the rest, which then stands alone.
            kept = replace(change.record, baseline=(change.after or 0) - outside)
            return replace(change, record=kept)
        case Increases.HOLD:
            return replace(change, kind=ChangeKind.HELD_INCREASE, units=units)
        case _:
            back = replace(change, kind=ChangeKind.RETURN, units=units)
            return back if _believes(back, record, terms) else _seen_once(back, change.record)


def _gap(record: ListingRecord, looked: ListingRecord, gap: NotCounted) -> Change | None:
    """Untracked takes the listing out, until it is met anew; unreadable moves nothing at all."""
    last = record.reading
    same = isinstance(last, NotCounted) and last.gap is gap.gap
    if same and record.presence is Presence.PRESENT:
        return None
    if gap.gap is Gap.UNTRACKED:
        kind, after = ChangeKind.UNTRACKED, replace(looked, baseline=None, settled=False)
    else:
        kind, after = ChangeKind.UNREADABLE, looked
    return Change(kind=kind, before=record.baseline, after=None, record=after)


def _own_or_nothing(
    record: ListingRecord, looked: ListingRecord, number: int | None
) -> Change | None:
    """A number that is ours is agreed on without a movement; an agreed number is no news."""
    agreed = replace(looked, baseline=number)
    if number != record.baseline:
        return Change(
            kind=ChangeKind.OWN_WRITE, before=record.baseline, after=number, record=agreed
        )
    if shown_number(record.reading) != number or record.presence is not Presence.PRESENT:
        return Change(kind=ChangeKind.RETURNED_TO_LIST, before=number, after=number, record=agreed)
    return None


def _outside_change(
    record: ListingRecord, looked: ListingRecord, number: int, terms: Terms
) -> Change:
    """Name a difference that is not ours by the store's role."""
    before = record.baseline or 0
    change = Change(
        kind=ChangeKind.SALE, before=before, after=number, record=replace(looked, baseline=number)
    )
    if isinstance(looked.reading, Offered):
        return replace(change, kind=ChangeKind.SWITCHED)
    if terms.role is Role.OBSERVE:
        return replace(change, kind=ChangeKind.NOTED)
    if terms.role is Role.MIRROR:
        return replace(change, kind=ChangeKind.DRIFT)
    likely = likely_change(number, before, record.own_values)
    if terms.role is Role.MASTER:
        change = replace(change, kind=ChangeKind.COUNT)
    elif likely > 0 and terms.accept_increases is Increases.NO:
        return replace(change, kind=ChangeKind.REFUSED_INCREASE)
    elif likely > 0:
        held = terms.accept_increases is Increases.HOLD
        change = replace(change, kind=ChangeKind.HELD_INCREASE if held else ChangeKind.RETURN)
    lowest = lowest_change(number, before, record.unanswered, record.read_at)
    doubtful = max(0, likely - lowest)
    waiting = record.suspended + doubtful
    since = (record.unexplained_since or looked.read_at) if waiting else None
    return replace(
        change,
        record=replace(change.record, unexplained=missing_units(waiting), unexplained_since=since),
        units=likely * terms.pack,
        suspended=doubtful * terms.pack,
    )


def relink(record: ListingRecord, sku: Sku | None, code: str | None, quarantine: str) -> Change:
    """Give a listing another SKU or quarantine: its past baseline belongs to another story.

    So do units of another SKU that are withheld; whoever books this has to end that.
    """
    fresh = replace(record, sku=sku, code=code, quarantine=quarantine, baseline=None, settled=False)
    if sku != record.sku:
        fresh = replace(fresh, unexplained=ALL_EXPLAINED, unexplained_since=None)
    return Change(kind=ChangeKind.RELINKED, before=record.baseline, after=None, record=fresh)


def first_record(store: StoreId, seen: Observation) -> ListingRecord:
    """Begin the record of a listing that was never seen before."""
    return ListingRecord(
        store=store, listing=seen.listing, code=seen.code, group=seen.group, title=seen.title
    )
