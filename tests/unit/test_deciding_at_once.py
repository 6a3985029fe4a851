"""Two who decide about one hold at once: the first is heard, the second is told so."""

import asyncio
from dataclasses import replace

import pytest

from stocksync.contracts.ledger import Commit, Hold, HoldState
from stocksync.domain.identifiers import ListingId
from stocksync.engine.decisions import decide
from stocksync.errors import StalePlan
from stocksync.ledger.memory import MemoryLedger
from tests.unit.gates_kit import A, sells, state
from tests.world import Clock, World

OPEN, APPROVED, REJECTED = HoldState.OPEN, HoldState.APPROVED, HoldState.REJECTED


class ReadByTwo(MemoryLedger):
    """Books that two people read before either writes."""

    both: asyncio.Barrier | None = None

    async def hold(self, hash_: str) -> Hold | None:
        found = await super().hold(hash_)
        if self.both is not None:
            await self.both.wait()
            self.both = None
        return found


class Interrupted(MemoryLedger):
    """Books that a person writes to just before a look does."""

    word: Commit | None = None

    async def commit(self, commit: Commit) -> int:
        if self.word is not None and commit.lease is not None and commit.holds:
            word, self.word = self.word, None
            await super().commit(word)
        return await super().commit(commit)


async def held(ledger: MemoryLedger, clock: Clock) -> tuple[World, Hold]:
    stock = {f"S{number:03}": 10 for number in range(8)}
    at = World(stores={"a": {**stock}, "b": {**stock}}, ledger=ledger, clock=clock)
    await at.count(**stock)
    await at.sync()
    sells(at, 8, 10)
    await at.sync()
    [hold] = await ledger.holds()
    return at, hold


async def test_of_two_who_decide_at_once_the_second_is_refused_and_told_of_the_first() -> None:
    clock = Clock()
    ledger = ReadByTwo(now=clock)
    at, hold = await held(ledger, clock)
    ledger.both = asyncio.Barrier(2)
    words = {"anna": REJECTED, "bert": APPROVED}
    said = await asyncio.gather(
        *(decide(at.context, hold.hash, to, by=name) for name, to in words.items()),
        return_exceptions=True,
    )
    [(decided, _)] = [each for each in said if not isinstance(each, BaseException)]
    [refused] = [each for each in said if isinstance(each, StalePlan)]
    first = decided.decided_by
    assert decided.state is words[first] is await state(at, hold.hash)
    text = f"hold {hold.hash} was {words[first].value} by {first} meanwhile; look at it again"
    assert str(refused) == text
    [second] = words.keys() - {first}
    decided, is_new = await decide(at.context, hold.hash, words[second], by=second)
    assert (decided.decided_by, is_new) == (second, True), "who has seen it may decide otherwise"


async def test_two_who_say_the_same_at_once_are_both_told_so_and_one_is_kept() -> None:
    clock = Clock()
    ledger = ReadByTwo(now=clock)
    at, hold = await held(ledger, clock)
    ledger.both = asyncio.Barrier(2)
    said = await asyncio.gather(
        *(decide(at.context, hold.hash, REJECTED, by=name) for name in ("anna", "bert"))
    )
    assert sorted(is_new for _, is_new in said) == [False, True]
    assert {decided.state for decided, _ in said} == {REJECTED}
    assert len({decided.decided_by for decided, _ in said}) == 1


async def test_a_decision_about_a_hold_that_ended_meanwhile_is_refused_and_leaves_no_trace() -> (
    None
):
    clock = Clock()
    ledger = ReadByTwo(now=clock)
    at, hold = await held(ledger, clock)
    ledger.both = asyncio.Barrier(2)
    late = asyncio.create_task(decide(at.context, hold.hash, APPROVED, by="bert"))
    await asyncio.sleep(0)
    sells(at, 8, -10)  # the store mends itself
    await at.sync()
    await ledger.both.wait()
    with pytest.raises(StalePlan, match="was withdrawn meanwhile"):
        await late
    assert await state(at, hold.hash) is HoldState.WITHDRAWN
    sells(at, 8, 10)
    assert (await at.sync()).outcome == "held", "nobody approved this"


async def test_a_look_that_ends_a_hold_does_not_lose_what_was_decided_during_it() -> None:
    clock = Clock()
    ledger = Interrupted(now=clock)
    at, hold = await held(ledger, clock)
    at.shops[A].stock[ListingId("S000")] = 1  # not the same plan any more: the old hold ends
    word = replace(hold, state=REJECTED, decided_at=clock(), decided_by="anna")
    ledger.word = Commit(holds=[word], as_read=[hold])
    await at.sync()
    ended = await ledger.hold(hold.hash)
    assert ended is not None
    assert (ended.state, ended.decided_by) == (HoldState.WITHDRAWN, "anna")
    assert await at.on_hand("S001") == at.shows("a")["S001"] == 10, "what was rejected is put right"
