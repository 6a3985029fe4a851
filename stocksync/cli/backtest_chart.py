"""Draw a replay in 80 columns: what each store withheld over time, and when it oversold."""

from collections.abc import Sequence
from math import ceil
from typing import Final

from stocksync.cli.tables import say
from stocksync.domain.meters import STRETCHES
from stocksync.domain.stage import Tally
from stocksync.engine.backtest import Backtest
from stocksync.engine.words import name, span

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_NOTHING: Final = "·"
_MARK: Final = "!"
_LABEL: Final = 9
_SMALL: Final = 0.1


def draw_chart(found: Backtest) -> None:
    """Print a line of blocks for each store and rulebook, all to one scale."""
    tallies = [tally for outcome in found.outcomes.values() for tally in outcome.stores.values()]
    highest = max((mean for tally in tallies for mean in tally.meter.means), default=0.0)
    oversold = any(tally.oversold for tally in tallies)
    if not highest and not oversold:
        say("nothing was withheld and nothing oversold")
        say()
        return
    width = (found.past.ended_at - found.past.began_at).total_seconds() / STRETCHES
    marks = f"; {_MARK} units oversold" if oversold else ""
    scale = f"{highest:.1f}" if highest >= _SMALL else f"{highest:.1g}"
    say(f"units withheld: {_BLOCKS[-1]} is {scale}; a column is {span(width)}{marks}")
    first = next(iter(found.outcomes.values()))
    for store in first.stores:
        shown = {which: outcome.stores[store] for which, outcome in found.outcomes.items()}
        if store not in found.switches and any(at.listings for at in shown.values()):
            say(name(store))
            for which, tally in shown.items():
                _draw_line(which, tally, highest)
    say()


def _draw_line(which: str, tally: Tally, highest: float) -> None:
    say(f"  {which:<{_LABEL}}{blocks(tally.meter.means, highest)}")
    if tally.oversold:
        marks = "".join(_MARK if units else " " for units in tally.oversold_in)
        say(f"  {'':<{_LABEL}}{marks.rstrip()}")


def blocks(values: Sequence[float], highest: float) -> str:
    """Return a block for each value: the highest fills a line, and only nothing is a dot."""
    found = []
    for value in values:
        # Rounded first: what is half of the highest is so but for the last digits.
        height = ceil(round(value * len(_BLOCKS) / highest, 6)) if highest else 0
        found.append(_BLOCKS[max(1, height) - 1] if value else _NOTHING)
    return "".join(found)
