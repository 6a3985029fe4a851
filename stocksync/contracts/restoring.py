"""What books promise that notice when they were restored from a backup."""

from typing import Protocol, runtime_checkable

from stocksync.contracts.ledger import Commit


@runtime_checkable
class Restorable(Protocol):
    """Books that know how new they should be."""

    @property
    def frozen(self) -> str:
        """Say why nothing may be written; empty as long as it may."""
        ...

    async def accept_restore(self, commit: Commit) -> int:
        """Forget what was believed of every listing, write the commit, and be writable again.

        All together or not at all. Returns how many listings were forgotten.
        """
        ...
