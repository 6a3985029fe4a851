"""Say in words what happens to a listing next, and if nothing does, why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stocksync.cli.text import change, line, name, number, span
from stocksync.contracts.ledger import Hold, HoldState, Intent
from stocksync.domain.merge import FirstContact, Role
from stocksync.domain.plan import correction_for
from stocksync.domain.stock import ListingRecord, ListingState, NotCounted, state_of
from stocksync.engine.context import Store
from stocksync.engine.explain import ListingView, shown

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


def intent_text(intent: Intent) -> str:
    """Say what a write was for and where it stands."""
    state = intent.state.value
    return f"{state}: {change(intent.before, intent.target)} (run {line(intent.run)})"


def target_text(view: ListingView) -> str:
    """Show a listing's target as its store would."""
    return number(view.as_json()["target"])
