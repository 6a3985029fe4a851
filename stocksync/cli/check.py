"""`check`: is the configuration right, is the database ready, does every store answer?"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from stocksync.bootstrap import Plan, connect, needs_migration
from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.probes import Probe, probe
from stocksync.cli.session import session_of
from stocksync.cli.start import shown_database
from stocksync.cli.tables import draw_table, note, say
from stocksync.cli.text import count
from stocksync.engine.words import number
from stocksync.errors import LedgerUnavailable


def check(
    ctx: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no store anything.")] = False,
) -> int:
    """Check the configuration, the database and every store."""
    session = session_of(ctx)
    files = books.read(session)
    problem = _database_problem(files)
    probes = [] if offline else asyncio.run(_ask_all(files))
    document = {
        "configuration": str(session.path),
        "rules": len(files.book.rules),
        "database": {"url": shown_database(files.settings), "ready": not problem},
        "problems": [problem] if problem else [],
        "warnings": list(files.warnings),
        "stores": [at.as_json() for at in probes],
    }
    session.answer(document, lambda: _draw(document, probes, offline=offline))
    if problem:
        return Exit.WRONG
    return Exit.FAILED if any(at.error for at in probes) else Exit.DONE


def _database_problem(files: Plan) -> str:
    """Say what is wrong with the database; nothing when it is ready."""
    try:
        if needs_migration(files.settings):
            return "the database has no tables of this version: run `stocksync migrate`"
    except LedgerUnavailable as error:
        return str(error)
    return ""


async def _ask_all(files: Plan) -> list[Probe]:
    """Ask every store for its first page at once; nothing is written anywhere."""
    stores = [connect(store, files.book) for store in files.settings.stores]
    try:
        found = await asyncio.gather(*(probe(store) for store in stores))
    finally:
        await asyncio.gather(*(store.connector.aclose() for store in stores))
    return list(found)


def _draw(document: dict[str, Any], probes: Sequence[Probe], *, offline: bool) -> None:
    say(f"{document['configuration']}: fine, with {count(document['rules'], 'rule')}")
    for warning in document["warnings"]:
        note(f"warning: {warning}")
    ready = "ready" if document["database"]["ready"] else "not ready"
    say(f"{document['database']['url']}: {ready}")
    for problem in document["problems"]:
        note(f"error: {problem}")
    if offline:
        say("no store was asked")
        return
    say()
    columns = ("store", "reachable", "credentials", "listings", "page", "batch", "writes", "proof")
    rows = [
        (
            at.store,
            at.word(known=at.reachable, yes="yes", no="no"),
            at.word(known=at.accepted, yes="accepted", no="refused"),
            number(at.listings),
            str(at.capabilities.page_max),
            str(at.capabilities.write_batch_max),
            at.guarantee,
            at.read_back,
        )
        for at in probes
    ]
    draw_table(columns, rows, numbers=("reachable", "credentials", "listings", "page", "batch"))
    for at in probes:
        if at.error:
            say(f"{at.store}: {at.error}")
        elif at.remark:
            say(f"{at.store}: {at.remark}")
