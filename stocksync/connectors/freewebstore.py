"""Freewebstore: products one by one, in an older and a newer shape of the same documents.

Words: their product is our listing, their `sku` (list) or `code` (detail) is its code, their
`stock` is what we read and set. Options keep stock of their own that nobody can read: such
products are untracked. The newer shape nests fields under `core` (`stores.md §3.3, §3.7`).
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from stocksync.connectors.answers import Secrets, message_in
from stocksync.connectors.freewebstore_orders import FreewebstoreOrders
from stocksync.connectors.freewebstore_rows import fields_of, listed_rows
from stocksync.connectors.http import Answer, HttpLimits, StoreHttp, Transport, segment
from stocksync.connectors.offset_walk import PAGES_MAX, OffsetWalk
from stocksync.connectors.quantity import reading, untracked
from stocksync.contracts.connector import (
    Capabilities,
    ReadBack,
    StoreAccount,
    WriteOutcome,
    WriteResult,
)
from stocksync.domain.identifiers import ListingId, StoreId, sku_from
from stocksync.domain.stock import Correction, Observation, Reading
from stocksync.errors import ConfigurationError, StoreRejected, UnexpectedResponse

PAGE_MAX: Final = 100
REQUESTS_PER_SECOND: Final = 5.0  # the free plan of the newer documents
WRITE_SHAPES: Final = ("flat", "core")
_ORDER: Final = {"sort": "id", "sort_order": "asc"}
_ABSENT: Final = (404, 410)
CAPABILITIES: Final = Capabilities(
    page_max=PAGE_MAX,
    read_batch_max=1,
    write_batch_max=1,
    concurrency_max=2,
    read_back=ReadBack.ALWAYS,
)


def connect(
    account: StoreAccount, *, now: Callable[[], datetime], transport: Transport | None = None
) -> "FreewebstoreConnector":
    """Build the connector of one account; credential `api_key`, option `write_shape`.

    A 429 is documented as a refusal (`seeds/002… §Rate limiting`), and every request carries a
    JSON content type (`seeds/002… §Authorization`).
    """
    key = account.credentials.get("api_key", "")
    shape = account.options.get("write_shape", "flat")
    problems = [] if key else [f"store {account.store}: api_key is missing"]
    if shape not in WRITE_SHAPES:
        problems.append(f"store {account.store}: write_shape is {' or '.join(WRITE_SHAPES)}")
    if problems:
        raise ConfigurationError(problems)
    concurrency = account.concurrency_max or CAPABILITIES.concurrency_max
    headers = {"x-api-key": key, "Content-Type": "application/json"}
    http = StoreHttp(
        store=account.store,
        origin=account.url,
        base_path=account.options.get("base_path", "/"),
        headers=headers,
        limits=HttpLimits(
            requests_per_second=account.requests_per_second or REQUESTS_PER_SECOND,
            concurrency_max=concurrency,
        ),
        now=now,
        transport=transport,
        rate_limit_is_refusal=True,
    )
    return FreewebstoreConnector(
        http,
        secrets=Secrets(headers),
        store=account.store,
        capabilities=replace(CAPABILITIES, concurrency_max=concurrency),
        nested=shape == "core",
    )


class FreewebstoreConnector(FreewebstoreOrders):
    """One Freewebstore account; reads and sets one product at a time, and tells of orders."""

    def __init__(
        self,
        http: StoreHttp,
        *,
        secrets: Secrets,
        store: StoreId,
        capabilities: Capabilities,
        nested: bool,
    ) -> None:
        self._http = http
        self._secrets = secrets
        self._store = store
        self._capabilities = capabilities
        self._nested = nested
        self._looked_up = {}

    @property
    def store(self) -> StoreId:
        return self._store

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def api_calls(self) -> int:
        return self._http.api_calls

    async def census(self) -> AsyncIterator[Sequence[Observation]]:
        """Walk the whole list in the order of the ids; `OffsetWalk` tells how it ends."""
        walk = OffsetWalk()
        for _ in range(PAGES_MAX):
            asked = {"per_page": str(PAGE_MAX), "start": str(walk.start)}
            answer = await self._http.read("/product/", asked | _ORDER)
            rows, found = listed_rows(answer, "products")
            named = [(_identity(row), fields_of(row)) for row in rows]
            fresh = walk.take([listing for listing, _ in named], found)
            page = [
                _observation(listing, fields, answer.read_at)
                for listing, fields in dict(named).items()
                if listing in fresh and not _says_yes(fields.get("deleted"))
            ]
            if page:
                yield page
            if walk.ended:
                return
        raise UnexpectedResponse(f"the list did not end after {PAGES_MAX} pages")

    async def read(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        """Read products one by one; unknown and deleted ones are absent."""
        known: dict[ListingId, Observation] = {}
        for listing in dict.fromkeys(listings):
            answer = await self._http.find(f"/product/{segment(listing)}")
            if answer is None:
                continue
            if _identity(answer.body) != listing:
                raise UnexpectedResponse(f"product {listing} was answered with another one")
            fields = fields_of(answer.body)
            if not _says_yes(fields.get("deleted")):
                known[listing] = _observation(listing, fields, answer.read_at)
        return known

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        """Set `stock` of one product; the reply names the product but shows no stock."""
        if not corrections:
            return []
        (correction,) = corrections
        body: dict[str, Any] = {"stock": correction.quantity}
        path = f"/product/{segment(correction.listing)}"
        sent = {"core": body} if self._nested else body
        try:
            answer = await self._http.write("PUT", path, sent, absent=_ABSENT)
        except StoreRejected as error:
            return [_result(correction, WriteOutcome.REJECTED, str(error))]
        return [self._judged(correction, answer)]

    async def aclose(self) -> None:
        await self._http.aclose()

    def _judged(self, correction: Correction, answer: Answer) -> WriteResult:
        said = self._secrets.hide(message_in(answer.body))
        if answer.status in _ABSENT:
            return _result(correction, WriteOutcome.NOT_FOUND, said)
        body = answer.body if isinstance(answer.body, dict) else {}
        if body.get("errors"):
            return _result(correction, WriteOutcome.REJECTED, said)
        if str(body.get("productId")) == correction.listing:
            return _result(correction, WriteOutcome.APPLIED, "")
        return _result(correction, WriteOutcome.UNKNOWN, "the answer does not name this product")


def _says_yes(value: object) -> bool:
    return value is True or value in ("true", "1")


def _identity(row: object) -> ListingId:
    """Take an id as text: lists write "12345", details 12345 (`stores.md §3.3`)."""
    shown = fields_of(row).get("id") if isinstance(row, dict) else None
    text = str(shown) if isinstance(shown, int | str) and not isinstance(shown, bool) else ""
    if not text.strip():
        raise UnexpectedResponse("a product has no id")
    return ListingId(text)


def _observation(listing: ListingId, fields: Mapping[str, Any], read_at: datetime) -> Observation:
    flags = (fields.get("is_option_stock"), fields.get("is_stock_option"))
    if _says_yes(flags[0]) or _says_yes(flags[1]) or fields.get("variants"):
        shown: Reading = untracked("stock is kept per option", read_at=read_at)
    else:
        shown = reading(fields.get("stock"), read_at=read_at)
    code, title = fields["sku"] if "sku" in fields else fields.get("code"), fields.get("name")
    return Observation(
        listing, sku_from(code), shown, title=title if isinstance(title, str) else ""
    )


def _result(correction: Correction, outcome: WriteOutcome, detail: str) -> WriteResult:
    return WriteResult(listing=correction.listing, outcome=outcome, detail=detail)
