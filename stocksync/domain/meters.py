"""Measure over time: how many units there are of something, for how long, and the most at once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

#: Pieces of time that a measured length is cut into, for whoever draws it.
STRETCHES: Final = 60
_TICK: Final = timedelta(microseconds=1)
_TICKS_PER_HOUR: Final = timedelta(hours=1) // _TICK


@dataclass(slots=True, kw_only=True)
class Meter:
    """Sum up a number of units that changes now and then, exactly: units times microseconds.

    A number that lasts no time at all counts nowhere. Moments come in order.
    """

    began_at: datetime
    ended_at: datetime
    units: int = 0
    peak: int = 0
    _at: int = 0
    _areas: list[int] = field(default_factory=lambda: [0] * STRETCHES)

    def change(self, by: int, now: datetime) -> None:
        """Count so many units more, or fewer, from now on."""
        self.run(now)
        self.units += by

    def run(self, now: datetime) -> None:
        """Let the time pass until now."""
        until = min(now, self.ended_at) - self.began_at
        ticks = until // _TICK
        if ticks <= self._at:
            return
        self.peak = max(self.peak, self.units)
        while self.units and self._at < ticks:
            stretch = self._at * STRETCHES // self._length
            end = min(ticks, -(-(stretch + 1) * self._length // STRETCHES))
            self._areas[stretch] += self.units * (end - self._at)
            self._at = end
        self._at = ticks

    def stretch(self, now: datetime) -> int:
        """Return which of the stretches a moment lies in, from zero."""
        ticks = (now - self.began_at) // _TICK
        return max(0, min(STRETCHES - 1, ticks * STRETCHES // self._length))

    @property
    def unit_hours(self) -> float:
        """Return the units times the hours that each of them lasted, so far."""
        return sum(self._areas) / _TICKS_PER_HOUR

    @property
    def means(self) -> tuple[float, ...]:
        """Return the mean number of units in each stretch."""
        return tuple(area * STRETCHES / self._length for area in self._areas)

    @property
    def _length(self) -> int:
        return max(1, (self.ended_at - self.began_at) // _TICK)


def stretches(began_at: datetime, ended_at: datetime) -> list[datetime]:
    """Return when each stretch begins."""
    return [began_at + (ended_at - began_at) * at / STRETCHES for at in range(STRETCHES)]
