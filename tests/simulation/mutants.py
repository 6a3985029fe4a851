"""What mutants do instead: each function here gets one thing wrong, as somebody could."""

# mypy: disable-error-code="attr-defined"

from dataclasses import replace
from typing import Any

from stocksync.connectors import simvoly
from stocksync.contracts.ledger import IntentState
from stocksync.domain import (
    allocation,
    availability,
    intake,
    merge,
    movements,
    orders,
    plan,
    stories,
    targets,
)
from stocksync.domain.merge import ChangeKind, Role
from stocksync.domain.orders import NOTHING_SOLD
from stocksync.domain.rules import Increases
from stocksync.engine import outcomes, writing
from stocksync.ledger import leases, seals, sql
from stocksync.ledger import writing as ledger_writing


def steady(corrections: Any, _news: Any) -> Any:
    return list(corrections), [], []


async def no_orphans(*_: Any) -> int:
    return 0


def settled_now(unknown: Any, *_: Any, **__: Any) -> Any:
    return [replace(intent, state=IntentState.SETTLED) for intent in unknown]


def confirmed_unseen(unknown: Any, *_: Any, **__: Any) -> Any:
    return [replace(intent, state=IntentState.CONFIRMED) for intent in unknown]


def blind_merge(record: Any, seen: Any, terms: Any, *sold: Any) -> Any:
    return _merge(replace(record, unanswered=frozenset()), seen, terms, *sold)


def baseline_stays(record: Any, seen: Any, terms: Any, *sold: Any) -> Any:
    change = _merge(record, seen, terms, *sold)
    if change is None or change.kind is not ChangeKind.SALE:
        return change
    return replace(change, record=replace(change.record, baseline=record.baseline))


def first_contact_sells(record: Any, seen: Any, terms: Any, *sold: Any) -> Any:
    change = _merge(record, seen, terms, *sold)
    if change is None or change.kind is not ChangeKind.FIRST_CONTACT or not change.after:
        return change
    return replace(change, kind=ChangeKind.RETURN, units=change.after)


def own_is_a_sale(record: Any, seen: Any, terms: Any, *sold: Any) -> Any:
    change: Any = _merge(record, seen, terms, *sold)
    if change is None or change.kind is not ChangeKind.OWN_WRITE or change.after >= change.before:
        return change
    return replace(change, kind=ChangeKind.SALE, units=change.after - change.before)


def twice(change: Any) -> Any:
    return replace(change, units=2 * change.units)


def doubled(change: Any, *rest: Any, **named: Any) -> Any:
    return _movements_for(twice(change), *rest, **named)


def nothing(*_: Any, **__: Any) -> Any:
    return []


def without_version(change: Any, *rest: Any, **named: Any) -> Any:
    made = _movements_for(change, *rest, **named)
    return [replace(one, key=f"{change.store}:{change.listing}:{one.kind}") for one in made]


def no_returns(change: Any, *rest: Any, **named: Any) -> Any:
    return [] if change.units > 0 else _movements_for(change, *rest, **named)


def first_part_only(change: Any, *rest: Any, **named: Any) -> Any:
    return _movements_for(change, *rest, **named)[:1]


def no_suspense(number: int, *_: Any) -> int:
    return number  # more than any change: nothing is below what is likely


def largest_sale(number: int, before: int, targets: Any) -> Any:
    return min(number - value for value in (before, *targets))


def hopeful(number: int, before: int, targets: Any) -> Any:
    return max(number - value for value in (before, *targets))


def withheld_anew(number: int, before: int, writes: Any, _read_at: Any) -> Any:
    return number - max([before, *(write.target for write in writes)])


def agreed_on_old(record: Any, quantity: Any, now: Any, version: Any) -> Any:
    return replace(_agreed(record, quantity, now, version), baseline=record.baseline)


def never_due_again(record: Any, quantity: Any, now: Any, version: Any) -> Any:
    return replace(_agreed(record, quantity, now, version), due_since=None)


def closed_as(state: IntentState) -> Any:
    async def question(job: Any, intents: Any, detail: str) -> bool:
        await job.close(intents, state, detail)
        return False

    return question


async def believed(job: Any, applied: Any, intents: Any, records: Any) -> bool:
    await writing.confirm(job, applied, intents, records)
    return False


async def never_confirmed(job: Any, taken: Any, intents: Any, records: Any) -> None:
    await job.close([intents[one.listing] for one in taken], IntentState.CONFIRMED)


def success(self: Any, absent: Any, *, rate_limit_is_refusal: bool) -> Any:
    return self._answer(self._content_or_none())


def variants_left_out(product: Any, wanted: Any) -> Any:
    body = _update(product, wanted)
    named = [listing for listing, _ in simvoly.named_variants(product)]
    first = next((at for at in named if at in wanted), None)
    kept = [one for at, one in zip(named, body["variants"], strict=True) if at == first]
    return body | {"variants": kept}


def as_channel(sku: Any, seat: Any, book: Any) -> Any:
    return replace(_terms_for(sku, seat, book), role=Role.CHANNEL)


def any_increase(sku: Any, seat: Any, book: Any) -> Any:
    return replace(_terms_for(sku, seat, book), accept_increases=Increases.YES)


def levels_sell_too(sku: Any, seat: Any, book: Any) -> Any:
    return replace(_terms_for(sku, seat, book), feed=False)


async def no_feed(*_: Any, **__: Any) -> None:
    return None


def only_new(lines: Any, known: Any) -> Any:
    return [each for each in _news_of(lines, known) if each.known is None]


def never_hidden(*_: Any) -> bool:
    return False


def unexplained_by_orders(number: int, baseline: int, own: Any, sold: Any, rest: Any) -> Any:
    return _explain(number, baseline, own, NOTHING_SOLD, rest)


def all_is_explained(number: int, baseline: int, own: Any, sold: Any, rest: Any) -> Any:
    return frozenset(), max(0, number + sold.units - baseline)


async def no_siblings(context_: Any, store: Any, corrections: Any) -> Any:
    return list(corrections), {}


async def nobody_is_beyond(*_: Any) -> set[Any]:
    return set()


def room_for_all(own: Any, shown: int, **_: Any) -> Any:
    return allocation.Place(shown=shown, room=10**6)


def no_packs(sku: Any, seat: Any, book: Any) -> Any:
    return replace(_terms_for(sku, seat, book), pack=1)


def writes_everywhere(due: Any, seat: Any, picture: Any, book: Any, *, now: Any) -> Any:
    return _plan_store(due, replace(seat, role=Role.CHANNEL), picture, book, now=now)


def same_again(record: Any, wanted: Any) -> Any:
    if wanted is None or record.baseline is None:
        return None
    return _correction_for(replace(record, baseline=-1, unanswered=frozenset()), wanted)


def one_too_many(record: Any, wanted: Any) -> Any:
    return _correction_for(record, None if wanted is None else wanted + 1)


def cap_forgotten(units: int, policy: Any, steps: Any = None) -> Any:
    return _target(units, replace(policy, cap=None), steps)


def best_part(parts: Any, levels_of: Any) -> Any:
    made = _kit_levels(parts, levels_of)
    return {at: replace(level, on_hand=level.on_hand + 1) for at, level in made.items()}


def lease_for_all(connection: Any, store: Any, **named: Any) -> Any:
    connection.execute(leases.update(leases.STORES).values(lease_holder="", lease_until=None))
    return _acquire(connection, store, **named)


def same_epoch(connection: Any, store: Any, **named: Any) -> Any:
    lease = _acquire(connection, store, **named)
    return None if lease is None else replace(lease, epoch=1)


async def all_gone(context_: Any, store: Any, glance: Any, looks: Any, present: int) -> Any:
    if glance.unseen is None:
        return set()
    return set(await context_.ledger.records(store.id)) - set(list(looks)[:1])


def no_marks(connection: Any, commit: Any) -> None:
    return None


def one_fold(new: Any) -> Any:
    folded = _fold(new)
    return dict(list(folded.items())[:1])


def unsealed(connection: Any, new: Any, *, now: Any) -> Any:
    return [row | {"seal": seals.FIRST} for row in _sealed(connection, new, now=now)]


def all_believed(changes: Any, approval: Any) -> Any:
    held = ChangeKind.HELD_INCREASE
    return [replace(at, kind=ChangeKind.RETURN) if at.kind is held else at for at in changes], []


async def records_first(self: Any, commit: Any) -> int:
    """Write the new baselines in one commit and what they mean in another."""
    await _commit(self, replace(commit, movements=[], due_skus=set(), run=None))
    return int(await _commit(self, replace(commit, records=[], intents=[], holds=[], store=None)))


async def movements_first(self: Any, commit: Any) -> int:
    booked = await _commit(self, replace(commit, records=[], intents=[], holds=[], store=None))
    await _commit(self, replace(commit, movements=[], due_skus=set(), run=None))
    return int(booked)


_merge = merge.merge
_movements_for, _agreed, _update = intake.movements_for, outcomes.agreed, simvoly._update
_terms_for, _plan_store, _target = intake.terms_for, targets.plan_store, availability.target
_correction_for, _kit_levels = plan.correction_for, availability.kit_levels
_fold, _news_of, _explain = movements.fold, orders.news_of, stories.explain
_sealed = ledger_writing._sealed
_acquire, _commit = leases.acquire, sql.SqlLedger.commit
