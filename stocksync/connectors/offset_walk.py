"""Where the next page of a list starts, and when a list that may move has truly ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from stocksync.errors import UnexpectedResponse

PAGES_MAX: Final = 20_000


@dataclass(slots=True)
class OffsetWalk:
    """Read a list by offset, in rows, so that a cut-off list never looks complete.

    `start` is the offset of the next page; `ended` says that there is none; `what` it lists is
    for people.

    With a total, the list ends where that many rows were read. When the total shrinks on the way,
    rows slid back below us: as many are read again. When it grew and products are still missing
    at the end, the list is read once more until all were seen. Fewer than the total raise.

    Without a total nobody tells how long the list is, how long a page may be, or that offsets
    count rows at all (`stores.md §3.2`). So the second page starts at the last row of the first
    and must begin with it, or the walk begins once more. After that proof a page shorter than the
    longest one is the last. This costs a list of up to a page two requests, and a longer one
    at most one more than its pages. A row removed later in such a walk hides its
    neighbour from this census: nothing in the answers could tell.
    """

    start: int = 0
    ended: bool = False
    _seen: set[str] = field(default_factory=set)
    _reached: int = 0
    _total: int | None = None
    _moved: bool = False
    _again: bool = False
    _longest: int = 0
    _overlap: str | None = None
    what: str = "products"

    def take(self, ids: Sequence[str], total: int | None) -> set[str]:
        """Return which ids of this page are new, and move on.

        Raises:
            UnexpectedResponse: Pages repeat, products are missing, or the total has vanished.
        """
        fresh = set(ids) - self._seen
        if ids and not fresh and self.start >= self._reached:
            raise UnexpectedResponse(f"the list repeats itself at row {self.start}")
        self._seen |= fresh
        self._reached = max(self._reached, self.start + len(ids))
        if total is not None:
            self._move_within(total, len(ids))
        elif self._total is None:
            self._move_blindly(ids)
        else:
            raise UnexpectedResponse("the list no longer says how long it is")
        return fresh

    def _move_within(self, total: int, length: int) -> None:
        before, self._total = self._total, total
        if self._seen and not total:
            raise UnexpectedResponse(f"the list held {len(self._seen)} {self.what}, and now none")
        if before is not None and before != total:
            self._moved = True
        if before is not None and before > total:
            self.start = max(0, self.start - (before - total))
            return
        if total < len(self._seen) and self._again:
            seen = f"{len(self._seen)} {self.what}"
            raise UnexpectedResponse(f"the list held {seen}, and now only {total}")
        self.start += length
        is_whole = len(self._seen) >= total
        if length and self.start < total and not (self._again and is_whole):
            return
        if is_whole:
            self.ended = True
        elif self._moved and not self._again:
            self._again, self.start = True, 0
        else:
            raise UnexpectedResponse(f"the list held {len(self._seen)} of {total} {self.what}")

    def _move_blindly(self, ids: Sequence[str]) -> None:
        overlap, self._overlap = self._overlap, None
        if overlap is not None and overlap not in ids[:1]:
            if self._again:
                raise UnexpectedResponse("offsets do not count rows, or the list keeps moving")
            self._again, self.start, self._longest = True, 0, 0
            return
        is_first = self._longest == 0
        self.ended = not ids or len(ids) < self._longest
        self._longest = max(self._longest, len(ids))
        self.start += len(ids)
        if is_first and len(ids) > 1:
            self.start -= 1
            self._overlap = ids[-1]
