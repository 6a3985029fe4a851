"""An event loop that lives in virtual time: a day passes as fast as its work can be done."""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any, Protocol


class Mortal(Protocol):
    """A process of ours: it may die at any step, and what it was doing then never comes back."""

    dead: bool
    tasks: set["asyncio.Task[Any]"]

    def step(self, name: str) -> None:
        """Come to a point where the process may die."""
        ...

    def waits_for_disk(self) -> float:
        """Return the seconds by which a slow disk is late this time."""
        ...


#: Which process of ours the running code belongs to; None is the rest of the world.
LIFE: ContextVar[Mortal | None] = ContextVar("LIFE", default=None)


class Deadlock(Exception):
    """Everybody waits and nothing is left that could happen."""


class _NoWaiting(selectors.SelectSelector):
    """A selector that moves the clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Deadlock("nothing is left that could happen")
        self.now += max(0.0, timeout)
        return []


class _Numbered(asyncio.Task[Any]):
    """A task whose place in a set is told by its number, not by where in memory it happens to be.

    Tasks that end together end in the order of a set: those of a process that dies, or of a group.
    """

    def __init__(self, coroutine: Any, number: int, **options: Any) -> None:
        self._number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs tasks in an order that the seed alone decides.

    With `shuffled`, callbacks that are ready together run in any order. What would run in a
    thread runs inline, after a delay in virtual time: whoever is cancelled meanwhile does not stop
    it, and only the death of its process does.
    """

    def __init__(self, chance: random.Random, *, shuffled: bool) -> None:
        self._waiting = _NoWaiting()
        self._chance = chance
        self._shuffled = shuffled
        super().__init__(self._waiting)
        self._clock_resolution = 1e-6
        self.disk_seconds: Callable[[], float] = lambda: self._chance.uniform(0.0002, 0.003)
        self.turns = self.tasks = 0
        self.set_task_factory(self._task)

    def time(self) -> float:
        return self._waiting.now

    def _task(
        self,
        _loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **options: Any,
    ) -> "asyncio.Task[Any]":
        life = LIFE.get()
        if life is not None and options.get("context") is not None:
            options["context"].run(LIFE.set, life)  # begun by a process of ours, so part of it
        self.tasks += 1
        task = _Numbered(coroutine, self.tasks, loop=self, **options)
        if life is not None:
            life.tasks.add(task)
            task.add_done_callback(life.tasks.discard)
        return task

    def _run_once(self) -> None:
        self.turns += 1
        ready: Any = self._ready  # type: ignore[attr-defined]
        if self._shuffled and len(ready) > 1:
            handles = list(ready)
            self._chance.shuffle(handles)
            ready.clear()
            ready.extend(handles)
        super()._run_once()  # type: ignore[misc]

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = self.create_future()
        life = LIFE.get()

        def run() -> None:
            if life is not None:
                life.step("before sql")
                if life.dead:
                    return
            try:
                deliver = _result(future, func(*args))
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                deliver = _error(future, error)
            if life is not None:
                life.step("after sql")
            self.call_later(self.disk_seconds() + late, _unless_dead(life, deliver))

        late = 0.0 if life is None else life.waits_for_disk()
        early = late * self._chance.choice([0, 1]) if late else 0.0
        late -= early
        self.call_later(self.disk_seconds() + early, run)
        return future


def _result(future: "asyncio.Future[Any]", value: Any) -> Callable[[], None]:
    def deliver() -> None:
        if not future.done():
            future.set_result(value)

    return deliver


def _error(future: "asyncio.Future[Any]", error: Exception) -> Callable[[], None]:
    def deliver() -> None:
        if not future.done():
            future.set_exception(error)

    return deliver


def _unless_dead(life: Mortal | None, action: Callable[[], None]) -> Callable[[], None]:
    def act() -> None:
        if life is None or not life.dead:
            action()

    return act
