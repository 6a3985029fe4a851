"""Run many seeds: `python -m tests.simulation --seeds 500 --jobs 2`; one again with `--seed 7`."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from tests.simulation.open_points import OPEN
from tests.simulation.options import Options, draw
from tests.simulation.run import Result, run_seed
from tests.simulation.shrink import shrink
from tests.simulation.sometimes import REQUIRED

TAIL = 60


def main() -> int:
    """Run the seeds that the command line names, and say what was found."""
    words = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    words.add_argument("--seeds", type=int, default=150, help="how many")
    words.add_argument("--first", type=int, default=0, help="the first of them")
    words.add_argument("--seed", type=int, help="one seed only, with the end of its story")
    words.add_argument("--jobs", type=int, default=1, help="processes")
    words.add_argument("--off", default="", help="kinds of trouble to leave out: a,b,c")
    words.add_argument("--stop", action="store_true", help="stop at the first that fails")
    given = words.parse_args()
    off = tuple(filter(None, given.off.split(",")))
    if given.seed is not None:
        result = run_seed(draw(given.seed).without(*off))
        print("\n".join(result.tail))
        return report(result) if result.failed else 0
    seeds = range(given.first, given.first + given.seeds)
    started = time.monotonic()
    failed, states, sums = 0, Counter[str](), Counter[str]()
    for result in results(seeds, off, given.jobs):
        states += result.sometimes
        sums += Counter(
            sold=result.sold, exposed=result.exposed, ambiguous=result.ambiguous, seeds=1
        )
        sums["seconds"] += int(result.seconds)
        if result.failed:
            failed += 1
            report(shrink(result) if failed == 1 else result)
            if given.stop:
                break
    summary(sums, states, failed, time.monotonic() - started)
    return 1 if failed else 0


def results(seeds: Iterable[int], off: tuple[str, ...], jobs: int) -> Iterator[Result]:
    """Run seeds, side by side when asked; their order stays."""
    if jobs == 1:
        yield from map(one, seeds, repeat(off))
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(one, seeds, repeat(off), chunksize=4)


def one(seed: int, off: tuple[str, ...]) -> Result:
    return run_seed(draw(seed).without(*off))


def report(result: Result) -> int:
    """Tell a failure: its world, the end of its story, and how to see it again."""
    options: Options = result.options
    print("\n".join(result.tail[-TAIL:]))
    print(f"\nFAILED seed {options.seed}: {result.violations[0]}")
    print(f"world: {options.words()}")
    print(f"again: python -m tests.simulation --seed {options.seed}")
    return 1


def summary(sums: Counter[str], states: Counter[str], failed: int, seconds: float) -> None:
    """Print the figures, what was never reached, and what is not judged."""
    seeds = sums["seeds"]
    print(f"{seeds} seeds, {failed} failed, {seeds / seconds:.2f} seeds/s")
    print(f"{sums['seconds'] / 3600:.1f} virtual hours, {sums['seconds'] / seconds:.0f} times real")
    print(f"{sums['sold']} units sold, {sums['exposed']} in exposure windows, "
          f"{sums['ambiguous']} ambiguous")  # fmt: skip
    missing = sorted(REQUIRED - states.keys())
    print(
        f"{len(REQUIRED) - len(missing)} of {len(REQUIRED)} states reached", *missing, sep="\n  - "
    )
    print("not judged:", *(f"{name}: {why}" for name, why in OPEN.items()), sep="\n  ")


if __name__ == "__main__":
    sys.exit(main())
