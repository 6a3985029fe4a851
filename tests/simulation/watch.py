"""What one look may never do to a store: zero it, empty it, or write what a person must decide."""

from datetime import datetime

from stocksync.contracts.ledger import Commit, Hold, HoldState, Intent
from stocksync.domain.gates import REFUSABLE, Gate
from stocksync.domain.merge import Role
from stocksync.domain.stock import Presence
from tests.simulation.merchant import Merchant
from tests.simulation.stories import Story
from tests.simulation.trace import Trace

#: Products on a page of B2B Wave in these worlds (`run.py` makes them small).
PAGE_OF_B2BWAVE = 4


class Watch:
    """Judges each commit of ours as a whole (I11, I13)."""

    def __init__(self, merchant: Merchant, trace: Trace, start: datetime) -> None:
        self.merchant = merchant
        self.trace = trace
        self.start = start
        self.codes: dict[tuple[str, str], str] = {}
        self.zeroing: dict[str, set[str]] = {}
        self.believed: dict[str, set[str]] = {}
        self.refused: set[tuple[str, str, int | None]] = set()
        self.intended: dict[tuple[str, str, int], list[float]] = {}
        self.agreed: set[tuple[str, str]] = set()
        self.undecided: dict[tuple[str, str], float] = {}

    def begins(self, commit: Commit) -> None:
        """Judge a commit before its records are followed."""
        self.believed = {store: set() for store in self.zeroing}
        self._judge_absent(commit)

    def ends(self, commit: Commit) -> None:
        """Follow what a commit says about holds."""
        for hold in commit.holds:
            self.trace.reached(f"a {hold.gate.value} hold was {hold.state.value}")
            if hold.state is HoldState.APPROVED:
                self.zeroing.pop(hold.store, None)
            if hold.state is HoldState.REJECTED and hold.gate in REFUSABLE:
                self.refused |= {(line.store, line.listing, line.after) for line in hold.lines}
                self.trace.reached("a mass change was called a mistake of the store")
            if hold.gate is Gate.INCREASE and hold.state is HoldState.APPROVED:
                self.agreed |= {(line.store, line.listing) for line in hold.lines}
            if hold.gate is Gate.INCREASE:
                self._follow_hold(hold)

    def announced(self, intent: Intent) -> None:
        """Note that a write was written down before it was sent."""
        since = self.trace.now()
        key = (intent.store, intent.listing, intent.target)
        self.intended.setdefault(key, []).append(since)

    def intended_at(self, store: str, code: str, value: int, before: float) -> float | None:
        """Return when a write of this value to this listing was last written down, before then."""
        listings = [one for (at, one), known in self.codes.items() if at == store and known == code]
        moments = [
            moment
            for listing in listings
            for moment in self.intended.get((store, listing, value), ())
            if moment <= before + 1e-6
        ]
        return max(moments, default=None)

    def _follow_hold(self, hold: Hold) -> None:
        """Remember since when a listing waits for a person to say what its increase means."""
        since = self.trace.now()
        for line in hold.lines:
            code = self.codes.get((line.store, line.listing), "")
            if hold.state is HoldState.OPEN:
                self.undecided[line.store, code] = since
            else:
                self.undecided.pop((line.store, code), None)

    def _judge_absent(self, commit: Commit) -> None:
        """I11: one look never makes a store's listings vanish that are there.

        A list that says no total, and turns round while it is walked, hides up to a page of them.
        """
        gone: dict[str, int] = {}
        for record in commit.records:
            listed = self.merchant.shops[record.store].find(record.code)
            if record.presence is Presence.ABSENT and record.baseline is not None and listed:
                gone[record.store] = gone.get(record.store, 0) + 1
        for store, number in gone.items():
            self.trace.reached("a listing was taken for absent")
            blind = self.merchant.shops[store].platform == "b2bwave"
            if number > (PAGE_OF_B2BWAVE if blind else 2):
                self.trace.broken("I11", f"{number} listings of {store} were taken for absent")

    def zeroed(self, store: str, codes: set[str]) -> None:
        """Note that an import took all these listings to zero: nobody approved of that."""
        self.zeroing[store] = codes

    def restored(self, store: str) -> None:
        self.zeroing.pop(store, None)

    def judge_increase(self, story: Story, listing: str, units: int) -> None:
        """I4, I13: what a rule refuses is not booked, and what it holds is not before a person did.

        The rules are those of a channel: a master's number is the truth.
        """
        rule = self.merchant.wanted[story.store, story.sku].increases
        if units <= 0 or self.merchant.roles[story.store] is not Role.CHANNEL:
            return
        if rule == "no":
            self.trace.broken("I4", f"{story.name} booked {units:+}, and a rule refuses increases")
        if rule == "hold" and (story.store, listing) not in self.agreed:
            self.trace.broken("I13", f"{story.name} booked {units:+}, and nobody approved")

    def zero_believed(self, story: Story, *, others: int) -> None:
        """Judge a sale to zero while a whole store stands at zero."""
        codes = self.zeroing.get(story.store, set())
        if story.code not in codes:
            return
        believed = self.believed[story.store]
        believed.add(story.code)
        if len(believed) >= 3 and believed >= codes and not others:
            self.trace.broken("I13", f"{story.store}: all of {sorted(codes)} were booked to zero")
            self.zeroing.pop(story.store, None)
