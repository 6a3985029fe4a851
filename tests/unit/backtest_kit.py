"""Small histories to replay: sales and other movements told in one line each."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from stocksync.domain.backtest import Outcome, Replay
from stocksync.domain.identifiers import MAIN_LOCATION, ListingId, LocationId, Sku, StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.knowledge import Ways
from stocksync.domain.movements import Account, Movement, MovementKind, at, sides
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stage import Scene
from stocksync.domain.stock import ListingRecord, StockLevel

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOURS = 10
END = NOON + timedelta(hours=HOURS)
Told = tuple[datetime, Movement]
_KEYS = count()


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def moved(
    seconds: float,
    units: int,
    kind: MovementKind = MovementKind.ADJUSTMENT,
    *,
    sku: str = "MUG",
    store: str = "",
    listing: str = "",
    order: str = "",
    place: str = MAIN_LOCATION,
) -> Told:
    """Return units that came (above zero) or went, so many seconds after noon."""
    source, destination, moving = sides(kind, units, LocationId(place), store or "person")
    key = f"order:{store}:{order}:1:1:{sku}" if order else f"key{next(_KEYS)}"
    movement = Movement(
        key=key,
        sku=Sku(sku),
        kind=kind,
        source=source,
        destination=destination,
        units=moving,
        occurred_at=after(seconds),
        store=StoreId(store) if store else None,
        listing=ListingId(listing or sku) if store else None,
        document=f"order {order}" if order else "",
    )
    return after(seconds), movement


def sold(seconds: float, store: str, units: int = 1, sku: str = "MUG", **more: str) -> Told:
    """Return a sale of one store's listing of a SKU."""
    return moved(seconds, -units, MovementKind.SALE, sku=sku, store=store, **more)


def opened(seconds: float, units: int, sku: str = "MUG") -> Told:
    """Return the opening entry of a SKU."""
    movement = Movement(
        key=f"opening:{sku}",
        sku=Sku(sku),
        kind=MovementKind.OPENING,
        source=Account("opening"),
        destination=at(MAIN_LOCATION),
        units=units,
        occurred_at=after(seconds),
    )
    return after(seconds), movement


def replay(
    history: Sequence[Told],
    levels: Mapping[str, int],
    book: Rulebook | None = None,
    *,
    listings: Mapping[str, Sequence[str]] | None = None,
    delay: float = 0,
    seen: float = 0,
    since: Mapping[tuple[str, str], float] | None = None,
    first: Mapping[tuple[str, str], int] | None = None,
    moving: Collection[str] = (),
    ended_at: datetime = END,
) -> Outcome:
    """Replay a history that began at noon with these levels.

    `listings` are the SKUs that each store lists, under listings of the same name. `delay`: seconds
    from the books to a store; `seen`: from a sale to the books. `moving` are SKUs to be kept that
    do not move.
    """
    book = book or Rulebook()
    listed = {"a": ["MUG"], "b": ["MUG"]} if listings is None else listings
    stores = [StoreId(store) for store in listed]
    listed_in: dict[Sku, set[StoreId]] = {}
    for store, skus in listed.items():
        for sku in skus:
            listed_in.setdefault(Sku(sku), set()).add(StoreId(store))
    scene = Scene(
        book=book,
        stores=stores,
        began_at=NOON,
        ended_at=ended_at,
        listed_in=listed_in,
        moving={movement.sku for _, movement in history} | set(map(Sku, moving)),
        ways=Ways(
            seen_after=dict.fromkeys(stores, timedelta(seconds=seen)),
            written_after=dict.fromkeys(stores, timedelta(seconds=delay)),
        ),
    )
    player = Replay(scene)
    known = {Sku(sku): {MAIN_LOCATION: StockLevel(on_hand=units)} for sku, units in levels.items()}
    for store, skus in listed.items():
        for sku in skus:
            record = ListingRecord(
                store=StoreId(store), listing=ListingId(sku), sku=Sku(sku), baseline=0
            )
            player.stage.enter(
                record,
                Seat(store=StoreId(store)),
                known,
                since=after((since or {}).get((store, sku), -1)),
                first=(first or {}).get((store, sku)),
            )
    for when, movement in history:
        player.book(when, movement)
    return player.close()
