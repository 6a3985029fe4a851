"""Run the service: ask stores in their rhythm, answer HTTP, read the files anew, end in order."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import structlog

from stocksync.bootstrap import Plan, Shelf, opened, read_files, utc_now
from stocksync.contracts.dispatch import Kind
from stocksync.dispatch.embedded import Embedded
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context
from stocksync.errors import ConfigurationError, LedgerFrozen, StockSyncError
from stocksync.files.token_entries import MAIN_NAME
from stocksync.ops import app, gauges, server
from stocksync.ops.access import Access, Token, token
from stocksync.ops.desk import Desk, ServiceView, StoreView
from stocksync.ops.doors import Door, door
from stocksync.scheduler import Rhythm, Schedule
from stocksync.settings import Settings

DRAIN_SECONDS: Final = 30.0
#: What is cut off at the end gets this long to let go of the books.
CUT_SECONDS: Final = 3.0
PROVE_EVERY: Final = timedelta(hours=1)
log = structlog.get_logger(__name__)


class Service:
    """What a running service has in force; a reload replaces it whole, or not at all."""

    def __init__(self, plan: Plan, context: Context, shelf: Shelf) -> None:
        self._context = context
        self._plan = plan
        self._shelf = shelf
        self._reading = asyncio.Lock()
        self._doors = doors_of(plan.settings)
        self._view = view_of(plan)
        self.schedule = Schedule(self._ask, now=utc_now)
        self.dispatcher = Embedded(lambda: self.context, next_pull=self.schedule.next_pull)
        self.desk = Desk(
            context=lambda: self.context,
            dispatcher=self.dispatcher,
            access=Access(tokens_of(plan.settings), now=utc_now),
            view=lambda: self._view,
            webhooks=lambda: self._doors,
            started_at=utc_now(),
            reload=self.reload,
        )
        self._prover = gauges.Prover()
        self.schedule.follow(rhythms_of(plan.settings))
        self.schedule.every(PROVE_EVERY, self.prove, "prove")

    @property
    def context(self) -> Context:
        """Return the world as it is now, with the rules of this moment."""
        return self._context.in_force()

    async def reload(self) -> tuple[str, ...]:
        """Read the files again and return what is odd about them; jobs under way end as they began.

        Raises:
            ConfigurationError: Everything that is wrong; what was in force stays in force.
        """
        async with self._reading:
            plan = await asyncio.to_thread(read_files, self._plan.settings.path)
            _require_same_place(self._plan.settings, plan.settings)
            await self._shelf.follow(plan)
            self._context = replace(self._context, book=plan.book, stores=self._shelf.stores)
            self.desk.access.replace(tokens_of(plan.settings))
            self._plan, self._view, self._doors = plan, view_of(plan), doors_of(plan.settings)
            self.schedule.follow(rhythms_of(plan.settings))
        for store in self.context.stores:
            self._ask(store, "pull")
        log.info("configuration reloaded", stores=len(plan.settings.stores))
        return plan.warnings

    async def reload_if_right(self) -> None:
        """Reload for a signal, which has nobody to answer but the log."""
        try:
            for warning in await self.reload():
                log.warning("configuration", warning=warning)
        except ConfigurationError as error:
            log.error("reload refused: nothing changed", reason=str(error))  # noqa: TRY400

    def _ask(self, store: StoreId, kind: Kind) -> None:
        self.dispatcher.request(store, kind)

    async def prove(self) -> None:
        """Prove the books again; a database that is away shows in every job already."""
        try:
            await self._prover.prove(self.context.ledger)
        except StockSyncError as error:
            log.warning("the books could not be proved", reason=str(error))


async def serve(plan: Plan, *, told: Callable[[str], None]) -> bool:
    """Run until SIGTERM or SIGINT; SIGHUP reads the files again. True when nothing was cut off.

    The first signal lets running jobs end, for `DRAIN_SECONDS` at most; a second one cuts them
    off. What a write that was cut off did is found out at the next start.

    Raises:
        ConfigurationError: The address is taken, or not one of this machine's.
        LedgerFrozen: The books went back in time; see `stocksync ledger accept-restore`.
    """
    http = plan.settings.http
    with server.listening(http.host, http.port) as listener:
        shelf = Shelf()
        async with opened(plan, shelf=shelf) as context:
            if context.frozen():
                raise LedgerFrozen(context.frozen())
            service = Service(plan, context, shelf)
            stopping, hurry = _signals(service)
            web = server.build(app.build(service.desk))
            await service.prove()
            door = asyncio.create_task(web.serve(sockets=[listener]), name="http")
            await service.dispatcher.recall()
            service.schedule.start()
            told(f"serving on {server.address(listener)} with {len(context.stores)} stores")
            await first_of(stopping.wait(), door)
            log.info("stopping: running jobs may end first; a second signal cuts them off")
            service.schedule.stop()
            clean = await _drained(service.dispatcher, hurry)
            web.should_exit = True
            web.force_exit = hurry.is_set()
            await asyncio.wait([door], timeout=CUT_SECONDS)
            if door.done():
                await door
    if not clean:
        told("some jobs were cut off; the next start finds out what their writes did")
    return clean


def _signals(service: Service) -> tuple[asyncio.Event, asyncio.Event]:
    """Listen to signals: SIGTERM and SIGINT stop, said again they cut off, SIGHUP reloads."""
    stopping, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def stop() -> None:
        (hurry if stopping.is_set() else stopping).set()

    def reload() -> None:
        task = asyncio.create_task(service.reload_if_right(), name="reload")
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    return stopping, hurry


async def _drained(dispatcher: Embedded, hurry: asyncio.Event) -> bool:
    """Let running jobs end until they have, or time is up, or somebody is in a hurry."""
    drain = asyncio.create_task(dispatcher.drain(DRAIN_SECONDS), name="drain")
    await first_of(drain, hurry.wait())
    if drain.done():
        return drain.result()
    drain.cancel()
    cut = asyncio.create_task(dispatcher.drain(0), name="cut off")
    await asyncio.wait([cut], timeout=CUT_SECONDS)
    return cut.done() and cut.result()


async def first_of(*waits: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> None:
    """Wait for whichever comes first; what was only waited for is let go, a task is left alone."""
    tasks = [at if isinstance(at, asyncio.Task) else asyncio.create_task(at) for at in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task, wait in zip(tasks, waits, strict=True):
        if task is not wait:
            task.cancel()


def _require_same_place(before: Settings, after: Settings) -> None:
    """Refuse a change that only a restart can make."""
    same = {
        "database": after.database == before.database,
        "http.host": after.http.host == before.http.host,
        "http.port": after.http.port == before.http.port,
    }
    if not all(same.values()):
        raise ConfigurationError(
            [f"{name}: another one needs a restart" for name, kept in same.items() if not kept]
        )


def rhythms_of(settings: Settings) -> dict[StoreId, Rhythm]:
    """Return how often each store is read."""
    return {at.id: Rhythm(poll=at.poll, sweep=at.sweep) for at in settings.stores}


def tokens_of(settings: Settings) -> list[Token]:
    """Return every token that opens the service: the main one, and those with names."""
    main = settings.http.token
    tokens = [] if main is None else [token(MAIN_NAME, main.get_secret_value())]
    return tokens + [
        token(at.name, at.token.get_secret_value(), at.scopes) for at in settings.http.tokens
    ]


def doors_of(settings: Settings) -> Mapping[StoreId, Door]:
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
