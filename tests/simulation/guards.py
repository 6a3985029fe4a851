"""Judge what leaves a process: secrets, too many requests, and writes without a cause."""

import base64
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from stocksync.contracts.ledger import Commit, IntentState
from stocksync.sandbox.serve import CREDENTIALS
from tests.simulation.merchant import Merchant
from tests.simulation.switches import PRINT
from tests.simulation.trace import Trace

#: What a store calls a user is no secret.
_NAMES = ("username", "app_code")

#: So long after something happened a write may still be about what was before: disks are slow.
LONG_AGO = 200.0

Key = tuple[str, str]


def _secrets() -> Iterator[str]:
    for given in CREDENTIALS.values():
        names = [given[name] for name in _NAMES if name in given]
        for name, secret in given.items():
            if name not in _NAMES:
                yield secret
                yield from (_basic(f"{user}:{secret}") for user in names)


def _basic(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


SECRETS = tuple(_secrets())


def judge_secrets(trace: Trace, text: str, where: str) -> None:
    """I22: no secret is in what we log, keep or show."""
    for secret in SECRETS:
        if secret in text:
            trace.broken("I22", f"{where} holds the secret {secret}")


class Sockets:
    """I24: a process has no more requests under way to a store than that store allows."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._under_way: dict[tuple[int, str], list[Any]] = defaultdict(list)

    def sent(self, parcel: Any) -> None:
        key = (parcel.life.number, parcel.store)
        still = [at for at in self._under_way[key] if not at.answer.done()]
        self._under_way[key] = [*still, parcel]
        most = parcel.life.places[parcel.store]
        if len(still) >= most:
            self.trace.broken("I24", f"{parcel.name}: {len(still)} are under way, of {most}")
        if len(still) > 1:
            self.trace.reached("several requests to one store at once")


class Echoes:
    """I20: a write causes no other: a listing is written once more only if something happened.

    What happens to a listing is a movement of what it shows, a number of its own, or a decision.
    """

    def __init__(self, merchant: Merchant, trace: Trace) -> None:
        self.trace = trace
        self._skus = {(store, code): sku for (store, sku), code in merchant.codes.items()}
        self._merchant = merchant
        self._happened: dict[Key, float] = {}
        self._written: dict[Key, float] = {}
        self._all_at = 0.0
        self._baselines: dict[Key, int | None] = {}

    def committed(self, commit: Commit, codes: Mapping[Key, str], asked: Mapping[str, str]) -> None:
        """Follow one commit. `asked` are the intents under way, and how each stands."""
        now = self.trace.now()
        written = set()
        for intent in commit.intents:
            key: Key = (intent.store, intent.listing)
            if intent.state is IntentState.OPEN and intent.before != intent.target:
                self._judge(key, f"{intent.store}/{codes.get(key)} = {intent.target}")
            elif intent.state is IntentState.CONFIRMED and asked.get(intent.id) == IntentState.OPEN:
                written.add(key)
            elif intent.state is not IntentState.OPEN:
                self._happened[key] = now  # it may be tried again
        if commit.holds:
            self.forget()
        for record in commit.records:
            if self._baselines.get(record.key) != record.baseline and record.key not in written:
                self._happened[record.key] = now
            self._baselines[record.key] = record.baseline
        moved = {str(movement.sku) for movement in commit.movements}
        for at, code in codes.items() if moved else ():
            parts = self._merchant.parts(self._skus.get((at[0], code), ""))
            if moved & parts.keys() or at[0] == PRINT:
                self._happened[at] = now

    def _judge(self, key: Key, said: str) -> None:
        last, self._written[key] = self._written.get(key, 0.0), self.trace.now()
        happened = max(self._happened.get(key, 0.0), self._all_at)
        if happened < last - LONG_AGO and self._merchant.mode == "shared":
            text = f"{said} is written, {last - happened:.0f} s before that was written last"
            self.trace.broken("I20", f"{text} something happened, and nothing since")

    def forget(self) -> None:
        """Take everything for possible: a person decided, or the books went back."""
        self._all_at = self.trace.now()
