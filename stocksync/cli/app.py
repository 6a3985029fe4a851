"""The commands of `stocksync`: their names, where each is found, and its line in the help."""

from importlib.util import find_spec
from typing import Annotated, Final

import typer

from stocksync.cli.root import PLACES, Root

#: Panel, name, place and help of every command. The help stands here so that `--help` need not
#: import the commands; a test keeps it the same as in their own files.
COMMANDS: Final = (
    ("Begin", "init", "start:init", "Write a configuration and rules to begin with."),
    ("Begin", "check", "check:check", "Check the configuration, the database and every store."),
    ("Begin", "migrate", "start:migrate", "Make the database, or bring it up to date."),
    ("Begin", "webhooks", "webhooks:app", "Let stores tell us at once when something happened."),
    ("Work", "sync", "sync:sync", "Read every store, book what happened, and correct the others."),
    ("Work", "plan", "sync:plan", "Show what a sync would do now, and do nothing."),
    ("Work", "apply", "sync:apply", "Carry out a plan, if it is still the plan."),
    ("Work", "serve", "serve:serve", "Keep all stores right until stopped; serve HTTP."),
    ("Work", "reconcile", "reconcile:reconcile", "Let a running service start a run now."),
    ("Stock", "stock", "stock:app", "See, count and adjust what is in stock."),
    ("Stock", "history", "why:history", "Show every movement of a SKU, newest first."),
    ("Stock", "explain", "why:explain", "Say why a SKU's numbers are what they are."),
    ("Decide", "holds", "holds:app", "See, approve and reject plans that a gate stopped."),
    ("Decide", "rules", "rules:app", "Check the rules, and see which of them hold for a SKU."),
    ("Look back", "runs", "runs:app", "Show what the last runs did."),
    ("Look back", "ledger", "ledger:app", "Prove the books."),
    ("Look back", "backup", "backup:backup", "Copy the books into a file, also while serving."),
    ("Try out", "sandbox", "sandbox:sandbox", "Serve five fake stores to try things out with."),
    ("Try out", "demo", "demo:demo", "Show the main job with fake stores, from start to end."),
)

app: Final = typer.Typer(
    name="stocksync",
    cls=Root,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:
    if value:
        from stocksync import __version__  # noqa: PLC0415 - reads the installed metadata

        print(f"stocksync {__version__}")
        raise typer.Exit


@app.callback()
def stocksync(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version and leave."
        ),
    ] = False,
) -> None:
    """Keep the stock of one merchant right in all of their online stores.

    Exit codes: 0 done, 1 some store failed, 2 configuration wrong, 3 something is held.
    """


def _stand_in() -> None:
    """Stand in the help until the command itself is loaded."""


for _panel, _name, _place, _help in COMMANDS:
    _module, _, _attribute = _place.partition(":")
    if find_spec(f"stocksync.cli.{_module}") is not None:
        PLACES[_name] = f"stocksync.cli.{_module}:{_attribute}"
        app.command(_name, help=_help, rich_help_panel=_panel)(_stand_in)
