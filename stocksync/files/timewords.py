"""Read what a merchant writes for times: `until 2026-12-24`, `60m cover 5m`, `18:00-08:00`."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Final, NoReturn, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from stocksync.domain.rules import Velocity
from stocksync.domain.schedule import Schedule
from stocksync.files.complaints import Entry, did_you_mean
from stocksync.files.yamlfile import Misread

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WINDOW_MAX: Final = timedelta(days=30)

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)
_MOMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}))?( ?Z| ?UTC)?", re.ASCII)
_HOURS: Final = re.compile(r"(\d{2}:\d{2}) ?- ?(\d{2}:\d{2})", re.ASCII)
_VELOCITY: Final = re.compile(r"(\S+)(?: cover (\S+))?")


def words_of(given: object) -> str | None:
    """Return the text that stands in the file, also where YAML would take it for a date."""
    if isinstance(given, Misread):
        return given.text.strip()
    return given.strip() if isinstance(given, str) else None


def span_from(text: str) -> timedelta | None:
    """Read `90s`, `15m`, `2h` or `1d`; None when it is not written like that."""
    matched = _SPAN.fullmatch(text)
    return None if matched is None else timedelta(seconds=int(matched[1]) * _SECONDS[matched[2]])


def moment_from(text: str, zone: tzinfo) -> datetime | None:
    """Read a day, which begins at midnight, or a day and time; None when it is neither."""
    matched = _MOMENT.fullmatch(text)
    if matched is None:
        return None
    try:
        day = date.fromisoformat(matched[1])
        clock = time.fromisoformat(matched[2] or "00:00")
    except ValueError:
        return None
    return datetime.combine(day, clock, UTC if matched[3] else zone).astimezone(UTC)


def hold_from(given: object) -> bool | datetime:
    """Read yes, no, or `until` a moment, in UTC."""
    if isinstance(given, bool):
        return given
    text = words_of(given) or ""
    until = moment_from(text.removeprefix("until ").strip(), UTC)
    if until is None or not text.startswith("until "):
        raise ValueError("must be yes, no, or until a moment in UTC: until 2026-12-24 18:00")
    return until


def velocity_from(given: object) -> Velocity:
    """Read `60m` (what sold in the last hour), `60m cover 5m`, or `60m cover measured`."""
    matched = _VELOCITY.fullmatch(words_of(given) or "")
    window = None if matched is None else span_from(matched[1])
    if matched is None or window is None or window > WINDOW_MAX:
        _no_velocity()
    if matched[2] is None:
        return Velocity(window=window)
    if matched[2] == "measured":
        return Velocity(window=window, measured=True)
    cover = span_from(matched[2])
    if cover is None or cover > window:
        _no_velocity()
    return Velocity(window=window, cover=cover)


def _no_velocity() -> NoReturn:
    raise ValueError(
        "must be a time of at most 30d, such as 60m: as many units are kept back as sold in it; "
        "or 60m cover 5m, or 60m cover measured, for those that sell in so much of it"
    )


def zone_from(given: str) -> str:
    """Let the name of a time zone through."""
    try:
        ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no time zone is called that; such as Europe/London, or UTC") from None
    return given


def _moment_words(given: object) -> str:
    text = words_of(given) or ""
    if moment_from(text, UTC) is None:
        raise ValueError("must be a day, or a day and time: 2026-11-27, or 2026-11-27 18:00")
    return text


def _hours_words(given: object) -> str:
    text = words_of(given) or ""
    if _hours(text) is None:
        raise ValueError("must be two times of a day, such as 18:00-08:00")
    return text


def _hours(text: str) -> tuple[time, time] | None:
    matched = _HOURS.fullmatch(text)
    try:
        first, last = (
            (time.fromisoformat(at) for at in matched.groups()) if matched else (None, None)
        )
    except ValueError:
        return None
    return None if first is None or last is None or first == last else (first, last)


def _day_words(given: object) -> str:
    text = (words_of(given) or "").lower()
    if text not in WEEKDAYS:
        hint = did_you_mean(text, WEEKDAYS)
        raise ValueError(f"must be one of {', '.join(WEEKDAYS)}{hint}")
    return text


_SPAN_FORM: Final = "[1-9][0-9]{0,5}[smhd]"
_CLOCK_FORM: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DAY_FORM: Final = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_MOMENT_FORM: Final = rf"{_DAY_FORM}(?:[ T]{_CLOCK_FORM})?(?: ?Z| ?UTC)?"
_DAYS_FORM: Final = "|".join(
    "".join(f"[{letter.upper()}{letter}]" for letter in day) for day in WEEKDAYS
)


def _text_form(pattern: str) -> dict[str, str]:
    """Return the form of a text for editors (`files.ruleschema`); a test keeps it like ours."""
    return {"type": "string", "pattern": rf"^\s*(?:{pattern})\s*$"}


VelocityWish = Annotated[
    Velocity | None,
    PlainValidator(velocity_from),
    WithJsonSchema(_text_form(rf"{_SPAN_FORM}(?: cover (?:measured|{_SPAN_FORM}))?")),
]
HoldWish = Annotated[
    bool | datetime | None,
    PlainValidator(hold_from),
    # Editors read `yes` as a word, and older YAML as true.
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "boolean"},
                {"enum": ["yes", "no"]},
                _text_form(rf"until\s+{_MOMENT_FORM}"),
            ]
        }
    ),
]
Moment = Annotated[str, PlainValidator(_moment_words), WithJsonSchema(_text_form(_MOMENT_FORM))]
Hours = Annotated[
    str,
    PlainValidator(_hours_words),
    WithJsonSchema(_text_form(f"{_CLOCK_FORM} ?- ?{_CLOCK_FORM}")),
]
Weekday = Annotated[
    str,
    PlainValidator(_day_words),
    WithJsonSchema({"anyOf": [{"enum": [*WEEKDAYS]}, _text_form(_DAYS_FORM)]}),
]


class ScheduleEntry(Entry):
    """When a rule holds; at other times it is as if it were not there."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [key]} for key in ("from", "until", "weekdays", "hours")]
        }
    )

    opens: Moment | None = Field(
        default=None,
        alias="from",
        description="From this moment on: a day, which begins at midnight, or a day and a time.",
    )
    until: Moment | None = Field(
        default=None,
        description="Until this moment, which does not belong to it: until 2026-11-30 ends with "
        "the 29th.",
    )
    weekdays: list[Weekday] | None = Field(
        default=None, min_length=1, description="On these days of the week only: mon to sun."
    )
    hours: Hours | None = Field(
        default=None,
        description="At these hours only, such as 18:00-08:00: the first minute belongs to them, "
        "the last does not. Hours that cross midnight belong to the day on which they began.",
    )
    time_zone: Annotated[str, AfterValidator(zone_from)] = Field(
        default="UTC",
        description="The clock that all of this goes by, such as Europe/London; UTC if not said.",
    )

    @model_validator(mode="after")
    def _is_open_at_some_time(self) -> Self:
        opens, closes = self._moments()
        if opens is not None and closes is not None and closes <= opens:
            raise ValueError("is never open: until must come after from")
        if not (opens or closes or self.hours or self.weekdays):
            raise ValueError("says nothing; name from, until, weekdays or hours")
        return self

    def schedule(self) -> Schedule:
        """Return the domain's own schedule."""
        opens, closes = self._moments()
        return Schedule(
            zone=ZoneInfo(self.time_zone),
            opens=opens,
            closes=closes,
            weekdays=frozenset(WEEKDAYS.index(day) for day in self.weekdays or ()),
            hours=None if self.hours is None else _hours(self.hours),
            text=self._text(),
        )

    def _moments(self) -> tuple[datetime | None, datetime | None]:
        zone = ZoneInfo(self.time_zone)
        opens = None if self.opens is None else moment_from(self.opens, zone)
        closes = None if self.until is None else moment_from(self.until, zone)
        return opens, closes

    def _text(self) -> str:
        """Write the schedule in one line, as a person reads it."""
        parts = [
            f"from {self.opens}" if self.opens else "",
            f"until {self.until}" if self.until else "",
            f"on {', '.join(self.weekdays)}" if self.weekdays else "",
            f"at {self.hours}" if self.hours else "",
        ]
        return f"{' '.join(filter(None, parts))} ({self.time_zone})"
