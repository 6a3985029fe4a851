"""What the ledger promises about hints: kept before the sender hears so, gone once looked at."""

from collections.abc import Collection
from typing import Protocol

from stocksync.domain.hints import Hint
from stocksync.domain.identifiers import ListingId, StoreId


class Hints(Protocol):
    """The part of the ledger that remembers what is to be looked at; `Commit.answered` forgets."""

    async def hint(self, hints: Collection[Hint]) -> None:
        """Keep hints, durably and all together; one said again is counted, at its first time.

        A hint for the whole store takes the place of every other of that store, and so does the
        one that `KEYS_MAX` of them become when there are more.

        Raises:
            LedgerUnavailable: The database refused; nothing was kept.
        """
        ...

    async def hints(self, store: StoreId | None = None) -> list[Hint]:
        """Return the hints that no look has answered, by store and key."""
        ...

    async def named(self, store: StoreId, names: Collection[str]) -> list[ListingId]:
        """Return the listings whose id, code or group is one of these names, in order.

        Also those that are not there any more: what they sold may be told later.
        """
        ...
