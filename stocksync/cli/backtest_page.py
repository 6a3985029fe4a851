"""Make the page of a replay: one file with its style and its charts inside, and no script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from stocksync.domain.meters import STRETCHES, stretches
from stocksync.domain.stage import Tally
from stocksync.engine.backtest import Backtest
from stocksync.ops.pagekit import TEMPLATES

WIDTH: Final = 600
HEIGHT: Final = 120
#: The part of a bar's place that stays empty.
_GAP: Final = 0.3
_PLACE: Final = WIDTH / STRETCHES


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One rulebook in a chart: units withheld and oversold in each stretch, and their shapes.

    `bars` are x, y, width and height of what was oversold.
    """

    name: str
    withheld: tuple[float, ...]
    oversold: tuple[int, ...]
    path: str
    bars: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What one store withheld and oversold; the numbers at the upper edges."""

    store: str
    series: tuple[Series, ...]
    most_withheld: float
    most_oversold: int


def page_of(found: Backtest, folders: Mapping[str, Path], notes: Sequence[str]) -> str:
    """Return the whole page as text."""
    past = found.past
    style = files("stocksync.ops").joinpath("static", "page.css").read_text(encoding="utf-8")
    return TEMPLATES.get_template("backtest.html").render(
        style=style,
        past=past,
        folders=folders,
        notes=notes,
        outcomes=found.outcomes,
        switches=found.switches,
        stores=list(next(iter(found.outcomes.values())).stores),
        charts=charts_of(found),
        began=stretches(past.began_at, past.ended_at),
        middle=_middle(past.began_at, past.ended_at),
    )


def _middle(began_at: datetime, ended_at: datetime) -> datetime:
    return began_at + (ended_at - began_at) / 2


def charts_of(found: Backtest) -> list[Chart]:
    """Return the chart of each store that has a listing; all go by the same scales."""
    tallies = [at for outcome in found.outcomes.values() for at in outcome.stores.values()]
    withheld = max((mean for tally in tallies for mean in tally.meter.means), default=0.0)
    oversold = max((units for tally in tallies for units in tally.oversold_in), default=0)
    charts = []
    for store in next(iter(found.outcomes.values())).stores:
        shown = {which: outcome.stores[store] for which, outcome in found.outcomes.items()}
        if store not in found.switches and any(at.listings for at in shown.values()):
            series = tuple(
                _series(which, tally, place=(number, len(shown)), most=(withheld, oversold))
                for number, (which, tally) in enumerate(shown.items())
            )
            charts.append(
                Chart(store=store, series=series, most_withheld=withheld, most_oversold=oversold)
            )
    return charts


def _series(which: str, tally: Tally, *, place: tuple[int, int], most: tuple[float, int]) -> Series:
    """Shape one rulebook's numbers: a stepped line, and bars beside those of the others.

    `place` is which rulebook of how many it is; `most` are the upper edges of both charts.
    """
    number, of = place
    most_withheld, most_oversold = most
    means = tally.meter.means
    heights = [HEIGHT - HEIGHT * mean / (most_withheld or 1) for mean in means]
    path = "".join(
        f"{'V' if at else 'M0 '}{height:.2f}H{_PLACE * (at + 1):.2f}"
        for at, height in enumerate(heights)
    )
    width = _PLACE * (1 - _GAP) / of
    bars = tuple(
        (
            round(_PLACE * (at + _GAP / 2) + width * number, 2),
            round(HEIGHT - HEIGHT * units / most_oversold, 2),
            round(width, 2),
            round(HEIGHT * units / most_oversold, 2),
        )
        for at, units in enumerate(tally.oversold_in)
        if units
    )
    return Series(
        name=which, withheld=means, oversold=tuple(tally.oversold_in), path=path, bars=bars
    )
