"""Say in words what happens to a listing next, and if nothing does, why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from stocksync.contracts.ledger import Hold, HoldState, Intent
from stocksync.domain.merge import FirstContact, Role
from stocksync.domain.plan import correction_for
from stocksync.domain.stock import ListingRecord, ListingState, NotCounted, state_of
from stocksync.engine.context import Context, Store
from stocksync.engine.explain import ListingView, SkuView, movement_json, shown, step_json
from stocksync.engine.words import change, line, name, span

#: Holds that still say something about the listings they name.
STANDING: Final = (HoldState.OPEN, HoldState.APPROVED, HoldState.REJECTED)


@dataclass(frozen=True, kw_only=True)
class Story:
    """One listing with all that is under way for it."""

    view: ListingView
    store: Store
    intents: Sequence[Intent]
    holds: Sequence[Hold]
    now: datetime

    @property
    def record(self) -> ListingRecord:
        return self.view.record

    def next(self) -> str:
        """Say what happens next."""
        obstacle = self._obstacle()
        if obstacle:
            return f"nothing: {obstacle}"
        correction = correction_for(self.record, self.view.target)
        held = self._held() if correction is not None else ""
        if held:
            return held
        if self.intents:
            targets = ", ".join(sorted({str(intent.target) for intent in self.intents}))
            return f"a write of {targets} is not proved yet: the next sync reads before it writes"
        return "agrees: the store shows its target" if correction is None else self._planned()

    def _planned(self) -> str:
        """Say when a write that is needed will be made."""
        planned = change(shown(self.record.reading), self._number(self.view.target))
        if self.record.retry_at is not None and self.record.retry_at > self.now:
            wait = span((self.record.retry_at - self.now).total_seconds())
            return f"{planned} was refused {self.record.attempts} times; tried again in {wait}"
        if not self.record.settled and self.store.seat.first_contact is FirstContact.HOLD:
            return f"{planned} is its first plan: the next sync holds it until it is approved"
        return f"will be written by the next sync: {planned}"

    def _number(self, value: int | None) -> int | bool | None:
        return bool(value) if self.view.switch and value is not None else value

    def _held(self) -> str:
        for hold in self.holds:
            if hold.state is HoldState.OPEN:
                advice = f"let it go with `stocksync holds approve {hold.hash}`"
                return f"held by {hold.gate.value}: {line(hold.reason)}; {advice}"
            if hold.state is HoldState.REJECTED:
                return f"held by {hold.gate.value}, rejected by {name(hold.decided_by)}"
        return ""

    def _obstacle(self) -> str:
        """Say why nothing can be written to this listing; nothing when it can be."""
        states = {
            ListingState.QUARANTINED: f"set aside as {line(self.record.quarantine)}; "
            "give it another code, or an alias in the rules",
            ListingState.UNLINKED: "it has no code that could be a SKU; an alias can link it",
            ListingState.ABSENT: "the store did not list it when last read",
            ListingState.GONE: "the store does not list it any more",
        }
        state = state_of(self.record, maps_stock=self.view.switch)
        if isinstance(self.record.reading, NotCounted) and state not in states:
            return f"the store shows no number ({name(self.record.reading.shown)})"
        if state in states:
            return states[state]
        if self.store.seat.role is Role.OBSERVE:
            return "the store is only observed"
        if self.record.baseline is None:
            return "the store was not read yet"
        return self._no_target() if self.view.target is None else ""

    def _no_target(self) -> str:
        last = self.view.steps[-1] if self.view.steps else None
        if last is not None and last.name == "hold" and last.rule is not None:
            return f"the rule {name(last.rule.name)} leaves it alone ({line(last.rule.place)})"
        if self.view.switch:
            return "the books know too little of the SKUs behind it; count them"
        return "the books do not know this SKU; count it with `stocksync stock set`"


async def stories(context: Context, found: SkuView) -> list[Story]:
    """Gather what is under way for each listing of a SKU."""
    stores = {listing.record.store for listing in found.listings}
    intents = [at for store in sorted(stores) for at in await context.ledger.intents(store)]
    holds = [at for store in sorted(stores) for at in await context.ledger.holds(store, STANDING)]
    now = context.now()
    return [
        Story(
            view=listing,
            store=context.stores[listing.record.store],
            intents=[at for at in intents if (at.store, at.listing) == listing.record.key],
            holds=[
                hold
                for hold in holds
                if any((at.store, at.listing) == listing.record.key for at in hold.lines)
            ],
            now=now,
        )
        for listing in found.listings
    ]


def document(found: SkuView, stories: Sequence[Story]) -> dict[str, Any]:
    """Return the object of `explain --json`: that of `stock show`, and the way to each number."""
    return {
        **found.as_json(),
        "parts": dict(found.parts),
        "movements": [movement_json(booked) for booked in found.movements],
        "listings": [_listing_document(story) for story in stories],
    }


def _listing_document(story: Story) -> dict[str, Any]:
    record = story.record
    return {
        **story.view.as_json(),
        "read_at": record.read_at.isoformat() if record.read_at else None,
        "quarantine": record.quarantine,
        "settled": record.settled,
        "due_since": record.due_since.isoformat() if record.due_since else None,
        "retry_at": record.retry_at.isoformat() if record.retry_at else None,
        "attempts": record.attempts,
        "intents": [
            {
                "id": at.id,
                "run": at.run,
                "state": at.state.value,
                "before": at.before,
                "target": at.target,
                "created_at": at.created_at.isoformat(),
            }
            for at in story.intents
        ],
        "holds": [
            {"hash": at.hash, "gate": at.gate.value, "state": at.state.value, "reason": at.reason}
            for at in story.holds
        ],
        "steps": [step_json(step) for step in story.view.steps],
        "next": story.next(),
    }
