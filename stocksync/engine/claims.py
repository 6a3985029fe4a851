"""Announce what is about to be written, and take back what others may sell already."""

from collections.abc import Sequence

from stocksync.contracts.ledger import Commit, Intent, IntentState, Lease
from stocksync.domain.allocation import is_allocated, place_of
from stocksync.domain.identifiers import ListingId
from stocksync.domain.plan import levels_of_sku, units_for
from stocksync.domain.rules import Mode
from stocksync.domain.stock import Correction, Counted, ListingRecord, Presence, shown_number
from stocksync.engine.context import Context, Store
from stocksync.engine.intents import closed, open_intents
from stocksync.engine.picture import exposures, recent_sales


async def whole_groups(
    context: Context, store: Store, corrections: Sequence[Correction]
) -> tuple[list[Correction], dict[ListingId, ListingRecord]]:
    """Add the listings that a write carries along, as they are; return their records too.

    A store that writes a product with all its variants puts every number back that it is sent: each
    of them is a write of ours, which may arrive late and overwrite a sale (`reliability §2.2`).
    """
    batch = list(corrections)
    if not store.connector.capabilities.whole_group_writes:
        return batch, {}
    groups = {at.group for at in batch}
    named = await context.ledger.named(store.id, groups)
    mine = {at.listing for at in batch}
    records = {
        listing: record
        for listing, record in (await context.ledger.records(store.id, named)).items()
        if record.group in groups
        and listing not in mine
        and record.presence is Presence.PRESENT
        and isinstance(record.reading, Counted)
    }
    free = store.connector.capabilities.write_batch_max - len(batch)
    for listing, record in list(records.items())[: max(0, free)]:
        shown = shown_number(record.reading) or 0
        batch.append(
            Correction(
                listing=listing,
                quantity=shown,
                expected=shown,
                sku=record.sku,
                code=record.code,
                group=record.group,
                companion=True,
            )
        )
    return batch, records


async def announce(
    context: Context, store: Store, corrections: Sequence[Correction], *, run: str, lease: Lease
) -> tuple[dict[ListingId, Intent], list[Correction]]:
    """Commit an intent for each correction; return those that stand, with their corrections.

    Two stores that were planned at one time must not both be raised into the same units: each
    announces first and looks then, so that one of them at least sees the other and gives way.
    """
    intents = open_intents(context, store.id, corrections, run=run)
    raised = [at for at in corrections if _is_raised(context, store, at)]
    if not raised:
        await context.ledger.commit(Commit(intents=list(intents.values()), lease=lease))
        return intents, list(corrections)
    async with context.allocating:
        await context.ledger.commit(Commit(intents=list(intents.values()), lease=lease))
        beyond = await _beyond(context, store, raised)
        if beyond:
            now, why = context.now(), "another store may still sell these units"
            ended = [closed(intents[at], IntentState.SUPERSEDED, now, why) for at in beyond]
            await context.ledger.commit(Commit(intents=ended, lease=lease))
    standing = {at: intent for at, intent in intents.items() if at not in beyond}
    return standing, [at for at in corrections if at.listing not in beyond]


def _is_raised(context: Context, store: Store, correction: Correction) -> bool:
    """Tell whether a write may give a store units that another has."""
    if correction.sku is None or correction.quantity <= 0 or correction.companion:
        return False
    policy = context.book.policy(correction.sku, store.id)
    return policy.mode is not Mode.SHARED and policy.fixed is None


async def _beyond(context: Context, store: Store, raised: Sequence[Correction]) -> set[ListingId]:
    """Find the corrections for which there is no room beside what others may still sell."""
    book = context.book
    skus = {at.sku for at in raised if at.sku is not None}
    exposed = await exposures(context, skus)
    levels = await context.ledger.levels(book.stocked(skus))
    listed = await context.ledger.records_of(skus)
    sales = await recent_sales(context, [each for each in listed if each.store == store.id])
    beyond: set[ListingId] = set()
    for at in raised:
        own = None if at.sku is None else levels_of_sku(at.sku, book, levels)
        if at.sku is None or own is None:
            continue
        policy = book.policy(at.sku, store.id)
        stores = {each.store for each in listed if each.sku == at.sku}
        units = units_for(at.sku, store.id, own, book, sales=sales)
        if not is_allocated(policy, units, stores & context.stores.keys()):
            continue
        pieces = {part: units * policy.pack for part, units in book.parts(at.sku).items()}
        key = (store.id, at.listing)
        for part, needed in pieces.items():
            exposed[part][key] -= at.quantity * needed  # this very write
        if place_of(key, at.expected, parts=pieces, levels=levels, exposed=exposed).fits(
            at.quantity
        ):
            for part, needed in pieces.items():
                exposed[part][key] += at.quantity * needed
        else:
            beyond.add(at.listing)
    return beyond
