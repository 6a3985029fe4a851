"""Count, adjust and open stock by hand: people's numbers become movements, never edits."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stocksync.domain.identifiers import MAIN_LOCATION, LocationId, Sku, sku_from
from stocksync.domain.movements import Movement, MovementKind, sides
from stocksync.domain.stock import Levels
from stocksync.errors import ConfigurationError

UNITS_MAX: Final = 1_000_000
_WHOLE: Final = re.compile(r"-?[0-9]{1,7}", re.ASCII)
_HEADER: Final = ("sku", "on_hand")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a person counted: units of a SKU at a location, and where it was written down."""

    sku: Sku
    on_hand: int
    location: LocationId | None = None
    place: str = ""


def whole_number(text: str) -> int | None:
    """Read a whole number of units as people write it; None for anything else."""
    if not _WHOLE.fullmatch(text):
        return None
    units = int(text)
    return units if abs(units) <= UNITS_MAX else None


def read_counts(text: str, name: str) -> list[Count]:
    """Read a stock file: header `sku,on_hand`, optionally `location`.

    Raises:
        ConfigurationError: Every wrong line at once, with its number and what to write instead.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        header = [cell.strip() for cell in next(rows, [])]
        if header not in ([*_HEADER], [*_HEADER, "location"]):
            wanted = "`sku,on_hand` or `sku,on_hand,location`"
            found = ",".join(header)
            raise ConfigurationError([f"{name}:1: the first line must be {wanted}, not `{found}`"])
        return _counts(rows, len(header), name)
    except csv.Error as error:
        raise ConfigurationError([f"{name}:{rows.line_num}: not a CSV file: {error}"]) from error


def _counts(rows: Iterable[Sequence[str]], columns: int, name: str) -> list[Count]:
    """Read every row, and complain about all of them together."""
    counts: list[Count] = []
    problems: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        place = f"{name}:{number}"
        problem, count = _one_count(row, columns, place)
        if count is None:
            problems.append(f"{place}: {problem}")
            continue
        key = (count.sku, str(count.location or ""))
        if key in seen:
            problems.append(f"{place}: {count.sku!r} was counted on line {seen[key]} already")
        seen.setdefault(key, number)
        counts.append(count)
    if problems:
        raise ConfigurationError(problems)
    return counts


def _one_count(row: Sequence[str], columns: int, place: str) -> tuple[str, Count | None]:
    if len(row) != columns:
        return f"{len(row)} columns where the header has {columns}; quote a SKU with a comma", None
    sku, units = sku_from(row[0]), whole_number(row[1].strip())
    if sku is None:
        return "the SKU is empty or longer than 255 characters", None
    if units is None or units < 0:
        return f"{row[1]!r} is not a whole number from 0 to {UNITS_MAX}", None
    location = LocationId(row[2].strip()) if columns > len(_HEADER) and row[2].strip() else None
    return "", Count(sku=sku, on_hand=units, location=location, place=place)


def where(count: Count, levels: Levels) -> LocationId:
    """Return the location a count speaks about: the one named, the only one, or the main one.

    Raises:
        ConfigurationError: The SKU is in several places and the count names none of them.
    """
    if count.location is not None:
        return count.location
    if len(levels) > 1:
        places = ", ".join(sorted(levels))
        raise ConfigurationError(
            [f"{count.place or count.sku}: {count.sku!r} is in {places}: name a location"]
        )
    return next(iter(levels), MAIN_LOCATION)


def count_movements(
    counts: Iterable[Count],
    levels: Mapping[Sku, Levels],
    *,
    at: datetime,
    document: str,
    run: str,
) -> list[Movement]:
    """Book counts: openings for SKUs the ledger does not know, differences for those it does.

    A count that finds what the ledger says books nothing.
    """
    movements = []
    opened: set[Sku] = set()
    for number, count in enumerate(counts):
        known = levels.get(count.sku)
        location = where(count, known or {})
        now = known[location].on_hand if known and location in known else 0
        change = count.on_hand - now
        if known is not None and change == 0:
            continue
        kind = MovementKind.OPENING if known is None else MovementKind.COUNT
        source, destination, _ = sides(kind, change or 1, location, document)
        first = kind is MovementKind.OPENING and count.sku not in opened
        opened.add(count.sku)
        movements.append(
            Movement(
                key=f"opening:{count.sku}" if first else f"{run}:{number}:{count.sku}",
                sku=count.sku,
                kind=kind,
                source=source,
                destination=destination,
                units=abs(change),
                occurred_at=at,
                document=document,
                reason=f"counted {count.on_hand}" if known is not None else "opening",
                run=run,
            )
        )
    return movements


def adjustment(
    sku: Sku, units: int, levels: Levels, *, reason: str, at: datetime, key: str, location: str = ""
) -> Movement:
    """Book what a person knows happened: units found or lost, with their reason.

    Raises:
        ConfigurationError: No units, no reason, or several locations and none named.
    """
    if units == 0 or abs(units) > UNITS_MAX:
        raise ConfigurationError([f"an adjustment is 1 to {UNITS_MAX} units up or down"])
    if not reason.strip():
        raise ConfigurationError(["an adjustment needs a reason: --reason 'damaged in store'"])
    chosen = LocationId(location) if location else None
    spot = where(Count(sku=sku, on_hand=0, location=chosen, place=str(sku)), levels)
    source, destination, count = sides(MovementKind.ADJUSTMENT, units, spot, "person")
    return Movement(
        key=key,
        sku=sku,
        kind=MovementKind.ADJUSTMENT,
        source=source,
        destination=destination,
        units=count,
        occurred_at=at,
        reason=reason.strip(),
    )
