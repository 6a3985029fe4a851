"""What the soak would find: memory, files and threads that grow; and a run that proves nothing."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from tests.benchmarks.soak_samples import Sample, faults_in, slope, table, total

GOOD = Sample(
    minutes=0,
    memory_mb=100,
    files=25,
    threads=7,
    database_mb=5,
    movements=0,
    writes=0,
    requests=0,
    failed=1,
)


def half_an_hour(
    change: Callable[[float, Sample], Sample] = lambda _, at: at, *, minutes: int = 30
) -> list[Sample]:
    """Sample six times a minute; memory climbs while it warms up and trembles afterwards."""
    samples = []
    for number in range(minutes * 6):
        at = number / 6
        warm = min(at, 8) + (number % 5) * 0.2
        sample = replace(GOOD, minutes=at, memory_mb=100 + warm, movements=number, writes=number)
        samples.append(change(at, replace(sample, files=25 + number % 4)))
    return samples


def test_a_process_that_only_warms_up_is_fine() -> None:
    assert faults_in(half_an_hour()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda at, s: replace(s, memory_mb=s.memory_mb + 1.1 * at), "memory grows by 1.1"),
        (lambda at, s: replace(s, memory_mb=s.memory_mb + 0.3 * at), "2.6% in ten"),
        (lambda at, s: replace(s, files=s.files + int(at / 4)), "open files grow"),
        (lambda at, s: replace(s, threads=s.threads + int(at / 4)), "threads grow"),
        (lambda _, s: replace(s, writes=7), "proves nothing"),
        (lambda _, s: replace(s, movements=7), "proves nothing"),
        (lambda _, s: replace(s, failed=0), "no job failed"),
    ],
)
def test_what_grows_or_proves_nothing_is_found(
    change: Callable[[float, Sample], Sample], said: str
) -> None:
    [fault] = faults_in(half_an_hour(change))
    assert said in fault


def test_of_a_short_run_nothing_is_said_about_memory() -> None:
    leaking = half_an_hour(lambda at, s: replace(s, memory_mb=s.memory_mb + 5 * at), minutes=9)
    assert faults_in(leaking) == []


def test_files_that_come_and_go_are_no_leak() -> None:
    def burst(at: float, sample: Sample) -> Sample:
        return replace(sample, files=sample.files + (20 if at % 2 > 1 else 0))

    assert faults_in(half_an_hour(burst)) == []


def test_counters_are_added_up_over_all_stores() -> None:
    text = (
        "# HELP stocksync_runs_total x\n"
        'stocksync_runs_total{outcome="failed",store="a"} 2.0\n'
        'stocksync_runs_total{outcome="ok",store="a"} 40.0\n'
        'stocksync_runs_total{outcome="failed",store="b"} 1e+01\n'
        "stocksync_oversold_units 3.0\n"
    )
    assert total(text, "runs_total", 'outcome="failed"') == 12
    assert total(text, "runs_total") == 52
    assert total(text, "oversold_units") == 3
    assert total(text, "runs") == 0


def test_the_slope_is_that_of_the_line() -> None:
    numbers: Iterable[int] = range(10)
    line = [replace(GOOD, minutes=at, memory_mb=7 + at / 4) for at in numbers]
    assert slope(line, lambda at: at.memory_mb) == pytest.approx(0.25)


def test_the_table_shows_the_first_and_the_last() -> None:
    rows = table(half_an_hour()).splitlines()
    assert rows[1].split()[0] == "0.0"
    assert rows[-2].split()[0] == "29.8"
    assert len(rows) < 32
