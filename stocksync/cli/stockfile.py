"""Stock files: CSV that a spreadsheet can open without running what is in it, and read back."""

import csv
import io
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from stocksync.domain.identifiers import MAIN_LOCATION, LocationId, Sku
from stocksync.domain.stock import Levels, StockLevel
from stocksync.domain.stocktake import Count, read_counts
from stocksync.engine.words import line
from stocksync.errors import ConfigurationError
from stocksync.files.textfile import read_text

HEADER: Final = ("sku", "on_hand", "location")
SIZE_MAX: Final = 256 * 2**20
#: What a spreadsheet may run (`reliability §4.5 K29`), with any apostrophes put before it.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r]")


def guarded(cell: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run; other text stays as it is."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """Undo `guarded`, and nothing else."""
    return cell[1:] if _GUARDED.match(cell) else cell


def read_file(file: Path) -> list[Count]:
    """Read a stock file.

    Raises:
        ConfigurationError: It cannot be read, or every wrong line at once.
    """
    text = read_text(file, size_max=SIZE_MAX)
    if "\0" in text:
        number = text.count("\n", 0, text.index("\0")) + 1
        raise ConfigurationError([f"{file}:{number}: holds a NUL character; take it out"])
    return _unguarded_all(read_counts(text, str(file)))


def _unguarded_all(counts: Sequence[Count]) -> list[Count]:
    """Take the guards off, and refuse what is counted twice without them."""
    result: list[Count] = []
    seen: dict[tuple[str, str], str] = {}
    problems = []
    for at in counts:
        location = None if at.location is None else LocationId(unguarded(at.location))
        plain = replace(at, sku=Sku(unguarded(at.sku)), location=location)
        first = seen.setdefault((plain.sku, plain.location or ""), at.place)
        if first is not at.place:
            problems.append(f"{at.place}: {plain.sku!r} was counted at {first} already")
        result.append(plain)
    if problems:
        raise ConfigurationError(problems)
    return result


def rows_of(levels: Mapping[Sku, Levels]) -> list[dict[str, Any]]:
    """Return a row of a stock file for each SKU and location."""
    nowhere = {MAIN_LOCATION: StockLevel()}
    return [
        {"sku": sku, "on_hand": level.on_hand, "location": location}
        for sku in sorted(levels)
        for location, level in (levels[sku] or nowhere).items()
    ]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as the text of a stock file."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(HEADER)
    lines.writerows((guarded(row["sku"]), row["on_hand"], guarded(row["location"])) for row in rows)
    return text.getvalue()


def print_csv(text: str) -> None:
    """Write CSV to standard output: as it is to a pipe, but nothing that harms a terminal."""
    if sys.stdout.isatty():
        for row in text.splitlines():
            print(line(row))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
