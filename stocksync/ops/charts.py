"""Charts as plain geometry: templates draw it as SVG, and the same numbers as a table.

Everything lies in a box of `WIDTH` by `HEIGHT` that the page stretches; strokes do not stretch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Final

WIDTH: Final = 600
HEIGHT: Final = 120
#: The part of a bar's place that stays empty, so that bars are told apart.
_GAP: Final = 0.25
Point = tuple[datetime, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A piece of one column; `series` is its place in the legend."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One stretch of time: what it is called, its numbers in the legend's order, its pieces."""

    began_at: datetime
    values: tuple[int, ...]
    bars: tuple[Bar, ...]

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart:
    """Columns of stacked bars; `highest` is the number at the upper edge.

    `colours` are places in the palette of the pages, one for each name of the legend.
    """

    title: str
    legend: tuple[str, ...]
    colours: tuple[int, ...]
    columns: tuple[Column, ...]
    highest: int

    @property
    def totals(self) -> tuple[int, ...]:
        """Return the sum of each series."""
        return tuple(
            sum(column.values[at] for column in self.columns) for at in range(len(self.legend))
        )


def stacked(
    title: str,
    began: Sequence[datetime],
    series: Mapping[str, Sequence[int]],
    *,
    colours: tuple[int, ...],
) -> BarChart:
    """Stack the series of numbers, first one lowest, in a column for each stretch of time."""
    rows = list(zip(*series.values(), strict=True))
    highest = max((sum(row) for row in rows), default=0)
    place = WIDTH / max(1, len(began))
    columns = []
    for at, (moment, row) in enumerate(zip(began, rows, strict=True)):
        bars, below = [], 0
        for name, value in enumerate(row):
            if value:
                height = HEIGHT * value / highest
                top = HEIGHT - HEIGHT * below / highest - height
                left = place * (at + _GAP / 2)
                bars.append(_bar(left, top, place * (1 - _GAP), height, name))
                below += value
        columns.append(Column(began_at=moment, values=tuple(row), bars=tuple(bars)))
    return BarChart(
        title=title,
        legend=tuple(series),
        colours=colours,
        columns=tuple(columns),
        highest=highest,
    )


def _bar(x: float, y: float, width: float, height: float, series: int) -> Bar:
    return Bar(
        x=round(x, 2),
        y=round(y, 2),
        width=round(width, 2),
        height=round(height, 2),
        series=series,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One stepped line; `ends` is where its last known point lies."""

    name: str
    series: int
    path: str
    ends: tuple[float, float]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChart:
    """Stepped lines over time; `zero` is the height of nothing, where something is below it."""

    title: str
    began_at: datetime
    ended_at: datetime
    lowest: int
    highest: int
    zero: float | None
    lines: tuple[Line, ...]


def stepped(
    title: str, series: Mapping[str, Sequence[Point]], *, now: datetime
) -> LineChart | None:
    """Draw numbers that stay until the next one; None when there is nothing to draw.

    The first line, which is what the books say, goes on until now; the others end at the last
    moment that is known of them.
    """
    known = {
        name: tuple(sorted(points, key=itemgetter(0))) for name, points in series.items() if points
    }
    moments = [moment for points in known.values() for moment, _ in points]
    if not moments:
        return None
    began = min(moments)
    ended = max(now, *moments)
    if ended - began < timedelta(minutes=1):
        began = ended - timedelta(minutes=1)
    values = [value for points in known.values() for _, value in points]
    lowest, highest = min(0, *values), max(1, *values)
    frame = _Frame(began=began, ended=ended, lowest=lowest, highest=highest)
    names = list(series)
    return LineChart(
        title=title,
        began_at=began,
        ended_at=ended,
        lowest=lowest,
        highest=highest,
        zero=frame.y(0) if lowest < 0 else None,
        lines=tuple(
            _line(name, names.index(name), points, frame, until=now if name == names[0] else None)
            for name, points in known.items()
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What the edges of the box stand for."""

    began: datetime
    ended: datetime
    lowest: int
    highest: int

    def x(self, moment: datetime) -> float:
        return round(WIDTH * ((moment - self.began) / (self.ended - self.began)), 2)

    def y(self, value: int) -> float:
        height = self.highest - self.lowest
        return round(HEIGHT - HEIGHT * (value - self.lowest) / height, 2)


def _line(
    name: str, series: int, points: tuple[Point, ...], frame: _Frame, *, until: datetime | None
) -> Line:
    moment, value = points[0]
    path = [f"M{frame.x(moment)} {frame.y(value)}"]
    for _, (moment, value) in pairwise(points):
        path.append(f"H{frame.x(moment)}V{frame.y(value)}")
    end = frame.x(moment if until is None else max(until, moment))
    path.append(f"H{end}")
    return Line(
        name=name,
        series=series,
        path="".join(path),
        ends=(end, frame.y(value)),
        points=points,
    )
