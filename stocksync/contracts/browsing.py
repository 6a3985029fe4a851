"""What the ledger promises to whoever looks around in it: a search, and what went on when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from string import ascii_lowercase, ascii_uppercase
from typing import Final, Protocol

from stocksync.domain.identifiers import Sku

#: What `Activity.corrections` counts: the fields of a run's reports of that name.
CORRECTION_OUTCOMES: Final = ("confirmed", "unknown", "failed")
#: What a search does to letters: to A-Z, and to nothing else, as every database can.
SMALL: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What went on from `began_at` on: movements by kind, and writes to stores by outcome.

    What did not happen is left out; a write counts where the run that made it began.
    """

    began_at: datetime
    movements: Mapping[str, int] = field(default_factory=dict)
    corrections: Mapping[str, int] = field(default_factory=dict)


class Browsing(Protocol):
    """The part of the ledger that looks over many SKUs at once."""

    async def hot(self, *, nearly_out: int, since: datetime, sold: int, limit: int) -> list[Sku]:
        """Return SKUs that want watching: fast sellers first, then those that are nearly out.

        Fast sold `sold` units or more in movements recorded since; the fastest comes first. Nearly
        out has from 1 to `nearly_out` units on hand, of all locations together; the fewest first.
        """
        ...

    async def search(self, text: str, *, after: str = "", offset: int = 0, limit: int) -> list[Sku]:
        """Return SKUs that moved or that a store lists, in order, and that hold `text`.

        The letters A to Z fit their small forms; every other letter only itself. Those up to
        `after` are left out, and then `offset` more.
        """
        ...

    async def activity(self, moments: Sequence[datetime]) -> list[Activity]:
        """Return what was booked and written from each of these moments to the next one.

        `moments` are at least two, in order. The books are dated as they are numbered; a
        clock that was set back while they were written may hide some of what was booked.
        """
        ...
