"""`serve`: keep all stores right until stopped."""

import asyncio

import typer

from stocksync import bootstrap, logs
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
    asyncio.run(bootstrap.serve(files, told=note))
    session.answer({"stopped": True}, lambda: None)
    return Exit.DONE
