"""Name what store and ledger agree on by one number each: a census compares a million of them."""

from collections.abc import Set as AbstractSet
from typing import Final

from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Counted, ListingRecord, Observation, shown_number

#: Keeps numbers away from -1, which Python hashes like -2.
_ABOVE_ZERO: Final = 1 << 40


def agreement(listing: ListingId, code: str | None, number: int) -> int:
    """Name "this listing, with this code, shows this number" by one whole number.

    For the many that show what was agreed on: a store's agreements fit in little memory, and two
    different ones meet with a chance of one in 2**64. Names are good within one process only.
    """
    return hash((listing, code, number + _ABOVE_ZERO))


def agreement_of(seen: Observation) -> int | None:
    """Name what a store shows of a listing; None when that is no number."""
    reading = seen.reading
    if isinstance(reading, Counted):  # nearly all of them, and there may be a million
        return hash((seen.listing, seen.code, reading.quantity + _ABOVE_ZERO))
    number = shown_number(reading)
    return None if number is None else agreement(seen.listing, seen.code, number)


def was_met(record: ListingRecord, unseen: AbstractSet[int]) -> bool:
    """Tell whether a census met what was agreed on for a listing; `unseen` is what it did not."""
    return (
        record.baseline is not None
        and shown_number(record.reading) == record.baseline
        and not record.own_values
        and agreement(record.listing, record.code, record.baseline) not in unseen
    )
