"""Split available units among stores without promising one unit twice."""

from collections.abc import Mapping
from fractions import Fraction
from math import floor

from stocksync.domain.identifiers import StoreId


def share_out(
    units: int, shares: Mapping[StoreId, Fraction], priority: Mapping[StoreId, int] | None = None
) -> dict[StoreId, int]:
    """Give each store its share of `units`, rounded down, then hand out what rounding left.

    Shares are fractions of one. While they add up to at most one, what is handed out adds up to
    floor(units x sum of shares); shares that overlap on purpose are rounded down and no more.
    Left-over units go by priority (highest first), then by the largest remainder, then by name:
    the same input always gives the same split, so a quiet cycle writes nothing.
    """
    if units <= 0 or not shares:
        return dict.fromkeys(shares, 0)
    wanted = {store: units * share for store, share in shares.items()}
    given = {store: floor(amount) for store, amount in wanted.items()}
    spare = floor(sum(wanted.values())) - sum(given.values())
    if sum(shares.values()) > 1:
        return given
    ranks = priority or {}
    by_claim = sorted(shares, key=lambda at: (-ranks.get(at, 0), given[at] - wanted[at], at))
    for store in by_claim[:spare]:
        given[store] += 1
    return given
