"""Look at one store: walk its census, or read a few listings, and keep only what is news."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from stocksync.domain.agreements import agreement_of, was_met
from stocksync.domain.evidence import as_agreed
from stocksync.domain.hints import Hint
from stocksync.domain.identifiers import ListingId, Sku
from stocksync.domain.intake import Look, find_twins
from stocksync.domain.stock import ListingRecord, Observation, Presence
from stocksync.engine.batches import batches
from stocksync.engine.context import Context, Store
from stocksync.engine.evidence import read_too_early
from stocksync.engine.feed import Feed
from stocksync.errors import ConnectorError

#: So many listings that the census does not show any more are asked for by name, in one look.
DIRECT_READS_MAX: Final = 50
#: So many complete censuses in a row must miss a listing before it may be gone.
CENSUSES: Final = 2


@dataclass(slots=True, kw_only=True)
class Glance:
    """What a look brought back: how much was read, and the listings that show something new.

    `unseen` are the agreements that a complete census did not meet; None after a look at a few.
    `gone` were not shown once more, and not found when asked for by name; `hidden` were found so.
    `answered` are the hints that had come in before it began. `feed` is what
    the store's orders told, where they were read too.
    """

    started_at: datetime
    readings: int = 0
    news: dict[ListingId, Observation] = field(default_factory=dict)
    unseen: set[int] | None = None
    gone: set[ListingId] = field(default_factory=set)
    hidden: set[ListingId] = field(default_factory=set)
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
    if glance.readings:
        await _ask_by_name(context, store, glance)
    return glance


async def _ask_by_name(context: Context, store: Store, glance: Glance) -> None:
    """Look directly for listings that two complete censuses in a row did not show.

    What could not be asked stays absent: silence is no proof. One that is found, but not listed,
    is hidden: it comes back when a census shows it. Those never asked for come first.
    """
    if store.seat.switches:
        return
    absent = await context.ledger.absent(store.id)
    lost = sorted((at.missed, at.listing) for at in absent if at.listing not in glance.news)
    asked = [listing for _, listing in lost[:DIRECT_READS_MAX]]
    for some in batches(asked, store.connector.capabilities.read_batch_max):
        with suppress(ConnectorError):
            found = await store.connector.read(some)
            glance.hidden |= found.keys()
            glance.gone |= set(some) - found.keys()


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
    """Put beside each piece of news what the ledger remembers of it now.

    A number that may be older than our own last write is no news: it stands as it was agreed on.
    """
    records = await context.ledger.records(store.id, glance.news.keys())
    early = await read_too_early(context, store, glance.news.values())
    return {
        listing: (at := records.get(listing), as_agreed(at, row) if listing in early else row)
        for listing, row in glance.news.items()
    }


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


def vanished(
    missing: Iterable[ListingRecord], asked: Iterable[ListingRecord], glance: Glance
) -> list[ListingRecord]:
    """Return the records of listings that a complete census did not show, as they stand now.

    Once missed a listing is absent, and keeps its baseline. Missed again and not found by name it
    is gone: should its id ever come back, that is a new listing (`domain §3.1`, case 7).
    """
    absent = [
        replace(at, presence=Presence.ABSENT, missed=at.missed + 1, due_since=None)
        for at in missing
    ]
    gone = [
        replace(at, presence=Presence.GONE, missed=at.missed + 1, baseline=None, settled=False)
        for at in asked
        if at.listing in glance.gone and at.presence is Presence.ABSENT
    ]
    hidden = [
        replace(at, missed=at.missed + 1)
        for at in asked
        if at.listing in glance.hidden and at.presence is Presence.ABSENT and at.missed < CENSUSES
    ]
    return absent + gone + hidden
