"""B2B Wave: products in pages of five hundred, set one at a time.

Words: their product `id` is our listing, their `code` its code (optional, and not unique), their
`quantity` what we read and set, their warehouse our location. Paths and fields are those of
`seeds/001…`; paging, and HTTP Basic with app code and token, are what its clients saw
(`stores.md §2.1, §2.2`).
"""

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, tzinfo
from typing import Final

from stocksync.connectors.answers import Secrets, message_in
from stocksync.connectors.b2bwave_orders import B2BWaveOrders
from stocksync.connectors.b2bwave_pages import (
    PAGES_MAX,
    PER_PAGE,
    PageWalk,
    identity,
    page_of,
    unwrapped,
)
from stocksync.connectors.credentials import basic, needed, zone_of
from stocksync.connectors.http import Answer, HttpLimits, StoreHttp, Transport
from stocksync.connectors.replies import compared, told
from stocksync.contracts.connector import Capabilities, StoreAccount, WriteOutcome, WriteResult
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Observation
from stocksync.errors import ConfigurationError, StoreRejected

CAPABILITIES: Final = Capabilities(
    page_max=PER_PAGE, read_batch_max=100, write_batch_max=1, concurrency_max=4
)
_PAGED: Final = {"paginated": "1", "per_page": str(PER_PAGE)}
_NOT_FOUND: Final = (404, 410)


def connect(
    account: StoreAccount, *, now: Callable[[], datetime], transport: Transport | None = None
) -> "B2BWaveConnector":
    """Build the connector of one account; credentials `app_code`, `token`.

    Option `location_ids`, such as "main=1,north=2", names the store's locations by their ids;
    `time_zone` is the clock of an order whose time names none.
    """
    headers = basic(*needed(account, "app_code", "token"))
    locations = location_ids(account.options.get("location_ids", ""))
    concurrency = account.concurrency_max or CAPABILITIES.concurrency_max
    http = StoreHttp(
        store=account.store,
        origin=account.url,
        base_path=account.options.get("base_path", "/api"),
        headers=headers,
        limits=HttpLimits(
            requests_per_second=account.requests_per_second, concurrency_max=concurrency
        ),
        now=now,
        transport=transport,
    )
    capabilities = dataclasses.replace(
        CAPABILITIES, concurrency_max=concurrency, locations=bool(locations)
    )
    return B2BWaveConnector(
        account.store,
        http,
        Secrets(headers),
        capabilities=capabilities,
        locations=locations,
        zone=zone_of(account),
    )


class B2BWaveConnector(B2BWaveOrders):
    """One B2B Wave account; a StockWriter and an OrderFeed."""

    def __init__(
        self,
        store: StoreId,
        http: StoreHttp,
        secrets: Secrets,
        *,
        capabilities: Capabilities,
        locations: Mapping[str, str],
        zone: tzinfo = UTC,
    ) -> None:
        self._store = store
        self._http = http
        self._secrets = secrets
        self._capabilities = capabilities
        self._locations = locations
        self._zone = zone
        self._codes: dict[ListingId, str] = {}
        self._pages_last = PAGES_MAX

    def __repr__(self) -> str:
        return f"B2BWaveConnector(store={self._store!r})"

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
        """Walk the pages; how the end is known is told in `PageWalk`."""
        seen: set[ListingId] = set()
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                yield [one for listing, one in page.items() if listing not in seen]
                seen.update(page)

    async def read(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        """Read by `code_eq`, the one exact filter; what that does not show, by walking the pages.

        The filter knows codes only, so a listing whose code we have not seen yet, or that has
        none, needs the walk. So do more codes than there are pages.
        """
        wanted = set(listings)
        codes = {self._codes[one] for one in wanted if one in self._codes}
        found: dict[ListingId, Observation] = {}
        if len(codes) <= self._pages_last and wanted <= self._codes.keys():
            for code in sorted(codes):
                shown = await self._by_code(code)
                found |= {listing: one for listing, one in shown.items() if listing in wanted}
        if len(found) < len(wanted):
            async with aclosing(self._pages()) as pages:
                async for page in pages:
                    found |= {listing: one for listing, one in page.items() if listing in wanted}
                    if len(found) == len(wanted):
                        break
        return found

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        """Set one product by id, never by its code: codes are not unique (`stores.md §2.4`)."""
        if len(corrections) != 1:
            raise ValueError("B2B Wave sets one product a request")
        (correction,) = corrections
        if correction.code:
            self._codes.setdefault(correction.listing, correction.code)
        if len(self._locations) > 1:
            why = "this store keeps stock in several locations; which of them to set is not known"
            return [told(correction, WriteOutcome.REJECTED, why)]
        body: dict[str, object] = {"id": correction.listing, "quantity": str(correction.quantity)}
        if self._locations:
            units = dict.fromkeys(self._locations.values(), correction.quantity)
            body = quantities_body(correction.listing, units)
        answer = await self._http.write(
            "POST", "/products/update_quantity", body, absent=_NOT_FOUND
        )
        return [self._outcome(correction, answer)]

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _pages(self) -> AsyncGenerator[Mapping[ListingId, Observation]]:
        walk = PageWalk()
        while not walk.ended:
            asked = _PAGED | {"page": str(walk.number)}
            ids, page = page_of(await self._http.read("/products", asked))
            walk.take(ids)
            self._remember(page)
            yield page
        self._pages_last = walk.number

    async def _by_code(self, code: str) -> Mapping[ListingId, Observation]:
        asked = _PAGED | {"page": "1", "code_eq": code}
        _, shown = page_of(await self._http.read("/products", asked))
        self._remember(shown)
        return shown

    def _remember(self, page: Mapping[ListingId, Observation]) -> None:
        self._codes.update({listing: one.code for listing, one in page.items() if one.code})

    def _outcome(self, correction: Correction, answer: Answer) -> WriteResult:
        """Read the reply, which is the product (`seeds/001…`, Update Product Quantity)."""
        body = answer.body
        words = self._secrets.hide(message_in(body))
        if answer.status in _NOT_FOUND:
            return told(correction, WriteOutcome.NOT_FOUND, words)
        if not isinstance(body, dict):
            return told(correction, WriteOutcome.UNKNOWN, "the reply is not a product")
        if body.get("errors") or body.get("error") or body.get("success") is False:
            raise StoreRejected(f"{self._store}: the quantity was refused: {words}")
        product = unwrapped(body)
        if identity(product) != correction.listing:
            return told(correction, WriteOutcome.UNKNOWN, "the reply is not the product we set")
        return compared(correction, product.get("quantity"), read_at=answer.read_at)


def quantities_body(listing: ListingId, units: Mapping[str, int]) -> dict[str, object]:
    """Spell out a quantity per location id, all of them numbers (`seeds/001…`, warehouses).

    An id of digits goes out as `warehouse_id`, any other as `warehouse_code`.
    """
    quantities = [
        {"warehouse_id": int(location), "quantity": count}
        if location.isdecimal()
        else {"warehouse_code": location, "quantity": count}
        for location, count in units.items()
    ]
    return {"id": listing, "product": {"quantities": quantities}}


def location_ids(option: str) -> dict[str, str]:
    """Read the option "main=1,north=2": our location names and the store's ids for them."""
    pairs = [part.partition("=") for part in option.split(",") if part.strip()]
    found = {name.strip(): location.strip() for name, _, location in pairs}
    if len(found) != len(pairs) or not all(name and found[name] for name in found):
        raise ConfigurationError(['location_ids must look like "main=1,north=2"'])
    return found
