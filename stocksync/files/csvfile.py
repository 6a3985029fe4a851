"""Read a table that a person or a spreadsheet saved as CSV, as strictly as the YAML beside it.

A spreadsheet that opens codes turns `00123` into 123 and a long one into 1.23E+12; what shows that
it did is refused with the way out, as no code can be read back from it.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from stocksync.errors import ConfigurationError
from stocksync.files.complaints import Complaints, nearest
from stocksync.files.textfile import read_text, refuse_invisible
from stocksync.files.yamlfile import Document, Keys

SIZE_MAX: Final = 64 * 1024 * 1024

_HEADING: Final = 1
_FORMULA: Final = re.compile(r'="(.*)"', re.DOTALL)
_CUT_SHORT: Final = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[Ee][+-][0-9]{2,3}", re.ASCII)
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs"}


def load_table(path: Path, columns: Sequence[str], complaints: Complaints) -> Document:
    """Read rows under a first line that names exactly these columns, in any order.

    The document's data is `{line: {column: text}}`; texts are as they stand, blanks around them
    included. Every mistake becomes a complaint, and its row is left out, as are blank ones.
    """
    data: dict[int, dict[str, str]] = {}
    lines: dict[Keys, int] = {(): _HEADING}
    document = Document(path=path, data=data, lines=lines, table=True)
    try:
        text = read_text(path, size_max=SIZE_MAX)
        refuse_invisible(path, text)
    except ConfigurationError as error:
        complaints.add_unread(error.problems)
        return document
    rows = _rows(document, lines, text, complaints)
    _, heading = next(rows, (_HEADING, []))
    names = [name.strip() for name in heading]
    if _is_heading(document, names, columns, complaints):
        for line, cells in rows:
            if _is_row(document, line, cells, names, complaints):
                data[line] = dict(zip(names, cells, strict=True))
    return document


def _rows(
    document: Document, lines: dict[Keys, int], text: str, complaints: Complaints
) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank with the line on which it begins."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in rows:
            lines[line,] = line
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = rows.line_num + 1
    except csv.Error as error:
        lines[line,] = line
        complaints.add(document, (line,), _refusal(str(error)))


def _refusal(error: str) -> str:
    """Say in words that name the fix why a row is not CSV."""
    if "end of data" in error:
        return "a quote is opened here and never closed"
    if "expected after" in error:
        return 'a quote inside quoted text is written twice: "6"" pot"'
    return f"is not CSV: {error}"


def _is_heading(
    document: Document, names: Sequence[str], columns: Sequence[str], complaints: Complaints
) -> bool:
    """Complain of every column that is missing, unknown or there twice."""
    wanted = ",".join(columns)
    for separator, called in _SEPARATORS.items():
        if len(names) == 1 and separator in names[0]:
            text = f"is separated by {called}; save it with commas: {wanted}"
            complaints.add(document, (), text)
            return False
    problems: dict[str, str] = {}
    for column in columns:
        if column not in names:
            problems[column] = f"this column is missing; the first line must be {wanted}"
        elif names.count(column) > 1:
            problems[column] = "this column is there twice; keep one"
    for name in names:
        if name not in columns:
            problems[name] = f"unknown column{nearest(name, columns, called='known columns')}"
    for name, text in problems.items():
        complaints.add(document, (_HEADING, name or '""'), text)
    return not problems


def _is_row(
    document: Document,
    line: int,
    cells: Sequence[str],
    names: Sequence[str],
    complaints: Complaints,
) -> bool:
    """Complain of a row that is too short or too long, and of what a spreadsheet spoilt."""
    if len(cells) != len(names):
        text = f"has {len(cells)} cells under {len(names)} columns; quote text with a comma in it"
        complaints.add(document, (line,), text)
        return False
    spoilt = {name: why for name, cell in zip(names, cells, strict=True) if (why := _why(cell))}
    for name, why in spoilt.items():
        complaints.add(document, (line, name), why)
    return not spoilt


def _why(cell: str) -> str:
    """Say what a spreadsheet did to a cell; nothing if it did nothing."""
    formula = _FORMULA.fullmatch(cell)
    if formula is not None:
        return f"{cell} is a formula; write {formula[1]} and format the column as text"
    if _CUT_SHORT.fullmatch(cell.strip()):
        return (
            f"{cell} is a number that a spreadsheet cut short; format the column as text and "
            "type it anew, or if it is a code, write it in a YAML file"
        )
    return ""
