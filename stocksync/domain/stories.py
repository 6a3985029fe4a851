"""Explain a level by orders where writes were never answered: every story that may be true.

A story says which of our unanswered writes took place, and how many units nothing explains then
(`reliability §2.2, 2.4`).
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from stocksync.domain.orders import Sold


class OwnWrite(NamedTuple):
    """A write of ours that was never answered: it takes place once, at any moment, or never."""

    id: str
    target: int
    sent_at: datetime


class Story(NamedTuple):
    """What may have happened to a listing since its level was last explained.

    `missing` units of it nothing explains; below zero there are some too many. `arrived` are the
    unanswered writes that took place: each does so once. Up to `hidden` more units may be missing:
    as many were ordered that a write of ours may have taken the place of.
    """

    missing: int
    hidden: int = 0
    arrived: frozenset[str] = frozenset()


#: Empty: everything is explained.
Unexplained = frozenset[Story]
ALL_EXPLAINED: Final[Unexplained] = frozenset()
#: Writes that nobody answers are rare, and so are more stories than these: the rest is dropped.
STORIES_MAX: Final = 64
#: What "everything is explained" means as a story.
_NOTHING: Final = frozenset({Story(0)})


def missing_units(units: int) -> Unexplained:
    """Return the one story in which so many units are missing, whatever took place."""
    return frozenset({Story(units)}) if units else ALL_EXPLAINED


def withheld(unexplained: Unexplained) -> int:
    """Return how many units are kept from sale until a story proves true."""
    return max(0, most_likely(unexplained))


def most_likely(unexplained: Unexplained) -> int:
    """Return what is missing in the story that leaves least unexplained; the lowest ledger of two.

    Orders that are told later decide; nothing else is known of the others.
    """
    return min((story.missing for story in unexplained), key=_strangeness, default=0)


def explain(
    number: int,
    baseline: int,
    writes: Collection[OwnWrite],
    sold: Sold,
    unexplained: Unexplained,
) -> tuple[Unexplained, int]:
    """Explain a level by orders; return what is left of each story, and the units from outside.

    Each story goes on without a write, and with each of `writes` that has not taken place in it
    yet. Without any, a level that is the baseline less what was ordered changes no story. Units
    that are too many in every story came from outside: a return, a restock, somebody's edit.
    """
    open_ = frozenset(write.id for write in writes)
    stories = {story._replace(arrived=story.arrived & open_) for story in unexplained or _NOTHING}
    if number != baseline - sold.units or writes:
        stories = {
            later for story in stories for later in _going_on(story, number, baseline, writes, sold)
        }
    outside = max(0, -max(story.missing for story in stories))
    moved = {story._replace(missing=story.missing + outside) for story in stories}
    after = frozenset(sorted(moved, key=_how_likely)[:STORIES_MAX])
    return (ALL_EXPLAINED if after == _NOTHING else after), outside


def _strangeness(missing: int) -> tuple[int, int]:
    return abs(missing), -missing


def _how_likely(story: Story) -> tuple[int, int, int, int, list[str]]:
    """Order stories by what they leave unexplained; the rest only makes that order a full one."""
    return (*_strangeness(story.missing), len(story.arrived), story.hidden, sorted(story.arrived))


def _going_on(
    story: Story, number: int, baseline: int, writes: Collection[OwnWrite], sold: Sold
) -> Iterator[Story]:
    """Yield what may have become of a story: no write took place since, or one of them did last.

    What was ordered before a write took place may never show in a level, and nobody knows when an
    unanswered one did.
    """
    ordered = max(0, sold.units)
    missing = story.missing - number - sold.units
    overwritten = max(sold.overwritten, ordered if story.arrived else 0)
    yield _with_hidden(story, missing + baseline, overwritten)
    for write in writes:
        if write.id not in story.arrived:
            arrived = story._replace(arrived=story.arrived | {write.id})
            yield _with_hidden(arrived, missing + write.target, ordered)


def _with_hidden(story: Story, missing: int, overwritten: int) -> Story:
    """Explain units that are too many by orders that never showed in the level.

    Such orders are remembered where others are told late: those may be the ones that show.
    """
    used = max(0, min(-missing, story.hidden + overwritten))
    left = missing + used
    hidden = story.hidden + overwritten - used
    late = story.missing > 0 or left > 0
    return story._replace(missing=left, hidden=hidden if late else min(hidden, story.hidden))
