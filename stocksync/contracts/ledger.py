"""What the ledger promises: questions that change nothing, and one way to write, all or nothing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from stocksync.contracts.browsing import Browsing
from stocksync.contracts.hints import Hints
from stocksync.contracts.history import History
from stocksync.contracts.sales import Sales
from stocksync.domain.gates import Gate
from stocksync.domain.hints import Hint
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import Account, Movement
from stocksync.domain.orders import KnownLine
from stocksync.domain.plan import Line
from stocksync.domain.stock import Levels, ListingRecord

ListingKey = tuple[StoreId, ListingId]


class IntentState(StrEnum):
    """Where a write stands. `open` may have been sent; `unknown` was sent and never answered."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A write we decided on, recorded before it is sent; at most one open per listing."""

    id: str
    run: str
    store: StoreId
    listing: ListingId
    sku: str
    before: int
    target: int
    state: IntentState
    created_at: datetime
    resolved_at: datetime | None = None
    detail: str = ""


class HoldState(StrEnum):
    """What became of a held plan."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    APPLIED = "applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A plan that a gate stopped, named by its hash, and what a person decided about it."""

    hash: str
    store: StoreId
    gate: Gate
    reason: str
    lines: tuple[Line, ...]
    state: HoldState
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run as it is kept: what was asked, how it ended, and the outcome of each store.

    `stores` holds the objects of `sync --json` (`DESIGN §5`), one per store.
    """

    id: str
    kind: str
    trigger: str
    started_at: datetime
    finished_at: datetime | None = None
    outcome: str = "running"
    stores: tuple[Mapping[str, Any], ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRecord:
    """What the ledger remembers of a store as a whole.

    `rules_fingerprint` is that of the rules its targets were last worked out with,
    `links_fingerprint` that of those its codes were matched with. Orders placed before `feed_from`
    are older than what we know of the feed; `feed_at` is when it was last read. `delay_seconds` is
    how long corrections take to reach it, once their cause was seen.
    """

    store: StoreId
    last_pull_at: datetime | None = None
    last_push_at: datetime | None = None
    last_sweep_at: datetime | None = None
    failures: int = 0
    last_error: str = ""
    rules_fingerprint: str = ""
    links_fingerprint: str = ""
    feed_from: datetime | None = None
    feed_at: datetime | None = None
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on a store: a commit that carries an old epoch is refused."""

    store: StoreId
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedMovement:
    """A movement as it stands in the books: its number, when it was written, and its seal."""

    number: int
    recorded_at: datetime
    movement: Movement
    seal: str


@dataclass(kw_only=True)
class Commit:
    """Everything that one decision changes; it is written all together or not at all.

    A movement whose key is booked already is left out, and so is its effect on balances.
    `records` are written while their `version` is still the one in the ledger (0: a new listing,
    which must not exist yet), and all of it while the holds `as_read` still are what they were.
    `due` marks every listing of these SKUs (and these listings) in need of a push, except those
    named in `records`, whose own `due_since` is final. `answered` are hints that a look answered:
    those said again since are kept.
    """

    movements: list[Movement] = field(default_factory=list)
    records: list[ListingRecord] = field(default_factory=list)
    due_skus: set[Sku] = field(default_factory=set)
    due_listings: set[ListingKey] = field(default_factory=set)
    due_since: datetime | None = None
    intents: list[Intent] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    as_read: list[Hold] = field(default_factory=list)
    run: RunRecord | None = None
    store: StoreRecord | None = None
    answered: list[Hint] = field(default_factory=list)
    lines: list[KnownLine] = field(default_factory=list)
    lease: Lease | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `ledger verify` found: every list is empty when the books add up.

    `imbalances`: SKUs whose accounts do not sum to zero. `mismatches`: balances that differ from
    the fold of the movements. `broken_seals`: numbers of movements that are not what was sealed.
    """

    movements: int
    skus: int
    imbalances: tuple[str, ...] = ()
    mismatches: tuple[str, ...] = ()
    broken_seals: tuple[int, ...] = ()

    @property
    def sound(self) -> bool:
        return not (self.imbalances or self.mismatches or self.broken_seals)


class Ledger(Browsing, Hints, History, Sales, Protocol):
    """The books. Two implementations, one contract suite: SQLModel tables, and a dict."""

    async def commit(self, commit: Commit) -> int:
        """Write one decision, and return how many of its movements were new.

        Raises:
            StaleLevel: A listing or hold changed since it was read, or another run writes it.
            LeaseLost: Another runner took the store over.
            LedgerUnavailable: The database refused; nothing was written.
        """
        ...

    async def acquire(
        self, store: StoreId, *, holder: str, now: datetime, until: datetime
    ) -> Lease | None:
        """Take the lease of a store if it is free, ended, or ours; None when another holds it."""
        ...

    async def renew(self, lease: Lease, *, until: datetime) -> bool:
        """Keep a lease; False when it was lost."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give a lease back; a lost one is left alone."""
        ...

    async def lease_holder(self, store: StoreId) -> str:
        """Return who holds the lease of a store, or an empty string."""
        ...

    async def records(
        self, store: StoreId, listings: Collection[ListingId] | None = None
    ) -> dict[ListingId, ListingRecord]:
        """Return what is remembered of these listings (of all, when None), own values included."""
        ...

    async def records_of(self, skus: Collection[Sku]) -> list[ListingRecord]:
        """Return every listing of these SKUs, in all stores, ordered by store and listing."""
        ...

    async def due(self, store: StoreId) -> list[ListingRecord]:
        """Return the listings that wait for a push, the longest waiting first."""
        ...

    async def identities(self, store: StoreId) -> list[tuple[ListingId, str | None, Sku | None]]:
        """Return listing, code and SKU of every listing still present: three columns, no more."""
        ...

    async def agreements(self, store: StoreId) -> set[int]:
        """Return a new set of `agreement`s: present, showing the baseline, no write unanswered."""
        ...

    async def counts(self, store: StoreId) -> tuple[int, int, int]:
        """Count a store's present listings, those with a baseline, and those of them above zero."""
        ...

    async def states(self) -> dict[tuple[StoreId, str], int]:
        """Count listings by store and state, for metrics; the names are those of `ListingState`."""
        ...

    async def levels(self, skus: Collection[Sku]) -> dict[Sku, Levels]:
        """Return the stock levels of those SKUs that have ever moved; others are left out."""
        ...

    async def skus(self) -> list[Sku]:
        """Return every SKU that has ever moved, in order."""
        ...

    async def totals(self) -> dict[Account, int]:
        """Return the balance of every account, over all SKUs."""
        ...

    async def oversold(self) -> int:
        """Count the units below zero, over all SKUs: promised to somebody, and not there."""
        ...

    async def history(self, sku: Sku, limit: int | None = None) -> list[BookedMovement]:
        """Return a SKU's movements, newest first."""
        ...

    async def booked(self, key: str) -> BookedMovement | None:
        """Return the movement with this key; None when it never was booked."""
        ...

    async def intents(
        self,
        store: StoreId | None = None,
        states: Iterable[IntentState] = (IntentState.OPEN, IntentState.UNKNOWN),
    ) -> list[Intent]:
        """Return intents in these states, oldest first."""
        ...

    async def writes(self, store: StoreId, listing: ListingId, limit: int) -> list[Intent]:
        """Return the writes to one listing, newest first."""
        ...

    async def holds(
        self, store: StoreId | None = None, states: Iterable[HoldState] = (HoldState.OPEN,)
    ) -> list[Hold]:
        """Return holds in these states, oldest first."""
        ...

    async def hold(self, hash_: str) -> Hold | None:
        """Return the newest hold of this name; a unique beginning of it will do."""
        ...

    async def runs(self, limit: int = 20) -> list[RunRecord]:
        """Return the last runs, newest first."""
        ...

    async def run(self, id_: str) -> RunRecord | None: ...
    async def store(self, store: StoreId) -> StoreRecord: ...

    async def verify(self) -> Verdict:
        """Prove the books: accounts sum to zero, balances are the fold, no seal is broken."""
        ...

    async def aclose(self) -> None: ...
