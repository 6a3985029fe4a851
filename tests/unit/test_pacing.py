"""Requests to one store pass evenly, so many at once, and never during a pause it asked for."""

import asyncio

import pytest

from stocksync.connectors.pacing import Gate
from stocksync.domain.identifiers import StoreId
from stocksync.errors import RateLimited


class Time:
    """A clock that moves when somebody sleeps by it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waited = 0.0

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def note(self, seconds: float) -> None:
        self.waited += seconds


def gate(time: Time, *, rate: float | None = None, places: int = 1) -> Gate:
    return Gate(
        store=StoreId("shop"),
        concurrency_max=places,
        requests_per_second=rate,
        monotonic=time.monotonic,
        waited=time.note,
        sleep=time.sleep,
        jitter=lambda: 0.0,
    )


async def passes(one: Gate, time: Time, *, patience: float = 30) -> float:
    async with one.turn(patience_seconds=patience):
        return time.seconds


async def test_requests_are_spaced_evenly_from_the_first_one_on() -> None:
    time = Time()
    one = gate(time, rate=4)
    sent = [await passes(one, time) for _ in range(5)]
    assert sent == [0, 0.25, 0.5, 0.75, 1.0]
    assert time.waited == 1.0


async def test_time_that_was_not_used_is_not_saved_up_for_a_burst() -> None:
    time = Time()
    one = gate(time, rate=4)
    await passes(one, time)
    time.seconds = 10
    assert [await passes(one, time) for _ in range(3)] == [10, 10.25, 10.5]


async def test_without_a_rate_nobody_waits() -> None:
    time = Time()
    one = gate(time)
    assert [await passes(one, time) for _ in range(3)] == [0, 0, 0]


async def test_a_read_waits_for_a_pause_within_its_patience() -> None:
    time = Time()
    one = gate(time)
    assert one.pause(7) == 7
    assert await passes(one, time, patience=7) == 7
    assert time.waited == 7


async def test_a_pause_longer_than_the_patience_is_told_at_once() -> None:
    time = Time()
    one = gate(time)
    one.pause(7)
    with pytest.raises(RateLimited) as caught:
        await passes(one, time, patience=6.9)
    assert caught.value.retry_after_seconds == 7
    assert time.waited == 0


async def test_a_shorter_pause_never_cuts_a_longer_one() -> None:
    time = Time()
    one = gate(time)
    one.pause(20)
    one.pause(1)
    assert await passes(one, time) == 20


async def test_after_a_pause_the_spacing_still_holds() -> None:
    time = Time()
    one = gate(time, rate=2)
    one.pause(5)
    assert [await passes(one, time) for _ in range(3)] == [5, 5.5, 6]


async def test_pauses_without_a_reason_double_until_a_minute_and_start_anew() -> None:
    one = gate(Time())
    assert [one.pause(None) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    one.answered()
    assert one.pause(None) == 1


async def test_a_write_hears_of_a_pause_even_when_all_places_are_taken() -> None:
    time = Time()
    one = gate(time, places=1)
    async with one.turn(patience_seconds=0):
        one.pause(9)
        with pytest.raises(RateLimited):
            await asyncio.wait_for(passes(one, time, patience=0), timeout=1)


async def test_a_turn_waits_until_a_place_is_free() -> None:
    one = gate(Time(), places=2)
    inside = 0
    most = 0

    async def visit() -> None:
        nonlocal inside, most
        async with one.turn(patience_seconds=0):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(visit() for _ in range(7)))
    assert most == 2
