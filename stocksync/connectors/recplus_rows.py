"""What REC+ shows and answers, row by row: stock rows, products, and the reply to a write."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from stocksync.connectors.answers import message_in
from stocksync.connectors.http import Answer
from stocksync.connectors.quantity import reading, unreadable, untracked
from stocksync.connectors.replies import compared, told
from stocksync.contracts.connector import WriteOutcome, WriteResult
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Correction, Observation, Reading
from stocksync.errors import StoreRejected, UnexpectedResponse

CODELESS: Final = "no-code:"
_MISSING: Final = "missing"
_NOT_TRACKED: Final = ("", _MISSING)
_UPDATED: Final = 204
_NOT_FOUND: Final = 404
_BAD_REQUEST: Final = 400


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the names of its rows, what they show, and the total the store counts them to."""

    keys: Sequence[str]
    observations: Sequence[Observation]
    total: int | None


def stock_page(answer: Answer, *, start: int) -> Page:
    """Read a page of `/stock`; `start` is the offset of its first row.

    Raises:
        UnexpectedResponse: It is not a list of stock rows, or none of them has a quantity.
    """
    rows, total = rows_and_total(answer, "stock")
    found: list[Observation] = []
    read_at = answer.read_at
    for position, row in enumerate(rows, start):
        if not isinstance(row, dict) or ("code" not in row and "stock" not in row):
            raise UnexpectedResponse(f"row {position} of GET /stock is not a stock row")
        code = code_of(row.get("code"))
        listing = ListingId(code or f"{CODELESS}{row.get('id', f'row {position}')}")
        found.append(Observation(listing, code, _reading(row.get("stock", _MISSING), read_at)))
    if rows and not any("stock" in row for row in rows):
        raise UnexpectedResponse("no row of GET /stock has a quantity")
    return Page([one.listing for one in found], found, total)


def products_page(answer: Answer, *, start: int) -> Page:
    """Read a page of `/products?fields=*`; `start` is the offset of its first row."""
    rows, total = rows_and_total(answer, "products")
    keys: list[str] = []
    found: list[Observation] = []
    for position, row in enumerate(rows, start):
        if not isinstance(row, dict) or row.get("id") is None:
            raise UnexpectedResponse(f"row {position} of GET /products is not a product")
        keys.append(str(row["id"]))
        found += product_observations(row, answer.read_at)
    return Page(keys, found, total)


def product_observations(product: Mapping[str, Any], read_at: datetime) -> list[Observation]:
    """Read one product: its variations when it has any, otherwise itself.

    The quantities of product, options and variations are the same units counted three ways; the
    variations are the truth (`stores.md §1.3`). Digital products, and bundles that follow their
    parts, are not counted.
    """
    title = str(product.get("name") or "")
    bundle = product.get("bundle")
    follows = isinstance(bundle, dict) and bool(bundle.get("sync_stock_with_components"))
    is_derived = follows or bool(product.get("is_digital"))
    stock = product.get("stock")
    itself = {
        "code": product.get("code"),
        "stock": stock.get("qty", _MISSING) if isinstance(stock, dict) else _MISSING,
    }
    found: list[Observation] = []
    for place, item in enumerate(product.get("variations") or [itself]):
        if not isinstance(item, dict):
            raise UnexpectedResponse("a variation of a product is not an object")
        code = code_of(item.get("code"))
        listing = ListingId(code or f"{CODELESS}{product.get('id')}/{place}")
        shown = item.get("stock", _MISSING)
        gap = untracked(shown, read_at=read_at) if is_derived else None
        found.append(Observation(listing, code, gap or _reading(shown, read_at), title=title))
    return found


def once_each(shown: Sequence[Observation]) -> dict[ListingId, Observation]:
    """Give every listing of a page once; a code that two rows share has no readable number."""
    found = {one.listing: one for one in shown}
    if len(found) == len(shown):
        return found
    seen: set[ListingId] = set()
    for one in shown:
        if one.listing in seen:
            gap = unreadable("two rows have this code", read_at=one.reading.read_at)
            found[one.listing] = Observation(one.listing, one.code, gap, title=one.title)
        seen.add(one.listing)
    return found


def row_names(keys: Sequence[str]) -> list[str]:
    """Name every row of a page: rows that share a code still count as rows of their own."""
    if len(set(keys)) == len(keys):
        return list(keys)
    times: dict[str, int] = {}
    names = []
    for key in keys:
        times[key] = times.get(key, 0) + 1
        names.append(f"{key}\0{times[key]}" if times[key] > 1 else key)
    return names


def code_of(shown: object) -> str | None:
    """Take a code exactly as it stands; a JSON number becomes its digits, "" and null nothing."""
    if type(shown) is str:
        return shown or None
    return str(shown) if type(shown) is int else None


def outcomes(
    corrections: Sequence[Correction], answer: Answer, *, hide: Callable[[str], str]
) -> list[WriteResult]:
    """Read the reply to a batch: one result per correction, in their order.

    The documents promise 200, or "204 for updated", and show no body (`seeds/000… §Stock`). A 204
    or `{"success": true}` is success for all; a 200 that says nothing proves nothing (`reliability
    §4.5 H03`). Rows speak for themselves; a correction in none of them is unknown, and so are all
    when the body says neither.

    Raises:
        StoreRejected: The reply refuses the batch as a whole.
    """
    body = answer.body
    said_yes = isinstance(body, dict) and body.get("success") is True
    if said_yes or answer.status == _UPDATED:
        return [told(one, WriteOutcome.APPLIED) for one in corrections]
    rows = _told_rows(body)
    refused = isinstance(body, dict) and (body.get("errors") or body.get("success") is False)
    if refused and not rows:
        raise StoreRejected(f"POST /stock was refused: {hide(message_in(body))}")
    return [_outcome(one, rows.get(one.listing), answer.read_at, hide) for one in corrections]


def _outcome(
    correction: Correction,
    row: Mapping[str, Any] | None,
    read_at: datetime,
    hide: Callable[[str], str],
) -> WriteResult:
    if row is None:
        return told(correction, WriteOutcome.UNKNOWN, "the reply does not mention it")
    status = row.get("status")
    failed = type(status) is int and status >= _BAD_REQUEST
    if failed or row.get("error") or row.get("errors") or row.get("success") is False:
        words = hide(message_in(row)) or "refused without a reason"
        missing = status == _NOT_FOUND or "not found" in words.lower()
        return told(correction, WriteOutcome.NOT_FOUND if missing else WriteOutcome.REJECTED, words)
    return compared(correction, row.get("stock"), read_at=read_at)


def _told_rows(body: object) -> dict[str, Mapping[str, Any]]:
    """Find the rows of a reply by code: a list, `stock`, `errors`, one row, or an object by code.

    A code that an error names failed, whatever else the reply says of it.
    """
    lists: list[object] = [body]
    if isinstance(body, dict):
        by_code = [{"code": key, **row} for key, row in body.items() if isinstance(row, dict)]
        lists = [[body], by_code, body.get("stock"), _as_errors(body.get("errors"))]
    rows = [row for rows in lists if isinstance(rows, list) for row in rows]
    coded = [(code_of(row.get("code")), row) for row in rows if isinstance(row, dict)]
    return {code: row for code, row in coded if code is not None}


def _as_errors(errors: object) -> list[object]:
    if not isinstance(errors, list):
        return []
    return [{"success": False, **row} for row in errors if isinstance(row, dict)]


def rows_and_total(answer: Answer, key: str) -> tuple[list[Any], int | None]:
    """Take `{key: [...], "total_count": n}` or a bare array (`stores.md §1.2`)."""
    body = answer.body
    rows = body.get(key) if isinstance(body, dict) else body
    if not isinstance(rows, list):
        raise UnexpectedResponse(f"GET /{key} was answered without a list of rows")
    total = body.get("total_count") if isinstance(body, dict) else None
    return rows, total if type(total) is int and total >= 0 else None


def _reading(shown: object, read_at: datetime) -> Reading:
    """Read a quantity; "", null and a missing key mean not counted (`stores.md §1.3`)."""
    if type(shown) is not int and (shown is None or shown in _NOT_TRACKED):
        return untracked(shown, read_at=read_at)
    return reading(shown, read_at=read_at)
