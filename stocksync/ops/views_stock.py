"""Gather the matrix of stock: SKU by SKU what the ledger has, and what each store shows of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stocksync.contracts.browsing import SMALL
from stocksync.domain.availability import free
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.plan import levels_of_sku
from stocksync.domain.stock import Levels, ListingRecord, ListingState, state_of
from stocksync.domain.targets import Picture, target_of
from stocksync.engine.context import Context
from stocksync.engine.explain import shown
from stocksync.engine.picture import picture_for

PAGE_ROWS: Final = 50
PAGES_MAX: Final = 20_000
SHOWS: Final = ("all", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one listing shows and should show; `state` is a word where that cannot be said."""

    store: StoreId
    listing: str
    reading: int | bool | None
    target: int | bool | None
    state: str
    waiting: bool

    @property
    def differs(self) -> bool:
        """Tell whether a store shows another number than it should."""
        return None not in (self.reading, self.target) and self.reading != self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    """One SKU: its numbers (None: the ledger knows none), and its listings by store."""

    sku: Sku
    on_hand: int | None
    available: int | None
    kit: bool
    cells: Mapping[StoreId, Sequence[Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPage:
    """One page of the matrix, and whether there is a next one."""

    rows: Sequence[StockRow]
    page: int
    more: bool


async def page_of(context: Context, text: str, *, show: str, page: int) -> StockPage:
    """Return one page of the SKUs that hold `text`, all of them or only those that wait."""
    offset = (page - 1) * PAGE_ROWS
    if "\0" in text:
        found: list[Sku] = []
    elif show == "waiting":
        waiting = await _waiting(context)
        wanted = text.translate(SMALL)
        alike = sorted(sku for sku in waiting if wanted in sku.translate(SMALL))
        found = alike[offset : offset + PAGE_ROWS + 1]
    else:
        found = await context.ledger.search(text, offset=offset, limit=PAGE_ROWS + 1)
    rows = await rows_of(context, found[:PAGE_ROWS])
    return StockPage(rows=rows, page=page, more=len(found) > PAGE_ROWS)


async def _waiting(context: Context) -> set[Sku]:
    """Return the SKUs of listings that wait for a write."""
    found: set[Sku] = set()
    for store in context.stores:
        for record in await context.ledger.due(store):
            if record.sku is not None:
                found.add(record.sku)
            found.update(context.book.availability.get(record.key, ()))
    return found


async def rows_of(context: Context, skus: Sequence[Sku]) -> list[StockRow]:
    """Return a row for each of these SKUs, in their order."""
    book = context.book
    switches = await _switches(context, skus)
    behind = {other for record in switches for other in book.availability[record.key]}
    parts = book.stocked({*skus, *behind})
    levels = await context.ledger.levels(parts)
    records = [at for at in await context.ledger.records_of(skus) if at.store in context.stores]
    listed_in = {sku: {record.store for record in records if record.sku == sku} for sku in skus}
    picture = await picture_for(context, records)
    picture = replace(picture, levels=levels, listed_in=listed_in)
    rows = []
    for sku in skus:
        own = [record for record in records if record.sku == sku]
        own += [at for at in switches if sku in book.availability[at.key]]
        cells = [cell_of(context, record, picture) for record in own]
        rows.append(_row(context, sku, levels, cells))
    return rows


async def _switches(context: Context, skus: Collection[Sku]) -> list[ListingRecord]:
    """Return the listings that are offered or not depending on one of these SKUs."""
    wanted: dict[StoreId, list[str]] = {}
    for store, listing in sorted(context.book.switches(set(skus))):
        if store in context.stores:
            wanted.setdefault(store, []).append(listing)
    found: list[ListingRecord] = []
    for store, listings in wanted.items():
        found += (await context.ledger.records(store, listings)).values()  # type: ignore[arg-type]
    return found


def cell_of(context: Context, record: ListingRecord, picture: Picture) -> Cell:
    """Say what one listing shows and should show."""
    seat = context.stores[record.store].seat
    state = state_of(record, maps_stock=seat.switches)
    target = target_of(record, seat, picture, context.book)
    linked = state is ListingState.LINKED
    return Cell(
        store=record.store,
        listing=record.listing,
        reading=shown(record.reading),
        target=bool(target) if seat.switches and target is not None else target,
        state="" if linked else state.value,
        waiting=record.due_since is not None,
    )


def _row(
    context: Context, sku: Sku, levels: Mapping[Sku, Levels], cells: Iterable[Cell]
) -> StockRow:
    own = levels_of_sku(sku, context.book, levels)
    by_store: dict[StoreId, list[Cell]] = {}
    for cell in cells:
        by_store.setdefault(cell.store, []).append(cell)
    return StockRow(
        sku=sku,
        on_hand=None if own is None else sum(level.on_hand for level in own.values()),
        available=None if own is None else max(0, sum(map(free, own.values()))),
        kit=sku in context.book.bundles,
        cells=by_store,
    )
