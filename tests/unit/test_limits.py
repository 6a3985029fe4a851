"""How often somebody may ask: bursts, refills, and who is forgotten when there are too many."""

import pytest

from stocksync.ops import limits
from stocksync.ops.limits import Buckets, Pace
from tests.world import Clock


def test_what_comes_at_once_is_let_in_up_to_the_burst_and_no_further() -> None:
    buckets = Buckets(Pace(burst=3, per_second=0.5), Clock())

    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 2, 2]


def test_who_waits_as_long_as_was_said_is_let_in_and_a_moment_earlier_is_not() -> None:
    clock = Clock()
    buckets = Buckets(Pace(burst=1, per_second=0.25), clock)
    assert [buckets.take("a"), buckets.take("a")] == [0, 4]

    clock.pass_(3.5)
    assert buckets.take("a") == 1, "half a second more, in whole seconds"
    clock.pass_(0.5)
    assert buckets.take("a") == 0


def test_a_long_silence_saves_no_more_than_one_burst() -> None:
    clock = Clock()
    buckets = Buckets(Pace(burst=2, per_second=1), clock)

    clock.pass_(1_000_000)

    assert [buckets.take("a") for _ in range(3)] == [0, 0, 1]


def test_each_name_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(Pace(burst=1, per_second=1), Clock())

    assert [buckets.take(name) for name in ("a", "b", "a", "b")] == [0, 0, 1, 1]


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    clock = Clock()
    buckets = Buckets(Pace(burst=2, per_second=1), clock)
    assert buckets.take("a") == 0

    clock.pass_(-3600)
    assert [buckets.take("a"), buckets.take("a")] == [0, 1]
    clock.pass_(1)
    assert buckets.take("a") == 0, "and an hour is not made up for"


def test_ever_new_names_cost_a_bounded_memory_and_the_last_ones_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 3)
    buckets = Buckets(Pace(burst=1, per_second=1), Clock())

    taken = [buckets.take(name) for name in ("a", "b", "c", "d")]

    assert taken == [0, 0, 0, 0]
    assert buckets.take("d") == 1, "still known"
    assert buckets.take("a") == 0, "forgotten, as nobody had used it for longest"
