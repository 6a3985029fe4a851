"""What the order feeds of all stores share: each order once, strict numbers, and honest times."""

from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from stocksync.connectors.answers import Secrets
from stocksync.connectors.http import StoreHttp
from stocksync.connectors.quantity import whole_units
from stocksync.domain.identifiers import ListingId
from stocksync.domain.orders import OrderLine
from stocksync.errors import UnexpectedResponse

#: A list of orders that is longer than this many pages does not end.
PAGES_MAX: Final = 1_000
#: The only words that take an order back; an order with any other status is a sale.
_CANCELLED: Final = frozenset(
    {"cancelled", "canceled", "order cancelled", "order canceled"},
)


class FeedOrder(NamedTuple):
    """One order of a feed, by the store's own id."""

    id: str
    lines: Sequence[OrderLine]


class OrderPages:
    """An `OrderFeed`, for a connector that says how its store lists orders."""

    _http: StoreHttp
    _secrets: Secrets

    @property
    def sees_changes(self) -> bool:
        """Tell that no change is seen: every store filters by when an order was placed."""
        return False

    async def orders(self, since: datetime) -> AsyncIterator[Sequence[OrderLine]]:
        """Yield every order placed since, once, in the store's order; `since` has a time zone."""
        if since.tzinfo is None:
            raise ValueError("since needs a time zone")
        told: set[str] = set()
        try:
            async with aclosing(self._orders_since(since)) as pages:
                async for page in pages:
                    fresh = {order.id: order for order in page if order.id not in told}
                    told.update(fresh)
                    lines = [line for order in fresh.values() for line in order.lines]
                    if lines:
                        yield lines
        except UnexpectedResponse as error:
            # What a store sends as an id may be anything, a secret of ours too.
            raise UnexpectedResponse(self._secrets.hide(str(error))) from None

    @abstractmethod
    def _orders_since(self, since: datetime) -> AsyncGenerator[Sequence[FeedOrder]]:
        """Yield the orders page by page; an order may come twice, and none may be left out."""


def order_id(row: object) -> str:
    """Take the id of an order as text: 12 is "12"."""
    shown = row.get("id") if isinstance(row, dict) else None
    text = "" if isinstance(shown, bool) or not isinstance(shown, str | int) else str(shown)
    if not text.strip():
        raise UnexpectedResponse("an order has no id")
    return text


def lines_in(order: Mapping[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    """Take the lines of an order; an order that shows none at all cannot be read."""
    rows = order.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnexpectedResponse(f"order {name} shows no list of lines")
    return rows


def units_in(shown: object, order: str) -> int:
    """Read the units of a line; a feed with a hole is no feed, so anything unreadable raises."""
    units = whole_units(shown)
    if units is None:
        raise UnexpectedResponse(f"order {order} has a quantity that cannot be read")
    return units


def line_of(
    order: str,
    line: str,
    *,
    quantity: object,
    placed_at: datetime,
    taken_back: bool,
    listing: str | None,
    code: str | None,
) -> OrderLine:
    """Make a line of what a store shows of it; one that was taken back sells nothing.

    Raises:
        UnexpectedResponse: The quantity cannot be read, also where it does not count any more.
    """
    units = units_in(quantity, order)
    return OrderLine(
        order=order,
        line=line,
        units=0 if taken_back else units,
        placed_at=placed_at,
        listing=ListingId(listing) if listing else None,
        code=code,
    )


def is_cancelled(status: object) -> bool:
    """Tell whether a status takes the whole order back.

    Statuses are free text in some stores, so only the plain word counts: what was refunded, or
    cancelled in part, may well have left the shelf, and a sale too many sells nothing twice.
    """
    return isinstance(status, str) and " ".join(status.casefold().split()) in _CANCELLED


def numbered(names: Iterable[str]) -> list[str]:
    """Name lines so that no two are alike, and alike again whenever they are read.

    Equal names are told apart by their position among themselves. `#` stands for that, so it is
    written otherwise where it is part of a name.
    """
    times: Counter[str] = Counter()
    found = []
    for name in names:
        plain = quote(name, safe=":/, ")
        times[plain] += 1
        found.append(plain if times[plain] == 1 else f"{plain}#{times[plain]}")
    return found


def moment(shown: object, zone: tzinfo) -> datetime | None:
    """Read an ISO date and time, by the clock of `zone` where it names none; None: it is no time.

    An hour that a clock showed twice is the first of the two: a sale believed to be a little
    older is at worst looked for twice. Year 0 and year 1 stand for no time at all (`stores.md`
    §1.7, §3.6).
    """
    if not isinstance(shown, str):
        return None
    try:
        read = datetime.fromisoformat(shown)
        if read.year <= 1:
            return None
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def dated(placed_at: datetime | None, order: str) -> datetime:
    """Insist on the time an order was placed at."""
    if placed_at is None:
        raise UnexpectedResponse(f"order {order} does not say when it was placed")
    return placed_at


def text_of(shown: object) -> str | None:
    """Take an id or a code as it stands; a JSON number becomes its digits, "" and null nothing."""
    if isinstance(shown, bool) or not isinstance(shown, str | int):
        return None
    return str(shown) or None
