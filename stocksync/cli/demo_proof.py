"""Ask the fake stores themselves what they show and sold, and hold that against the books."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from stocksync.cli.demo_world import World
from stocksync.contracts.ledger import IntentState
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import MovementKind, suspense
from stocksync.domain.stock import ListingRecord, ListingState, state_of
from stocksync.domain.targets import target_of
from stocksync.engine.context import Context, Store
from stocksync.engine.picture import picture_for
from stocksync.sandbox.items import whole

ANSWER_SECONDS_MAX: Final = 20.0
_OUT: Final = "out-of-stock"
NEVER_COUNTED: Final = "never counted by anybody"
#: Why a listing is left alone, in words.
REASONS: Final[Mapping[ListingState, str]] = {
    ListingState.QUARANTINED: "twins or duplicates",
    ListingState.UNLINKED: "without a code",
    ListingState.UNTRACKED: "not tracked by the store",
    ListingState.UNREADABLE: "without a readable number",
    ListingState.ABSENT: "not listed any more",
    ListingState.GONE: "gone",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a store says of itself: numbers by code (or listing), what it sold, what it was asked.

    `lifted` are the units by which writes through its API changed each code, all together.
    """

    numbers: Mapping[str, int | None]
    sold: Mapping[str, int]
    returned: Mapping[str, int]
    lifted: Mapping[str, int]
    calls: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A listing that does not show its target, or units that the books miss."""

    store: StoreId
    listing: ListingId
    sku: str
    shows: int | None
    wanted: int | None


@dataclass(kw_only=True)
class StoreProof:
    """How one store stands to the books.

    `wrong` do not show their target. `sold` and `returned` are units of goods the books follow,
    as the store counted them; `booked` is what the books say left through it. `raced` units were
    sold in the instant before our write and overwritten by it: the store's own list of writes
    shows that, and no store here can refuse a stale one. `missed` is what nothing explains.
    """

    store: StoreId
    calls: int = 0
    listings: int = 0
    matched: int = 0
    aside: Counter[str] = field(default_factory=Counter)
    wrong: list[Difference] = field(default_factory=list)
    sold: int = 0
    returned: int = 0
    sold_aside: int = 0
    booked: int = 0
    raced: list[Difference] = field(default_factory=list)
    missed: list[Difference] = field(default_factory=list)
    suspense: int = 0

    @property
    def holds(self) -> bool:
        return not (self.wrong or self.missed)


async def ask_stores(world: World) -> dict[StoreId, Shown]:
    """Ask every store over HTTP what it shows, with none of our connectors in between."""
    names = list(world.sandbox.urls)
    states = await asyncio.gather(
        *(asyncio.to_thread(_fetch, world.sandbox.urls[name]) for name in names)
    )
    switches = world.switches()
    return {
        StoreId(name): _shown(state, switches) for name, state in zip(names, states, strict=True)
    }


def _fetch(url: str) -> dict[str, Any]:
    """Ask a fake store for its state, the way `curl` would."""
    address = urlsplit(url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request("GET", "/_sandbox/state")
        state: dict[str, Any] = json.load(connection.getresponse())
    finally:
        connection.close()
    return state


def _shown(state: Mapping[str, Any], switches: Mapping[str, str]) -> Shown:
    items = {str(item["code"]): item for item in state["items"]}
    numbers: dict[str, int | None]
    if state["platform"] == "idealfactory":
        numbers = {
            listing: int(_is_offered(items[code], listing))
            for listing, code in switches.items()
            if code in items
        }
    else:
        numbers = {code: item["quantity"] for code, item in items.items()}
    return Shown(
        numbers=numbers,
        sold=state["sold"],
        returned=state["returned"],
        lifted=_lifted(state["writes"]),
        calls=sum(state["requests"].values()),
    )


def _lifted(writes: Sequence[Sequence[object]]) -> Counter[str]:
    lifted: Counter[str] = Counter()
    for code, before, after in writes:
        lifted[str(code)] += (whole(after) or 0) - (whole(before) or 0)
    return lifted


def _is_offered(item: Mapping[str, Any], listing: str) -> bool:
    if listing.startswith("product:"):
        return bool(item["active"])
    return _OUT not in item["tags"]


async def compare(context: Context, world: World) -> dict[StoreId, StoreProof]:
    """Hold what every store says against the targets and the sales in the books."""
    shown = await ask_stores(world)
    counted = {count.sku for count in world.counts}
    units, meant = await booked_units(context), await meant_units(context)
    totals = await context.ledger.totals()
    proofs = {}
    for store in context.stores.values():
        records = list((await context.ledger.records(store.id)).values())
        picture = await picture_for(context, records)
        proof = StoreProof(store=store.id, calls=shown[store.id].calls, listings=len(records))
        proof.suspense = totals.get(suspense(store.id), 0)
        for record in records:
            reason = _reason_to_leave(context, store, record, counted)
            if reason:
                proof.aside[reason] += 1
                continue
            proof.matched += 1
            wanted = target_of(record, store.seat, picture, context.book)
            name = record.listing if store.seat.switches else str(record.code)
            shows = shown[store.id].numbers.get(name)
            if shows != wanted:
                proof.wrong.append(_difference(record, shows, wanted))
            if record.sku is not None and record.code is not None:
                pieces = sum(context.book.parts(record.sku).values())
                over = shown[store.id].lifted.get(record.code, 0) - meant.get(record.key, 0)
                booked = units.get(record.key, 0)
                _compare_sales(proof, record, shown[store.id], booked, over=over, pieces=pieces)
        sold = shown[store.id].sold.values()
        proof.sold_aside = sum(sold) - proof.sold
        proofs[store.id] = proof
    return proofs


def _reason_to_leave(
    context: Context, store: Store, record: ListingRecord, counted: AbstractSet[Sku]
) -> str:
    """Say why a listing is none of the books' business; an empty text when it is."""
    state = state_of(record, maps_stock=store.seat.switches)
    if state is not ListingState.LINKED:
        return REASONS[state]
    if record.sku is not None and not context.book.parts(record.sku).keys() <= counted:
        return NEVER_COUNTED
    return ""


def _compare_sales(
    proof: StoreProof, record: ListingRecord, shown: Shown, booked: int, *, over: int, pieces: int
) -> None:
    """Compare what left through a listing by the store's own count and by the books.

    `over` are units that writes put back although nobody meant them to; a kit has several pieces.
    """
    code = str(record.code)
    sold, returned = shown.sold.get(code, 0), shown.returned.get(code, 0)
    proof.sold += sold
    proof.returned += returned
    proof.booked += booked // pieces
    left = (sold - returned) * pieces
    if booked != left:
        explained = left - booked == over * pieces
        (proof.raced if explained else proof.missed).append(_difference(record, left, booked))


def _difference(record: ListingRecord, shows: int | None, wanted: int | None) -> Difference:
    return Difference(
        store=record.store,
        listing=record.listing,
        sku=str(record.sku or ""),
        shows=shows,
        wanted=wanted,
    )


async def booked_units(context: Context) -> dict[tuple[StoreId, ListingId], int]:
    """Return the units that left through each listing by the books, returns taken off."""
    signs = {MovementKind.SALE: 1, MovementKind.RETURN: -1}
    units: Counter[tuple[StoreId, ListingId]] = Counter()
    for sku in await context.ledger.skus():
        for booked in await context.ledger.history(sku):
            at = booked.movement
            if at.store is not None and at.listing is not None and at.kind in signs:
                units[at.store, at.listing] += signs[at.kind] * at.units
    return dict(units)


async def meant_units(context: Context) -> dict[tuple[StoreId, ListingId], int]:
    """Return the units by which our confirmed writes were meant to change each listing."""
    units: Counter[tuple[StoreId, ListingId]] = Counter()
    for intent in await context.ledger.intents(None, (IntentState.CONFIRMED,)):
        units[intent.store, intent.listing] += intent.target - intent.before
    return dict(units)


def all_wrong(proofs: Mapping[StoreId, StoreProof]) -> Sequence[Difference]:
    """Return what keeps the proof from holding, store by store."""
    return [at for proof in proofs.values() for at in (*proof.wrong, *proof.missed)]
