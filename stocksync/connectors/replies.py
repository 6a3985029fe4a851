"""What a store's reply to a write says about one correction."""

from datetime import datetime

from stocksync.connectors.quantity import reading
from stocksync.contracts.connector import WriteOutcome, WriteResult
from stocksync.domain.stock import Correction, Counted


def told(correction: Correction, outcome: WriteOutcome, detail: str = "") -> WriteResult:
    """Pair a correction with its outcome."""
    return WriteResult(listing=correction.listing, outcome=outcome, detail=detail)


def compared(correction: Correction, shown: object, *, read_at: datetime) -> WriteResult:
    """Compare what we set with the quantity the reply shows; None shows nothing, and is believed.

    The old number means that the store kept it. A third number may be ours with a sale on top, so
    only a reading can tell: unknown.
    """
    if shown is None:
        return told(correction, WriteOutcome.APPLIED)
    number = reading(shown, read_at=read_at, negative_allowed=True)
    if number == Counted(correction.quantity, read_at):
        return told(correction, WriteOutcome.APPLIED)
    kept = number == Counted(correction.expected, read_at)
    seen = number.quantity if isinstance(number, Counted) else "no readable number"
    detail = f"set {correction.quantity}, the reply shows {seen}"
    return told(correction, WriteOutcome.REJECTED if kept else WriteOutcome.UNKNOWN, detail)
