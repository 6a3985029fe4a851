"""What a page of B2B Wave products shows, and when a list without a total has truly ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stocksync.connectors.http import Answer
from stocksync.connectors.quantity import reading, unreadable, untracked
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Observation, Reading
from stocksync.errors import UnexpectedResponse

PER_PAGE: Final = 500
PAGES_MAX: Final = 20_000
_OTHER_PAGE_SIZE: Final = 200
_SWITCHED_OFF: Final = (False, "false", "0")


@dataclass(slots=True)
class PageWalk:
    """Count pages of a list that says neither how long it is nor how long its pages are.

    A page shorter than asked for is the last; a catalogue of a multiple of 500 products costs one
    empty page more, which is asked for twice: an empty answer may be a mistake. Exactly 200
    products, the page size another client saw (`stores.md §2.2`), may be a full page of a store
    that ignores `per_page`: the next page tells. A store that sends more than it was asked for
    ignores paging: that was everything if its second page repeats the first exactly. Any other page
    that repeats the one before proves nothing and raises.

    A product removed during the walk hides its neighbour from this census: nothing could tell.
    """

    number: int = 1
    ended: bool = False
    _full: int = PER_PAGE
    _before: Sequence[str] = field(default_factory=list)
    _was_empty: bool = False

    def take(self, ids: Sequence[str]) -> None:
        """Note the ids of one page, and move on.

        Raises:
            UnexpectedResponse: The pages repeat, or there is no end to them.
        """
        if ids and ids == self._before:
            if self.number > 2 or len(ids) <= PER_PAGE:  # noqa: PLR2004
                raise UnexpectedResponse(f"page {self.number} repeats the page before")
            self.ended = True
            return
        if self._before and not ids and not self._was_empty:
            self._was_empty = True
            return
        if self.number == 1 and len(ids) == _OTHER_PAGE_SIZE:
            self._full = _OTHER_PAGE_SIZE
        self.ended = len(ids) < self._full
        self.number += 1
        self._before = ids
        if self.number > PAGES_MAX:
            raise UnexpectedResponse("the pages do not end")


def page_of(answer: Answer) -> tuple[list[str], dict[ListingId, Observation]]:
    """Read one page: the ids as they came, and every product once.

    A bare array is documented; lines wrapped as `{"product": {...}}`, and an array inside
    `{"products": [...]}`, were seen elsewhere in this API (`stores.md §2.2`).
    """
    body = answer.body
    rows = body.get("products") if isinstance(body, dict) else body
    if not isinstance(rows, list):
        raise UnexpectedResponse("GET /products was answered without a list of products")
    shown = [observed(unwrapped(row), answer) for row in rows]
    return [one.listing for one in shown], {one.listing: one for one in shown}


def unwrapped(row: object, name: str = "product") -> Mapping[str, Any]:
    """Take a product, or what else `name` says, out of its wrapping, if it has one."""
    inner = row.get(name, row) if isinstance(row, dict) else row
    if not isinstance(inner, dict):
        raise UnexpectedResponse(f"a row of {name}s is not an object")
    return inner


def observed(product: Mapping[str, Any], answer: Answer) -> Observation:
    """Read one product; ids are compared as text, 12 is "12".

    `quantity_monitor: false` means that the quantity is ignored. A missing quantity is not known
    (`seeds/001…` leaves it out of its list). Below zero is documented (`can_backorder`).
    """
    listing = identity(product)
    if listing is None:
        raise UnexpectedResponse("a product has no id")
    code = product.get("code")
    if isinstance(code, bool) or not isinstance(code, str | int):
        code = None
    shown, read_at = product.get("quantity"), answer.read_at
    number: Reading
    if product.get("quantity_monitor") in _SWITCHED_OFF:
        number = untracked(shown, read_at=read_at)
    elif shown is None:
        number = unreadable("missing" if "quantity" not in product else None, read_at=read_at)
    else:
        number = reading(shown, read_at=read_at, negative_allowed=True)
    return Observation(
        listing, None if code is None else str(code) or None, number, title=_title(product)
    )


def identity(product: Mapping[str, Any]) -> ListingId | None:
    """Return the id of a product as text; None when there is none."""
    shown = product.get("id")
    if isinstance(shown, bool) or not isinstance(shown, str | int) or shown == "":
        return None
    return ListingId(str(shown))


def _title(product: Mapping[str, Any]) -> str:
    name = product.get("name")
    return name if isinstance(name, str) else ""
