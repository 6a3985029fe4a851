"""What is true of the books at one moment, to be true again when a copy of them comes back."""

from dataclasses import dataclass
from typing import Any

from stocksync.contracts.ledger import Commit
from tests.simulation.truth import Truth

Pending = dict[str, tuple[str, int]]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What the books of a moment say, in the words of `Truth`. What people did is no part of it."""

    stories: dict[tuple[str, str], tuple[int, int, int | None]]
    keys: set[str]
    adjusted: dict[str, int]
    intents: dict[str, Any]
    orders: Any
    others: Any
    decided: tuple[Any, ...]
    pending: Pending

    def recall(self, truth: Truth, pending: Pending, now: float) -> None:
        """Let the books say again what they said; goods received since are to be booked again."""
        for place, (booked, suspended, baseline) in self.stories.items():
            story = truth.stories[place]
            story.booked, story.suspended, story.baseline = booked, suspended, baseline
        truth.keys = set(self.keys)
        truth.adjusted = dict(self.adjusted)
        truth.doubt.intents = dict(self.intents)
        truth.sales.booked = self.orders.copy()
        truth.sales.others = self.others.copy()
        watch = truth.watch
        watch.refused, watch.agreed = set(self.decided[0]), set(self.decided[1])
        watch.undecided = dict(self.decided[2])
        pending |= self.pending
        truth.frozen_at, truth.lost_until = now, float("inf")


def remembered(truth: Truth, pending: Pending) -> Memory:
    """Remember what the books say now."""
    watch = truth.watch
    return Memory(
        stories={
            place: (at.booked, at.suspended, at.baseline) for place, at in truth.stories.items()
        },
        keys=set(truth.keys),
        adjusted=dict(truth.adjusted),
        intents=dict(truth.doubt.intents),
        orders=truth.sales.booked.copy(),
        others=truth.sales.others.copy(),
        decided=(set(watch.refused), set(watch.agreed), dict(watch.undecided)),
        pending=dict(pending),
    )


def begin_anew(truth: Truth, commit: Commit, now: float) -> None:
    """Follow the commit with which a person accepted old books: nothing is believed any more.

    A write that was sent before now is nobody's: whatever it does later, a stranger did.
    """
    for place, (_, suspended) in truth.book(commit.movements).items():
        truth.stories[place].suspended += suspended
    for story in truth.stories.values():
        story.baseline = None
    truth.doubt.intents.clear()
    truth.echoes.forget()
    truth.frozen_at, truth.lost_until = None, now
    truth.trace.line("old books accepted")
    truth.trace.reached("old books were accepted")
