"""Decide what is to be written to one store: each due listing is settled, corrected or left."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from stocksync.domain.allocation import NOBODY, Exposed, Place, place_of
from stocksync.domain.availability import Steps
from stocksync.domain.gates import Gate, LineKey, Trip, check
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.merge import FirstContact, Role
from stocksync.domain.plan import (
    Line,
    allotments,
    correction_for,
    may_write,
    switch_for,
    target_for,
)
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Mode
from stocksync.domain.stock import Correction, Levels, ListingRecord, shown_number
from stocksync.domain.velocity import NO_SALES, RecentSales

ListingKey = tuple[StoreId, ListingId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What targets are worked out from: stock levels, and which stores list each SKU.

    `exposed`: what listings may still sell of SKUs whose units are given to one store each.
    `sales`: what sold of late of the SKUs of which some are kept back for that.
    """

    levels: Mapping[Sku, Levels]
    listed_in: Mapping[Sku, AbstractSet[StoreId]] = field(default_factory=dict)
    exposed: Exposed = field(default_factory=dict)
    sales: RecentSales = NO_SALES


@dataclass(slots=True, kw_only=True)
class Outgo:
    """A store's plan: what to write, what already agrees, and what a gate stops.

    `settled` need nothing any more, and are written as they stand here; `allowed` may be written
    for the first time now; `waiting` stay due until a person or a back-off lets them go. `planned`
    are the records that the corrections were worked out from, as the plan's own commit leaves them.
    """

    corrections: list[Correction] = field(default_factory=list)
    settled: list[ListingRecord] = field(default_factory=list)
    allowed: list[ListingRecord] = field(default_factory=list)
    waiting: list[ListingRecord] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    planned: dict[ListingId, ListingRecord] = field(default_factory=dict)


def target_of(
    record: ListingRecord,
    seat: Seat,
    picture: Picture,
    book: Rulebook,
    *,
    steps: Steps | None = None,
) -> int | None:
    """Return the number a listing should show now; None: leave it alone."""
    if seat.switches:
        behind = book.availability.get(record.key, ())
        return switch_for(behind, record.store, picture.levels, book, picture.sales)
    if record.sku is None:
        return None
    return target_for(
        record.sku,
        record.store,
        stores=picture.listed_in.get(record.sku, frozenset()),
        levels=picture.levels,
        rulebook=book,
        steps=steps,
        place=_place(record, picture, book),
        sales=picture.sales,
    )


def _place(record: ListingRecord, picture: Picture, book: Rulebook) -> Place | None:
    """Find a listing's place among those that may sell the same units, where that counts."""
    if record.sku is None or not picture.exposed:
        return None
    policy = book.policy(record.sku, record.store)
    if policy.mode is Mode.SHARED:
        return None
    pieces = {part: units * policy.pack for part, units in book.parts(record.sku).items()}
    stores = picture.listed_in.get(record.sku, frozenset())
    return place_of(
        record.key,
        shown_number(record.reading) or 0,
        parts=pieces,
        levels=picture.levels,
        exposed=picture.exposed,
        allotments=allotments(record.sku, stores, picture.levels, book, picture.sales),
    )


def wants_more(
    record: ListingRecord, wanted: int | None, seat: Seat, picture: Picture, book: Rulebook
) -> bool:
    """Tell whether a listing is to show more in a while, with nothing happening.

    Because others may still sell what is left, or because units are kept back for what sells now.
    """
    if wanted is None:
        return False
    if picture.sales.sold:
        calm = replace(picture, sales=NO_SALES)
        if wanted != target_of(record, seat, calm, book):
            return True
    if wanted != 0 or not picture.exposed or seat.switches:
        return False
    return bool(target_of(record, seat, replace(picture, exposed=NOBODY), book))


def skus_behind(record: ListingRecord, seat: Seat, book: Rulebook) -> set[Sku]:
    """Return the stocked SKUs whose levels decide a listing's target."""
    return book.stocked(skus_shown(record, seat, book))


def skus_shown(record: ListingRecord, seat: Seat, book: Rulebook) -> tuple[Sku, ...]:
    """Return the SKUs that a listing offers, kits as they are."""
    if seat.switches:
        return book.availability.get(record.key, ())
    return () if record.sku is None else (record.sku,)


def plan_store(
    due: Sequence[ListingRecord],
    seat: Seat,
    picture: Picture,
    book: Rulebook,
    *,
    now: datetime,
) -> Outgo:
    """Sort a store's due listings by what has to happen to them."""
    outgo = Outgo()
    for record in due:
        wanted = target_of(record, seat, picture, book)
        correction = correction_for(record, wanted)
        partial = wants_more(record, wanted, seat, picture, book)
        if correction is not None and seat.role is not Role.OBSERVE:
            if may_write(record, now, switch=seat.switches):
                outgo.corrections.append(replace(correction, partial=partial))
                continue
            if record.retry_at is not None and record.retry_at > now:
                outgo.waiting.append(record)
                continue
        if partial and seat.role is not Role.OBSERVE:
            outgo.waiting.append(record)
            continue
        agreed = correction is None and wanted is not None and record.baseline is not None
        after = replace(record, due_since=None, settled=record.settled or agreed)
        if after != record:
            outgo.settled.append(after)
    return outgo


def hold_back(
    outgo: Outgo,
    records: Mapping[ListingId, ListingRecord],
    seat: Seat,
    *,
    counts: tuple[int, int, int],
    approved_lines: AbstractSet[LineKey],
    approved_listings: AbstractSet[ListingKey],
) -> None:
    """Take out of a plan what a gate stops; `counts` are present, counted and in stock."""
    first: list[Correction] = []
    ordinary: list[Correction] = []
    free: list[Correction] = []
    for correction in outgo.corrections:
        record = records[correction.listing]
        if record.settled:
            ordinary.append(correction)
        elif seat.first_contact is FirstContact.HOLD and record.key not in approved_listings:
            first.append(correction)
        else:
            free.append(correction)
            outgo.allowed.append(replace(record, settled=True))
    lines = as_lines(ordinary, seat.store)
    _, counted, in_stock = counts
    trip = check(
        lines, listings=counted, in_stock=in_stock, approved=approved_lines, change=Gate.MASS_PUSH
    )
    if trip is not None:
        outgo.trips.append(trip)
        outgo.waiting += [records[correction.listing] for correction in ordinary]
        ordinary = []
    if first:
        held = as_lines(first, seat.store)
        reason = f"first plan for {len(held)} listings that differ from the ledger"
        outgo.trips.append(Trip(gate=Gate.FIRST_CONTACT, reason=reason, lines=tuple(held)))
        outgo.waiting += [records[correction.listing] for correction in first]
    outgo.corrections = free + ordinary
    outgo.planned = {at.listing: records[at.listing] for at in ordinary}
    outgo.planned |= {at.listing: replace(at, version=at.version + 1) for at in outgo.allowed}


def as_lines(corrections: Iterable[Correction], store: StoreId) -> list[Line]:
    """Write corrections down as a plan that a person can read."""
    return [
        Line(
            store=store,
            listing=correction.listing,
            sku=str(correction.sku or ""),
            before=correction.expected,
            after=correction.quantity,
            why="target",
        )
        for correction in corrections
    ]
