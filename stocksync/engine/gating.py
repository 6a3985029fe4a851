"""Ask the books what the gates need to know, and stop a look that is too big to be true."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from stocksync.contracts.ledger import Hold, HoldState, IntentState
from stocksync.domain import flapping, restored
from stocksync.domain.flapping import by_another_hand, fights
from stocksync.domain.gates import (
    LIMITS,
    Gate,
    Trip,
    check,
    check_absence,
    check_census,
    check_range,
    check_units,
    check_untracked,
    suspects,
)
from stocksync.domain.identifiers import ListingId
from stocksync.domain.intake import as_line, as_lines
from stocksync.domain.merge import Change, ChangeKind
from stocksync.domain.plan import Line
from stocksync.domain.restored import Past, is_all_of_it, moments_like_now
from stocksync.domain.stock import ListingRecord, Presence
from stocksync.engine import holds
from stocksync.engine.context import Approval, Context, Store
from stocksync.engine.look import Glance

#: How many of a listing's writes are looked through for those of a fight.
WRITES_SEEN: Final = 8
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """One look at a store, before it is believed: what changed, and what a census did not show.

    `counts` are present, counted and in stock.
    """

    context: Context
    store: Store
    glance: Glance
    changes: Sequence[Change]
    missing: Sequence[ListingRecord]
    approval: Approval
    counts: tuple[int, int, int]

    async def stopping(self) -> Trip | None:
        """Return the first gate that stops this look: whole, then line by line, then the sums.

        A part of a store says nothing about a store that is held: only a census can.
        """
        if not self.glance.complete:
            standing = await holds.stopping(self.context, self.store.id)
            if standing:
                return holds.again(standing[0])
        lines = as_lines(self.changes)
        return (
            self._census()
            or await self._range(lines)
            or await self._restored(lines)
            or self._many(lines)
            or await self._units(lines)
        )

    def _census(self) -> Trip | None:
        """Refuse a census that shows nothing, or too little of what was there."""
        present = self.counts[0]
        if not self.glance.complete or self.store.seat.switches:
            return None
        shop, everything = self.store.id, ListingId("*")
        line = Line(store=shop, listing=everything, sku="", before=present, after=0, why="census")
        if not self.glance.readings:
            return check_census(0, present, approved=self.approval.lines, line=line)
        absent = [
            Line(
                store=shop,
                listing=record.listing,
                sku=str(record.sku or ""),
                before=record.baseline,
                after=None,
                why="absent",
            )
            for record in self.missing
        ]
        return check_absence(absent, present=present, approved=self.approval.lines)

    async def _range(self, lines: Sequence[Line]) -> Trip | None:
        """Refuse numbers that are none; also those of listings that are met for the first time."""
        first = [
            as_line(change)
            for change in self.changes
            if change.kind is ChangeKind.FIRST_CONTACT and change.sku is not None
        ]
        suspected = suspects([*lines, *first])
        if not suspected:
            return None
        listings = {line.listing for line in suspected}
        pasts = await self.context.ledger.numbers(self.store.id, listings, _EVER)
        largest = {at: max(shown.number for shown in past) for at, past in pasts.items()}
        return check_range(suspected, largest, approved=self.approval.lines)

    async def _restored(self, lines: Sequence[Line]) -> Trip | None:
        """Refuse a store that shows what it showed at one earlier moment."""
        fresh = [line for line in lines if line.key not in self.approval.lines]
        if len(fresh) < restored.CHANGED_FLOOR:
            return None
        shown = {line.listing: line.after for line in fresh[: restored.SAMPLE_MAX]}
        numbers = {at: number for at, number in shown.items() if number is not None}
        since = self.context.now() - restored.LOOK_BACK
        pasts = await self._pasts(list(numbers), since)
        for moment in moments_like_now(numbers, pasts):
            back = len(fresh) * moment.same // len(numbers)
            if is_all_of_it(back=back, stayed=await self._stayed(moment, lines)):
                when = moment.ended.isoformat(timespec="minutes")
                reason = f"{back} of {len(fresh)} changed listings show what they did before {when}"
                return Trip(gate=Gate.RESTORED, reason=reason, lines=tuple(fresh))
        return None

    async def _stayed(self, moment: restored.Moment, lines: Sequence[Line]) -> int:
        """Count the listings that were something else at that moment, and did not go back to it."""
        changed = {line.listing for line in lines} | {at.listing for at in self.missing}
        only = None if self.glance.complete else [*self.glance.news]
        records = await self.context.ledger.records(self.store.id, only)
        baselines = {
            at: record.baseline
            for at, record in records.items()
            if at not in changed
            and record.baseline is not None
            and record.presence is Presence.PRESENT
        }
        pasts = await self._pasts(list(baselines), moment.began)
        return restored.differing(moment, baselines, pasts)

    async def _pasts(self, listings: Sequence[ListingId], since: datetime) -> dict[ListingId, Past]:
        """Return what listings were agreed to show since."""
        found = await self.context.ledger.numbers(self.store.id, listings, since)
        return {at: [(shown.since, shown.number) for shown in past] for at, past in found.items()}

    def _many(self, lines: Sequence[Line]) -> Trip | None:
        """Refuse too many changes, too many zeros, and too many that are counted no more."""
        _, counted, in_stock = self.counts
        untracked = [
            as_line(change)
            for change in self.changes
            if change.kind is ChangeKind.UNTRACKED and change.before is not None
        ]
        approved = self.approval.lines
        return check_untracked(untracked, listings=counted, approved=approved) or check(
            lines, listings=counted, in_stock=in_stock, approved=approved
        )

    async def _units(self, lines: Sequence[Line]) -> Trip | None:
        """Refuse too many units, down or up.

        What the whole store shows is only added up when the changed listings, and one unit for
        each of the others that are in stock, are not enough to tell.
        """
        if len(lines) < LIMITS.units_floor:
            return None
        approved = self.approval.lines
        before = [line.before or 0 for line in lines]
        others = self.counts[2] - sum(number > 0 for number in before)
        least = sum(max(0, number) for number in before) + max(0, others)
        if check_units(lines, shown=least, approved=approved) is None:
            return None
        records = await self.context.ledger.records(self.store.id)
        shown = sum(
            max(0, record.baseline or 0)
            for record in records.values()
            if record.presence is Presence.PRESENT
        )
        return check_units(lines, shown=shown, approved=approved)

    async def frozen(self) -> list[Trip]:
        """Return the holds of listings that two tools fight over: those only are not written."""
        ledger, shop, now = self.context.ledger, self.store.id, self.context.now()
        standing = [
            hold for hold in await ledger.holds(shop, holds.UNDECIDED) if hold.gate is Gate.FLAPPING
        ]
        moved = {change.listing for change in self.changes}
        hot = [hold for hold in standing if await self._is_hot(hold, moved, now)]
        known = {line.listing for hold in hot for line in hold.lines}
        lines = [
            as_line(change)
            for change in by_another_hand(self.changes, feed=self.store.seat.feed)
            if change.listing not in known and await self._fought_over(change, now)
        ]
        lines = [line for line in lines if line.key not in self.approval.lines]
        if not lines:
            return [holds.again(hold) for hold in hot]
        reason = f"{len(lines)} listings flip between our number and another tool's"
        new = Trip(gate=Gate.FLAPPING, reason=reason, lines=tuple(lines))
        return [*(holds.again(hold) for hold in hot), new]

    async def _is_hot(self, hold: Hold, moved: set[ListingId], now: datetime) -> bool:
        """Tell whether a frozen listing still moves; a quiet one is let go."""
        listings = {line.listing for line in hold.lines}
        if listings & moved:
            return True
        since = now - flapping.WITHIN
        pasts = await self.context.ledger.numbers(self.store.id, listings, since)
        return any(shown.since > since for past in pasts.values() for shown in past)

    async def _fought_over(self, change: Change, now: datetime) -> bool:
        """Tell whether this change is one more flip of a fight; what was approved is over."""
        since = now - flapping.WITHIN
        ledger, shop = self.context.ledger, self.store.id
        past = (await ledger.numbers(shop, [change.listing], since)).get(change.listing, ())
        if len(past) < flapping.FLIPS_MAX:
            return False
        for hold in await ledger.holds(shop, (HoldState.APPROVED, HoldState.APPLIED)):
            named = hold.gate is Gate.FLAPPING and any(
                line.listing == change.listing for line in hold.lines
            )
            if named and hold.decided_at is not None:
                since = max(since, hold.decided_at)
        writes = await ledger.writes(shop, change.listing, WRITES_SEEN)
        own = {
            at.target
            for at in writes
            if at.state in (IntentState.CONFIRMED, IntentState.UNKNOWN) and at.created_at >= since
        }
        before = [shown.number for shown in past if shown.since <= since][-1:]
        after = [shown.number for shown in past if shown.since > since]
        return fights([*before, *after, change.after or 0], own)
