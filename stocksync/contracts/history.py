"""What the ledger promises to whoever looks back: what was booked since, and what there was."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from stocksync.domain.identifiers import Sku
from stocksync.domain.movements import Movement
from stocksync.domain.stock import Levels


class PastMovement(NamedTuple):
    """A movement as it stands in the books, without its seal: a look back reads many of them."""

    number: int
    recorded_at: datetime
    movement: Movement


class History(Protocol):
    """The part of the ledger that looks back.

    Both questions cut the books at the first movement recorded at or after a moment; what lies
    before it never changes, so that pages and levels fit together while others book. The books are
    dated as they are numbered.
    """

    async def movements_since(
        self, moment: datetime, *, after: int = 0, limit: int
    ) -> Sequence[PastMovement]:
        """Return what was booked from a moment on, as it was booked, at most `limit` movements.

        Those up to the number `after` are left out: the last number of a page begins the next.
        """
        ...

    async def levels_at(self, skus: Collection[Sku], moment: datetime) -> Mapping[Sku, Levels]:
        """Return the levels of those SKUs that had moved before a moment; others are left out."""
        ...
