"""A store that answers from a cache: for some seconds it shows what it showed at one moment."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.simulation.merchant import Merchant
from tests.simulation.network import Parcel
from tests.simulation.options import Options
from tests.simulation.trace import Trace
from tests.simulation.truth import Truth


@dataclass(frozen=True, kw_only=True)
class Cached:
    """What a store showed at one moment, kept until another: raw numbers, and those by code."""

    until: float
    numbers: Mapping[int, object]
    shown: Mapping[str, int | None]


class Stale:
    """The caches of all stores. There is one in each: what is read later is never older.

    Stores with several copies that are not of one age go back and forth; that nobody claims to
    withstand without orders, as it cannot be told from a sale and a return.
    """

    def __init__(self, merchant: Merchant, truth: Truth, trace: Trace, options: Options) -> None:
        self._merchant = merchant
        self._truth = truth
        self._trace = trace
        self._options = options
        self._chance = random.Random(f"stale {options.seed}")
        self._cached: dict[str, Cached] = {}
        self._rate = 0.0

    def told(self, store: str, code: str, at: float) -> int | None:
        """Return how far a listing has come in what its store still shows; None: as it is now."""
        cached = self._cached.get(store)
        if cached is None or at >= cached.until or code not in cached.shown:
            return None
        return self._truth.stories[store, code].cached

    def begin(self) -> None:
        """Keep caches from now on."""
        self._rate = self._options.rate("stale_reads")

    def end(self) -> None:
        """Answer as it is from now on."""
        self._cached.clear()
        self._rate = 0.0

    @contextmanager
    def showing(self, parcel: Parcel, at: float) -> Iterator[None]:
        """Let a store answer one request from its cache, where it does."""
        if not self._rate or parcel.is_write or "/orders" in parcel.request.url.path:
            yield
            return
        cached = self._cached.get(parcel.store)
        if cached is None or at >= cached.until:
            if self._chance.random() < self._rate:
                self._cached[parcel.store] = self._fill(parcel.store, at)
            yield
            return
        parcel.cached = cached.shown
        with self._numbers(parcel.store, cached.numbers):
            yield

    def _fill(self, store: str, at: float) -> Cached:
        shop = self._merchant.shops[store]
        seconds = self._chance.uniform(0.3, 0.99) * self._options.settle_seconds
        shown: dict[str, int | None] = {}
        for (known, code), story in self._truth.stories.items():
            if known == store:
                story.cached, shown[code] = self._truth.sampled(store, code)
        numbers = {id(item): item.quantity for item in shop.items}
        return Cached(until=at + seconds, numbers=numbers, shown=shown)

    @contextmanager
    def _numbers(self, store: str, numbers: Mapping[int, object]) -> Iterator[None]:
        """Put old numbers on show while a request is answered."""
        items: list[Any] = self._merchant.shops[store].items
        fresh = [(item, item.quantity) for item in items if id(item) in numbers]
        for item, quantity in fresh:
            item.quantity = numbers[id(item)]
            if item.quantity != quantity:
                self._trace.reached("a store showed an old number")
        try:
            yield
        finally:
            for item, quantity in fresh:
                item.quantity = quantity
