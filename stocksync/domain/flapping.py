"""Notice two tools that fight over a listing: one number, another, and back, again and again."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from stocksync.domain.merge import Change, ChangeKind

#: So many flips between two numbers, within this time, are no coincidence (`reliability §2.5 c`).
FLIPS_MAX: Final = 3
WITHIN: Final = timedelta(hours=1)

#: Changes that another hand makes, be it a person or a program. A sale is none: a listing whose
#: number is capped is sold down by one and filled up by us all day, and nobody fights.
_BY_HAND: Final = frozenset(
    {
        ChangeKind.RETURN,
        ChangeKind.COUNT,
        ChangeKind.DRIFT,
        ChangeKind.REFUSED_INCREASE,
        ChangeKind.SWITCHED,
    }
)


def by_another_hand(changes: Iterable[Change], *, feed: bool) -> list[Change]:
    """Return the changes that may be a move in a fight.

    With `feed` a level that fell without an order is one as well.
    """
    return [
        change
        for change in changes
        if change.before is not None
        and change.after is not None
        and (
            change.kind in _BY_HAND
            or (feed and change.kind is ChangeKind.SALE and change.suspended > 0)
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A write of ours: what the listing showed when it began, and, once `taken`, what after."""

    before: int
    target: int
    began: datetime
    taken: datetime | None = None


def shown_since(
    agreed: Iterable[tuple[datetime, int]], writes: Iterable[Written], since: datetime
) -> list[int]:
    """Return the numbers a listing showed since a moment, that of the moment first.

    What was `agreed` on keeps one number for one moment; a write tells of two.
    """
    events = [(moment, 2, number) for moment, number in agreed]
    for write in writes:
        events.append((write.began, 0, write.before))
        if write.taken is not None:
            events.append((write.taken, 1, write.target))
    events.sort(key=lambda at: at[:2])
    before = [number for moment, _, number in events if moment <= since]
    after = [number for moment, _, number in events if moment > since]
    numbers = before[-1:] + after
    return [number for at, number in enumerate(numbers) if not at or number != numbers[at - 1]]


def fights(numbers: Sequence[int], own: AbstractSet[int]) -> bool:
    """Tell whether a listing flips between a number of ours and another.

    `numbers` are what it was agreed to show lately, in order, and last what it shows now. `own` are
    the targets of our writes in that time.
    """
    pair = set(numbers[-2:])
    flips = sum({one, other} == pair for one, other in pairwise(numbers))
    return len(pair) > 1 and flips >= FLIPS_MAX and bool(pair & own)
