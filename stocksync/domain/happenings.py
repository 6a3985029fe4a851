"""Put the movements of the books together again into what happened: one sale of a kit is one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.movements import PRESENT, Movement, MovementKind

Origin = tuple[object, ...]


@dataclass(slots=True, kw_only=True)
class Happening:
    """What happened to one listing at once, or a movement of which no listing tells."""

    at: datetime
    store: StoreId | None = None
    listing: ListingId | None = None
    document: str = ""
    movements: list[Movement] = field(default_factory=list)

    @property
    def sales(self) -> list[Movement]:
        """Return the movements that took sold units from a location."""
        return [at for at in self.movements if _is_sale(at)]

    @property
    def others(self) -> list[Movement]:
        """Return the other movements."""
        return [at for at in self.movements if not _is_sale(at)]


def _is_sale(movement: Movement) -> bool:
    return movement.kind is MovementKind.SALE and is_here(movement.source)


def is_here(account: str) -> bool:
    """Tell whether units in this account are at a location."""
    return account.startswith(PRESENT)


class Teller:
    """Tells of happenings, one after the other, from movements in the order of the books.

    An order line and a change of a listing book one movement for each part of a kit, one right
    after the other.
    """

    def __init__(self) -> None:
        self._origin: Origin = ()
        self._open: Happening | None = None

    def tell(self, recorded_at: datetime, movement: Movement) -> Iterator[Happening]:
        """Take a movement; yield what happened before it, as soon as that is whole."""
        origin = _origin(recorded_at, movement)
        if self._open is None or origin != self._origin:
            yield from self.end()
            self._origin = origin
            self._open = Happening(
                at=recorded_at,
                store=movement.store,
                listing=movement.listing,
                document=movement.document,
            )
        self._open.movements.append(movement)

    def end(self) -> Iterator[Happening]:
        """Yield what happened last."""
        if self._open is not None:
            yield self._open
        self._open = None


def _origin(recorded_at: datetime, movement: Movement) -> Origin:
    """Name what a movement is part of; two lines of one order are two sales."""
    if movement.listing is None:
        return (movement.key,)
    line = movement.key.removesuffix(f":{movement.sku}") if movement.document else ""
    return (recorded_at, movement.store, movement.listing, movement.document, line)
