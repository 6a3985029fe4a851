"""`serve`: keep all stores right until stopped."""

import asyncio

import typer

from stocksync import logs
from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.session import session_of
from stocksync.cli.tables import note


def serve(ctx: typer.Context) -> int:
    """Keep all stores right until stopped; serve HTTP."""
    session = session_of(ctx)
    files = books.read(session)
    logs.configure()
    for warning in files.warnings:
        note(f"warning: {warning}")
    from stocksync.service import serve as keep_right  # noqa: PLC0415 - only here is it worth a second

    clean = asyncio.run(keep_right(files, told=note))
    session.answer({"stopped": True, "clean": clean}, lambda: None)
    return Exit.DONE if clean else Exit.FAILED
