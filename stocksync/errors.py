"""The error tree, cut by what the caller must do next.

StockSyncError
|- ConfigurationError      stop at start; the operator edits a file
|- UnknownName             tell the person which names exist; nothing was touched
|- StalePlan               plan again; the world moved since the plan was made
|- RunInProgress           watch that run, or wait for it to end
|- ConnectorError
|  |- AuthFailed           pause this store and tell someone; never retry
|  |- RateLimited          wait `retry_after_seconds`, then retry
|  |- StoreUnavailable     retry with back-off; others carry on
|  |- StoreRejected        record it and go on; retrying will not help
|  |- OutcomeUnknown       read the store before doing anything else
|  `- UnexpectedResponse   pause this store; their API or our parser changed
`- LedgerError
   |- StaleLevel           someone else wrote first; decide again from fresh numbers
   |- LeaseLost            another runner has this store; stop writing at once
   |- LedgerUnavailable    the database cannot be used now; nothing was written
   |  `- LedgerFrozen       the database went back in time; a person accepts that, or restores
   `- LedgerBroken         the books do not add up; stop the process
"""

from collections.abc import Sequence
from enum import Enum
from typing import ClassVar


class Action(Enum):
    """What the caller does when it meets an error."""

    STOP = "stop"
    TELL = "tell"
    PLAN_AGAIN = "plan_again"
    PAUSE_STORE = "pause_store"
    WAIT = "wait"
    RETRY = "retry"
    RECORD = "record"
    READ_FIRST = "read_first"
    DECIDE_AGAIN = "decide_again"


class StockSyncError(Exception):
    """Root of everything this product raises on purpose."""

    action: ClassVar[Action]


class ConfigurationError(StockSyncError):
    """Say every mistake in the configuration or the rules at once."""

    action = Action.STOP

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class UnknownName(StockSyncError):
    """A SKU, store, run or hold that does not exist here."""

    action = Action.TELL


class StalePlan(StockSyncError):
    """The plan that was asked for is no longer the plan that would be carried out."""

    action = Action.PLAN_AGAIN


class RunInProgress(StockSyncError):
    """A run that somebody asked for is not over yet; `run` names it."""

    action = Action.WAIT

    def __init__(self, run: str) -> None:
        super().__init__(f"run {run} is in progress")
        self.run = run


class ConnectorError(StockSyncError):
    """What went wrong between us and one store."""


class AuthFailed(ConnectorError):
    """The store refused our credentials."""

    action = Action.PAUSE_STORE


class RateLimited(ConnectorError):
    """The store asked us to wait."""

    action = Action.WAIT

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StoreUnavailable(ConnectorError):
    """The store could not be reached or broke; the request had no effect or was a read."""

    action = Action.RETRY


class StoreRejected(ConnectorError):
    """The store understood the request and declined it."""

    action = Action.RECORD


class OutcomeUnknown(ConnectorError):
    """A write was sent and not answered: it may or may not have happened."""

    action = Action.READ_FIRST


class UnexpectedResponse(ConnectorError):
    """An answer that is not what the store's documents describe."""

    action = Action.PAUSE_STORE


class LedgerError(StockSyncError):
    """What went wrong between us and our own books."""


class StaleLevel(LedgerError):
    """A row changed since it was read; nothing of the commit was written."""

    action = Action.DECIDE_AGAIN


class LeaseLost(LedgerError):
    """The commit carries an old epoch: another runner works on this store now."""

    action = Action.DECIDE_AGAIN


class LedgerUnavailable(LedgerError):
    """The database is missing, locked, full, read-only or of another version."""

    action = Action.STOP


class LedgerFrozen(LedgerUnavailable):
    """The database is older than what was last written to it: nothing may be booked or sent."""


class LedgerBroken(LedgerError):
    """An invariant of the books does not hold."""

    action = Action.STOP
