"""Cut work into pieces that a store takes in one request."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeVar

from stocksync.contracts.connector import Capabilities
from stocksync.domain.stock import Correction

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield `items` in order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def write_batches(
    corrections: Sequence[Correction], capabilities: Capabilities
) -> Iterator[Sequence[Correction]]:
    """Yield corrections as the store can take them: by group where a group is written whole."""
    if not capabilities.whole_group_writes:
        yield from batches(corrections, capabilities.write_batch_max)
        return
    ordered = sorted(corrections, key=lambda correction: correction.group)
    for _, group in groupby(ordered, key=lambda correction: correction.group):
        yield from batches(list(group), capabilities.write_batch_max)


def halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Cut a refused batch in two, to find the one that spoils it."""
    middle = len(items) // 2
    return items[:middle], items[middle:]
