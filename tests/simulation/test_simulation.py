"""Whole worlds from a seed each: whatever fails, nothing is lost or invented, and all comes right.

`SIMULATION_SEEDS` says how many, `SIMULATION_FIRST` where to begin. `make simulate` runs more of
them, and `make reliability` prints the figures.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from tests.simulation.figures import crash_points, hunted, killed_at
from tests.simulation.loop import VirtualLoop
from tests.simulation.open_points import OPEN
from tests.simulation.options import KINDS, Options, draw
from tests.simulation.planted import ALLOCATED, FED, PLANTED, SHARPER, plant
from tests.simulation.run import Result, run_seed
from tests.simulation.shrink import shrink
from tests.simulation.sometimes import REQUIRED
from tests.simulation.trace import Trace

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "500"))
FIRST = int(os.environ.get("SIMULATION_FIRST", "0"))
#: How many seeds one test runs: pytest spreads tests over its processes, and a test cannot be cut.
CHUNK = 25
CHUNKS = [range(at, min(at + CHUNK, FIRST + SEEDS)) for at in range(FIRST, FIRST + SEEDS, CHUNK)]
#: Fewer seeds than this need not reach every rare state; some more may be asked for the last ones.
ENOUGH = 500
MORE = 200
#: One planted bug for each part of the service; `make reliability` hunts them all.
SAMPLED = (
    "no re-read before a write",
    "units are booked twice",
    "orders are not read",
    "intents are not kept",
    "a lease is no lock",
    "no gate on changes",
)
ROOT = Path(__file__).parents[2]


class Reached:
    """The states that all chunks reached together, whichever process ran them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def by(self, chunk: range, states: Iterable[str]) -> set[str] | None:
        """Tell what a chunk reached, and get what all did; None while some have not told yet."""
        unfinished = self._folder / f"{chunk.start}.unfinished"
        unfinished.write_text(json.dumps(sorted(states)), encoding="utf-8")
        unfinished.rename(self._folder / f"{chunk.start}.json")
        told = list(self._folder.glob("*.json"))
        if len(told) < len(CHUNKS):
            return None
        return {state for file in told for state in json.loads(file.read_text(encoding="utf-8"))}


@pytest.fixture
def reached(tmp_path_factory: pytest.TempPathFactory) -> Reached:
    base = tmp_path_factory.getbasetemp()
    return Reached((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "reached")


def unreached(states: set[str]) -> set[str]:
    """Look for the rarest states in more seeds: any change of the service tells other stories."""
    missing = set(REQUIRED - states)
    for seed in range(FIRST + SEEDS, FIRST + SEEDS + MORE):
        if not missing:
            break
        missing -= run_seed(draw(seed)).sometimes.keys()
    return missing


def failures(results: Iterable[Result]) -> dict[int, str]:
    return {result.options.seed: str(result.violations[0]) for result in results if result.failed}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", CHUNKS, ids=lambda chunk: f"{chunk.start}-{chunk.stop - 1}")
def test_no_seed_breaks_an_invariant_and_the_last_chunk_finds_every_rare_state_reached(
    chunk: range, reached: Reached
) -> None:
    results = [run_seed(draw(seed)) for seed in chunk]
    states = reached.by(chunk, {state for result in results for state in result.sometimes})
    failed = failures(results)
    assert not failed
    assert sum(result.sold for result in results) > len(chunk)
    if states is not None and SEEDS >= ENOUGH:
        assert not unreached(states)


def test_a_seed_tells_the_same_story_twice() -> None:
    first, second = run_seed(draw(5)), run_seed(draw(5))
    assert first.lines > 50
    assert first.digest == second.digest


def test_a_seed_tells_the_same_story_in_processes_that_hash_differently() -> None:
    dying = [options.seed for options in map(draw, range(60)) if options.rate("crash")][:3]
    program = (
        "from tests.simulation.run import run_seed; from tests.simulation.options import draw; "
        f"print([run_seed(draw(seed)).digest for seed in {dying}])"
    )
    told = {
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1, told


def test_tasks_that_end_together_end_in_the_order_in_which_they_began() -> None:
    async def begun() -> list[asyncio.Task[None]]:
        return [asyncio.create_task(asyncio.sleep(0)) for _ in range(50)]

    loop = VirtualLoop(random.Random(1), shuffled=False)
    with closing(loop):
        tasks = loop.run_until_complete(begun())
        assert list({*tasks}) == tasks
        loop.run_until_complete(asyncio.wait(tasks))


def test_two_seeds_tell_different_stories() -> None:
    assert run_seed(draw(5)).digest != run_seed(draw(6)).digest


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", SAMPLED)
def test_a_planted_bug_is_found_by_a_seed_that_finds_nothing_without_it(bug: str) -> None:
    assert hunted(bug) != (bug, None)


def test_the_catalogue_of_planted_bugs_is_long_enough() -> None:
    assert len(PLANTED) >= 40
    assert PLANTED.keys() >= SHARPER.keys() | {*FED, *ALLOCATED, *SAMPLED}


@pytest.mark.timeout(600)
def test_a_service_that_is_killed_at_any_point_of_a_story_loses_and_invents_nothing() -> None:
    """Each 50th point here; `make reliability` kills at every one."""
    points = crash_points()
    assert points > 300
    killed = [killed_at(point) for point in range(1, points + 1, 50)]
    assert all(result.sometimes.total() for result in killed)
    failed = {
        result.options.die_at: str(result.violations[0]) for result in killed if result.failed
    }
    assert not failed, failed


def test_a_planted_bug_is_found_and_its_world_is_made_small() -> None:
    with plant(PLANTED["units are booked twice"]):
        failing = next(result for result in map(run_seed, map(draw, range(20))) if result.failed)
        small = shrink(failing)
    assert small.failed
    assert small.violations[0].invariant == failing.violations[0].invariant
    assert len(small.options.rates) <= len(failing.options.rates)
    assert small.options.minutes < failing.options.minutes


def test_a_bug_that_is_not_planted_any_more_leaves_nothing_behind() -> None:
    before = run_seed(draw(5)).digest
    with plant(PLANTED["changes are not booked"]):
        assert run_seed(draw(5)).digest != before
    assert run_seed(draw(5)).digest == before


def test_the_options_of_a_seed_name_every_kind_that_is_on() -> None:
    options: Options = next(one for one in map(draw, range(50)) if len(one.rates) > 5)
    assert all(f"{kind}={rate}" in options.words() for kind, rate in options.rates.items())
    assert options.rates.keys() <= KINDS.keys()


def test_all_kinds_of_trouble_are_drawn_sooner_or_later() -> None:
    drawn = {kind for seed in range(200) for kind in draw(seed).rates}
    assert drawn == KINDS.keys()


def test_what_is_not_judged_has_a_reason() -> None:
    assert all(len(why) > 20 for why in OPEN.values())


def test_a_trace_counts_what_it_broke() -> None:
    trace = Trace(lambda: 1.0)
    trace.broken("I1", "no sum")
    assert [one.invariant for one in trace.violations] == ["I1"]
    assert "VIOLATION I1 no sum" in trace.tail[-1]
