"""What nobody can know: writes without an answer, and how far the ledger may be wrong for them."""

from datetime import datetime

from stocksync.contracts.ledger import Intent, IntentState
from stocksync.domain.stock import ListingRecord
from tests.simulation.stories import Story, least_change
from tests.simulation.trace import Trace

OPEN_STATES = (IntentState.OPEN, IntentState.UNKNOWN)


class Doubt:
    """Follows the writes of which nobody of ours knows how they ended, and what they allow."""

    def __init__(self, trace: Trace, codes: dict[tuple[str, str], str]) -> None:
        self.trace = trace
        self.codes = codes
        self.intents: dict[str, Intent] = {}
        self.ambiguous = 0

    def hidden(self, story: Story, outside: int, shown: int | None) -> None:
        """Allow what nobody can tell: a change after which a listing shows a number of our own."""
        open_intents = self.clouded(story)
        targets = {intent.target for intent in open_intents} | {story.baseline}
        if not open_intents or shown not in targets or story.agrees(outside):
            return
        missing = outside - story.booked
        self.ambiguous += abs(missing)
        self.allow(story, low=max(0, missing), high=max(0, -missing))
        self.trace.reached("a change hidden by an unanswered write")

    def overwritten(self, story: Story, last: int, *, waited_for: bool) -> None:
        """What was read and not booked is overwritten too, when a write was never answered.

        The write itself is none of those while its sender waits for the answer.
        """
        if story.agrees(last):
            return
        unanswered = self.clouded(story)
        if waited_for:
            unanswered = [at for at in unanswered if at.state is IntentState.UNKNOWN]
        if not unanswered:
            return  # the commit check decides: the change may still be booked from what was read
        missing = last - story.booked
        self.ambiguous += abs(missing)
        self.allow(story, low=max(0, missing), high=max(0, -missing))
        self.trace.reached("an unbooked change under an unanswered write")

    def clouded(self, story: Story) -> list[Intent]:
        """Return the writes to a listing of which nobody of ours knows how they ended."""
        return [
            intent
            for intent in self.intents.values()
            if intent.store == story.store
            and intent.state in OPEN_STATES
            and self.codes.get((intent.store, intent.listing)) == story.code
        ]

    def allow(self, story: Story, *, low: int = 0, high: int = 0) -> None:
        story.low += low
        story.high += high
        self.trace.line(f"allow {story.name} -{low} +{high}")

    def judge_suspense(
        self, story: Story, before: int, suspended: int, *, since: datetime | None
    ) -> None:
        """I4: no more is withheld than twice what was sold, but at the first news after a write."""
        sold = max(0, before - (story.baseline or 0))
        fresh = [at for at in self.clouded(story) if since is None or at.created_at >= since]
        most = sold + max([sold, *(at.target - before for at in fresh)])
        if suspended > most:
            said = f"{suspended} are withheld at once, {sold} sold, {len(fresh)} new writes"
            self.trace.broken("I4", f"{story.name} {before} -> {story.baseline}: {said}")

    def judge(
        self,
        story: Story,
        record: ListingRecord,
        before: int,
        units: int,
        suspended: int,
        *,
        truth: int,
    ) -> None:
        """Decide whether a difference is one that an unanswered write allows."""
        targets = {intent.target for intent in self.clouded(story)}
        spread = max(targets | {before}) - min(targets | {before})
        short = truth - story.low - story.booked
        over = story.booked - truth - story.high
        said = (
            f"{story.name} {before} -> {record.baseline} booked {units:+} suspended {suspended}: "
            f"ledger says {story.booked}, truth {truth} "
            f"(-{story.low} +{story.high}), unanswered {sorted(targets)}"
        )
        if suspended and not 0 < suspended <= spread:
            self.trace.broken("I4", said)
        elif short <= 0 and over <= 0:
            self.trace.reached("suspense kept units that were there")
        elif units == least_change(record.baseline, {*targets, before}) and 0 < short <= spread:
            self.ambiguous += short
            self.allow(story, low=short)
            self.trace.reached("a change on top of an unanswered write")
        elif units and 0 < over <= suspended:
            self.allow(story, high=over)
            self.trace.reached("suspense kept units that were sold")
        elif units > 0 and targets and 0 < over <= spread:
            self.ambiguous += over
            self.allow(story, high=over)
            self.trace.reached("a late write that looked like a return")
        elif targets and over > 0 and not units and record.baseline in targets:
            self.ambiguous += over
            self.allow(story, high=over)
            self.trace.reached("a sale that looked like an unanswered write")
        else:
            self.trace.broken("I3" if over > 0 else "I4", said)
