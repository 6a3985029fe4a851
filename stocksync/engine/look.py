"""Look at one store: walk its census, or read a few listings, and keep only what is news."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stocksync.domain.hints import Hint
from stocksync.domain.identifiers import ListingId, Sku
from stocksync.domain.intake import Look, find_twins
from stocksync.domain.merge import agreement_of, was_met
from stocksync.domain.stock import ListingRecord, Observation, Presence
from stocksync.engine.batches import batches
from stocksync.engine.context import Context, Store
from stocksync.engine.feed import Feed


@dataclass(slots=True, kw_only=True)
class Glance:
    """What a look brought back: how much was read, and the listings that show something new.

    `unseen` are the agreements that a complete census did not meet; None after a look at a few.
    `answered` are the hints that had come in before it began. `feed` is what
    the store's orders told, where they were read too.
    """

    started_at: datetime
    readings: int = 0
    news: dict[ListingId, Observation] = field(default_factory=dict)
    unseen: set[int] | None = None
    answered: list[Hint] = field(default_factory=list)
    feed: Feed | None = None

    @property
    def complete(self) -> bool:
        return self.unseen is not None


async def walk_census(context: Context, store: Store, *, relink: bool) -> Glance:
    """Read every listing of the store; raises unless the store showed all of them.

    `relink` looks at every listing anew, because the rules that link codes to SKUs changed.
    """
    unseen = await context.ledger.agreements(store.id)
    glance = Glance(started_at=context.now(), unseen=unseen)
    async for page in store.connector.census():
        for row in page:
            met = agreement_of(row)
            if met in unseen:
                unseen.remove(met)
                if not relink:
                    glance.readings += 1
                    continue
            glance.news[row.listing] = row
    glance.readings += len(glance.news)
    return glance


async def look_at(context: Context, store: Store, listings: Iterable[ListingId]) -> Glance:
    """Read a few listings; those the store does not know are simply not seen."""
    glance = Glance(started_at=context.now())
    for batch in batches(list(listings), store.connector.capabilities.read_batch_max):
        glance.news.update(await store.connector.read(batch))
    glance.readings = len(glance.news)
    return glance


async def listings_of(
    context: Context, store: Store, skus: Collection[Sku] | None
) -> list[ListingId] | None:
    """Return the store's listings of these SKUs; None stands for all of them."""
    if skus is None:
        return None
    if store.seat.switches:
        keys = context.book.switches(context.book.affected(set(skus)))
        return sorted(listing for at, listing in keys if at == store.id)
    records = await context.ledger.records_of(context.book.affected(set(skus)))
    return [record.listing for record in records if record.store == store.id]


async def with_records(context: Context, store: Store, glance: Glance) -> dict[ListingId, Look]:
    """Put beside each piece of news what the ledger remembers of it now."""
    records = await context.ledger.records(store.id, glance.news.keys())
    return {listing: (records.get(listing), row) for listing, row in glance.news.items()}


async def missing_from(
    context: Context, store: Store, glance: Glance, looks: Mapping[ListingId, Look], present: int
) -> set[ListingId]:
    """Return the listings that a complete census did not show; a partial look misses nothing.

    `present` is how many listings the ledger knows to be there.
    """
    if glance.unseen is None:
        return set()
    new = sum(
        record is None or record.presence is not Presence.PRESENT for record, _ in looks.values()
    )
    if present + new == glance.readings:
        return set()
    return {
        listing
        for listing, record in (await context.ledger.records(store.id)).items()
        if record.presence is Presence.PRESENT
        and listing not in glance.news
        and not was_met(record, glance.unseen)
    }


async def twins_of(
    context: Context,
    store: Store,
    looks: Mapping[ListingId, Look],
    *,
    missing: Collection[ListingId],
    relink: bool,
) -> dict[ListingId, str]:
    """Return the listings to set aside; worked out anew only when the set of codes changed."""
    if store.seat.switches:
        return {}
    if (
        not relink
        and not missing
        and not any(_new_code(record, row) for record, row in looks.values())
    ):
        return {
            listing: record.quarantine
            for listing, (record, _) in looks.items()
            if record is not None and record.quarantine
        }
    known = await context.ledger.identities(store.id)
    codes = {at: code for at, code, _ in known if at not in missing}
    codes |= {listing: row.code for listing, (_, row) in looks.items()}
    return find_twins(store.id, codes.items(), context.book)


def _new_code(record: ListingRecord | None, row: Observation) -> bool:
    return record is None or record.code != row.code
