"""How a command ends: its exit code, and the sentences for what went wrong (`DESIGN §5`)."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from stocksync.errors import (
    ConfigurationError,
    LedgerBroken,
    LedgerUnavailable,
    StalePlan,
    StockSyncError,
    UnknownName,
)

_WRONG: Final = (ConfigurationError, UnknownName, StalePlan, LedgerUnavailable)
_OUTCOMES: Final = ("ok", "skipped", "held", "failed")


class Exit(IntEnum):
    """What the exit codes mean; INTERRUPTED is what shells use for Ctrl-C."""

    DONE = 0
    FAILED = 1
    WRONG = 2
    HELD = 3
    INTERRUPTED = 130


class Interrupted(StockSyncError):
    """A person stopped the command with Ctrl-C."""


def worst(outcomes: Iterable[str]) -> str:
    """Name the outcome of several stores after the worst of them."""
    return max(outcomes, key=_OUTCOMES.index, default="ok")


def exit_for(outcomes: Iterable[str]) -> Exit:
    """Choose the exit code for what became of each store; a store left out was not done."""
    seen = frozenset(outcomes)
    if seen & {"failed", "skipped"}:
        return Exit.FAILED
    return Exit.HELD if "held" in seen else Exit.DONE


def told(error: BaseException) -> tuple[Exit, list[str]]:
    """Return the exit code for an error, and every problem it holds as a sentence.

    Words of the command line that were not understood are wrong configuration too.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, Interrupted):
        return Exit.INTERRUPTED, ["interrupted; what was booked is kept, run it again to go on"]
    if isinstance(error, LedgerBroken):
        advice = "stop every run, then see `stocksync ledger verify`"
        return Exit.FAILED, [f"the books do not add up: {error}; {advice}"]
    if isinstance(error, StockSyncError):
        code = Exit.WRONG if isinstance(error, _WRONG) else Exit.FAILED
        return code, str(error).split("\n")
    misread = getattr(error, "format_message", None)
    if callable(misread):
        return Exit.WRONG, _misread(error, str(misread()))
    hint = "this is a defect, please report it; STOCKSYNC_DEBUG=1 shows where it happened"
    return Exit.FAILED, [f"unexpected {type(error).__name__}: {error} ({hint})"]


def _misread(error: BaseException, message: str) -> list[str]:
    """Say what was wrong with the words that were typed, and where to look them up."""
    where = getattr(getattr(error, "ctx", None), "command_path", "stocksync")
    text = message.strip().rstrip(".")
    return [f"{text}; see `{where} --help`"] if text else []
