"""See a store's listings as other rules would link them to SKUs, without looking at the store."""

from collections.abc import Iterable
from dataclasses import replace

from stocksync.domain.intake import Seat, find_twins
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stock import ListingRecord, NotCounted, Presence


def as_linked(records: Iterable[ListingRecord], seat: Seat, book: Rulebook) -> list[ListingRecord]:
    """Return a store's listings with the SKU of each, and twins set aside, as a census would.

    Records are those of the whole store: twins are found among all that it shows.
    """
    known = list(records)
    if seat.switches:
        return known
    codes = [(at.listing, at.code) for at in known if at.presence is Presence.PRESENT]
    twins = find_twins(seat.store, codes, book)
    found = []
    for record in known:
        link = (book.sku_for(seat.store, record.code), twins.get(record.listing, ""))
        if link != (record.sku, record.quarantine):
            record = replace(record, sku=link[0], quarantine=link[1])  # noqa: PLW2901 - as linked
        found.append(record)
    return found


def follows_rules(record: ListingRecord, seat: Seat, book: Rulebook) -> bool:
    """Tell whether rules decide what a listing shows: linked, counted, agreed on, and not gone."""
    if seat.switches:
        linked = record.key in book.availability
    else:
        linked = record.sku is not None and not record.quarantine
    return (
        linked
        and record.presence is not Presence.GONE
        and record.baseline is not None
        and not isinstance(record.reading, NotCounted)
    )
