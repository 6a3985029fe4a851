"""What one look at a store means: its changes, what vanished, and what a gate stops."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from stocksync.domain.gates import Gate, Trip
from stocksync.domain.identifiers import ListingId
from stocksync.domain.intake import NO_ORDERS, Look, as_lines, decide
from stocksync.domain.merge import Change, ChangeKind, relink
from stocksync.domain.mistakes import exceeds_orders, mistakes_of
from stocksync.domain.orders import Sold
from stocksync.domain.plan import Line
from stocksync.domain.sales import sold_unseen
from stocksync.domain.stock import ListingRecord
from stocksync.engine import holds
from stocksync.engine.context import Approval, Context, Store
from stocksync.engine.feed import Feed, hidden_by_mistakes
from stocksync.engine.gating import Suspicion
from stocksync.engine.look import Glance, missing_from, twins_of, vanished, with_records


@dataclass(slots=True, kw_only=True)
class Findings:
    """What one look means: changes to book, listings that vanished, and what a gate stops.

    `relinked` are listings as they were that stand for another SKU now, and had units withheld.
    """

    changes: list[Change]
    absent: list[ListingRecord]
    relinked: list[ListingRecord]
    trips: list[Trip]
    stopped: bool = False


async def find(context: Context, store: Store, glance: Glance, *, relink: bool) -> Findings:
    """Decide what a look means under the rules, the gates and what people approved."""
    looks = await with_records(context, store, glance)
    counts = await context.ledger.counts(store.id)
    missing = await missing_from(context, store, glance, looks, counts[0])
    twins = await twins_of(context, store, looks, missing=missing, relink=relink)
    seat = store.seat
    if seat.feed and (await context.ledger.store(store.id)).feed_from is None:
        seat = replace(seat, feed=False)  # until its orders are known, a level speaks for itself
    approval = await holds.approved_for(context, store.id)
    mistakes = mistakes_of(store.id, approval.refused)
    naming = partial(decide, looks, seat, twins=twins, book=context.book, mistakes=mistakes)
    changes = await _named(context, store, glance.feed, naming)
    changes += await _set_aside(context, store, twins, looks.keys())
    absent = list((await context.ledger.records(store.id, missing)).values())
    asked = list((await context.ledger.records(store.id, glance.gone | glance.hidden)).values())
    changes, trips = _increases(changes, approval)
    suspicion = Suspicion(
        context=context,
        store=store,
        glance=glance,
        changes=changes,
        missing=absent,
        approval=approval,
        counts=counts,
    )
    stopping = await suspicion.stopping()
    trips += await suspicion.frozen(believed=stopping is None)
    unseen = await _sold_unseen(context, store, glance)
    return Findings(
        changes=changes,
        absent=sold_unseen(vanished(absent, asked, glance), unseen),
        relinked=_relinked(looks, changes),
        trips=trips + ([stopping] if stopping else []),
        stopped=stopping is not None,
    )


def _relinked(looks: Mapping[ListingId, Look], changes: Iterable[Change]) -> list[ListingRecord]:
    pairs = [(looks[at.listing][0], at.sku) for at in changes if at.listing in looks]
    return [old for old, sku in pairs if old is not None and old.suspended and old.sku != sku]


async def _sold_unseen(
    context: Context, store: Store, glance: Glance
) -> dict[ListingId, tuple[ListingRecord, Sold]]:
    """Return the listings that orders are about and that the store did not show."""
    told = NO_ORDERS if glance.feed is None else glance.feed.sold
    sold = {at: units for at, units in told.items() if at not in glance.news}
    if not sold:
        return {}
    records = await context.ledger.records(store.id, sold)
    return {at: (record, sold[at]) for at, record in records.items()}


async def _named(
    context: Context, store: Store, feed: Feed | None, naming: Callable[..., list[Change]]
) -> list[Change]:
    """Name what happened; units that an order makes too many are looked at once more.

    They are a return only if nobody rejected the number in which that order had shown itself.
    """
    sold = feed.sold if feed is not None else NO_ORDERS
    changes = naming(sold=sold)
    doubtful = {at.listing for at in changes if at.listing in sold and exceeds_orders(at)}
    if feed is None or not doubtful:
        return changes
    hidden = await hidden_by_mistakes(context, store, feed, doubtful)
    return naming(sold={**sold, **hidden}) if hidden else changes


async def _set_aside(
    context: Context, store: Store, twins: dict[ListingId, str], looked: Collection[ListingId]
) -> list[Change]:
    """Quarantine known listings that a new one turned into twins."""
    others = await context.ledger.records(store.id, twins.keys() - set(looked))
    return [
        relink(record, record.sku, record.code, twins[listing])
        for listing, record in others.items()
        if record.quarantine != twins[listing]
    ]


def _increases(changes: Iterable[Change], approval: Approval) -> tuple[list[Change], list[Trip]]:
    """Keep back the increases that a rule wants a person to see.

    Approved ones are returns; rejected ones are not believed, and the store is put right.
    """
    kept: list[Change] = []
    waiting: list[Line] = []
    for change in changes:
        if change.kind is not ChangeKind.HELD_INCREASE:
            kept.append(change)
            continue
        [line] = as_lines([change])
        if line.key in approval.lines:
            kept.append(replace(change, kind=ChangeKind.RETURN))
        elif line.key in approval.refused:
            refused = replace(change, kind=ChangeKind.REFUSED_INCREASE, units=0, suspended=0)
            kept.append(refused)
        else:
            waiting.append(line)
    if not waiting:
        return kept, []
    reason = f"{len(waiting)} listings show more than before, and a rule holds increases"
    return kept, [Trip(gate=Gate.INCREASE, reason=reason, lines=tuple(waiting))]
