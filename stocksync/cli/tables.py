"""Draw tables that can be read at 80 columns, whatever a store wrote into its names."""

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import wrap
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from stocksync.domain.identifiers import StoreId
from stocksync.engine.sync import Progress as Tell
from stocksync.engine.sync import no_progress
from stocksync.engine.words import line

LINES_MAX: Final = 100
_STAGES: Final = 2
_COLUMNS: Final = 80


def draw_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Collection[str] = ()
) -> None:
    """Print rows under headings; `numbers` name columns that are never broken over two lines.

    Cells are printed as they are: the caller makes them safe with `text.name` or `text.line`.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        counted = column in numbers
        table.add_column(
            Text(column),
            justify="right" if counted else "left",
            no_wrap=counted,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(file=sys.stdout, markup=False, highlight=False, emoji=False).print(table)


def say(text: str = "") -> None:
    """Print one line for people."""
    print(line(text))


def say_text(text: str) -> None:
    """Print a sentence for people, broken over lines that a narrow terminal holds."""
    for part in wrap(text, _COLUMNS, break_long_words=False, break_on_hyphens=False):
        say(part)


def note(text: str) -> None:
    """Print one line beside the answer, on standard error."""
    print(line(text), file=sys.stderr)


def say_rest(shown: int, of: int, how: str) -> None:
    """Say how many lines a table left out, and how to see them."""
    if of > shown:
        say(f"… and {of - shown} more ({how})")


@contextmanager
def progress_bar(stores: int) -> Iterator[Tell]:
    """Show on standard error how far a run is, if that is a terminal."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    seen: set[tuple[StoreId, str]] = set()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=stores * _STAGES)

        def tell(store: StoreId, stage: str) -> None:
            seen.add((store, stage))
            bar.update(task, completed=len(seen), description=f"{stage}: {store}")

        yield tell
