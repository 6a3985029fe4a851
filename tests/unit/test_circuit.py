"""A store that keeps failing is left alone for longer and longer, and delays nobody else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from stocksync.dispatch.embedded import Embedded
from stocksync.dispatch.reminders import Pace
from stocksync.domain import circuit
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import Observation
from stocksync.errors import AuthFailed, RateLimited, StoreUnavailable
from stocksync.metrics import STORE_STATE
from tests.world import World, world

A, B = StoreId("a"), StoreId("b")


def down(times: int) -> list[Exception]:
    return [StoreUnavailable("down") for _ in range(times)]


class Seconds:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def served() -> tuple[World, Embedded, Seconds]:
    at = world({"a": {"MUG": 10}, "b": {"MUG": 10}})
    await at.count(MUG=10)
    await at.sync()
    seconds = Seconds()
    return at, Embedded(lambda: at.context, pace=Pace(monotonic=seconds)), seconds


async def poll(dispatcher: Embedded, *stores: StoreId, times: int = 1) -> None:
    for _ in range(times):
        for store in stores:
            dispatcher.request(store, "pull")
        await dispatcher.idle()


PAUSES = [(0, 0), (1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (6, 8), (7, 16), (8, 30), (5000, 30)]


@pytest.mark.parametrize(("failures", "minutes"), PAUSES)
def test_a_pause_begins_with_the_third_failure_and_doubles_up_to_half_an_hour(
    failures: int, minutes: int
) -> None:
    assert circuit.pause(failures) == timedelta(minutes=minutes)
    assert circuit.is_open(failures) == bool(minutes)


#: The rule bent in every way that matters; the table above has to notice each.
BENT: dict[str, tuple[str, object]] = {
    "opens after two": ("FAILURES_MAX", 2),
    "opens after four": ("FAILURES_MAX", 4),
    "begins with two minutes": ("FIRST_PAUSE", timedelta(minutes=2)),
    "grows for ever": ("LONGEST_PAUSE", timedelta(days=365)),
    "never grows": ("LONGEST_PAUSE", timedelta(minutes=1)),
}


@pytest.mark.parametrize("bent", BENT)
def test_the_table_notices_a_bent_rule(bent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, *BENT[bent])
    told = [circuit.pause(failures) for failures, _ in PAUSES]
    assert told != [timedelta(minutes=minutes) for _, minutes in PAUSES]


def test_what_a_person_must_mend_opens_at_once_and_never_makes_a_long_pause_shorter() -> None:
    assert circuit.is_open(circuit.failures_after(0, at_once=True))
    assert not circuit.is_open(circuit.failures_after(1, at_once=False))
    assert circuit.failures_after(6, at_once=True) == 7


@pytest.mark.parametrize(
    ("failed", "worked", "over"),
    [
        ("pull", "pull", True),
        ("pull", "look", True),
        ("pull", "push", False),
        ("push", "pull", False),
        ("push", "hot", False),
        ("push", "push", True),
        ("sweep", "push", True),
        ("sweep", "pull", False),
    ],
)
def test_only_work_in_the_same_direction_ends_it(failed: str, worked: str, *, over: bool) -> None:
    assert circuit.ends(worked, circuit.described(failed, "push: pull: down")) is over


async def test_three_failed_pulls_in_a_row_pause_it_and_the_fourth_poll_asks_nothing() -> None:
    at, dispatcher, _ = await served()
    at.shops[A].census_errors = down(9)
    await poll(dispatcher, A, times=3)
    assert len(at.shops[A].census_errors) == 6
    await poll(dispatcher, A, times=20)
    assert len(at.shops[A].census_errors) == 6
    known = await at.ledger.store(A)
    assert (known.failures, known.last_error) == (3, "read: down")
    assert STORE_STATE.labels(A, "paused")._value.get() == 1


async def test_after_its_pause_it_is_tried_once_and_then_rests_for_twice_as_long() -> None:
    at, dispatcher, seconds = await served()
    at.shops[A].census_errors = down(99)
    await poll(dispatcher, A, times=3)
    tried = []
    for _ in range(12):
        seconds.now += 30
        before = len(at.shops[A].census_errors)
        await poll(dispatcher, A)
        tried.append(before - len(at.shops[A].census_errors))
    assert tried == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


async def test_the_first_success_ends_it_and_both_ends_are_one_line_in_the_log() -> None:
    at, dispatcher, seconds = await served()
    at.shops[A].census_errors = down(5)
    with capture_logs() as lines:
        await poll(dispatcher, A, times=3)
        for _ in range(3):
            seconds.now += 3600
            await poll(dispatcher, A)
    events = [line["event"] for line in lines]
    assert sum("store paused" in event for event in events) == 1
    assert events.count("store works again") == 1
    assert (await at.ledger.store(A)).failures == 0
    assert STORE_STATE.labels(A, "paused")._value.get() == 0


async def test_two_failures_and_a_success_pause_nothing() -> None:
    at, dispatcher, _ = await served()
    for _ in range(4):
        at.shops[A].census_errors = down(2)
        await poll(dispatcher, A, times=3)
        assert at.shops[A].census_errors == []


async def test_refused_credentials_pause_at_once() -> None:
    at, dispatcher, _ = await served()
    at.shops[A].census_errors = [AuthFailed("401"), AuthFailed("401")]
    await poll(dispatcher, A, times=5)
    assert len(at.shops[A].census_errors) == 1


async def test_a_run_by_hand_tries_at_once_and_its_success_lets_the_schedule_go_on() -> None:
    at, dispatcher, _ = await served()
    at.shops[A].census_errors = down(3)
    await poll(dispatcher, A, times=4)
    at.sell("a", "MUG", 4)
    run = await at.sync()
    assert run.outcome == "ok"
    assert at.shows("b") == {"MUG": 6}
    at.sell("a", "MUG", 1)
    await poll(dispatcher, A)
    assert at.shows("b") == {"MUG": 5}


async def test_a_store_that_takes_no_writes_is_read_on_and_its_sales_reach_the_others() -> None:
    at, dispatcher, _ = await served()
    shop = at.shops[A]
    shop.write_errors = [(AuthFailed("403"), False)] * 9
    at.sell("b", "MUG", 1)
    await poll(dispatcher, B)
    assert len(shop.write_errors) == 8
    for left in (8, 7, 6):
        at.sell("a", "MUG", 1)
        await poll(dispatcher, A, B)
        assert at.shows("b") == {"MUG": left}
    assert len(shop.write_errors) == 8, "writing rests"
    assert (await at.ledger.store(A)).last_error == "write: 403"


async def hangs() -> AsyncIterator[Sequence[Observation]]:
    await asyncio.Event().wait()
    yield []


async def breaks() -> AsyncIterator[Sequence[Observation]]:
    raise StoreUnavailable("500")
    yield []


async def refuses() -> AsyncIterator[Sequence[Observation]]:
    raise RateLimited("429", retry_after_seconds=60)
    yield []


@pytest.mark.parametrize("sick", [hangs, breaks, refuses])
async def test_a_sick_store_costs_the_others_no_job_and_no_call(sick: object) -> None:
    calls = {}
    for ill in (False, True):
        at = world({"a": {"MUG": 50}, "b": {"MUG": 50}, "c": {"MUG": 50}})
        await at.count(MUG=50)
        await at.sync()
        dispatcher = Embedded(lambda at=at: at.context)  # type: ignore[misc]
        if ill:
            at.shops[A].census = sick  # type: ignore[assignment,method-assign]
        for cycle in range(10):
            at.sell("b", "MUG", 1)
            for store in at.context.stores:
                dispatcher.request(store, "pull")
            while at.shows("c") != {"MUG": 49 - cycle} or any(
                status.working for status in dispatcher.statuses() if status.store != A
            ):
                await asyncio.sleep(0)
        calls[ill] = [at.shops[store].api_calls for store in (B, StoreId("c"))]
        await dispatcher.drain(0)
    assert calls[True] == calls[False]
