"""Decide again from fresh numbers when somebody else wrote first."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from stocksync.errors import StaleLevel

DECISIONS_MAX: Final = 12
T = TypeVar("T")


async def decided_again(decide_and_commit: Callable[[], Awaitable[T]]) -> T:
    """Run a decision and its commit; after `StaleLevel` run both anew, a bounded number of times.

    Other stores mark listings due at any moment, so a stale record is ordinary, and each new try
    starts from what is in the ledger then.
    """
    for _ in range(DECISIONS_MAX - 1):
        try:
            return await decide_and_commit()
        except StaleLevel:
            continue
    return await decide_and_commit()
