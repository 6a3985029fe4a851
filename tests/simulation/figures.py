"""The figures of reliability, each measured in worlds made for it (`make reliability`)."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from tests.simulation.__main__ import results
from tests.simulation.options import Options, draw
from tests.simulation.planted import PLANTED, hunt
from tests.simulation.run import Result, run_seed
from tests.unit import test_mass_stories as mass
from tests.unit import test_ordinary_days as ordinary

JOBS = 2
HUNTED = 100
#: So many units may be lost of 1,000 that stores without orders sell.
GOAL_PER_1000 = 0.5
#: What may go wrong with one request; each has an equal part of the rate that is asked for.
FAULTS = (
    "refused", "drop_request", "drop_reply", "late_apply", "error_before", "error_after",
    "rate_limited", "truncated", "html", "not_taken",
)  # fmt: skip


def faulty(seed: int, rate: float, **changes: object) -> Options:
    """Draw a world of sales in which this part of all requests goes wrong."""
    rates = {kind: rate / len(FAULTS) for kind in FAULTS}
    return replace(draw(seed), rates=rates, feed_lag_seconds=0.0, mode="shared", **changes)  # type: ignore[arg-type]


def with_feed(seed: int) -> Options:
    return faulty(seed, 0.1, feed=True, visits_per_minute=12.0)


def without_feed(seed: int) -> Options:
    """Draw a world in which each listing sells about 4 units an hour (`reliability`, goal R2)."""
    return faulty(seed, 0.002, feed=False, visits_per_minute=1.6, minutes=40.0, skus=9, stores=4)


def allocated(seed: int) -> Options:
    told = faulty(seed, 0.05, feed=True, visits_per_minute=25.0, opening_max=12, minutes=4.0)
    return replace(told, mode="allocated")


def canonical() -> Options:
    """Return the story that is killed at each of its points: three stores, no other fault."""
    kinds = draw(1)
    return replace(
        kinds, rates={}, skus=3, stores=3, minutes=0.25, poll_seconds=12.0, visits_per_minute=60.0,
        feed=True, feed_lag_seconds=0.0, mode="shared", shuffled=False, first_contact="push",
        horizon_seconds=240.0, opening_max=30,
    )  # fmt: skip


def killed_at(point: int) -> Result:
    return run_seed(replace(canonical(), die_at=point))


def crash_points() -> int:
    """Count the points at which the canonical story can be killed."""
    whole = run_seed(canonical())
    assert not whole.failed, str(whole.violations[0])
    return whole.steps


def hunted(name: str) -> tuple[str, int | None]:
    return name, hunt(name, iter(range(HUNTED)))


def mass_changes() -> int:
    """Count the stories of a store gone wrong that were stopped; raises where one was not."""
    for story in mass.STORIES:
        asyncio.run(mass.test_a_mass_change_books_nothing_and_writes_nobody(story))
    return len(mass.STORIES)


def ordinary_days(seed: int) -> int:
    """Live through ordinary days and return how many; raises where a gate closed on one."""
    asyncio.run(ordinary.test_a_thousand_ordinary_days_are_never_stopped(seed))
    return 250


class Figures:
    """Prints each figure, and remembers whether one does not hold."""

    def __init__(self) -> None:
        self.failed = 0

    def say(self, holds: object, text: str) -> None:
        self.failed += not holds
        print(f"{'ok    ' if holds else 'MISSED'} {text}", flush=True)

    def worlds(self, found: Iterable[Result]) -> Counter[str]:
        """Add up worlds, telling those in which anything is wrong."""
        sums = Counter[str]()
        for result in found:
            sums["seeds"] += 1
            sums["failed"] += result.failed
            for name in ("sold", "exposed", "ambiguous", "error"):
                sums[name] += getattr(result, name)
            sums["cycles"] = max(sums["cycles"], result.cycles)
            sums["converged"] += bool(result.cycles)
            if result.failed:
                print(f"       seed {result.options.seed}: {result.violations[0]}", flush=True)
        return sums

    def everything(self, pool: ProcessPoolExecutor, sizes: Mapping[str, int]) -> None:
        """Measure and print all figures."""
        began = time.monotonic()
        sums = self.worlds(results(range(sizes["seeds"]), (), JOBS))
        speed = sums["seeds"] / (time.monotonic() - began)
        self.say(not sums["failed"], f"{sums['failed']} of {sums['seeds']} seeds break an "
                 f"invariant ({speed:.1f} seeds/s)")  # fmt: skip
        self.say(sums["cycles"] <= 2, f"converged within {sums['cycles']} cycles of quiet in "
                 f"{sums['converged']} seeds where nobody had to decide")  # fmt: skip
        self.say(not sums["failed"], f"0 writes in a quiet cycle at the end of {sums['seeds']}")
        worlds = range(sizes["worlds"])
        sums = self.worlds(pool.map(run_seed, map(with_feed, worlds)))
        self.say(not sums["error"], f"with orders read, 10 % faults: ledger wrong by "
                 f"{sums['error']} of {sums['sold']} units sold")  # fmt: skip
        self.without_feed(
            self.worlds(pool.map(run_seed, map(without_feed, range(2 * len(worlds)))))
        )
        sums = self.worlds(pool.map(run_seed, map(allocated, worlds)))
        self.say(not sums["failed"], f"allocated, orders at once: 0 oversold of {sums['sold']}")
        points = range(1, crash_points() + 1, sizes["each"])
        sums = self.worlds(pool.map(killed_at, points))
        self.say(not sums["failed"], f"killed at {sums['seeds']} points of one story")
        days = sum(pool.map(ordinary_days, range(4)))
        self.say(True, f"{mass_changes()} of {len(mass.STORIES)} mass changes stopped, 0 false "
                 f"stops on {days} ordinary days")  # fmt: skip
        self.planted(pool.map(hunted, PLANTED))

    def without_feed(self, sums: Counter[str]) -> None:
        """Compare what was lost with the goal, as far as chance lets anybody tell them apart."""
        goal = GOAL_PER_1000 * sums["sold"] / 1000
        chance = 2 * goal**0.5
        holds = sums["error"] <= min(goal + chance, sums["exposed"] + sums["ambiguous"])
        rate = 1000 * sums["error"] / max(1, sums["sold"])
        self.say(holds, f"without, 0.2 % faults, 4 sales an hour: wrong by {sums['error']} of "
                 f"{sums['sold']} ({rate:.2f} per 1,000; the goal of {GOAL_PER_1000} is "
                 f"{goal:.1f} \u00b1 {chance:.1f}), {sums['exposed']} sold in exposure windows, "
                 f"{sums['ambiguous']} beside unanswered writes")  # fmt: skip

    def planted(self, found: Iterator[tuple[str, int | None]]) -> None:
        missed = [name for name, seed in found if seed is None]
        text = f"{len(PLANTED) - len(missed)} of {len(PLANTED)} planted bugs found"
        self.say(not missed, ": ".join([text, *missed]))


def main() -> int:
    """Measure what the command line asks for."""
    words = argparse.ArgumentParser(prog="python -m tests.simulation.figures", description=__doc__)
    words.add_argument("--seeds", type=int, default=500, help="ordinary worlds")
    words.add_argument("--worlds", type=int, default=60, help="worlds for each figure")
    words.add_argument("--each", type=int, default=1, help="kill at each n-th point only")
    given = words.parse_args()
    figures = Figures()
    with ProcessPoolExecutor(JOBS) as pool:
        figures.everything(pool, vars(given))
    return 1 if figures.failed else 0


if __name__ == "__main__":
    sys.exit(main())
