"""Stores and holds over the API: how each store is, and what waits for a person."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fastapi import Request

from stocksync.contracts.dispatch import StoreStatus
from stocksync.contracts.ledger import Hold
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import ListingState
from stocksync.errors import UnknownName
from stocksync.ops import actions, models
from stocksync.ops.desk import Desk
from stocksync.ops.guarded import Guarded, caller_of

_HASH: Final = re.compile(r"[0-9a-f]{1,64}", re.ASCII)


class StoreRoutes:
    """Answers about stores and their held plans."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, add: Guarded) -> None:
        """Add the routes."""
        add.get("/stores", self.stores, model=models.Stores)
        add.get("/holds", self.holds, model=models.Holds)
        for word, handler in (("approve", self.approve), ("reject", self.reject)):
            add.post(
                f"/holds/{{name}}/{word}",
                handler,
                "approve",
                model=models.HoldRow,
                refuses=(404, 409, 413, 422),
            )

    async def stores(self) -> dict[str, Any]:
        """Show how each store is."""
        ledger = self._desk.context().ledger
        states = await ledger.states()
        intents = Counter(intent.store for intent in await ledger.intents())
        holds = Counter(hold.store for hold in await ledger.holds())
        rows = []
        for status in self._desk.dispatcher.statuses():
            row = await self._row(status, states)
            waiting = {"open_intents": intents[status.store], "holds": holds[status.store]}
            rows.append(row | waiting)
        return {"stores": rows}

    async def _row(
        self, status: StoreStatus, states: Mapping[tuple[StoreId, str], int]
    ) -> dict[str, Any]:
        configured = self._desk.settings.store(status.store)
        known = await self._desk.context().ledger.store(status.store)
        return {
            "store": status.store,
            "platform": configured.platform if configured else "",
            "role": self._desk.context().stores[status.store].seat.role.value,
            "outcome": status.outcome,
            "error": status.error or known.last_error,
            "failures": known.failures,
            "working": status.working,
            "next_pull_at": _iso(status.next_pull_at),
            "last_pull_at": _iso(known.last_pull_at),
            "last_push_at": _iso(known.last_push_at),
            "last_sweep_at": _iso(known.last_sweep_at),
            "listings": {
                state.value: count
                for state in ListingState
                if (count := states.get((status.store, state.value), 0))
            },
        }

    async def holds(self) -> dict[str, Any]:
        """List the plans that wait for a decision."""
        return {"holds": [hold_json(at) for at in await self._desk.context().ledger.holds()]}

    async def approve(self, name: str, request: Request) -> dict[str, Any]:
        """Let a held plan go; its store is read at once, and the plan carried out."""
        return await self._decide(name, request, "approve")

    async def reject(self, name: str, request: Request) -> dict[str, Any]:
        """Keep a plan held; nothing of it is booked or written."""
        return await self._decide(name, request, "reject")

    async def _decide(
        self, name: str, request: Request, decision: actions.Decision
    ) -> dict[str, Any]:
        if not _HASH.fullmatch(name):
            raise UnknownName(f"no hold is called {name!r}")
        return hold_json(await actions.decide(self._desk, caller_of(request), name, decision))


def hold_json(hold: Hold) -> dict[str, Any]:
    """Return a hold as `holds list --json` does."""
    return {
        "hash": hold.hash,
        "store": hold.store,
        "gate": hold.gate.value,
        "reason": hold.reason,
        "state": hold.state.value,
        "created_at": hold.created_at.isoformat(),
        "decided_at": _iso(hold.decided_at),
        "decided_by": hold.decided_by,
        "lines": [
            {
                "store": line.store,
                "listing": line.listing,
                "sku": line.sku,
                "before": line.before,
                "after": line.after,
                "why": line.why,
            }
            for line in hold.lines
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
