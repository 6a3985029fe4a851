"""The schedule: each store in its own rhythm, and a reload that disturbs only what it changes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from stocksync.domain.identifiers import StoreId
from stocksync.scheduler import Rhythm, Schedule
from tests.world import NOON

A, B = StoreId("a"), StoreId("b")
SLOW = Rhythm(poll=timedelta(hours=1), sweep=timedelta(hours=6))
USUAL = Rhythm(poll=timedelta(seconds=60), sweep=timedelta(hours=1))
FAST = Rhythm(poll=timedelta(seconds=5), sweep=timedelta(minutes=1))


def schedule() -> Schedule:
    return Schedule(lambda *_: None, now=lambda: NOON)


def times(made: Schedule) -> dict[str, timedelta]:
    return {job.id: job.next_run_time - NOON for job in made._clock.get_jobs()}


def test_every_store_is_pulled_at_once_and_then_at_its_own_pace() -> None:
    made = schedule()
    made.follow({A: USUAL, B: SLOW})
    for store, rhythm in ((A, USUAL), (B, SLOW)):
        job = made._clock.get_job(f"pull:{store}")
        assert made.next_pull(store) == NOON
        following = job.trigger.get_next_fire_time(NOON, NOON)
        assert abs((following - NOON) - rhythm.poll) <= rhythm.poll / 10


def test_sweeps_and_hot_looks_come_later_and_a_fast_store_needs_no_hot_lane() -> None:
    made = schedule()
    made.follow({A: USUAL, B: FAST})
    assert times(made) == {
        "pull:a": timedelta(0),
        "hot:a": timedelta(seconds=15),
        "sweep:a": timedelta(minutes=15),
        "pull:b": timedelta(0),
        "sweep:b": timedelta(seconds=15),
    }


def test_no_two_stores_march_in_step() -> None:
    made = schedule()
    made.follow({A: USUAL})
    trigger = made._clock.get_job("pull:a").trigger
    spread = {trigger.get_next_fire_time(NOON, NOON) for _ in range(50)}
    assert len(spread) > 40


def test_a_reload_leaves_alone_who_keeps_its_rhythm() -> None:
    made = schedule()
    made.follow({A: USUAL, B: SLOW})
    kept = made._clock.get_job("pull:a")
    made.follow({A: USUAL, B: USUAL})
    assert made._clock.get_job("pull:a") is kept
    assert times(made)["sweep:b"] == timedelta(minutes=15)
    made.follow({B: FAST})
    assert set(times(made)) == {"pull:b", "sweep:b"}
    assert made.next_pull(A) is None


@pytest.mark.parametrize("kind", ["pull", "sweep", "hot"])
async def test_the_clock_asks_for_each_kind_by_name(kind: str) -> None:
    asked: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    made = Schedule(lambda store, kind: asked.put_nowait((store, kind)), now=lambda: NOON)
    made.follow({A: USUAL})
    job = made._clock.get_job(f"{kind}:a")
    await job.func(*job.args)
    assert asked.get_nowait() == ("a", kind)


async def test_a_running_clock_asks_for_the_first_pull_at_once_and_can_be_stopped() -> None:
    asked: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    made = Schedule(
        lambda store, kind: asked.put_nowait((store, kind)), now=lambda: datetime.now(UTC)
    )
    made.follow({A: USUAL})
    made.start()
    async with asyncio.timeout(5):
        assert await asked.get() == ("a", "pull")
    made.stop()


async def test_a_stop_in_the_middle_of_work_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    made = Schedule(lambda *_: None, now=lambda: datetime.now(UTC))
    made.every(timedelta(milliseconds=1), work, "work")
    made.start()
    async with asyncio.timeout(5):
        await begun.wait()
        made.stop()
        await ended.wait()
        await asyncio.sleep(0)
    assert [line.getMessage() for line in caplog.records if line.levelname == "ERROR"] == []
