"""All clauses of the ledger's contract, gathered from the files that say them."""

from tests.contract import (
    ledger_books,
    ledger_browsing,
    ledger_hints,
    ledger_history,
    ledger_keys,
    ledger_listings,
    ledger_sales,
    ledger_work,
)
from tests.contract.ledger_clauses import CLAUSES

SAID_IN = (
    ledger_books,
    ledger_listings,
    ledger_work,
    ledger_hints,
    ledger_browsing,
    ledger_history,
    ledger_keys,
    ledger_sales,
)

__all__ = ["CLAUSES", "SAID_IN"]
