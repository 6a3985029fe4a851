"""Make a failing seed small: drop kinds of trouble, stores, SKUs and minutes while it fails."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.options import Options
from tests.simulation.run import Result, run_seed

RUNS_MAX = 60


def shrink(failing: Result, run: Callable[[Options], Result] = run_seed) -> Result:
    """Return the smallest world found that breaks the same invariant, in a bounded number of runs.

    Each round tries every simpler world once, the boldest first, and keeps the first that fails.
    """
    best, runs = failing, 0
    wanted = failing.violations[0].invariant
    improved = True
    while improved and runs < RUNS_MAX:
        improved = False
        for options in simpler(best.options):
            runs += 1
            result = run(options)
            if any(one.invariant == wanted for one in result.violations):
                best, improved = result, True
                break
            if runs >= RUNS_MAX:
                break
    return best


def simpler(options: Options) -> Iterator[Options]:
    """Yield worlds with less in them, the boldest cut first."""
    kinds = sorted(options.rates)
    if len(kinds) > 1:
        half = len(kinds) // 2
        yield options.without(*kinds[:half])
        yield options.without(*kinds[half:])
    for kind in kinds:
        yield options.without(kind)
    if options.stores > 2:
        yield replace(options, stores=options.stores - 1)
    if options.skus > 3:
        yield replace(options, skus=max(3, options.skus // 2))
    if options.minutes > 0.5:
        yield replace(options, minutes=options.minutes / 2)
    if options.shuffled:
        yield replace(options, shuffled=False)
