"""Ask the books what the gates need to know, and stop a look that is too big to be true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from stocksync.contracts.ledger import Hold, HoldState, IntentState
from stocksync.domain import flapping, restored
from stocksync.domain.flapping import Written, by_another_hand, fights, shown_since
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
        pasts = await self._pasts([line.listing for line in suspected], _EVER)
        mistakes = await self._mistakes(pasts)
        believed = {
            at: [number for _, number in past if (at, number) not in mistakes]
            for at, past in pasts.items()
        }
        largest = {at: max(numbers) for at, numbers in believed.items() if numbers}
        return check_range(suspected, largest, approved=self.approval.lines)

    async def _mistakes(self, pasts: Mapping[ListingId, Past]) -> set[tuple[ListingId, int | None]]:
        """Return the numbers that a person did not believe: they say nothing about a listing.

        A store that went on selling from such a number was agreed with on what was left of it.
        """
        numbers: set[tuple[ListingId, int | None]] = set()
        for decided_at, line in await holds.mistakes(self.context, self.store.id):
            numbers.add((line.listing, line.after))
            past = pasts.get(line.listing, ())
            left = [number for moment, number in past if moment >= decided_at]
            numbers |= {(line.listing, number) for number in left[:1]}
        return numbers

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

    async def frozen(self, *, believed: bool) -> list[Trip]:
        """Return the holds of listings that two tools fight over: those only are not written.

        A look that is not `believed` begins none: nothing is written to that store anyway.
        """
        ledger, shop, now = self.context.ledger, self.store.id, self.context.now()
        standing = [
            hold for hold in await ledger.holds(shop, holds.UNDECIDED) if hold.gate is Gate.FLAPPING
        ]
        moved = {change.listing for change in self.changes}
        hot = [hold for hold in standing if await self._is_hot(hold, moved, now)]
        known = {line.listing for hold in hot for line in hold.lines}
        flips = await self._fought_over(known, now) if believed else []
        lines = [as_line(change) for change in flips]
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
        pasts = await self._pasts(sorted(listings), since)
        return any(moment > since for past in pasts.values() for moment, _ in past)

    async def _fought_over(self, known: set[ListingId], now: datetime) -> list[Change]:
        """Return the changes that are one more flip of a fight nobody knew of."""
        changes = by_another_hand(self.changes, feed=self.store.seat.feed)
        changes = [change for change in changes if change.listing not in known]
        if not changes:
            return []
        since = now - flapping.WITHIN
        pasts = await self._pasts([change.listing for change in changes], since)
        lately = {at: past for at, past in pasts.items() if past and past[-1][0] > since}
        return [
            change
            for change in changes
            if change.listing in lately
            and await self._is_flip(change, lately[change.listing], since)
        ]

    async def _is_flip(self, change: Change, past: Past, since: datetime) -> bool:
        """Tell whether a listing flips, now once more; what a person approved is forgiven."""
        ledger, shop, listing = self.context.ledger, self.store.id, change.listing
        for hold in await ledger.holds(shop, (HoldState.APPROVED, HoldState.APPLIED)):
            named = hold.gate is Gate.FLAPPING and listing in {line.listing for line in hold.lines}
            if named and hold.decided_at is not None:
                since = max(since, hold.decided_at)
        sent = [
            Written(
                before=at.before,
                target=at.target,
                began=at.created_at,
                taken=at.resolved_at if at.state is IntentState.CONFIRMED else None,
            )
            for at in await ledger.writes(shop, listing, WRITES_SEEN)
            if at.state in (IntentState.CONFIRMED, IntentState.UNKNOWN) and at.created_at > since
        ]
        numbers = shown_since(past, sent, since)
        return fights([*numbers, change.after or 0], {write.target for write in sent})
