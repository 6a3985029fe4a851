"""Who may work on a store, as our processes were told: judged at each lease, commit and write."""

from datetime import UTC, datetime, timedelta
from typing import Any

from stocksync.contracts.ledger import Lease
from stocksync.engine.tenure import SPARE_SECONDS


class Leases:
    """I18: who may work on a store, as was told to our processes; an old right is worth nothing."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._held: dict[str, tuple[Lease, str, datetime]] = {}

    def given(self, lease: Lease, holder: str, until: datetime) -> None:
        before = self._held.get(lease.store)
        if before is not None and before[1] != holder:
            alive = not self._world.is_gone(before[1])
            if alive and before[2] > self._world.our_now() + timedelta(seconds=1):
                self._world.trace.broken("I18", f"{holder} got {lease.store}, held by {before[1]}")
            self._world.trace.reached("a lease went to another runner")
        if before is not None and before[0].epoch >= lease.epoch:
            self._world.trace.broken("I18", f"epoch {lease.epoch} of {lease.store} is not new")
        self._held[lease.store] = (lease, holder, until)

    def forget(self) -> None:
        """Know nothing any more: the books went back, and what they say of leases with them."""
        self._held.clear()

    def kept(self, lease: Lease, until: datetime) -> None:
        held = self._held.get(lease.store)
        if held is not None and held[0] == lease:
            self._held[lease.store] = (lease, held[1], until)
            self._world.trace.reached("a lease was renewed")

    def judge_sent(self, store: str, holder: str) -> None:
        """I18: who writes to a store has its lease, and for a while yet."""
        held = self._held.get(store)
        if held is None:
            return  # the books went back, and nobody knows
        left = (held[2] - self._world.our_now()).total_seconds()
        if held[1] != holder or left < SPARE_SECONDS:
            self._world.trace.broken("I18", f"{holder} writes to {store}, held by {held[1:]}")

    def back(self, lease: Lease) -> None:
        held = self._held.get(lease.store)
        if held is not None and held[0] == lease:
            self._held[lease.store] = (lease, held[1], datetime.min.replace(tzinfo=UTC))

    def used(self, lease: Lease | None) -> None:
        held = None if lease is None else self._held.get(lease.store)
        if lease is not None and held is not None and held[0].epoch > lease.epoch:
            self._world.trace.broken("I18", f"a commit with epoch {lease.epoch} of {lease.store}")
