"""Remember hints in a dictionary, as the tables do."""

from collections.abc import Collection, Iterable

from stocksync.domain.hints import (
    KEYS_MAX,
    WHOLE_STORE,
    Hint,
    means_whole_store,
    of_whole_store,
    said_together,
)
from stocksync.domain.identifiers import StoreId
from stocksync.ledger.checks import check_hints


class MemoryHints:
    """The hints that no look has answered."""

    def __init__(self) -> None:
        self._hints: dict[tuple[StoreId, str], Hint] = {}

    async def hint(self, hints: Collection[Hint]) -> None:
        check_hints(hints)
        for store in {hint.store for hint in hints}:
            self._keep(store, [hint for hint in hints if hint.store == store])

    async def hints(self, store: StoreId | None = None) -> list[Hint]:
        found = [hint for hint in self._hints.values() if store in (None, hint.store)]
        return sorted(found, key=lambda hint: (hint.store, hint.key))

    def _keep(self, store: StoreId, hints: list[Hint]) -> None:
        known = {key: hint for key, hint in self._hints.items() if hint.store == store}
        whole = known.get((store, WHOLE_STORE))
        if whole or means_whole_store(hints):
            hints = [of_whole_store(hints)]
        after = said_together([*known.values(), *hints])
        if len(after) > KEYS_MAX:
            hints = [of_whole_store(hints)]
        if means_whole_store(hints):
            after = said_together([*([whole] if whole else []), *hints])
        for key in known:
            del self._hints[key]
        self._hints |= {(hint.store, hint.key): hint for hint in after}

    def _forget(self, answered: Iterable[Hint]) -> None:
        for hint in answered:
            known = self._hints.get((hint.store, hint.key))
            if known is not None and known.times == hint.times:
                del self._hints[hint.store, hint.key]
