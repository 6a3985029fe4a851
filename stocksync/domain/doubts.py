"""What a reading may mean where a write was never answered and no order tells (`reliability §2.4`).

Any of some numbers may have been there before outside hands moved it: the one agreed on, or ours.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from stocksync.domain.stories import OwnWrite


def least_sale(number: int, values: Collection[int]) -> int:
    """Return the smallest sale that leads to a number from one of these; else the least rise."""
    changes = [number - value for value in values]
    sales = [change for change in changes if change <= 0]
    return max(sales) if sales else min(changes)


def likely_change(number: int, before: int, targets: Collection[int]) -> int:
    """Return the likely change that explains a reading; `before` is the number agreed on.

    A number that fell was sold from, as little as may be. One that rose moved as little as may be:
    a unit that came back is likelier than many sold since a write took place late.
    """
    values = {before, *targets}
    if number <= before:
        return least_sale(number, values)
    return min((number - value for value in values), key=lambda change: (abs(change), change))


def lowest_change(
    number: int, before: int, writes: Iterable[OwnWrite], last_read_at: datetime | None
) -> int:
    """Return the change that leaves least for sale of those that may explain a reading.

    `before` is the baseline. A write that was never answered is thought of at the first news after
    it, whatever that means. Later it may still come, and what it adds may be sold before anybody
    looks: that is thought of as long as it does not more than double what was sold. For each look
    while it is in question asks anew, and a number that we lowered out of doubt makes it add more.
    """
    sold = max(0, before - number)
    values = {
        write.target
        for write in writes
        if last_read_at is None or write.sent_at >= last_read_at or write.target - before <= sold
    }
    return number - max({before} | values)
