"""A process of its own that writes to a ledger, or dies while it does: `URL NAME COMMITS [die]`.

It says when it is ready, and begins when it is told to, so that two of them begin together.
"""

import asyncio
import os
import sys
from dataclasses import replace
from unittest.mock import patch

from stocksync.contracts.ledger import Commit
from stocksync.domain.identifiers import ListingId
from stocksync.errors import StaleLevel
from stocksync.ledger import writing
from stocksync.ledger.sql import SqlLedger, open_ledger
from tests.contract.ledger_examples import SHOP, Clock, run, sale

COUNTER = ListingId("counter")


async def count_up(ledger: SqlLedger, key: str) -> None:
    """Add one to a number that everybody adds to: read, decide, write, or decide again."""
    while True:
        record = (await ledger.records(SHOP, [COUNTER]))[COUNTER]
        raised = replace(record, baseline=(record.baseline or 0) + 1)
        try:
            await ledger.commit(Commit(movements=[sale(key, 1)], records=[raised]))
        except StaleLevel:
            continue
        return


async def work(url: str, name: str, commits: int) -> None:
    ledger = await open_ledger(url, now=Clock())
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(commits):
        await count_up(ledger, f"{name}-{number}")
    await ledger.aclose()


async def die(url: str) -> None:
    """End the process after everything was written, and before it was committed."""
    ledger = await open_ledger(url, now=Clock())
    with patch.object(writing, "run_row", lambda _run: os._exit(9)):
        await ledger.commit(Commit(movements=[sale("never", 1)], run=run("r1")))


if __name__ == "__main__":
    url, name, commits, *rest = sys.argv[1:]
    asyncio.run(die(url) if rest else work(url, name, int(commits)))
