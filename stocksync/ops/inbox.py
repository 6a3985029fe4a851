"""Keep what many requests bring in few commits: whoever comes while one is written shares the next.

A request is answered after its own commit, so nothing that was accepted is lost with the power.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from stocksync.domain.hints import Hint, said_together
from stocksync.domain.identifiers import StoreId


@dataclass(slots=True)
class _Batch:
    """Hints that will be kept together, and the moment that they are."""

    hints: list[Hint] = field(default_factory=list)
    kept: asyncio.Future[None] = field(default_factory=asyncio.Future)


class Inbox:
    """Hands hints to `keep` in batches, one batch at a time, and then tells of their stores."""

    def __init__(
        self,
        keep: Callable[[Collection[Hint]], Awaitable[None]],
        tell: Callable[[StoreId], object],
    ) -> None:
        self._keep = keep
        self._tell = tell
        self._next: _Batch | None = None
        self._writer: asyncio.Task[None] | None = None

    async def put(self, hints: Collection[Hint]) -> None:
        """Keep hints; returns once they are, also to those who said the same at the same time.

        Raises what `keep` raises. A caller who goes away takes nothing back.
        """
        if self._next is None:
            self._next = _Batch()
        batch = self._next
        batch.hints.extend(hints)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="hints")
        await asyncio.shield(batch.kept)

    async def _write(self) -> None:
        while self._next is not None:
            batch, self._next = self._next, None
            try:
                await self._keep(said_together(batch.hints))
            except Exception as error:  # noqa: BLE001 - each of those who wait is told
                batch.kept.set_exception(error)
                batch.kept.exception()  # nobody may be waiting any more
                continue
            for store in {hint.store for hint in batch.hints}:
                self._tell(store)
            batch.kept.set_result(None)
