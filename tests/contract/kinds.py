"""What each platform calls things, and in which shapes its documents can be read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from stocksync.domain.identifiers import ListingId
from stocksync.sandbox.items import Item

#: A clock that never shows the time of UTC.
NEW_YORK: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One of the ways a platform's documents can be read: options of the fake and the account.

    `counts_rows`: its list says how long it is. `guarded`: how many page boundaries of the list
    notice a row that is removed there; None for all of them. `tells_cancelled`: an order that was
    cancelled can be told from a sale.
    """

    app: Mapping[str, Any] = field(default_factory=dict)
    account: Mapping[str, str] = field(default_factory=dict)
    counts_rows: bool = True
    guarded: int | None = None
    tells_cancelled: bool = True


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a platform calls things, and what a rig has to know to stock its fake."""

    credentials: Mapping[str, str]
    secret: str
    listing: Callable[[Item], ListingId]
    write_method: str
    list_path: str
    untracked: Mapping[str, Any]
    unreadable: Mapping[str, Any]
    fieldless: bytes
    shapes: Mapping[str, Shape]
    places: Mapping[str, str] = field(default_factory=dict)
    orders_page: int = 0


def _simvoly(item: Item) -> ListingId:
    values = "/".join(quote(value, safe="") for value in item.options.values())
    return ListingId(f"{item.product_id}:{values}")


def _ideal(item: Item) -> ListingId:
    if item.variant_id is None:
        return ListingId(f"product:{item.product_id}")
    return ListingId(f"variant:{item.variant_id}")


KINDS: Final[Mapping[str, Kind]] = {
    "recplus": Kind(
        credentials={"username": "user", "password": "canary-recplus"},
        secret="canary-recplus",
        listing=lambda item: ListingId(item.code or ""),
        write_method="POST",
        list_path="/stock",
        untracked={"quantity": ""},
        unreadable={"quantity": "2.5"},
        fieldless=b'{"stock": [{"code": "A", "cost": ""}], "total_count": 1}',
        shapes={
            "": Shape(),
            "array": Shape(app={"stock_shape": "array"}, counts_rows=False, guarded=1),
            "new-york": Shape(
                app={"time_zone": NEW_YORK, "full_lists": False},
                account={"time_zone": NEW_YORK.key},
            ),
        },
        orders_page=100,
    ),
    "b2bwave": Kind(
        credentials={"app_code": "app", "token": "canary-b2bwave"},
        secret="canary-b2bwave",
        listing=lambda item: ListingId(str(item.product_id)),
        write_method="POST",
        list_path="/products",
        untracked={"quantity": 3, "quantity_monitor": False},
        unreadable={"quantity": "2.5"},
        fieldless=b'[{"code": "A", "quantity": 5}]',
        shapes={"": Shape(app={"time_zone": NEW_YORK}, counts_rows=False, guarded=0)},
        places={"location_ids": "main=1,shop=2"},
        orders_page=500,
    ),
    "freewebstore": Kind(
        credentials={"api_key": "canary-freewebstore"},
        secret="canary-freewebstore",
        listing=lambda item: ListingId(str(item.product_id)),
        write_method="PUT",
        list_path="/product/",
        untracked={"quantity": 3, "is_option_stock": True},
        unreadable={"quantity": 2.5},
        fieldless=b'{"products": [{"sku": "A", "stock": 5}]}',
        shapes={
            "": Shape(counts_rows=False, guarded=1, tells_cancelled=False),
            "core": Shape(app={"write_shape": "core"}, account={"write_shape": "core"}),
        },
        orders_page=100,
    ),
    "simvoly": Kind(
        credentials={"api_key": "canary-simvoly"},
        secret="canary-simvoly",
        listing=_simvoly,
        write_method="PUT",
        list_path="/products",
        untracked={"quantity": 3, "product_type": "digital"},
        unreadable={"quantity": "2.5"},
        fieldless=b'{"items": [{"id": 1, "type": "physical", "variants": []}]}',
        shapes={"": Shape()},
        orders_page=50,
    ),
    "idealfactory": Kind(
        credentials={"token": "canary-idealfactory"},
        secret="canary-idealfactory",
        listing=_ideal,
        write_method="PUT",
        list_path="/",
        untracked={"quantity": None, "variant_id": 900, "tags": ["in-stock", "out-of-stock"]},
        unreadable={"quantity": None, "active": "perhaps"},
        fieldless=b'{"data": {"id": 1, "code": "A"}}',
        shapes={"": Shape()},
    ),
}
MEMORY: Final = Kind(
    credentials={},
    secret="",
    listing=_ideal,
    write_method="",
    list_path="",
    untracked={"quantity": None},
    unreadable={"quantity": "lots"},
    fieldless=b"",
    shapes={"": Shape()},
    orders_page=3,
)
