"""The command line's own kinds of commands: shared options, loading late, errors in one place."""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from stocksync.cli.exits import Exit, Interrupted, told
from stocksync.cli.session import print_json, session_of
from stocksync.engine.words import line

DEBUG_VARIABLE: Final = "STOCKSYNC_DEBUG"
#: Where each command of the root is found: `module:name` of a function or of a typer.Typer.
PLACES: Final[dict[str, str]] = {}


def _choose_json(ctx: typer.Context, value: bool) -> None:
    session_of(ctx).json |= value


def _choose_config(ctx: typer.Context, value: Path | None) -> None:
    session = session_of(ctx)
    session.chosen = value or session.chosen


def _shared(
    _config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="PATH",
            callback=_choose_config,
            expose_value=False,
            help="The configuration file (else STOCKSYNC_CONFIG, else stocksync.yaml).",
        ),
    ] = None,
    _json: Annotated[
        bool,
        typer.Option(
            "--json",
            callback=_choose_json,
            expose_value=False,
            help="Answer with one JSON document on standard output.",
        ),
    ] = False,
) -> None:
    """Hold the options that every command takes."""


def shared_options() -> list[Any]:
    """Return the options that every command takes, before and after its name."""
    carrier = typer.Typer(add_completion=False)
    carrier.command()(_shared)
    return list(get_command(carrier).params)


class Command(TyperCommand):
    """A command that takes the shared options."""

    def __init__(self, name: str | None, *, params: list[Any] | None = None, **rest: Any) -> None:
        super().__init__(name, params=[*(params or []), *shared_options()], **rest)


class Family(TyperGroup):
    """A command with commands of its own, which takes the shared options too."""

    def __init__(self, *, params: list[Any] | None = None, **rest: Any) -> None:
        super().__init__(params=[*(params or []), *shared_options()], **rest)


class Root(Family):
    """The program itself: loads a command when it is asked for, and turns errors into exits."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the real command in place of the one that only stands in the help."""
        name, stub, rest = super().resolve_command(ctx, args)
        return name, stub if name is None or stub is None else load(name), rest

    def main(self, *args: Any, **settings: Any) -> NoReturn:
        """Run, and end the process with an exit code of `DESIGN §5`; never with a traceback."""
        given = settings.get("args", args[0] if args else None)
        words = sys.argv[1:] if given is None else list(given)
        try:
            code = super().main(*args, **{**settings, "standalone_mode": False})
        except typer.Abort:
            code = Exit.INTERRUPTED
        except Exception as error:  # noqa: BLE001 - nobody is shown a traceback by surprise
            raise SystemExit(_report(error, words)) from None
        if code == Exit.INTERRUPTED:
            raise SystemExit(_report(Interrupted(), words))
        raise SystemExit(code if isinstance(code, int) else Exit.DONE)


def load(name: str) -> Any:
    """Import a command of the root and return it ready to run."""
    module, _, attribute = PLACES[name].partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        group = get_command(found)
        group.name = name
        return group
    single = typer.Typer(add_completion=False)
    single.command(name, cls=Command)(found)
    return get_command(single)


def _report(error: Exception, words: Sequence[str]) -> Exit:
    """Say what went wrong: a line for each problem, and with `--json` the one document."""
    code, problems = told(error)
    own = list(words)[: list(words).index("--")] if "--" in words else words
    if "--json" in own:
        summary = problems[0] if len(problems) == 1 else f"{len(problems)} problems"
        print_json({"error": summary, "problems": problems})
    for problem in problems:
        print(f"error: {line(problem)}", file=sys.stderr)
    if os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error, file=sys.stderr)
    return code
