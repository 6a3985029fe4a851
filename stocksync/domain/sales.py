"""Book what orders say, and what nothing explained in time."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from stocksync.domain.identifiers import ListingId, Sku
from stocksync.domain.intake import booking_location
from stocksync.domain.movements import Account, Movement, MovementKind, sides, suspense
from stocksync.domain.movements import at as here
from stocksync.domain.orders import LineNews, Sold
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stock import Levels, ListingRecord
from stocksync.domain.stories import ALL_EXPLAINED

UNEXPLAINED: Final = Account("adjusted:unexplained")


def movements_of_orders(
    news: Iterable[tuple[LineNews, ListingRecord]],
    levels: Mapping[Sku, Levels],
    book: Rulebook,
    *,
    at: datetime,
    run: str,
) -> list[Movement]:
    """Return the movements that book order lines, once for each line and revision (`I2`).

    A line of a SKU that the ledger never opened books nothing: not knowing is not zero.
    """
    moves: list[Movement] = []
    for each, record in news:
        if record.sku is None or record.quarantine or not each.sold:
            continue
        parts = book.parts(record.sku)
        if not levels.keys() >= parts.keys():
            continue
        policy = book.policy(record.sku, record.store)
        kind = MovementKind.SALE if each.sold > 0 else MovementKind.RETURN
        said = _Said(
            record=record, document=f"order {each.line.order}", reason=_words(each), run=run
        )
        for part, needed in parts.items():
            units = -each.sold * policy.pack * needed
            location = booking_location(levels.get(part, {}), policy, units)
            source, destination, count = sides(kind, units, location, record.store)
            key = f"order:{record.store}:{each.line.order}:{each.line.line}:{each.revision}:{part}"
            moves.append(said.movement(key, part, kind, (source, destination, count), at))
    return moves


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What the movements of one listing have in common."""

    record: ListingRecord
    reason: str
    run: str
    document: str = ""

    def movement(
        self,
        key: str,
        sku: Sku,
        kind: MovementKind,
        move: tuple[Account, Account, int],
        at: datetime,
    ) -> Movement:
        source, destination, units = move
        return Movement(
            key=key,
            sku=sku,
            kind=kind,
            source=source,
            destination=destination,
            units=units,
            occurred_at=at,
            store=self.record.store,
            listing=self.record.listing,
            document=self.document,
            reason=self.reason,
            run=self.run,
        )


def _words(news: LineNews) -> str:
    if news.known is None:
        return f"{news.line.units} ordered"
    return f"order changed: {news.known.units} -> {news.line.units}"


def sold_unseen(
    kept: Iterable[ListingRecord], unseen: Mapping[ListingId, tuple[ListingRecord, Sold]]
) -> list[ListingRecord]:
    """Return the records to keep, with those of listings that sold and that nobody could see.

    Their orders are booked; the level that shows it is expected for when they are seen again.
    """
    records = {record.listing: record for record in kept}
    for listing, (record, sold) in unseen.items():
        last = records.get(listing, record)
        if last.baseline is not None and sold.units:
            records[listing] = replace(last, baseline=last.baseline - sold.units)
    return list(records.values())


def settled(
    waiting: Iterable[ListingRecord],
    book: Rulebook,
    *,
    known: Collection[Sku],
    at: datetime,
    run: str,
) -> tuple[list[ListingRecord], list[Movement]]:
    """Stop waiting for evidence: believe the likeliest story of each listing, and book its rest.

    Units that are missing in that story are booked away: they are not there, whatever it was.
    Of a SKU that is not `known` to the ledger nothing was ever withheld.
    """
    records: list[ListingRecord] = []
    moves: list[Movement] = []
    for record in waiting:
        records.append(replace(record, unexplained=ALL_EXPLAINED, unexplained_since=None))
        if record.sku is not None and set(book.parts(record.sku)) <= set(known):
            moves += _ending(record, MovementKind.ADJUSTMENT, UNEXPLAINED, book, at=at, run=run)
    return records, moves


def given_back(
    waiting: Iterable[ListingRecord], book: Rulebook, *, at: datetime, run: str
) -> list[Movement]:
    """Return the movements that bring all withheld units of these listings back to sale."""
    moves: list[Movement] = []
    for record in waiting:
        if record.sku is not None:
            policy = book.policy(record.sku, record.store)
            home = here(booking_location({}, policy, record.suspended))
            moves += _ending(record, MovementKind.SUSPENSE, home, book, at=at, run=run)
    return moves


def _ending(
    record: ListingRecord,
    kind: MovementKind,
    destination: Account,
    book: Rulebook,
    *,
    at: datetime,
    run: str,
) -> Iterator[Movement]:
    """Move the withheld units of a listing out of suspense: away, or back to sale."""
    if record.sku is None or not record.suspended:
        return
    reason = f"nothing more explained it since {record.unexplained_since}"
    said = _Said(record=record, reason=reason, run=run)
    pack = book.policy(record.sku, record.store).pack
    for part, needed in book.parts(record.sku).items():
        key = f"{kind}:{record.store}:{record.listing}:{record.version}:{part}"
        move = (suspense(record.store), destination, record.suspended * pack * needed)
        yield said.movement(key, part, kind, move, at)
