"""`rules schema`: what a rules file may say, for editors that complete and underline."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from stocksync.cli.exits import Exit
from stocksync.cli.files import save_text
from stocksync.cli.session import print_json, session_of
from stocksync.cli.tables import say
from stocksync.files.ruleschema import schema as schema_of_rules

#: What the first line of a YAML file says to editors that use the YAML language server.
HINT: Final = "# yaml-language-server: $schema="


def schema(
    ctx: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write it there, in place of what is there."),
    ] = None,
) -> int:
    """Print the JSON Schema of a rules file, for editors that know YAML."""
    session = session_of(ctx)
    made = schema_of_rules()
    if out is None:
        print_json(made)
        return Exit.DONE
    save_text(json.dumps(made, indent=2, ensure_ascii=True) + "\n", out)

    def draw() -> None:
        say(f"written {out}")
        say(f"begin each rules file with: {HINT}{out.name}")

    session.answer({"written": str(out)}, draw)
    return Exit.DONE
