"""Keep units back because others like them sell right now, until the stores know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import Final

from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.rules import Velocity

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SoldUnits:
    """Units of one SKU sold at one moment."""

    at: datetime
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentSales:
    """What was sold of late, in all stores, and how long corrections take to reach each store."""

    at: datetime = _NEVER
    sold: Mapping[Sku, Sequence[SoldUnits]] = field(default_factory=lambda: MappingProxyType({}))
    delays: Mapping[StoreId, timedelta] = field(default_factory=lambda: MappingProxyType({}))

    def selling(self, parts: Mapping[Sku, int], store: StoreId, velocity: Velocity | None) -> int:
        """Return how many of what is made of these parts to keep back in one store.

        A sale counts until exactly `window` after it; of several parts the fastest decides.
        """
        if velocity is None or not self.sold:
            return 0
        since = self.at - velocity.window
        most = 0
        for part, needed in parts.items():
            units = sum(sale.units for sale in self.sold.get(part, ()) if sale.at > since)
            most = max(most, -(-self._covered(units, store, velocity) // needed))
        return most

    def _covered(self, units: int, store: StoreId, velocity: Velocity) -> int:
        """Return how many of the units sold in the window sell in the time to cover."""
        cover = self.delays.get(store, velocity.window) if velocity.measured else velocity.cover
        if cover is None or cover >= velocity.window:
            return units
        return -(-units * cover // velocity.window)


NO_SALES: Final = RecentSales()


def delay_after(known_seconds: int, waited_seconds: float) -> int:
    """Return how long corrections take, in whole seconds, after a push whose slowest took so long.

    A slow push counts at once, and is forgotten by a tenth with each quicker one.
    """
    return max(ceil(waited_seconds), known_seconds * 9 // 10)
