"""Let restored books forget what they believed of the stores, which went on without them."""

from typing import Final

from sqlalchemy import Connection, update

from stocksync.contracts.ledger import IntentState
from stocksync.ledger.tables import INTENTS, LISTINGS

_DETAIL: Final = "the books were restored from a backup"
_UNFINISHED: Final = (IntentState.OPEN.value, IntentState.UNKNOWN.value)


def forget_beliefs(connection: Connection) -> int:
    """Take every baseline, mark and unfinished write away; return how many listings that are.

    The next look at each listing is then its first contact, and books nothing. What the books say
    of stock, orders and the past stays.
    """
    ended = {"state": IntentState.SUPERSEDED.value, "detail": _DETAIL}
    connection.execute(update(INTENTS).where(INTENTS.c.state.in_(_UNFINISHED)).values(ended))
    forgotten = update(LISTINGS).values(
        baseline=None,
        settled=False,
        due_since=None,
        attempts=0,
        retry_at=None,
        unexplained="",
        unexplained_since=None,
        missed=0,
        version=LISTINGS.c.version + 1,
    )
    return connection.execute(forgotten).rowcount
