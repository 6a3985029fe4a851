"""`backup`: copy the books into one file while the service runs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.session import session_of
from stocksync.cli.start import shown_database
from stocksync.cli.tables import say
from stocksync.cli.text import count
from stocksync.ledger.backup import back_up


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that is not there yet.")],
) -> int:
    """Copy the books into a file, also while serving."""
    session = session_of(ctx)
    settings = books.read_settings(session)
    verdict = back_up(settings.database.get_secret_value(), file)
    document: dict[str, Any] = {
        "file": str(file),
        "database": shown_database(settings),
        "bytes": file.stat().st_size,
        "movements": verdict.movements,
        "skus": verdict.skus,
        "sound": verdict.sound,
    }

    def draw() -> None:
        size = f"{count(verdict.movements, 'movement')} of {count(verdict.skus, 'SKU')}"
        say(f"{file}: {document['bytes']:,} bytes, {size}; the copy was opened and adds up")

    session.answer(document, draw)
    return Exit.DONE
