"""Notice a store that was put back to an earlier state: what it shows, it showed at one moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Final

from stocksync.domain.identifiers import ListingId

#: So far back a backup may lie.
LOOK_BACK: Final = timedelta(days=30)
#: So many listings must have changed before that can be more than chance.
CHANGED_FLOOR: Final = 5
#: More than this part of them show what they showed then, and of what differs since, went back.
RESTORED_PART: Final = Fraction(80, 100)
#: A sample of the changed listings says enough about all of them.
SAMPLE_MAX: Final = 200
#: So many moments are looked at closely.
MOMENTS_MAX: Final = 5

#: What a listing was agreed to show, from which moment on, in order.
Past = Sequence[tuple[datetime, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time in the past, from `began` until `ended`, when `same` listings showed this number."""

    began: datetime
    ended: datetime
    same: int


def moments_like_now(
    shown: Mapping[ListingId, int], pasts: Mapping[ListingId, Past]
) -> list[Moment]:
    """Return the moments at which most of these changed listings showed what they show now.

    The likeliest come first, the latest of equals before the others (`reliability §2.5 e`).
    """
    if len(shown) < CHANGED_FLOOR:
        return []
    turns: dict[datetime, int] = {}
    for listing, number in shown.items():
        past = pasts.get(listing, ())
        for (began, then), (ended, _) in pairwise(past):
            if then == number:
                turns[began] = turns.get(began, 0) + 1
                turns[ended] = turns.get(ended, 0) - 1
    moments, same = [], 0
    edges = sorted(turns)
    for began, ended in pairwise(edges):
        same += turns[began]
        if same > RESTORED_PART * len(shown):
            moments.append(Moment(began=began, ended=ended, same=same))
    moments.sort(key=lambda at: (at.same, at.ended), reverse=True)
    return moments[:MOMENTS_MAX]


def is_all_of_it(*, back: int, stayed: int) -> bool:
    """Tell whether a store as a whole went back to a moment, and not a few listings by chance.

    `back` listings show what they showed then; as many `stayed` that showed something else then.
    """
    return back > RESTORED_PART * (back + stayed)


def differing(
    moment: Moment, baselines: Mapping[ListingId, int], pasts: Mapping[ListingId, Past]
) -> int:
    """Count the listings that were something else then; one that was not there yet is left out."""
    return sum(
        number_at(pasts.get(listing, ()), moment.ended) not in (None, baseline)
        for listing, baseline in baselines.items()
    )


def number_at(past: Iterable[tuple[datetime, int]], moment: datetime) -> int | None:
    """Return what was agreed on just before a moment; None when nothing was yet."""
    number = None
    for since, agreed in past:
        if since >= moment:
            break
        number = agreed
    return number
