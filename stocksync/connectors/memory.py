"""A store held in a dict: the reference connector, for tests and for trying things out."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from stocksync.connectors.quantity import reading, untracked
from stocksync.contracts.connector import Capabilities, Guarantee, WriteOutcome, WriteResult
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.orders import OrderLine
from stocksync.domain.stock import Correction, NotCounted, Observation, Offered, Reading
from stocksync.errors import StoreUnavailable

CAPABILITIES: Final = Capabilities(
    page_max=100,
    read_batch_max=100,
    write_batch_max=100,
    concurrency_max=8,
    guarantee=Guarantee.COMPARE_AND_SET,
)


class MemoryConnector:
    """A StockWriter over `stock`, a dict that the owner may change at any time, like a shopper.

    Values are what a store would show: 5, "5.0", None (not counted), "lots" (unreadable), or a
    bool with `switches_only`. The listing id is also the code, unless `codes` says otherwise.
    """

    def __init__(
        self,
        store: StoreId,
        stock: dict[ListingId, object],
        *,
        now: Callable[[], datetime],
        capabilities: Capabilities = CAPABILITIES,
        codes: Mapping[ListingId, str | None] | None = None,
        groups: Mapping[ListingId, str] | None = None,
    ) -> None:
        self.api_calls = 0
        self._store = store
        self._stock = stock
        self._now = now
        self._capabilities = capabilities
        self._codes = codes or {}
        self._groups = groups or {}
        self._closed = False

    def __repr__(self) -> str:
        return f"MemoryConnector(store={self._store!r})"

    @property
    def store(self) -> StoreId:
        return self._store

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def census(self) -> AsyncIterator[Sequence[Observation]]:
        listings = list(self._stock)
        most = self._capabilities.page_max
        for start in range(0, len(listings) or 1, most):
            self._count_call()
            page = listings[start : start + most]
            yield [self._observe(listing) for listing in page if listing in self._stock]

    async def read(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        self._check_batch(len(listings), self._capabilities.read_batch_max)
        self._count_call()
        return {listing: self._observe(listing) for listing in listings if listing in self._stock}

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        self._check_batch(len(corrections), self._capabilities.write_batch_max)
        self._count_call()
        return [
            WriteResult(listing=correction.listing, outcome=self._set(correction))
            for correction in corrections
        ]

    async def aclose(self) -> None:
        self._closed = True

    def _set(self, correction: Correction) -> WriteOutcome:
        if correction.listing not in self._stock:
            return WriteOutcome.NOT_FOUND
        shown = self._reading(correction.listing)
        if isinstance(shown, NotCounted):
            return WriteOutcome.REJECTED
        number = int(shown.on) if isinstance(shown, Offered) else shown.quantity
        careful = self._capabilities.guarantee is Guarantee.COMPARE_AND_SET
        if careful and number not in (correction.expected, correction.quantity):
            return WriteOutcome.STALE
        on = self._capabilities.switches_only
        self._stock[correction.listing] = bool(correction.quantity) if on else correction.quantity
        return WriteOutcome.APPLIED

    def _observe(self, listing: ListingId) -> Observation:
        return Observation(
            listing,
            self._codes.get(listing, listing),
            self._reading(listing),
            group=self._groups.get(listing, ""),
        )

    def _reading(self, listing: ListingId) -> Reading:
        shown = self._stock[listing]
        if shown is None:
            return untracked(shown, read_at=self._now())
        if self._capabilities.switches_only and isinstance(shown, bool):
            return Offered(shown, self._now())
        return reading(shown, read_at=self._now(), negative_allowed=True)

    def _count_call(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self._store} is closed")
        self.api_calls += 1

    def _check_batch(self, size: int, most: int) -> None:
        if size > most:
            raise ValueError(f"a batch of {size}; this store takes {most}")


class MemoryFeed(MemoryConnector):
    """A MemoryConnector that tells what was sold: `sold`, which the owner may change at any time.

    Without `sees_changes` an order is found by when it was placed; with it also by `changed_at`,
    which holds when an order was last changed, by its id.
    """

    def __init__(
        self,
        store: StoreId,
        stock: dict[ListingId, object],
        *,
        sold: list[OrderLine],
        now: Callable[[], datetime],
        capabilities: Capabilities = CAPABILITIES,
        codes: Mapping[ListingId, str | None] | None = None,
        groups: Mapping[ListingId, str] | None = None,
        sees_changes: bool = False,
    ) -> None:
        super().__init__(
            store, stock, now=now, capabilities=capabilities, codes=codes, groups=groups
        )
        self.sold = sold
        self.changed_at: dict[str, datetime] = {}
        self._sees_changes = sees_changes

    @property
    def sees_changes(self) -> bool:
        return self._sees_changes

    async def orders(self, since: datetime) -> AsyncIterator[Sequence[OrderLine]]:
        lines = [line for line in self.sold if self._is_recent(line, since)]
        most = self._capabilities.page_max
        for start in range(0, len(lines) or 1, most):
            self._count_call()
            if lines:
                yield lines[start : start + most]

    def _is_recent(self, line: OrderLine, since: datetime) -> bool:
        changed_at = self.changed_at.get(line.order) if self._sees_changes else None
        return line.placed_at >= since or (changed_at is not None and changed_at >= since)
