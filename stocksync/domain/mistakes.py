"""Take numbers that a person rejected for mistakes of the store, and go on from there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from stocksync.domain.doubts import least_sale
from stocksync.domain.gates import LineKey
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.merge import Change, ChangeKind, Terms, merge
from stocksync.domain.orders import Sold
from stocksync.domain.stock import ListingRecord, Observation

#: The numbers that people rejected, by the listing and the number that was agreed on before them.
Mistakes = Mapping[tuple[ListingId, int], Collection[int]]
NO_MISTAKES: Final[Mistakes] = MappingProxyType({})
#: Changes that a rejection speaks about; a held increase is answered by its own gate.
_REJECTED: Final = frozenset(
    {ChangeKind.SALE, ChangeKind.RETURN, ChangeKind.COUNT, ChangeKind.REFUSED_INCREASE}
)
#: Units that came from outside, as the rules name them.
_INCREASES: Final = frozenset(
    {ChangeKind.RETURN, ChangeKind.REFUSED_INCREASE, ChangeKind.HELD_INCREASE}
)


def mistakes_of(store: StoreId, refused: Iterable[LineKey]) -> Mistakes:
    """Return what people rejected of one store."""
    found: dict[tuple[ListingId, int], set[int]] = {}
    for at, listing, before, after in refused:
        if at == store and before is not None and after is not None:
            found.setdefault((ListingId(listing), before), set()).add(after)
    return found


def disbelieved(
    change: Change,
    record: ListingRecord,
    seen: Observation,
    *,
    terms: Terms,
    sold: Sold,
    mistakes: Mistakes,
) -> Change:
    """Read a change anew from the number that a person rejected, if the store still shows it.

    Orders are documents: what they explain of the level is believed, whatever was rejected, and
    so is what happened after the mistake. Only the step from `record.baseline` to the rejected
    number moves nothing, and the store is put right. A store that shows neither may have mended
    itself: the smallest fall tells where it came from. More than was agreed on before cannot be
    sold from a mistake: that is another one.
    """
    before, number = record.baseline, change.after
    if before is None or number is None or change.kind not in _REJECTED:
        return change
    rejected, explained = _reached(mistakes, record.listing, before), before - sold.units
    if number == explained:
        # Orders alone lead there: no change that a gate could ask about once more.
        return replace(change, before=number) if number in rejected else change
    likely = least_sale(number, {explained, *rejected})
    mistaken = number - likely
    if mistaken == explained or abs(likely) > max(before, sold.units):
        return change
    after = merge(replace(record, baseline=mistaken), seen, terms, _beside(sold, number, mistaken))
    if after is not None and after.kind is not ChangeKind.RETURNED_TO_LIST:
        return after
    kept = replace(
        change.record,
        baseline=number,
        unexplained=record.unexplained,
        unexplained_since=record.unexplained_since,
    )
    return replace(change, kind=ChangeKind.DRIFT, units=0, suspended=0, record=kept)


def _reached(mistakes: Mistakes, listing: ListingId, before: int) -> set[int]:
    """Return the numbers to which rejected steps lead from here: one mistake may follow another."""
    reached: set[int] = set()
    ahead = [before]
    while ahead:
        new = set(mistakes.get((listing, ahead.pop()), ())) - reached
        reached |= new
        ahead += new
    return reached


def exceeds_orders(change: Change) -> bool:
    """Tell whether a level shows more than its baseline and its orders account for."""
    return change.kind in _INCREASES or change.record.baseline != change.after


def _beside(sold: Sold, number: int, mistaken: int) -> Sold:
    """Return what was ordered as it may show beside a mistake, which may have hidden all of it.

    While the store shows the very mistake, nothing that was cancelled shows either.
    """
    units = max(0, sold.units) if number == mistaken else sold.units
    return Sold(units=units, overwritten=max(0, units))
