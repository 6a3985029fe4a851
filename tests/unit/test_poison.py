"""One listing that a store refuses spoils nobody else's write, and is tried again later."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, log2

import pytest

from stocksync.contracts.connector import WriteResult
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.stock import Correction
from stocksync.engine.explain import view
from stocksync.engine.outcomes import BACK_OFF_SECONDS_MAX, back_off
from stocksync.engine.story import Story
from stocksync.errors import StoreRejected
from tests.world import SET_ONLY, Shop, World, world

A = StoreId("a")
POISON = "SKU-00037"


class Picky(Shop):
    """A shop that refuses a whole batch when one listing in it is bad, as REC+ does."""

    bad: frozenset[str] = frozenset()

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        self.written += [(at.listing, at.quantity) for at in corrections[:1]]
        if self.bad & {str(at.listing) for at in corrections}:
            raise StoreRejected("422: bad row")
        written = self.written
        results = await super().write(corrections)
        self.written = written[: len(written) - len(corrections)]
        return results


async def poisoned(rows: int, batch: int, *, bad: frozenset[str]) -> tuple[World, int]:
    """A store of which every row is to be written; return it and how many requests that took."""
    stock: dict[str, object] = {f"SKU-{number:05}": 1 for number in range(rows)}
    capabilities = replace(SET_ONLY, write_batch_max=batch, read_batch_max=batch)
    at = world({"a": stock}, capabilities=capabilities)
    await at.count(**dict.fromkeys(stock, 5))
    shop = at.shops[A]
    shop.__class__ = Picky
    assert isinstance(shop, Picky)
    shop.bad = bad
    await at.sync()
    return at, len(shop.written)


@pytest.mark.parametrize(("rows", "batch"), [(100, 100), (1000, 100), (1000, 1000), (128, 128)])
async def test_one_bad_row_is_found_in_few_requests_and_all_others_are_written(
    rows: int, batch: int
) -> None:
    at, calls = await poisoned(rows, batch, bad=frozenset({POISON}))
    assert calls - ceil(rows / batch) <= 2 * ceil(log2(batch)) + 1
    shown = at.shows("a")
    assert shown.pop(POISON) == 1
    assert set(shown.values()) == {5}


async def test_without_a_bad_row_there_is_one_request_per_batch() -> None:
    _, calls = await poisoned(1000, 100, bad=frozenset())
    assert calls == 10


async def test_a_refused_row_is_left_alone_and_tried_again_after_a_growing_pause() -> None:
    at, _ = await poisoned(100, 100, bad=frozenset({POISON}))
    shop = at.shops[A]
    tried = []
    for _ in range(8):
        before = len(shop.written)
        await at.sync()
        at.clock.pass_(58)
        tried.append(len(shop.written) - before)
    assert tried == [0, 1, 0, 1, 0, 0, 0, 1]


async def test_a_refused_row_that_became_good_is_written_and_forgotten() -> None:
    at, _ = await poisoned(100, 100, bad=frozenset({POISON}))
    shop = at.shops[A]
    assert isinstance(shop, Picky)
    shop.bad = frozenset()
    at.clock.pass_(61)
    await at.sync()
    assert set(at.shows("a").values()) == {5}
    record = (await at.ledger.records(A))[ListingId(POISON)]
    assert (record.attempts, record.retry_at, record.due_since) == (0, None, None)


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 60), (1, 120), (5, 1920), (6, 3600)])
def test_the_pause_doubles(attempts: int, seconds: int) -> None:
    assert back_off(attempts) == seconds
    assert back_off(1000) == BACK_OFF_SECONDS_MAX


async def test_explain_says_that_a_row_is_refused_and_when_it_is_tried_again() -> None:
    at, _ = await poisoned(100, 100, bad=frozenset({POISON}))
    found = await view(at.context, Sku(POISON))
    [listing] = found.listings
    story = Story(
        view=listing, store=at.context.stores[A], intents=[], holds=[], now=at.context.now()
    )
    assert story.next().endswith("was refused 1 times; tried again in 59 s")
