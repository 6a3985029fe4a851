"""REC+ (Really Easy Cart): stock by product and variation code, a thousand rows a page.

Words: their *code* is our listing and its code, their *stock* (`stock.qty` of a product) is what
we read and set. Paths and fields are those of `seeds/000…`, §Stock and §Products; what it leaves
open is told in `stores.md §1`.
"""

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from urllib.parse import quote

from stocksync.connectors.answers import Secrets
from stocksync.connectors.credentials import basic, needed, zone_of
from stocksync.connectors.http import Answer, HttpLimits, StoreHttp, Transport, segment
from stocksync.connectors.offset_walk import PAGES_MAX, OffsetWalk
from stocksync.connectors.recplus_orders import RecPlusOrders
from stocksync.connectors.recplus_rows import (
    CODELESS,
    Page,
    once_each,
    outcomes,
    product_observations,
    products_page,
    row_names,
    stock_page,
)
from stocksync.connectors.replies import told
from stocksync.contracts.connector import Capabilities, StoreAccount, WriteOutcome, WriteResult
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Observation
from stocksync.errors import UnexpectedResponse

CAPABILITIES: Final = Capabilities(
    page_max=1000, read_batch_max=100, write_batch_max=100, concurrency_max=4, dry_run=True
)
_SPARE_PAGES: Final = 10
_CODES_LENGTH_MAX: Final = 4000  # an address longer than 8 kB is refused by common servers
_NO_STOCK_RESOURCE: Final = (404, 405, 410)


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A list that can be walked, and how its pages are read."""

    path: str
    parse: Callable[..., Page]
    params: Mapping[str, str]


STOCK: Final = Source("/stock", stock_page, {})
PRODUCTS: Final = Source("/products", products_page, {"fields": "*", "sort": "id"})


def connect(
    account: StoreAccount, *, now: Callable[[], datetime], transport: Transport | None = None
) -> "RecPlusConnector":
    """Build the connector of one account; credentials `username`, `password`.

    Option `time_zone` is the clock that the shop writes dates by; it names it nowhere.
    """
    headers = basic(*needed(account, "username", "password"))
    concurrency = account.concurrency_max or CAPABILITIES.concurrency_max
    http = StoreHttp(
        store=account.store,
        origin=account.url,
        base_path=account.options.get("base_path", "/api/v1"),
        headers=headers,
        limits=HttpLimits(
            requests_per_second=account.requests_per_second, concurrency_max=concurrency
        ),
        now=now,
        transport=transport,
    )
    capabilities = dataclasses.replace(CAPABILITIES, concurrency_max=concurrency)
    zone = zone_of(account)
    return RecPlusConnector(account.store, http, Secrets(headers), capabilities, zone=zone)


class RecPlusConnector(RecPlusOrders):
    """One REC+ account; a StockWriter and an OrderFeed."""

    def __init__(
        self,
        store: StoreId,
        http: StoreHttp,
        secrets: Secrets,
        capabilities: Capabilities,
        *,
        zone: tzinfo = UTC,
    ) -> None:
        self._store = store
        self._http = http
        self._secrets = secrets
        self._capabilities = capabilities
        self._zone = zone

    def __repr__(self) -> str:
        return f"RecPlusConnector(store={self._store!r})"

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
        """Walk `/stock`, or `/products` where a site has no such resource.

        `/stock` has no documented order: `OffsetWalk` tells how a list that moves is survived.
        """
        source = STOCK
        first = await self._page(source, 0, absent=_NO_STOCK_RESOURCE)
        if first is None:
            source = PRODUCTS
            first = await self._page(source, 0)
        yielded: set[ListingId] = set()
        async with aclosing(self._walk(source, first)) as pages:
            async for page in pages:
                new = [one for one in page.values() if one.listing not in yielded]
                yielded.update(page)
                yield new

    async def read(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        """Read by `codes=`, which splits at commas: a code with a comma is asked for by itself.

        A listing without a code cannot be asked for and is absent from the answer.
        """
        coded = [one for one in dict.fromkeys(listings) if not one.startswith(CODELESS)]
        found: dict[ListingId, Observation] = {}
        for codes in _in_short_lists([one for one in coded if "," not in one]):
            found |= await self._read_codes(codes)
        for code in coded:
            if "," in code:
                found |= await self._read_product(code)
        return found

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        """Set a batch through `POST /stock`; `/products` is never written (it creates products)."""
        rows = self._rows(corrections)
        if not rows:
            return [told(one, WriteOutcome.REJECTED, "it has no code") for one in corrections]
        answer = await self._http.write("POST", "/stock", rows)
        results = outcomes(corrections, answer, hide=self._secrets.hide)
        return [
            told(one, WriteOutcome.REJECTED, "it has no code") if _is_codeless(one) else result
            for one, result in zip(corrections, results, strict=True)
        ]

    async def dry_run(self, corrections: Sequence[Correction]) -> Any:
        """Ask the store what a write would change, as it says it (`seeds/000…`, `diffOnly`)."""
        rows = self._rows(corrections)
        answer = await self._http.write("POST", "/stock", rows, {"diffOnly": "true"})
        return answer.body

    async def aclose(self) -> None:
        await self._http.aclose()

    def _rows(self, corrections: Sequence[Correction]) -> list[dict[str, object]]:
        if len(corrections) > self._capabilities.write_batch_max:
            raise ValueError(f"a batch holds {self._capabilities.write_batch_max} at most")
        return [
            {"code": one.listing, "stock": one.quantity}
            for one in corrections
            if not _is_codeless(one)
        ]

    async def _read_codes(self, codes: Sequence[str]) -> dict[ListingId, Observation]:
        source = Source("/stock", stock_page, {"codes": ",".join(codes)})
        first = await self._page(source, 0, absent=_NO_STOCK_RESOURCE)
        found: dict[ListingId, Observation] = {}
        if first is None:
            for code in codes:
                found |= await self._read_product(code)
            return found
        wanted = {ListingId(code) for code in codes}
        async with aclosing(self._walk(source, first)) as pages:
            async for page in pages:
                found |= {listing: one for listing, one in page.items() if listing in wanted}
                if len(found) == len(wanted):
                    break
        return found

    async def _read_product(self, code: str) -> dict[ListingId, Observation]:
        """Ask for the product with this code, its own or a variation's (`seeds/000…` §Products)."""
        answer = await self._http.find(f"/products/{segment(code)}", {"identifier": "code"})
        if answer is None:
            return {}
        if not isinstance(answer.body, dict):
            raise UnexpectedResponse(f"{self._store}: GET /products/… is not a product")
        shown = once_each(product_observations(answer.body, answer.read_at))
        return {listing: one for listing, one in shown.items() if listing == code}

    async def _page(
        self, source: Source, start: int, *, absent: Sequence[int] = ()
    ) -> Answer | None:
        window = {"limit": str(self._capabilities.page_max), "offset": str(start)}
        return await self._http.find(source.path, {**source.params, **window}, absent=absent)

    async def _walk(
        self, source: Source, answer: Answer | None
    ) -> AsyncGenerator[dict[ListingId, Observation]]:
        walk, pages_max, number = OffsetWalk(), PAGES_MAX, 1
        while answer is not None:
            page = source.parse(answer, start=walk.start)
            if number == 1 and page.total is not None:
                pages_max = 2 * -(-page.total // max(1, len(page.keys))) + _SPARE_PAGES
            walk.take(row_names(page.keys), page.total)
            yield once_each(page.observations)
            number += 1
            if number > pages_max:
                raise UnexpectedResponse(f"{self._store}: GET {source.path} does not end")
            answer = None if walk.ended else await self._page(source, walk.start)


def _is_codeless(correction: Correction) -> bool:
    return correction.listing.startswith(CODELESS)


def _in_short_lists(codes: Sequence[str]) -> Iterator[list[str]]:
    """Cut a list of codes so that each part fits into one address."""
    part: list[str] = []
    length = 0
    for code in codes:
        size = len(quote(code, safe="")) + len("%2C")
        if part and length + size > _CODES_LENGTH_MAX:
            yield part
            part, length = [], 0
        part.append(code)
        length += size
    if part:
        yield part
