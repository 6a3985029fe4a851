"""The embedded dispatcher: one job per store at a time, pushes follow changes, stops drain."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from stocksync import scheduler
from stocksync.contracts.dispatch import Wish
from stocksync.dispatch.embedded import Embedded
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Observation
from stocksync.errors import RunInProgress, StoreUnavailable, UnknownName
from tests.world import NOON, World, world

A, B = StoreId("a"), StoreId("b")


async def agreed() -> tuple[World, Embedded]:
    at = world({"a": {"MUG": 10}, "b": {"MUG": 10}})
    await at.count(MUG=10)
    await at.sync()
    return at, Embedded(lambda: at.context)


async def test_a_pull_that_books_a_sale_makes_the_other_store_follow_without_being_polled() -> None:
    at, dispatcher = await agreed()
    at.sell("a", "MUG", 3)
    dispatcher.request(A, "pull")
    await dispatcher.idle()
    assert at.shows("b") == {"MUG": 7}


async def test_requests_of_one_kind_coalesce_while_a_store_works() -> None:
    at, dispatcher = await agreed()
    calls = at.shops[A].api_calls
    answers = [dispatcher.request(A, "pull") for _ in range(50)]
    await dispatcher.idle()
    assert answers.count(True) == 1
    assert at.shops[A].api_calls == calls + 1


async def test_jobs_of_one_store_never_overlap_and_a_slow_store_delays_nobody() -> None:
    at, dispatcher = await agreed()
    gate = asyncio.Event()
    running: list[int] = []
    shop = at.shops[A]
    honest = shop.census

    async def slow() -> AsyncIterator[Sequence[Observation]]:
        running.append(1)
        assert len(running) == 1
        await gate.wait()
        async for page in honest():
            yield page
        running.pop()

    shop.census = slow  # type: ignore[method-assign]
    dispatcher.request(A, "pull")
    at.sell("b", "MUG", 1)
    dispatcher.request(B, "pull")
    while await at.on_hand("MUG") != 9:  # b is booked while a still hangs
        await asyncio.sleep(0)
    assert running == [1]
    dispatcher.request(A, "pull")
    gate.set()
    await dispatcher.idle()
    assert at.shows("a") == {"MUG": 9}


async def test_a_store_whose_pull_failed_is_not_written_until_it_can_be_read() -> None:
    at, dispatcher = await agreed()
    at.shops[B].census_errors = [StoreUnavailable("down")]
    dispatcher.request(B, "pull")
    await dispatcher.idle()
    at.sell("a", "MUG", 2)
    dispatcher.request(A, "pull")
    await dispatcher.idle()
    assert at.shops[B].written == []
    dispatcher.request(B, "pull")
    await dispatcher.idle()
    assert at.shops[B].written == [(ListingId("MUG"), 8)]


async def test_a_quiet_round_keeps_no_row_and_a_busy_one_does() -> None:
    at, dispatcher = await agreed()
    before = len(await at.ledger.runs())
    dispatcher.request(A, "pull")
    await dispatcher.idle()
    assert len(await at.ledger.runs()) == before
    at.sell("a", "MUG", 1)
    dispatcher.request(A, "pull")
    await dispatcher.idle()
    kinds = [run.kind for run in await at.ledger.runs()][: -before or None]
    assert sorted(kinds) == ["pull", "push"]


async def test_draining_lets_the_running_job_end_and_takes_no_more() -> None:
    at, dispatcher = await agreed()
    at.sell("a", "MUG", 2)
    dispatcher.request(A, "pull")
    await asyncio.sleep(0)
    assert await dispatcher.drain(5)
    assert await at.on_hand("MUG") == 8
    assert dispatcher.request(A, "pull") is False


async def test_draining_cancels_what_does_not_end_and_leaves_nothing_running() -> None:
    at, dispatcher = await agreed()

    async def hangs() -> AsyncIterator[Sequence[Observation]]:
        await asyncio.Event().wait()
        yield []

    at.shops[A].census = hangs  # type: ignore[method-assign]
    dispatcher.request(A, "pull")
    while not await at.ledger.lease_holder(A):
        await asyncio.sleep(0)
    assert await dispatcher.drain(0) is False
    assert await at.ledger.lease_holder(A) == ""


def test_every_store_is_asked_at_once_and_then_at_its_own_pace() -> None:
    polls = {A: timedelta(seconds=60), B: timedelta(hours=1)}
    clock = scheduler.build(polls, lambda store: store, now=NOON)
    jobs = {job.id: job for job in clock.get_jobs()}
    assert set(jobs) == {"pull:a", "pull:b"}
    for store, poll in polls.items():
        job = jobs[f"pull:{store}"]
        assert job.next_run_time == NOON
        following = job.trigger.get_next_fire_time(NOON, NOON)
        assert abs((following - NOON) - poll) <= poll / 10


async def test_a_run_by_hand_can_be_watched_from_its_beginning_to_its_end() -> None:
    at, dispatcher = await agreed()
    at.sell("a", "MUG", 2)
    run = await dispatcher.reconcile(Wish())
    events = [event async for event in dispatcher.events(run)]
    assert {(event.store, event.stage) for event in events[:-1]} == {
        ("a", "read"), ("b", "read"), ("a", "written"), ("b", "written"),
    }  # fmt: skip
    assert (events[-1].stage, events[-1].outcome) == ("ended", "ok")
    assert [event async for event in dispatcher.events(run)] == events
    assert at.shows("b") == {"MUG": 8}
    kept = await at.ledger.run(run)
    assert kept is not None
    assert (kept.trigger, kept.outcome) == ("api", "ok")


async def test_a_second_run_by_hand_is_refused_and_names_the_first() -> None:
    _, dispatcher = await agreed()
    first = await dispatcher.reconcile(Wish())
    with pytest.raises(RunInProgress) as refused:
        await dispatcher.reconcile(Wish())
    assert refused.value.run == first
    async for _event in dispatcher.events(first):
        pass
    assert await dispatcher.reconcile(Wish()) != first


async def test_a_dry_run_keeps_its_plan_and_changes_nothing() -> None:
    at, dispatcher = await agreed()
    at.sell("a", "MUG", 2)
    run = await dispatcher.reconcile(Wish(dry_run=True))
    async for _event in dispatcher.events(run):
        pass
    assert await at.on_hand("MUG") == 10
    assert at.shows("b") == {"MUG": 10}
    kept = await at.ledger.run(run)
    assert kept is not None
    lines = [line for store in kept.stores for line in store["lines"]]
    assert {(line["before"], line["after"], line["why"]) for line in lines} == {
        (10, 8, "sale"), (10, 8, "target"),
    }  # fmt: skip


async def test_an_unknown_store_is_refused_with_the_nearest_name() -> None:
    _, dispatcher = await agreed()
    with pytest.raises(UnknownName, match="did you mean 'a'"):
        await dispatcher.reconcile(Wish(stores=(StoreId("aa"),)))
