"""A store in trouble is its own affair (I15), and so is a listing that is always refused (I16)."""

import asyncio
import json
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from math import ceil, log2
from typing import Any

import pytest

from tests.simulation.merchant import Wanted, draw_merchant
from tests.simulation.network import Network, Parcel
from tests.simulation.options import Options, draw
from tests.simulation.process import Process
from tests.simulation.run import Result, run_seed
from tests.simulation.sick import POISON, SICK
from tests.simulation.world import START

SEEDS = range(2)
#: How much longer a healthy store may wait beside a sick one (`reliability §2.6`).
MOST = 1.1
#: A refused listing rests for so long at first, then twice as long each time.
FIRST_REST = 60.0


def four_stores(seed: int, sick: str) -> Options:
    return replace(
        draw(seed), rates={}, sick=sick, skus=6, stores=4, minutes=5.0, poll_seconds=30.0,
        visits_per_minute=12.0, mode="shared", switches=False, settle_seconds=0.0,
        first_contact="push",
    )  # fmt: skip


def longest_wait(result: Result) -> float:
    """Return the longest time between two readings of a store that is not sick."""
    assert not result.failed, str(result.violations[0])
    healthy = {store: times for store, times in result.pulls.items() if store != SICK}
    assert len(healthy) == 3
    return max(later - earlier for times in healthy.values() for earlier, later in pairwise(times))


@cache
def longest_alone() -> float:
    return max(longest_wait(run_seed(four_stores(seed, ""))) for seed in SEEDS)


@pytest.mark.parametrize("sick", ["refused", "slow", "rate_limited", "error_before", "html"])
def test_a_sick_store_does_not_make_the_others_wait(sick: str) -> None:
    beside = max(longest_wait(run_seed(four_stores(seed, sick))) for seed in SEEDS)
    assert beside <= MOST * longest_alone()


def test_stores_that_wait_for_each_other_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    turn, stand = asyncio.Lock(), Process._store

    def in_one_queue(self: Process, name: str) -> Any:
        return replace(stand(self, name), turn=turn)

    alone = longest_alone()
    monkeypatch.setattr(Process, "_store", in_one_queue)
    assert longest_wait(run_seed(four_stores(0, "slow"))) > MOST * alone


@dataclass(frozen=True)
class Batch:
    """A write to the sick store: when, of which codes, and whether it was refused."""

    at: float
    codes: frozenset[str]
    refused: bool


def batches_of(options: Options, monkeypatch: pytest.MonkeyPatch) -> tuple[Result, list[Batch]]:
    """Run a world and return what was written to its sick store while it had trouble."""
    seen: list[Batch] = []
    carry = Network.carry

    def carried(self: Network, parcel: Parcel) -> None:
        carry(self, parcel)
        if parcel.store == SICK and parcel.is_write and not self.quiet:
            codes = frozenset(row["code"] for row in json.loads(parcel.body))
            seen.append(Batch(self.loop.time(), codes, parcel.fault == POISON))

    with monkeypatch.context() as patched:
        patched.setattr(Network, "carry", carried)
        return run_seed(options), seen


def poisoned() -> Options:
    """Return a world whose sick store takes many listings in one write, the first by no rule."""
    for seed in range(200):
        options = replace(four_stores(seed, POISON), skus=9, minutes=12.0, opening_max=60)
        merchant = draw_merchant(options, lambda: START)
        first = next(key for key in merchant.codes if key[0] == SICK)
        if merchant.shops[SICK].platform == "recplus" and merchant.wanted[first] == Wanted():
            return options
    raise AssertionError("no such world")


def test_a_listing_that_is_always_refused_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result, batches = batches_of(poisoned(), monkeypatch)
    assert not result.failed, str(result.violations[0])
    alone = [batch for batch in batches if batch.refused and len(batch.codes) == 1]
    assert len(alone) >= 3
    rests = [later.at - earlier.at for earlier, later in pairwise(alone)]
    assert all(rest >= FIRST_REST * 2**number for number, rest in enumerate(rests)), rests
    [poison] = {code for batch in alone for code in batch.codes}
    for batch in batches:
        if not batch.refused or len(batch.codes) == 1:
            continue
        after = [one for one in batches if batch.at < one.at < batch.at + FIRST_REST / 2]
        halves = [one for one in after if one.codes < batch.codes]
        written = {code for one in halves if not one.refused for code in one.codes}
        assert written >= batch.codes - {poison}
        until = next(at for at, one in enumerate(halves) if one.codes == {poison})
        assert until + 1 <= 2 * ceil(log2(len(batch.codes)))
