"""Ideal Factory: no quantities, only whether a product or a variant is offered; opt-in.

Words: their product (`product:1`) or product variant (`variant:7`) is our listing; a product's
`active` and the tags `in-stock` and `out-of-stock` of a variant are its switch. Their documents
list nothing, so the ids come from the rules (`stores.md §5`).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from stocksync.connectors.answers import Secrets, message_in
from stocksync.connectors.http import Answer, HttpLimits, StoreHttp, Transport
from stocksync.connectors.quantity import unreadable
from stocksync.contracts.connector import (
    Capabilities,
    ReadBack,
    StoreAccount,
    WriteOutcome,
    WriteResult,
)
from stocksync.domain.identifiers import ListingId, StoreId, sku_from
from stocksync.domain.stock import Correction, Observation, Offered, Reading
from stocksync.errors import ConfigurationError, StoreRejected, UnexpectedResponse

# Nobody documents a rate limit; the reply to an update is described but not shown: read it back.
CAPABILITIES: Final = Capabilities(
    page_max=1,
    read_batch_max=1,
    write_batch_max=1,
    concurrency_max=2,
    read_back=ReadBack.ALWAYS,
    switches_only=True,
)
IN_STOCK: Final = "in-stock"
OUT_OF_STOCK: Final = "out-of-stock"
_ABSENT: Final = (404, 410)
_LISTING: Final = re.compile(r"(?P<kind>product|variant):(?P<number>0|[1-9][0-9]{0,17})", re.ASCII)
_PATHS: Final = {"product": "/products", "variant": "/product-variants"}
_SWITCHES: Final = {"product": "active", "variant": "ecommerce_tags"}


def connect(
    account: StoreAccount, *, now: Callable[[], datetime], transport: Transport | None = None
) -> "IdealFactoryConnector":
    """Build the connector of one account; credential `token`, ids in `account.listings`."""
    token = account.credentials.get("token", "")
    problems = [] if token else [f"store {account.store}: token is missing"]
    problems += [
        f"store {account.store}: {listing!r} is neither product:NUMBER nor variant:NUMBER"
        for listing in account.listings
        if not _LISTING.fullmatch(listing)
    ]
    if problems:
        raise ConfigurationError(problems)
    concurrency = account.concurrency_max or CAPABILITIES.concurrency_max
    headers = {"Authorization": f"Bearer {token}"}
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
    return IdealFactoryConnector(
        http,
        secrets=Secrets(headers),
        store=account.store,
        capabilities=replace(CAPABILITIES, concurrency_max=concurrency),
        listings=account.listings,
    )


class IdealFactoryConnector:
    """One Ideal Factory account; reads and turns switches."""

    def __init__(
        self,
        http: StoreHttp,
        *,
        secrets: Secrets,
        store: StoreId,
        capabilities: Capabilities,
        listings: Sequence[ListingId],
    ) -> None:
        self._http = http
        self._secrets = secrets
        self._store = store
        self._capabilities = capabilities
        self._listings = tuple(dict.fromkeys(listings))

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
        """Read the known listings in their order; those the store does not know are left out."""
        width = self._capabilities.concurrency_max
        for first in range(0, len(self._listings), width):
            shown = await self._read_at_once(self._listings[first : first + width])
            for observation in shown:
                if observation is not None:
                    yield [observation]

    async def read(self, listings: Sequence[ListingId]) -> Mapping[ListingId, Observation]:
        """Read products and variants one by one; unknown ones are absent."""
        shown = [await self._observation(listing) for listing in dict.fromkeys(listings)]
        return {each.listing: each for each in shown if each is not None}

    async def write(self, corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        """Turn one switch: 1 offers the listing, 0 takes it away, anything else is refused."""
        if not corrections:
            return []
        (correction,) = corrections
        if not _LISTING.fullmatch(correction.listing):
            return [_result(correction, WriteOutcome.NOT_FOUND, "not an id of this store")]
        if correction.quantity not in (0, 1):
            return [_result(correction, WriteOutcome.REJECTED, "availability only: 1 or 0")]
        if correction.listing.startswith("product:"):
            return [await self._put(correction, {"active": correction.quantity == 1})]
        return [await self._exchange_tags(correction)]

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _read_at_once(self, listings: Sequence[ListingId]) -> list[Observation | None]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._observation(each)) for each in listings]
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _observation(self, listing: ListingId) -> Observation | None:
        if not _LISTING.fullmatch(listing):
            return None
        kind, _, number = listing.partition(":")
        answer = await self._http.find(f"{_PATHS[kind]}/{number}")
        if answer is None:
            return None
        details = _details(answer, kind, number)
        title = details.get("name")
        return Observation(
            listing,
            sku_from(details.get("code")),
            _switch(kind, details, answer.read_at),
            title=title if isinstance(title, str) else "",
        )

    async def _exchange_tags(self, correction: Correction) -> WriteResult:
        kind, _, number = correction.listing.partition(":")
        answer = await self._http.find(f"{_PATHS[kind]}/{number}")
        if answer is None:
            return _result(correction, WriteOutcome.NOT_FOUND)
        tags = _details(answer, kind, number).get("ecommerce_tags")
        if not isinstance(_offered_by_tags(tags, answer.read_at), Offered):
            return _result(correction, WriteOutcome.REJECTED, "its tags cannot be understood")
        turned = _switched(tags or "", on=correction.quantity == 1)
        return await self._put(correction, {"ecommerce_tags": turned})

    async def _put(self, correction: Correction, body: Mapping[str, object]) -> WriteResult:
        kind, _, number = correction.listing.partition(":")
        try:
            answer = await self._http.write("PUT", f"{_PATHS[kind]}/{number}", body, absent=_ABSENT)
        except StoreRejected as error:
            return _result(correction, WriteOutcome.REJECTED, str(error))
        if answer.status in _ABSENT:
            said = self._secrets.hide(message_in(answer.body))
            return _result(correction, WriteOutcome.NOT_FOUND, said)
        shown = _unwrapped(answer.body)
        switch = _switch(kind, shown, answer.read_at) if _SWITCHES[kind] in shown else None
        if isinstance(switch, Offered) and switch.on != (correction.quantity == 1):
            return _result(correction, WriteOutcome.REJECTED, "the answer shows the old switch")
        return _result(correction, WriteOutcome.APPLIED)


def _unwrapped(body: object) -> Mapping[str, Any]:
    """Take the details out of an answer; the documents do not show whether `data` wraps them."""
    if isinstance(body, dict):
        inner = body.get("data", body)
        if isinstance(inner, dict):
            return inner
    return {}


def _details(answer: Answer, kind: str, number: str) -> Mapping[str, Any]:
    details = _unwrapped(answer.body)
    if "name" not in details and _SWITCHES[kind] not in details:
        raise UnexpectedResponse(f"{kind} {number} was answered without its details")
    shown = details.get("id", number)
    if str(shown).isdigit() and str(shown) != number:
        raise UnexpectedResponse(f"{kind} {number} was answered with number {shown}")
    return details


def _switch(kind: str, details: Mapping[str, Any], read_at: datetime) -> Reading:
    if kind == "variant":
        return _offered_by_tags(details.get("ecommerce_tags"), read_at)
    active = details.get("active")
    if isinstance(active, bool):
        return Offered(active, read_at)
    return unreadable(active, read_at=read_at)


def _offered_by_tags(tags: object, read_at: datetime) -> Reading:
    """Read comma-separated tags: offered unless they say `out-of-stock`, so also without tags.

    A variant with both tags says nothing that could be trusted.
    """
    if tags is not None and not isinstance(tags, str):
        return unreadable(tags, read_at=read_at)
    words = {_word(tag) for tag in (tags or "").split(",")}
    if {IN_STOCK, OUT_OF_STOCK} <= words:
        return unreadable(tags, read_at=read_at)
    return Offered(OUT_OF_STOCK not in words, read_at)


def _word(tag: str) -> str:
    return tag.strip().casefold()


def _switched(tags: str, *, on: bool) -> str:
    """Exchange the one tag in its place, or add it at the end; every other tag stays as it is."""
    wanted, other = (IN_STOCK, OUT_OF_STOCK) if on else (OUT_OF_STOCK, IN_STOCK)
    kept = tags.split(",") if tags.strip() else []
    turned = [tag.replace(tag.strip(), wanted) if _word(tag) == other else tag for tag in kept]
    if wanted not in {_word(tag) for tag in turned}:
        turned.append(wanted)
    return ",".join(turned)


def _result(correction: Correction, outcome: WriteOutcome, detail: str = "") -> WriteResult:
    return WriteResult(listing=correction.listing, outcome=outcome, detail=detail)
