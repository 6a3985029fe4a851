"""Build the service from its configuration; the only file that knows every store and the books."""

import gc
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from stocksync import metrics
from stocksync.connectors import REGISTRY
from stocksync.connectors.http import Transport
from stocksync.contracts.connector import OrderFeed, StoreAccount
from stocksync.domain.identifiers import StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.merge import Role
from stocksync.domain.rulebook import Rulebook
from stocksync.engine.context import Context, Store
from stocksync.ledger.schema import pending
from stocksync.ledger.sql import open_ledger
from stocksync.ledger.witness import SUFFIX
from stocksync.rulebook import load_rulebook
from stocksync.settings import Settings, StoreSettings, load_settings

#: Told apart from an earlier process of the same number, as after the restart of a container.
_LIFE: Final = uuid.uuid4().hex[:8]
_MACHINE: Final = socket.gethostname().replace(":", "-")


def utc_now() -> datetime:
    """Return the time by this machine's clock, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a name nobody else will ever use; later ones sort after earlier ones."""
    milliseconds = int(utc_now().timestamp() * 1000)
    return f"{milliseconds:012x}{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the files say: settings, rules, and what is worth a warning in either."""

    settings: Settings
    book: Rulebook
    warnings: tuple[str, ...]


def read_files(path: Path, environment: Mapping[str, str] | None = None) -> Plan:
    """Read configuration and rules.

    Raises:
        ConfigurationError: Everything that is wrong in the configuration, or else in the rules.
    """
    settings = load_settings(path, os.environ if environment is None else environment)
    rules = load_rulebook(settings.rules, settings.platforms)
    return Plan(settings=settings, book=rules.book, warnings=(*settings.warnings, *rules.warnings))


def account_of(store: StoreSettings, book: Rulebook) -> StoreAccount:
    """Return what a connector needs to know of a configured store."""
    return StoreAccount(
        store=store.id,
        url=store.url,
        credentials={name: at.get_secret_value() for name, at in store.credentials.items()},
        options=store.options,
        listings=tuple(sorted(at for shop, at in book.availability if shop == store.id)),
        requests_per_second=store.rate,
        concurrency_max=store.concurrency,
    )


def connect(store: StoreSettings, book: Rulebook, transport: Transport | None = None) -> Store:
    """Stand a configured store before its API; nothing is sent yet."""
    connector = REGISTRY[store.platform](account_of(store, book), now=utc_now, transport=transport)
    seat = Seat(
        store=store.id,
        role=store.role,
        first_contact=store.first_contact,
        switches=connector.capabilities.switches_only,
        feed=store.orders and store.role is Role.CHANNEL and isinstance(connector, OrderFeed),
        settle_seconds=connector.capabilities.settle_seconds,
    )
    return Store(seat=seat, connector=connector)


class Shelf:
    """The stores that stand open: those of the files in force, and those they replaced last."""

    def __init__(self, transports: Mapping[StoreId, Transport] | None = None) -> None:
        self.stores: Mapping[StoreId, Store] = {}
        self._transports = transports or {}
        self._kept: Mapping[StoreId, tuple[StoreSettings, StoreAccount]] = {}
        self._retired: list[Store] = []

    async def follow(self, plan: Plan) -> None:
        """Open what is new or changed, leave the rest as it is, and put aside what is gone.

        A store put aside may still be at work for a run; it is closed by the next change.
        """
        wanted = {at.id: (at, account_of(at, plan.book)) for at in plan.settings.stores}
        stores = {store: self._standing(store, wanted[store], plan.book) for store in wanted}
        gone = [at for store, at in self.stores.items() if stores.get(store) is not at]
        await self._close(self._retired)
        for store in self.stores.keys() - stores.keys():
            metrics.forget(store)
        self._retired, self._kept, self.stores = gone, wanted, stores
        metrics.begin(stores)

    async def aclose(self) -> None:
        """Close every store."""
        await self._close([*self._retired, *self.stores.values()])
        self._retired, self._kept, self.stores = [], {}, {}

    def _standing(
        self, store: StoreId, wanted: tuple[StoreSettings, StoreAccount], book: Rulebook
    ) -> Store:
        if self._kept.get(store) == wanted:
            return self.stores[store]
        opened = connect(wanted[0], book, self._transports.get(store))
        before = self.stores.get(store)
        # Whoever works at the store as it was before is waited for: one job at a time.
        return opened if before is None else replace(opened, turn=before.turn)

    async def _close(self, stores: Iterable[Store]) -> None:
        for store in stores:
            await store.connector.aclose()


@asynccontextmanager
async def opened(
    plan: Plan,
    *,
    transports: Mapping[StoreId, Transport] | None = None,
    shelf: Shelf | None = None,
) -> AsyncIterator[Context]:
    """Open the books and the stores, and close both again whatever happens.

    Raises:
        LedgerUnavailable: The database cannot be used; it says what to do.
    """
    shelf = Shelf(transports) if shelf is None else shelf
    database = plan.settings.database.get_secret_value()
    async with AsyncExitStack() as stack:
        ledger = await open_ledger(database, now=utc_now, witness=witness_of(plan.settings))
        stack.push_async_callback(ledger.aclose)
        stack.push_async_callback(shelf.aclose)
        await shelf.follow(plan)
        # A census makes a million short-lived values: what is loaded by now is never garbage,
        # and looking for cycles after every 700 of them costs a tenth of the time.
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)
        yield Context(
            ledger=ledger,
            book=plan.book,
            stores=shelf.stores,
            now=utc_now,
            new_id=new_id,
            holder=f"{_MACHINE}:{os.getpid()}:{_LIFE}",
            is_gone=is_gone,
            monotonic=time.monotonic,
            frozen=lambda: ledger.frozen,
        )


def witness_of(settings: Settings) -> Path | None:
    """Return where the witness of a server's books lies: beside the configuration.

    A SQLite file has its own beside it, wherever it is opened from.
    """
    if settings.database.get_secret_value().startswith("sqlite"):
        return None
    return settings.path.with_name(settings.path.name + SUFFIX)


def is_gone(holder: str) -> bool:
    """Tell whether a runner named in a lease is a process of this machine that has ended."""
    machine, _, rest = holder.partition(":")
    process, _, life = rest.partition(":")
    if machine != _MACHINE or not process.isdecimal():
        return False
    if int(process) == os.getpid():
        return life != _LIFE
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def needs_migration(settings: Settings) -> bool:
    """Tell whether the database must be made or brought up to date first."""
    return pending(settings.database.get_secret_value())
