"""Decide what one look at a store means: which listings are new, relinked, changed or set aside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from stocksync.domain.identifiers import MAIN_LOCATION, ListingId, LocationId, Sku, StoreId
from stocksync.domain.merge import (
    Change,
    ChangeKind,
    FirstContact,
    Role,
    Terms,
    first_record,
    merge,
    relink,
)
from stocksync.domain.mistakes import NO_MISTAKES, Mistakes, disbelieved
from stocksync.domain.movements import Movement, MovementKind, sides
from stocksync.domain.orders import NOTHING_SOLD, Sold
from stocksync.domain.plan import Line
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Policy
from stocksync.domain.stock import (
    Levels,
    ListingRecord,
    NotCounted,
    Observation,
    Presence,
    shown_number,
)
from stocksync.domain.twins import Claim, quarantines

#: Changes of outside hands that the ledger believes, or would have believed.
_BELIEVED = frozenset(
    {
        ChangeKind.SALE,
        ChangeKind.RETURN,
        ChangeKind.COUNT,
        ChangeKind.REFUSED_INCREASE,
        ChangeKind.HELD_INCREASE,
        ChangeKind.SEEN_ONCE,
    }
)

NO_ORDERS: Final[Mapping[ListingId, Sold]] = MappingProxyType({})

Look = tuple[ListingRecord | None, Observation]

#: Changes after which the listing itself may not show its target any more.
_TO_EVALUATE = frozenset(ChangeKind) - {
    ChangeKind.UNTRACKED,
    ChangeKind.UNREADABLE,
    ChangeKind.HELD_INCREASE,
    ChangeKind.SEEN_ONCE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A store's place at the table: what its changes mean, and what to do on first contact.

    With `feed` its orders are read, and move the ledger. It may show an old number for
    `settle_seconds` after a write.
    """

    store: StoreId
    role: Role = Role.CHANNEL
    first_contact: FirstContact = FirstContact.HOLD
    switches: bool = False
    feed: bool = False
    settle_seconds: float = 0.0


def find_twins(
    store: StoreId, codes: Iterable[tuple[ListingId, str | None]], rulebook: Rulebook
) -> dict[ListingId, str]:
    """Return why listings of one store must be set aside, for all of its listings at once."""
    claims = []
    for listing, code in codes:
        sku = rulebook.sku_for(store, code)
        if sku is not None:
            on_purpose = code is not None and (store, code) in rulebook.aliases
            claims.append(Claim(listing, sku, on_purpose))
    return quarantines(claims)


def decide(
    looks: Mapping[ListingId, Look],
    seat: Seat,
    *,
    twins: Mapping[ListingId, str],
    book: Rulebook,
    sold: Mapping[ListingId, Sold] = NO_ORDERS,
    mistakes: Mistakes = NO_MISTAKES,
) -> list[Change]:
    """Name the change of every listing that was looked at; listings without news are left out."""
    changes = []
    for listing, look in looks.items():
        told = sold.get(listing, NOTHING_SOLD)
        change = _decide_one(look, seat, twins.get(listing, ""), book, sold=told, mistakes=mistakes)
        if change is not None:
            changes.append(change)
    return changes


def _decide_one(
    look: Look,
    seat: Seat,
    quarantine: str,
    book: Rulebook,
    *,
    sold: Sold,
    mistakes: Mistakes,
) -> Change | None:
    record, seen = look
    if "\0" in seen.title:  # no database keeps it, and a title is only for people
        seen = seen._replace(title=seen.title.replace("\0", ""))
    sku = None if seat.switches else book.sku_for(seat.store, seen.code)
    old = record if record is not None else first_record(seat.store, seen)
    linked = not quarantine and (
        (seat.store, seen.listing) in book.availability if seat.switches else sku is not None
    )
    moved_house = record is None or (old.sku, old.quarantine) != (sku, quarantine)
    base = relink(old, sku, seen.code, quarantine).record if moved_house else old
    base = replace(base, code=seen.code)
    if linked:
        terms = terms_for(sku, seat, book)
        change = merge(base, seen, terms, sold)
        if mistakes and change is not None:
            change = disbelieved(change, base, seen, terms=terms, sold=sold, mistakes=mistakes)
    else:
        change = _set_aside(base, seen)
    if change is None and (moved_house or old.code != seen.code):
        return Change(kind=ChangeKind.RELINKED, before=old.baseline, after=None, record=base)
    return change


def _set_aside(base: ListingRecord, seen: Observation) -> Change | None:
    """Keep the reading of a listing that may not be matched: no baseline, no movement."""
    same = shown_number(base.reading) == shown_number(seen.reading) and (
        isinstance(base.reading, NotCounted) == isinstance(seen.reading, NotCounted)
    )
    if same and base.reading is not None and base.presence is Presence.PRESENT:
        return None
    record = replace(base, reading=seen.reading, presence=Presence.PRESENT, title=seen.title)
    record = replace(record, missed=0)
    return Change(kind=ChangeKind.RELINKED, before=None, after=None, record=record)


def terms_for(sku: Sku | None, seat: Seat, book: Rulebook) -> Terms:
    """Return how a listing's changes are read under the rules that hold for it."""
    if sku is None:
        return Terms(role=seat.role, feed=seat.feed)
    policy = book.policy(sku, seat.store)
    return Terms(
        role=seat.role,
        pack=policy.pack,
        accept_increases=policy.accept_increases,
        feed=seat.feed,
    )


def as_line(change: Change) -> Line:
    """Write one change down so that a person can read it."""
    return Line(
        store=change.store,
        listing=change.listing,
        sku=str(change.sku or ""),
        before=change.before,
        after=change.after,
        why=change.kind.value,
    )


def as_lines(changes: Iterable[Change]) -> list[Line]:
    """Write down as a plan what outside hands did to a store whose changes count."""
    return [
        as_line(change)
        for change in changes
        if change.kind in _BELIEVED and change.before is not None and change.before != change.after
    ]


def booking_location(levels: Levels, policy: Policy, units: int) -> LocationId:
    """Choose where a change is booked: the first allowed location that can bear it, else the first.

    Without a rule the main location comes first, then the others by name.
    """
    known = sorted(levels, key=lambda at: (at != MAIN_LOCATION, at))
    candidates: Sequence[LocationId] = policy.locations or known or (MAIN_LOCATION,)
    if units < 0:
        for location in candidates:
            if location in levels and levels[location].on_hand + units >= 0:
                return location
    return candidates[0]


def movements_for(
    change: Change, levels: Mapping[Sku, Levels], book: Rulebook, *, at: datetime, run: str
) -> list[Movement]:
    """Turn one change into the movements that book it; a kit moves its parts.

    Keys are made of the listing and its version, so that the same change can be booked only once.
    """
    kind = change.movement_kind
    if kind is None or change.sku is None:
        return []
    moves: list[Movement] = []
    policy = book.policy(change.sku, change.store)
    for part, needed in book.parts(change.sku).items():
        location = booking_location(levels.get(part, {}), policy, change.units * needed)
        for label, moved, units in (
            (kind, change.units * needed, change.units),
            (MovementKind.SUSPENSE, -change.suspended * needed, change.suspended),
        ):
            if not units:
                continue
            source, destination, count = sides(label, moved, location, change.store)
            moves.append(
                Movement(
                    key=f"{change.store}:{change.listing}:{change.record.version}:{label}:{part}",
                    sku=part,
                    kind=label,
                    source=source,
                    destination=destination,
                    units=count,
                    occurred_at=at,
                    store=change.store,
                    listing=change.listing,
                    reason=f"{change.before} -> {change.after}",
                    run=run,
                )
            )
    return moves


def opening_for(change: Change, book: Rulebook, *, at: datetime, run: str) -> Movement | None:
    """Adopt what a store shows at first contact as the opening entry of an unknown SKU."""
    if change.kind is not ChangeKind.FIRST_CONTACT or change.sku is None or change.after is None:
        return None
    if change.sku in book.bundles or change.after < 0:
        return None
    policy = book.policy(change.sku, change.store)
    location = booking_location({}, policy, change.after)
    units = change.after * policy.pack
    source, destination, _ = sides(MovementKind.OPENING, max(1, units), location, change.store)
    return Movement(
        key=f"opening:{change.sku}",
        sku=change.sku,
        kind=MovementKind.OPENING,
        source=source,
        destination=destination,
        units=units,
        occurred_at=at,
        store=change.store,
        listing=change.listing,
        reason=f"adopted from {change.store}",
        run=run,
    )


def marked_due(change: Change, now: datetime) -> ListingRecord:
    """Return the changed record, marked due when the listing may not show its target now."""
    if change.kind not in _TO_EVALUATE or change.record.baseline is None:
        return change.record
    return replace(change.record, due_since=change.record.due_since or now)
