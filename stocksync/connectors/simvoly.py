"""Simvoly and its white labels: products with variants that have no id, written all at once.

Words: their variant is our listing, named by its product and the values of its options in their
order; their product is our group; their `quantity` is what we read and set; their `sku` is its
code. Only physical products have stock (`stores.md §4.3`).
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from stocksync import __version__
from stocksync.connectors.answers import Secrets, message_in
from stocksync.connectors.http import Answer, HttpLimits, StoreHttp, Transport, segment
from stocksync.connectors.offset_walk import PAGES_MAX, OffsetWalk
from stocksync.connectors.quantity import reading
from stocksync.connectors.simvoly_orders import SimvolyOrders
from stocksync.connectors.simvoly_variants import (
    identity,
    named_variants,
    observations,
    product_of,
)
from stocksync.connectors.simvoly_webhooks import SimvolyWebhooks
from stocksync.contracts.connector import (
    Capabilities,
    ReadBack,
    StoreAccount,
    WriteOutcome,
    WriteResult,
)
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Counted, Observation, Reading, shown_number
from stocksync.errors import ConfigurationError, StoreRejected, UnexpectedResponse

PAGE_MAX: Final = 50
UPDATE_METHODS: Final = ("PUT", "POST", "PATCH")
CAPABILITIES: Final = Capabilities(
    page_max=PAGE_MAX,
    read_batch_max=100,
    write_batch_max=100,
    concurrency_max=2,
    read_back=ReadBack.ALWAYS,
    whole_group_writes=True,
)
_ABSENT: Final = (404, 410)


def connect(
    account: StoreAccount, *, now: Callable[[], datetime], transport: Transport | None = None
) -> "SimvolyConnector":
    """Build the connector of one account; credential `api_key`, option `update_method`.

    The documents lost the method of their update (`stores.md §4.1`), and they require a user agent
    that names the caller (`seeds/003…`, its first lines).
    """
    key = account.credentials.get("api_key", "")
    method = account.options.get("update_method", "PUT").upper()
    problems = [] if key else [f"store {account.store}: api_key is missing"]
    if method not in UPDATE_METHODS:
        problems.append(f"store {account.store}: update_method is {', '.join(UPDATE_METHODS)}")
    if problems:
        raise ConfigurationError(problems)
    concurrency = account.concurrency_max or CAPABILITIES.concurrency_max
    headers = {"Authorization": f"Bearer {key}", "User-Agent": f"stocksync/{__version__}"}
    http = StoreHttp(
        store=account.store,
        origin=account.url,
        base_path=account.options.get("base_path", "/api/site"),
        headers=headers,
        limits=HttpLimits(
            requests_per_second=account.requests_per_second, concurrency_max=concurrency
        ),
        now=now,
        transport=transport,
    )
    return SimvolyConnector(
        http,
        secrets=Secrets(headers),
        store=account.store,
        capabilities=replace(CAPABILITIES, concurrency_max=concurrency),
        update_method=method,
    )


class SimvolyConnector(SimvolyWebhooks, SimvolyOrders):
    """One Simvoly site; reads variants, writes whole products, and tells of orders."""

    def __init__(
        self,
        http: StoreHttp,
        *,
        secrets: Secrets,
        store: StoreId,
        capabilities: Capabilities,
        update_method: str,
    ) -> None:
        self._http = http
        self._secrets = secrets
        self._store = store
        self._capabilities = capabilities
        self._update_method = update_method

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
        """Walk all products by offset; `OffsetWalk` survives a list that moves."""
        walk = OffsetWalk()
        for _ in range(PAGES_MAX):
            asked = {"limit": str(PAGE_MAX), "skip": str(walk.start)}
            answer = await self._http.read("/products", asked)
            envelope = self._accepted(answer)
            items = envelope.get("items")
            total = reading(envelope.get("totalCount"), read_at=answer.read_at)
            if not isinstance(items, list) or not isinstance(total, Counted):
                raise UnexpectedResponse("the list of products lacks its items or its total")
            named = [(identity(product), product) for product in items]
            fresh = walk.take([product_id for product_id, _ in named], total.quantity)
            page = [
                observation
                for product_id, product in dict(named).items()
                if product_id in fresh
                for observation in observations(product, answer.read_at)
            ]
            if page:
                yield page
            if walk.ended:
                return
        raise UnexpectedResponse(f"the list did not end after {PAGES_MAX} pages")

    async def read(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        """Read each product once, whichever of its variants are asked for."""
        known: dict[ListingId, Observation] = {}
        for product_id in dict.fromkeys(product_of(listing) for listing in listings):
            found = await self._product(product_id)
            if found is not None:
                product, read_at = found
                known |= {each.listing: each for each in observations(product, read_at)}
        return {listing: known[listing] for listing in listings if listing in known}

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        """Set variants of one product by sending all of its variants back as they are now.

        Whether an omitted variant is kept is not documented, so none is omitted, and nothing but
        `quantity` changes (`stores.md §4.4`). One number that is not the expected one means that
        the product moved: nothing is sent, and everything is stale.
        """
        if len(corrections) > self._capabilities.write_batch_max:
            raise ValueError(f"a batch holds {self._capabilities.write_batch_max} at most")
        products = {product_of(correction.listing) for correction in corrections}
        if not products:
            return []
        (product_id,) = products
        found = await self._product(product_id)
        if found is None:
            return [_result(each, WriteOutcome.NOT_FOUND) for each in corrections]
        product, read_at = found
        shown = {each.listing: each.reading for each in observations(product, read_at)}
        results = _judged(corrections, shown)
        wanted = {
            correction.listing: correction.quantity
            for correction, result in zip(corrections, results, strict=True)
            if result.outcome is WriteOutcome.APPLIED
        }
        if wanted:
            path = f"/products/{segment(product_id)}"
            answer = await self._http.write(
                self._update_method, path, _update(product, wanted), absent=_ABSENT
            )
            if answer.status in _ABSENT:
                return [_result(each, WriteOutcome.NOT_FOUND) for each in corrections]
            self._refuse_failure(answer)
        return results

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _product(self, product_id: str) -> tuple[dict[str, Any], datetime] | None:
        if not product_id:
            return None
        answer = await self._http.find(f"/products/{segment(product_id)}")
        if answer is None:
            return None
        product = self._accepted(answer)
        if identity(product) != product_id:
            raise UnexpectedResponse(f"product {product_id} was answered with another one")
        return product, answer.read_at

    def _accepted(self, answer: Answer) -> dict[str, Any]:
        self._refuse_failure(answer)
        if not isinstance(answer.body, dict):
            raise UnexpectedResponse("the answer is not an object")
        return answer.body

    def _refuse_failure(self, answer: Answer) -> None:
        """Raise on `success: false`, whatever the status (`stores.md §4.5`)."""
        if isinstance(answer.body, dict) and answer.body.get("success") is False:
            said = self._secrets.hide(message_in(answer.body))
            raise StoreRejected(f"{self._store} declined: {said}")


def _judged(
    corrections: Sequence[Correction], shown: Mapping[ListingId, Reading]
) -> list[WriteResult]:
    """Say what can be written now; APPLIED is meant once the one request has succeeded."""
    stale = {
        each.listing
        for each in corrections
        if each.listing in shown and shown_number(shown[each.listing]) != each.expected
    }
    results = []
    for each in corrections:
        if each.listing not in shown:
            results.append(_result(each, WriteOutcome.NOT_FOUND, "no variant has these options"))
        elif each.listing in stale:
            now = shown_number(shown[each.listing])
            said = "no number now" if now is None else f"{now}, not {each.expected}"
            results.append(_result(each, WriteOutcome.STALE, f"the store shows {said}"))
        elif stale:
            results.append(_result(each, WriteOutcome.STALE, "another variant changed"))
        else:
            results.append(_result(each, WriteOutcome.APPLIED))
    return results


def _update(product: Mapping[str, Any], wanted: Mapping[ListingId, int]) -> dict[str, Any]:
    variants = [
        variant | {"quantity": wanted[listing]} if listing in wanted else variant
        for listing, variant in named_variants(product)
    ]
    return {"type": product["type"], "title": product.get("title"), "variants": variants}


def _result(correction: Correction, outcome: WriteOutcome, detail: str = "") -> WriteResult:
    return WriteResult(listing=correction.listing, outcome=outcome, detail=detail)
