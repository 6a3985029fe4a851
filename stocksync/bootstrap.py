"""Build the service from its configuration; the only file that knows every concrete class."""

import asyncio
import gc
import os
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog

from stocksync import metrics, scheduler
from stocksync.connectors import REGISTRY
from stocksync.connectors.http import Transport
from stocksync.contracts.connector import StoreAccount
from stocksync.contracts.dispatch import Dispatcher
from stocksync.dispatch.embedded import Embedded
from stocksync.domain.identifiers import StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.rulebook import Rulebook
from stocksync.engine.context import Context, Store
from stocksync.files.token_entries import MAIN_NAME
from stocksync.ledger.schema import pending
from stocksync.ledger.sql import open_ledger
from stocksync.ops import app, gauges, server
from stocksync.ops.access import Access, Token, token
from stocksync.ops.desk import Desk, ServiceView, StoreView
from stocksync.ops.doors import Door, door
from stocksync.rulebook import load_rulebook
from stocksync.settings import Settings, StoreSettings, load_settings

DRAIN_SECONDS: Final = 30.0
#: Told apart from an earlier process of the same number, as after the restart of a container.
_LIFE: Final = uuid.uuid4().hex[:8]
_MACHINE: Final = socket.gethostname().replace(":", "-")
log = structlog.get_logger(__name__)


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
    )
    return Store(seat=seat, connector=connector)


@asynccontextmanager
async def opened(
    plan: Plan, *, transports: Mapping[StoreId, Transport] | None = None
) -> AsyncIterator[Context]:
    """Open the books and the stores, and close both again whatever happens.

    Raises:
        LedgerUnavailable: The database cannot be used; it says what to do.
    """
    database = plan.settings.database.get_secret_value()
    async with AsyncExitStack() as stack:
        ledger = await open_ledger(database, now=utc_now)
        stack.push_async_callback(ledger.aclose)
        stores: dict[StoreId, Store] = {}
        for configured in plan.settings.stores:
            transport = (transports or {}).get(configured.id)
            stores[configured.id] = connect(configured, plan.book, transport)
            stack.push_async_callback(stores[configured.id].connector.aclose)
        metrics.begin(stores)
        # A census makes a million short-lived values: what is loaded by now is never garbage,
        # and looking for cycles after every 700 of them costs a tenth of the time.
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)
        yield Context(
            ledger=ledger,
            book=plan.book,
            stores=stores,
            now=utc_now,
            new_id=new_id,
            holder=f"{_MACHINE}:{os.getpid()}:{_LIFE}",
            is_gone=is_gone,
        )


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


def tokens_of(settings: Settings) -> list[Token]:
    """Return every token that opens the service: the main one, and those with names."""
    main = settings.http.token
    tokens = [] if main is None else [token(MAIN_NAME, main.get_secret_value())]
    return tokens + [
        token(at.name, at.token.get_secret_value(), at.scopes) for at in settings.http.tokens
    ]


def doors_of(settings: Settings) -> dict[StoreId, Door]:
    """Return what the webhooks of each store must bring, where it has some."""
    return {
        store.id: door(
            store.platform, {name: at.get_secret_value() for name, at in store.webhook.items()}
        )
        for store in settings.stores
        if store.webhook
    }


def view_of(plan: Plan) -> ServiceView:
    """Return what may be shown of the files, without a secret."""
    stores = [
        StoreView(
            id=store.id,
            platform=store.platform,
            url=store.url,
            role=store.role,
            first_contact=store.first_contact,
            poll=store.poll,
            sweep=store.sweep,
        )
        for store in plan.settings.stores
    ]
    rules = str(plan.settings.rules)
    return ServiceView(stores=tuple(stores), rules=rules, warnings=plan.warnings)


def desk_of(plan: Plan, context: Context, dispatcher: Dispatcher) -> Desk:
    """Return what the handlers of a running service work with."""
    view, doors = view_of(plan), doors_of(plan.settings)
    return Desk(
        context=lambda: context,
        dispatcher=dispatcher,
        access=Access(tokens_of(plan.settings), now=utc_now),
        view=lambda: view,
        webhooks=lambda: doors,
        started_at=utc_now(),
    )


async def serve(plan: Plan, *, told: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT: pull each store at its poll, push what is due, answer HTTP.

    The first signal lets running jobs end; a second one cancels them.
    """
    stopping, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        (hurry if stopping.is_set() else stopping).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    async with opened(plan) as context:
        dispatcher = Embedded(lambda: context)
        polls = {store.id: store.poll for store in plan.settings.stores}
        clock = scheduler.build(
            polls, lambda store: dispatcher.request(store, "pull"), now=utc_now()
        )
        http = plan.settings.http
        desk = desk_of(plan, context, dispatcher)
        web = server.build(app.build(desk), host=http.host, port=http.port)
        await gauges.prove(context.ledger)
        door_task = asyncio.create_task(web.serve(), name="http")
        clock.start()
        told(f"serving on http://{http.host}:{http.port} with {len(polls)} stores")
        await first_of(stopping.wait(), door_task)
        log.info("stopping: running jobs may end first")
        clock.pause()
        await first_of(dispatcher.drain(DRAIN_SECONDS), hurry.wait())
        await dispatcher.drain(0)
        clock.shutdown(wait=False)
        web.should_exit = True
        await door_task


async def first_of(*waits: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> None:
    """Wait for whichever comes first; what was only waited for is let go, a task is left alone."""
    tasks = [at if isinstance(at, asyncio.Task) else asyncio.create_task(at) for at in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task, wait in zip(tasks, waits, strict=True):
        if task is not wait:
            task.cancel()
