"""When a rule holds: from one moment to another, on some days of the week, at some hours."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A window of time that may come back every day or week.

    `opens` belongs to it, `closes` does not. `weekdays` are 0 (Monday) to 6; none means all.
    `hours` are of the clock on the wall in `zone`, the first belonging to it and the last not;
    hours that cross midnight belong to the day on which they began. `text` is how it was written.
    """

    zone: tzinfo
    opens: datetime | None = None
    closes: datetime | None = None
    weekdays: frozenset[int] = frozenset()
    hours: tuple[time, time] | None = None
    text: str = field(default="", compare=False)

    def is_open(self, now: datetime) -> bool:
        """Tell whether a moment lies in the window."""
        if self.opens is not None and now < self.opens:
            return False
        if self.closes is not None and now >= self.closes:
            return False
        day = self._day(now.astimezone(self.zone))
        return day is not None and (not self.weekdays or day.weekday() in self.weekdays)

    def _day(self, local: datetime) -> date | None:
        """Return the day that the hours of this moment belong to; None outside of them."""
        if self.hours is None:
            return local.date()
        first, last = self.hours
        clock = local.time()
        if first < last:
            return local.date() if first <= clock < last else None
        if clock >= first:
            return local.date()
        return local.date() - timedelta(days=1) if clock < last else None
