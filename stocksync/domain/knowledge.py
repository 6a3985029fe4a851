"""Keep what is really there apart from what each store was told of it: news takes its time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.movements import PRESENT, Account, at, held, levels
from stocksync.domain.stock import Levels
from stocksync.domain.velocity import SoldUnits

AT_ONCE: Final = timedelta(0)
#: Units that came or went, by SKU and account.
Changes = Mapping[Sku, Mapping[Account, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Units that moved at one moment. `store` is where it was seen; people's own has none."""

    at: datetime
    changes: Changes
    store: StoreId | None = None
    sold: Mapping[Sku, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How long news travels.

    `seen_after`: from a sale in a store to the books; what people do is booked at once.
    `written_after`: from the books to the listings of a store.
    """

    seen_after: Mapping[StoreId, timedelta] = field(default_factory=dict)
    written_after: Mapping[StoreId, timedelta] = field(default_factory=dict)

    def seen(self, store: StoreId | None) -> timedelta:
        return AT_ONCE if store is None else self.seen_after.get(store, AT_ONCE)

    def written(self, store: StoreId) -> timedelta:
        return self.written_after.get(store, AT_ONCE)

    def arrival(self, news: News, store: StoreId) -> datetime:
        """Return when a store's listings go by some news; its own it knows at once.

        A store is read again before it is written to.
        """
        if news.store == store:
            return news.at
        return news.at + self.seen(news.store) + self.written(store)


class Knowledge:
    """The balances of SKUs as they are, and as each store was told.

    A SKU that never moved is not known, and not knowing is never zero.
    """

    def __init__(self, ways: Ways, *, remembered_for: timedelta = AT_ONCE) -> None:
        self._ways = ways
        self._slowest = max(ways.written_after.values(), default=AT_ONCE)
        self._remembered_for = remembered_for
        self._balances: dict[Sku, dict[Account, int]] = {}
        self._free: dict[Sku, int] = {}
        self._travelling: dict[Sku, list[News]] = defaultdict(list)
        self._sales: dict[Sku, list[News]] = defaultdict(list)

    def __contains__(self, sku: Sku) -> bool:
        return sku in self._balances

    def open(self, sku: Sku, found: Levels) -> None:
        """Take over what there is of a SKU at the beginning."""
        balances: dict[Account, int] = {}
        for location, level in found.items():
            balances[at(location)] = level.on_hand - level.reserved
            if level.reserved:
                balances[held(location)] = level.reserved
        self._balances[sku] = balances
        self._count(sku)

    def forget(self, skus: Iterable[Sku]) -> None:
        """Let go of SKUs that nobody will ask for again."""
        for sku in skus:
            self._balances.pop(sku, None)
            self._free.pop(sku, None)

    def free(self, sku: Sku) -> int:
        """Return the units of a SKU that nobody has a claim on, of all locations together."""
        return self._free.get(sku, 0)

    def book(self, news: News) -> None:
        """Let something happen. What makes a SKU known, every store knows of at once."""
        for sku, changes in news.changes.items():
            if sku in self._balances:
                self._travelling[sku].append(news)
            balances = self._balances.setdefault(sku, {})
            for account, units in changes.items():
                balances[account] = balances.get(account, 0) + units
            self._count(sku)
            if self._remembered_for and news.sold.get(sku):
                self._sales[sku].append(news)

    def levels_for(self, sku: Sku, store: StoreId, now: datetime) -> Levels:
        """Return the levels of a SKU that a store's listings go by at a moment."""
        balances = self._balances[sku]
        travelling = self._travelling.get(sku)
        if travelling:
            balances = dict(balances)
            for news in travelling:
                if self._ways.arrival(news, store) > now:
                    for account, units in news.changes[sku].items():
                        balances[account] -= units
            kept = [news for news in travelling if self._last_arrival(news) > now]
            self._travelling[sku] = kept
        return levels(balances)

    def sales_for(
        self, skus: Iterable[Sku], store: StoreId, now: datetime
    ) -> dict[Sku, list[SoldUnits]]:
        """Return what sold of late of some SKUs, as far as a store's listings go by it."""
        found: dict[Sku, list[SoldUnits]] = {}
        for sku in skus:
            since = now - self._remembered_for
            kept = [news for news in self._sales.get(sku, ()) if news.at > since]
            if not kept:
                continue
            self._sales[sku] = kept
            known = [news for news in kept if self._ways.arrival(news, store) <= now]
            found[sku] = [SoldUnits(news.at, news.sold[sku]) for news in known]
        return found

    def _last_arrival(self, news: News) -> datetime:
        return news.at + self._ways.seen(news.store) + self._slowest

    def _count(self, sku: Sku) -> None:
        self._free[sku] = free_of(self._balances[sku])


def free_of(balances: Mapping[Account, int]) -> int:
    """Sum the units at locations that nobody has a claim on."""
    free, _ = PRESENT
    return sum(units for account, units in balances.items() if account.startswith(free))
