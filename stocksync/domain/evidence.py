"""Tell a reading that may be older than our own last write from one that says something new."""

from datetime import datetime, timedelta

from stocksync.domain.stock import Counted, ListingRecord, Observation, Offered, shown_number


def may_predate(read_at: datetime, written_at: datetime, settle_seconds: float) -> bool:
    """Tell whether a reading may show what a listing showed before a write took place.

    A store may answer from a copy that is up to `settle_seconds` old (`domain §3.1`, step 2). A
    difference the other way is that of a clock that was set: more than that proves nothing either.
    """
    return abs(read_at - written_at) < timedelta(seconds=settle_seconds)


def as_agreed(record: ListingRecord | None, seen: Observation) -> Observation:
    """Take a listing that was read too early for seen, and its number for the one agreed on.

    It moves nothing then, and is no witness of a write either; the next look says more.
    """
    known = None if record is None else record.baseline
    if known is None and record is not None:
        known = shown_number(record.reading)
    if known is None:
        return seen
    read_at = seen.reading.read_at
    if isinstance(seen.reading, Offered):
        return seen._replace(reading=Offered(bool(known), read_at))
    return seen._replace(reading=Counted(known, read_at))
