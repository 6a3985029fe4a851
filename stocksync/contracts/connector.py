"""What a store connector promises. `tests/contract/` holds every connector to it.

Small on purpose: facts about a store are data (`Capabilities`), and what only some stores can do
is a protocol of its own. No method ever answers "not supported".
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.orders import OrderLine
from stocksync.domain.stock import Correction, Observation


class Guarantee(StrEnum):
    """What a write is worth. With `SET` the engine reads just before each write.

    `COMPARE_AND_SET`: the store itself refuses a stale write (`domain.md §5`, ladder L4-L5).
    """

    COMPARE_AND_SET = "compare_and_set"
    SET = "set"


class ReadBack(StrEnum):
    """Which acknowledged writes are believed only after the store shows them."""

    NEVER = "never"
    ZERO = "zero"
    ALWAYS = "always"


@dataclass(frozen=True, kw_only=True)
class StoreAccount:
    """One configured account at one store: all that a connector needs to know.

    `url` is the origin, without a path. `credentials` and `options` hold the platform's own keys
    of the configuration (`DESIGN §5`). `listings` are the known ids of a store that lists nothing
    itself. `requests_per_second` and `concurrency_max` override what the platform allows.
    """

    store: StoreId
    url: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    listings: tuple[ListingId, ...] = ()
    requests_per_second: float | None = None
    concurrency_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Facts about a store. The engine plans with them; the contract suite skips by them.

    `page_max`: rows in a full page of the census. `settle_seconds`: how long a store may show the
    old number after a write. `whole_group_writes`: one write carries every listing of a group, so
    the engine cuts batches at groups. `switches_only`: the store has no quantities, only offered
    or not. `locations`: the store keeps quantities per location.
    """

    page_max: int
    read_batch_max: int
    write_batch_max: int
    concurrency_max: int
    guarantee: Guarantee = Guarantee.SET
    read_back: ReadBack = ReadBack.NEVER
    settle_seconds: float = 0.0
    whole_group_writes: bool = False
    switches_only: bool = False
    locations: bool = False
    dry_run: bool = False


class WriteOutcome(StrEnum):
    """What the store said about one correction."""

    APPLIED = "applied"
    STALE = "stale"
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """The answer to one correction; `detail` is for people and never holds a secret."""

    listing: ListingId
    outcome: WriteOutcome
    detail: str = ""


@runtime_checkable
class StoreConnector(Protocol):
    """One account at one store."""

    @property
    def store(self) -> StoreId: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def api_calls(self) -> int:
        """Count every request sent to the store so far, retries included."""
        ...

    async def aclose(self) -> None:
        """Let go of the network; may be called twice, every later call raises."""
        ...


@runtime_checkable
class StockReader(StoreConnector, Protocol):
    """A store that shows its quantities."""

    def census(self) -> AsyncIterator[Sequence[Observation]]:
        """Yield every listing once, page by page. Ending means complete; a cut-off census raises.

        Raises:
            UnexpectedResponse: An answer is not the API, or the walk cannot have been complete.
            StoreUnavailable: The store did not answer after a bounded number of tries.
        """
        ...

    async def read(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        """Read at most `read_batch_max` listings. A listing the store does not know is absent."""
        ...


@runtime_checkable
class StockWriter(StockReader, Protocol):
    """A store that lets us set what it shows."""

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        """Set at most `write_batch_max` listings, with one write request, sent once.

        Returns one result per correction, in the order given. Setting the same quantity twice is
        setting it once.

        Raises:
            OutcomeUnknown: The request may or may not have arrived; read before deciding.
            StoreRejected: The store declined the batch as a whole; nothing was applied.
            StoreUnavailable: The request never left this machine.
        """
        ...


@runtime_checkable
class OrderFeed(StoreConnector, Protocol):
    """A store that tells what was sold."""

    @property
    def sees_changes(self) -> bool:
        """Tell whether `orders` finds an old order that was changed or cancelled since.

        False where a store only knows when an order was placed: then an order must be read again
        for as long as it may be cancelled.
        """
        ...

    def orders(self, since: datetime) -> AsyncIterator[Sequence[OrderLine]]:
        """Yield the lines of every order placed since, and of those changed since if it can tell.

        Carts and drafts are no orders. Lines of a cancelled order have 0 units; so has a line that
        sells nothing of its own, as an option of another line. Ending means complete; a feed that
        is cut off raises.

        Raises:
            UnexpectedResponse: An answer is not the API, or a quantity in it cannot be read.
            StoreUnavailable: The store did not answer after a bounded number of tries.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook as a store keeps it; `target` is None where the store does not show it."""

    id: str
    events: tuple[str, ...]
    target: str | None = field(repr=False)
    secret: str = field(repr=False)


@runtime_checkable
class WebhookAdmin(StoreConnector, Protocol):
    """A store whose webhooks are made through its API."""

    @property
    def webhook_events(self) -> tuple[str, ...]:
        """Name the events after which a quantity may be another."""
        ...

    async def webhooks(self) -> Sequence[Webhook]:
        """Return every webhook of the account, ours and others."""
        ...

    async def add_webhook(self, *, target: str, secret: str, events: Sequence[str]) -> Webhook:
        """Let the store send these events to `target`; asked twice, it sends them twice.

        Raises:
            OutcomeUnknown: It may or may not exist now; look at `webhooks` before trying again.
        """
        ...
