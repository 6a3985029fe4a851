"""`init` and `migrate`: files to begin with, and the database."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.files import put, starter_rules
from stocksync.cli.session import CONFIG_FILE, Session, session_of
from stocksync.cli.tables import say
from stocksync.errors import StockSyncError
from stocksync.ledger.engine import parse
from stocksync.ledger.migrations import migrate as migrate_database
from stocksync.settings import Settings, starter_configuration

PRIVATE = 0o600


def init(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Where to; here, if not said.")
    ] = Path(),
) -> int:
    """Write a configuration and rules to begin with."""
    session = session_of(ctx)
    config = folder / CONFIG_FILE
    placed = [(config, put(config, starter_configuration(), mode=PRIVATE))]
    placed += _put_rules(folder / "rules")
    state, detail = _database(Session(chosen=config))
    document = {
        "written": [str(file) for file, new in placed if new],
        "existing": [str(file) for file, new in placed if not new],
        "database": state,
        "problems": detail,
        "next": _next_steps(config, ready=state == "ready"),
    }
    session.answer(document, lambda: _draw(document))
    return Exit.DONE


def _put_rules(folder: Path) -> list[tuple[Path, bool]]:
    """Write the starter rules, unless the folder has rules: more of them would change targets."""
    present = sorted(folder.glob("*.yaml"))
    if present:
        return [(file, False) for file in present]
    return [
        (folder / file.name, put(folder / file.name, file.read_text("utf-8")))
        for file in starter_rules()
    ]


def _database(session: Session) -> tuple[str, list[str]]:
    """Make the database if the configuration says where; say what is missing otherwise."""
    try:
        files = books.read(session)
        migrate_database(files.settings.database.get_secret_value())
    except StockSyncError as error:
        return "waiting", str(error).split("\n")
    return "ready", []


def _next_steps(config: Path, *, ready: bool) -> list[str]:
    """Return what to do next, in order."""
    call = "stocksync" if config.parent == Path() else f"stocksync --config {config}"
    steps = [f"fill in {config}: your stores, and how to reach them"]
    if not ready:
        steps.append(f"{call} migrate")
    return [*steps, f"{call} check", f"{call} stock import FILE.csv", f"{call} sync --dry-run"]


def _draw(document: dict[str, Any]) -> None:
    for file in document["written"]:
        say(f"written   {file}")
    for file in document["existing"]:
        say(f"kept      {file} (it was there already)")
    if document["database"] == "ready":
        say("the database is ready")
    else:
        say("the database waits until the configuration is filled in:")
        for problem in document["problems"]:
            say(f"  {problem}")
    say()
    say("next")
    for number, step in enumerate(document["next"], start=1):
        say(f"  {number}. {step}")


def migrate(ctx: typer.Context) -> int:
    """Make the database, or bring it up to date."""
    session = session_of(ctx)
    settings = books.read_settings(session)
    changed = migrate_database(settings.database.get_secret_value())
    document = {"database": shown_database(settings), "migrated": changed}

    def draw() -> None:
        done = "is up to date now" if changed else "was up to date already"
        say(f"{document['database']} {done}")

    session.answer(document, draw)
    return Exit.DONE


def shown_database(settings: Settings) -> str:
    """Return the address of the database without its password, and without its driver."""
    url = parse(settings.database.get_secret_value())
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
