"""What runs jobs promises: to be asked, to do one job per store at a time, and to tell."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from stocksync.domain.identifiers import Sku, StoreId

#: `sweep`: a pull that then compares every listing with its target. `look`: read only what the
#: store itself hinted at. `hot`: read only what sells fast or is nearly out.
Kind = Literal["sweep", "pull", "look", "hot", "push"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A run that a person asks for: some stores or all, some SKUs or all, or only a look."""

    stores: tuple[StoreId, ...] = ()
    skus: tuple[Sku, ...] = ()
    dry_run: bool = False
    trigger: str = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """One step of a run: a store was read or written, or the run ended (`store` is empty then)."""

    run: str
    at: datetime
    stage: str
    store: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """What a store is doing: the kind of its running job, and when the next pull is due."""

    store: StoreId
    working: Kind | None
    outcome: str
    error: str
    next_pull_at: datetime | None


class Dispatcher(Protocol):
    """The only one that starts jobs in a running service."""

    def request(self, store: StoreId, kind: Kind) -> bool:
        """Ask for a job; False when one of this kind waits already, or the service is stopping."""
        ...

    def hinted(self, store: StoreId) -> None:
        """Look soon at what waiting hints of a store name; many of them are one look."""
        ...

    async def reconcile(self, wish: Wish) -> str:
        """Start a run by hand and return its name at once.

        Raises:
            RunInProgress: Another run that a person asked for has not ended.
            UnknownName: A store that is not configured.
        """
        ...

    def events(self, run: str) -> AsyncIterator[RunEvent]:
        """Yield the events of a run from its beginning, until it ends.

        Raises:
            UnknownName: A run that this process did not start, or has forgotten.
        """
        ...

    def statuses(self) -> Collection[StoreStatus]:
        """Return what each store is doing."""
        ...
