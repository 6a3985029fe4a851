"""REC+ (Really Easy Cart): stock by product and variation code, a thousand rows a page.

Words: their *code* is our listing and its code, their *stock* (`stock.qty` of a product) is what
we read and set. Paths and fields are those of `seeds/000…`, §Stock and §Products; what it leaves
open is told in `stores.md §1`.
"""

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from stocksync.connectors.answers import Secrets
from stocksync.connectors.credentials import basic, needed
from stocksync.connectors.http import HttpLimits, StoreHttp, Transport, segment
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
from stocksync.connectors.walks import PAGES_MAX, Walk
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


def connect(
    account: StoreAccount, *, now: Callable[[], datetime], transport: Transport | None = None
) -> "RecPlusConnector":
    """Build the connector of one account; credentials `username`, `password`."""
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
    return RecPlusConnector(account.store, http, Secrets(headers), capabilities)


class RecPlusConnector:
    """One REC+ account; a StockWriter."""

    def __init__(
        self, store: StoreId, http: StoreHttp, secrets: Secrets, capabilities: Capabilities
    ) -> None:
        self._store = store
        self._http = http
        self._secrets = secrets
        self._capabilities = capabilities

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

        `/stock` has no documented order: `Walk` tells how a list that moves is survived.
        """
        yielded: set[ListingId] = set()
        async with aclosing(self._pages("/stock", stock_page, {})) as pages:
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

    async def _pages(
        self, path: str, parse: Callable[..., Page], params: Mapping[str, str]
    ) -> AsyncIterator[dict[ListingId, Observation]]:
        walk, number, pages_max = Walk(), 0, PAGES_MAX
        while not walk.ended:
            number += 1
            if number > pages_max:
                raise UnexpectedResponse(f"{self._store}: GET {path} does not end")
            asked = {"limit": str(self._capabilities.page_max), "offset": str(walk.start)}
            absent = _NO_STOCK_RESOURCE if path == "/stock" and number == 1 else ()
            answer = await self._http.find(path, {**params, **asked}, absent=absent)
            ...
