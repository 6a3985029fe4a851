"""The book of truth: what customers and people really did to each listing, told by the stores.

Units of a listing are counted as the store shows them. For each listing three numbers matter:
`outside` is what outside hands did and what can still be known (a sale that a write of ours
overwrote inside its exposure window cannot be known without an order feed: it leaves `outside` and
counts as `exposed`), `booked` is what the ledger says they did, and `low` and `high` are how far
`booked` may lie from `outside` because a write was never answered.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from stocksync.contracts.ledger import Commit, Intent, IntentState
from stocksync.domain.merge import Role
from stocksync.domain.movements import Movement, MovementKind
from stocksync.domain.stock import ListingRecord, Presence, shown_number
from tests.simulation.doubt import OPEN_STATES, Doubt
from tests.simulation.guards import Echoes
from tests.simulation.merchant import Merchant
from tests.simulation.sales import Sales
from tests.simulation.stories import Sample, Story
from tests.simulation.trace import Trace
from tests.simulation.watch import Watch

_OUTSIDE = (MovementKind.SALE, MovementKind.RETURN, MovementKind.COUNT)


class Truth:
    """Follows the stores and our commits, and says where they part."""

    def __init__(self, merchant: Merchant, trace: Trace, start: datetime) -> None:
        self.merchant = merchant
        self.trace = trace
        self.stories: dict[tuple[str, str], Story] = {}
        for (store, sku), code in merchant.codes.items():
            self.stories[store, code] = Story(store, code, sku)
        self.keys: set[str] = set()
        self.adjusted: dict[str, int] = dict.fromkeys(merchant.opening, 0)
        self.sold = self.exposed = 0
        self.start = start
        self.watch = Watch(merchant, trace, start)
        self.sales = Sales(merchant, trace)
        self.codes = self.watch.codes
        self.doubt = Doubt(trace, self.codes)
        self.echoes = Echoes(merchant, trace)
        self.former: set[tuple[str, str]] = set()
        self.deleted: set[tuple[str, str]] = set()
        self.frozen_at: float | None = None
        self.lost_until = 0.0

    def counts(self, story: Story) -> bool:
        """Tell whether the ledger believes what outside hands do to this listing."""
        role = self.merchant.roles[story.store]
        believed = role in (Role.CHANNEL, Role.MASTER) and story.store not in self.merchant.fed
        return story.baseline is not None and believed

    def _in_stock(self, store: str) -> int:
        """Count the listings of a store of which the ledger believes that they are in stock."""
        return sum(at.store == store and bool(at.baseline) for at in self.stories.values())

    def believed(self) -> list[Story]:
        return [story for story in self.stories.values() if self.counts(story)]

    def happened(self, store: str, code: str, units: int) -> None:
        """Note what outside hands did to a listing."""
        story = self.stories.get((store, code))
        if story is None or not units:
            return
        self.sold += max(0, -units)
        role = self.merchant.roles[store]
        if role in (Role.CHANNEL, Role.MASTER) and store not in self.merchant.fed:
            story.outside += units
            story.real += units if self.counts(story) else 0

    def sampled(self, store: str, code: str) -> tuple[int, int | None]:
        """Return how far a listing's story has come, and what it shows, for an answer with it."""
        items = self.merchant.shops[store].find(code)
        return self.stories[store, code].outside, items[0].shown if items else None

    def heard(self, store: str, code: str, outside: int, shown: int | None, at: float) -> Sample:
        """Note that an answer with this listing in it reached a living process."""
        story = self.stories[store, code]
        if self.counts(story):
            self.doubt.hidden(story, outside, shown)
        story.samples.append((at, outside))
        story.heard += 1
        return Sample(outside, story.heard, shown)

    def wrote(
        self, store: str, code: str, sample: Sample | None, *, waited_for: bool, told: int | None
    ) -> None:
        """Note that a write of ours was applied: what nobody had read before it is lost.

        `told` is what a cache of the store still shows of it: that may be heard of yet.
        """
        story = self.stories.get((store, code))
        if story is None or not self.counts(story):
            return
        if sample is None:
            self.trace.broken("I8", f"{story.name} was written and never read before")
            return
        last = story.last if story.heard > sample.number else sample.outside
        lost = story.outside - last
        if lost:
            story.exposed += abs(lost)
            self.exposed += abs(lost)
            story.outside = last
            self.trace.line(f"exposed {story.name} {lost:+}")
            self.trace.reached("a sale or return inside an exposure window")
            heard = last if told is None else told
            self.doubt.allow(story, low=max(0, last - heard), high=max(0, heard - last))
        self.doubt.overwritten(story, last, waited_for=waited_for)

    def committed(self, commit: Commit) -> None:
        """Follow one commit of ours, and judge each movement and each new baseline."""
        for record in commit.records:
            self.codes[record.store, record.listing] = record.code or ""
        asked = {at.id: at.state.value for at in self.doubt.intents.values()}
        self.echoes.committed(commit, self.codes, asked)
        self.watch.begins(commit)
        moved = self.book(commit.movements)
        confirmed = {
            (intent.store, intent.listing): intent.target
            for intent in commit.intents
            if intent.state is IntentState.CONFIRMED
            and self.doubt.intents.get(intent.id, intent).state is IntentState.OPEN
        }
        for record in commit.records:
            story = self.stories.get((record.store, record.code or ""))
            if story is not None and record.presence is Presence.PRESENT:
                units, suspended = moved.get((record.store, record.code or ""), (0, 0))
                own = confirmed.get(record.key) == record.baseline and not units
                if record.key in self.former:  # its end is booked, and nobody can look at it
                    story.booked += units
                    story.suspended += suspended
                else:
                    self._follow(story, record, units, suspended, own=own)
        for intent in commit.intents:
            self._follow_intent(intent)
        self.watch.ends(commit)

    def _follow_intent(self, intent: Intent) -> None:
        if intent.state in OPEN_STATES:
            self.doubt.intents[intent.id] = intent
            if intent.state is IntentState.OPEN:
                self.watch.announced(intent)
        else:
            self.doubt.intents.pop(intent.id, None)
        self.trace.reached(f"an intent was {intent.state.value}")

    def book(self, movements: Iterable[Movement]) -> Mapping[tuple[str, str], tuple[int, int]]:
        """Add up what new movements say of each listing, in its own units: moved, suspended."""
        moved: dict[tuple[str, str], tuple[int, int]] = {}
        for movement in movements:
            if movement.key in self.keys:
                continue
            self.keys.add(movement.key)
            self.sales.book(movement)
            self.trace.reached(f"a {movement.kind.value} was booked")
            if movement.store is None or movement.listing is None:
                continue
            code = self.codes.get((movement.store, movement.listing), "")
            story = self.stories.get((movement.store, code))
            if story is None:
                continue
            units = self._listing_units(story, movement)
            known = moved.get((movement.store, code), (0, 0))
            if movement.kind in _OUTSIDE:
                moved[movement.store, code] = (units, known[1])
            elif movement.kind is MovementKind.SUSPENSE:
                moved[movement.store, code] = (known[0], -units)
        return moved

    def _listing_units(self, story: Story, movement: Movement) -> int:
        signed = movement.units if movement.destination.startswith("loc:") else -movement.units
        needed = self.merchant.parts(story.sku)[movement.sku]
        each = needed * self.merchant.wanted[story.store, story.sku].pack
        if signed % each:
            self.trace.broken("I1", f"{movement.key} moves a part of a piece")
        return signed // each

    def _follow(
        self, story: Story, record: ListingRecord, units: int, suspended: int, *, own: bool
    ) -> None:
        before, story.baseline = story.baseline, record.baseline
        last_news_at, story.news_at = story.news_at, record.read_at
        if story.store in self.merchant.fed:
            return  # its sales are judged order by order
        if before is None or record.baseline is None:
            if units:
                self.trace.broken("I12", f"first contact with {story.name} booked {units:+}")
            self._begin(story, record)
            return
        if not units and not suspended and before == record.baseline:
            return
        story.booked += units
        story.suspended += suspended
        self.watch.judge_increase(story, record.listing, units)
        if units and not self.counts(story):
            self.trace.broken("I4", f"{story.name} is not believed, and booked {units:+}")
        if units < 0 and record.baseline == 0:
            self.watch.zero_believed(story, others=self._in_stock(story.store))
        if not own and self._refused_increase(story, record, before, units):
            return
        looked = [outside for at, outside in story.samples if own or self._is_of(record, at)]
        told = looked or [story.last]
        if suspended or not any(story.agrees(outside) for outside in told):
            self.doubt.judge(story, record, before, units, suspended, truth=told[-1])
        if suspended:
            self.doubt.judge_suspense(story, before, suspended, since=last_news_at)

    def _begin(self, story: Story, record: ListingRecord) -> None:
        """What a listing showed when it was met is agreed on; what happened since then counts."""
        looked = [outside for at, outside in story.samples if self._is_of(record, at)]
        before = looked[-1] - story.booked if looked else story.outside - story.booked
        story.outside -= before
        story.cached -= before
        story.low = story.high = 0
        story.samples.append((0.0, story.booked))

    def _is_of(self, record: ListingRecord, at: float) -> bool:
        """Tell whether a record's reading is what was asked for at that moment."""
        read_at = record.read_at
        return read_at is not None and abs((read_at - self.start).total_seconds() - at) < 1e-5

    def _refused_increase(
        self, story: Story, record: ListingRecord, before: int, units: int
    ) -> bool:
        """A rule may say that a number that went up is not to be believed; a person, of any."""
        rule = self.merchant.wanted[story.store, story.sku].increases
        shown = shown_number(record.reading)
        if units or shown is None or shown == before:
            return False
        mistake = (record.store, record.listing, shown) in self.watch.refused
        if not mistake and (rule == "yes" or shown < before):
            return False
        if story.agrees(story.last):
            return False
        refused = story.last - story.booked
        story.real -= refused
        story.outside -= refused
        story.cached -= refused
        story.samples.append((0.0, story.booked))
        self.trace.reached("an increase was not believed")
        return True

    def removed(self, store: str, code: str) -> None:
        """Note that a listing was deleted: whatever comes back under its code is a new one."""
        self.stories[store, code].baseline = None
        self.former |= {
            key for key, known in self.codes.items() if key[0] == store and known == code
        }
        self.deleted.add((store, code))
