"""Read several rules folders beside the configuration, and gather what is wrong with all of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from stocksync.cli.tables import note
from stocksync.domain.rulebook import Rulebook
from stocksync.errors import ConfigurationError
from stocksync.rulebook import load_rulebook
from stocksync.settings import Settings

T = TypeVar("T")


class Gathered:
    """Mistakes of everything a command reads, to be told at once."""

    def __init__(self) -> None:
        self._problems: list[str] = []

    def take(self, read: Callable[[], T]) -> T | None:
        """Read something; None when it was wrong, and then `raise_any` says why."""
        try:
            return read()
        except ConfigurationError as error:
            self._problems += [at for at in error.problems if at not in self._problems]
            return None

    def raise_any(self) -> None:
        """Raise every mistake.

        Raises:
            ConfigurationError: Everything that was wrong.
        """
        if self._problems:
            raise ConfigurationError(self._problems)


def rules_in(folder: Path, settings: Settings, *, called: str) -> Rulebook:
    """Read the rules of a folder that a command names; `called` is what it calls it.

    Raises:
        ConfigurationError: There is no such folder, or everything that is wrong with its rules.
    """
    if not folder.exists():
        advice = f"name one that holds rules, such as {settings.rules}"
        raise ConfigurationError([f"{called} {folder}: there is no such folder; {advice}"])
    if not folder.is_dir():
        raise ConfigurationError([f"{called} {folder}: is no folder; name the one that it is in"])
    rules = load_rulebook(folder, settings.platforms)
    if not any(folder.glob("*.yaml")):
        note(f"warning: {folder}: holds no *.yaml file, so no rule at all")
    for warning in rules.warnings:
        note(f"warning: {warning}")
    return rules.book
