"""What the words before and after a command chose: which configuration, and JSON or tables."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer

CONFIG_VARIABLE: Final = "STOCKSYNC_CONFIG"
CONFIG_FILE: Final = "stocksync.yaml"


@dataclass
class Session:
    """One call of the program. `chosen` is what `--config` named."""

    chosen: Path | None = None
    json: bool = False

    @property
    def path(self) -> Path:
        """Return the configuration file: named by `--config`, by the environment, or the usual."""
        return self.chosen or Path(os.environ.get(CONFIG_VARIABLE) or CONFIG_FILE)

    def answer(self, document: Any, draw: Callable[[], None]) -> None:
        """Print the one JSON document of `--json`, or else draw for people."""
        if self.json:
            print_json(document)
        else:
            draw()


def session_of(ctx: typer.Context) -> Session:
    """Return the session that a command belongs to."""
    session: Session = ctx.ensure_object(Session)
    return session


def print_json(document: Any) -> None:
    """Print a document in plain ASCII: no letter in it can harm a terminal."""
    print(json.dumps(document, indent=2, ensure_ascii=True), flush=True)
