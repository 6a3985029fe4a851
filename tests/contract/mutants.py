"""Connectors that break one promise each, on top of a real one; every clause must catch its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast

import stamina

from stocksync.connectors.recplus_rows import stock_page
from stocksync.contracts.connector import (
    Capabilities,
    OrderFeed,
    StockWriter,
    WriteOutcome,
    WriteResult,
)
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.orders import OrderLine
from stocksync.domain.stock import Correction, Counted, NotCounted, Observation, shown_number
from stocksync.errors import (
    AuthFailed,
    OutcomeUnknown,
    RateLimited,
    StoreUnavailable,
    UnexpectedResponse,
)
from tests.contract.rigs import NOON

Corrections = Sequence[Correction]
Results = Sequence[WriteResult]
Seen = Mapping[ListingId, Observation]


class Bent:
    """A real connector, passed on as it is; mutants bend one method."""

    def __init__(self, inner: StockWriter) -> None:
        self.inner = inner

    def __repr__(self) -> str:
        return repr(self.inner)

    @property
    def store(self) -> StoreId:
        return self.inner.store

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    @property
    def api_calls(self) -> int:
        return self.inner.api_calls

    async def census(self) -> AsyncIterator[Sequence[Observation]]:
        async for page in self.inner.census():
            yield page

    async def read(self, listings: Sequence[ListingId]) -> Seen:
        return await self.inner.read(listings)

    async def write(self, corrections: Corrections) -> Results:
        return await self.inner.write(corrections)

    @property
    def sees_changes(self) -> bool:
        return bool(insides(self.inner).sees_changes)

    def orders(self, since: datetime) -> AsyncIterator[Sequence[OrderLine]]:
        return cast("OrderFeed", self.inner).orders(since)

    async def aclose(self) -> None:
        await self.inner.aclose()


def insides(connector: StockWriter) -> Any:
    """Look where a caller has no business."""
    return connector


class StopsAtFirstPage(Bent):
    async def census(self) -> AsyncIterator[Sequence[Observation]]:
        async for page in self.inner.census():
            yield page
            return


class FailsWhenEmpty(Bent):
    async def census(self) -> AsyncIterator[Sequence[Observation]]:
        pages = [page async for page in self.inner.census()]
        if not any(pages):
            raise UnexpectedResponse("the store lists nothing")
        for page in pages:
            yield page


class ZeroForMissing(Bent):
    async def read(self, listings: Sequence[ListingId]) -> Seen:
        seen = await self.inner.read(listings)
        return {at: Observation(at, at, Counted(0, NOON)) for at in listings} | dict(seen)


class RoundsFractions(Bent):
    async def read(self, listings: Sequence[ListingId]) -> Seen:
        seen = await self.inner.read(listings)
        return {at: self._rounded(shown) for at, shown in seen.items()}

    def _rounded(self, seen: Observation) -> Observation:
        if not isinstance(seen.reading, NotCounted):
            return seen
        return seen._replace(reading=Counted(int(float(seen.reading.shown.strip("'"))), NOON))


class ForgetsToWrite(Bent):
    async def write(self, corrections: Corrections) -> Results:
        return [WriteResult(listing=at.listing, outcome=WriteOutcome.APPLIED) for at in corrections]


class AddsInsteadOfSetting(Bent):
    async def write(self, corrections: Corrections) -> Results:
        seen = await self.inner.read([at.listing for at in corrections])
        return await self.inner.write([self._added(at, seen) for at in corrections])

    def _added(self, correction: Correction, seen: Seen) -> Correction:
        now = shown_number(seen[correction.listing].reading) or 0
        change = correction.quantity - correction.expected
        return replace(correction, expected=now, quantity=now + change)


class AnswersInStoreOrder(Bent):
    async def write(self, corrections: Corrections) -> Results:
        return list(reversed(await self.inner.write(corrections)))


class RefreshesTheExpectation(Bent):
    async def write(self, corrections: Corrections) -> Results:
        seen = await self.inner.read([at.listing for at in corrections])
        fresh = [
            replace(at, expected=shown_number(seen[at.listing].reading) or 0) for at in corrections
        ]
        return await self.inner.write(fresh)


class TriesCredentialsAgain(Bent):
    async def read(self, listings: Sequence[ListingId]) -> Seen:
        try:
            return await self.inner.read(listings)
        except AuthFailed:
            return await self.inner.read(listings)


class InventsTheWait(Bent):
    async def read(self, listings: Sequence[ListingId]) -> Seen:
        try:
            return await self.inner.read(listings)
        except RateLimited as error:
            raise RateLimited(str(error), retry_after_seconds=60) from error


class GivesUpAtOnce(Bent):
    async def read(self, listings: Sequence[ListingId]) -> Seen:
        with _no_second_try():
            return await self.inner.read(listings)


@contextmanager
def _no_second_try() -> Iterator[None]:
    stamina.set_active(False)
    try:
        yield
    finally:
        stamina.set_active(True)


class SendsAgain(Bent):
    async def write(self, corrections: Corrections) -> Results:
        try:
            return await self.inner.write(corrections)
        except OutcomeUnknown:
            return await self.inner.write(corrections)


class ReadsNonsenseAsEmpty(Bent):
    async def read(self, listings: Sequence[ListingId]) -> Seen:
        try:
            return await self.inner.read(listings)
        except UnexpectedResponse:
            return {}


class OutlivesCancel(Bent):
    async def read(self, listings: Sequence[ListingId]) -> Seen:
        return await asyncio.shield(asyncio.ensure_future(self.inner.read(listings)))


class TellsTheSecret(Bent):
    def __repr__(self) -> str:
        return f"Connector({insides(self.inner)._http._auth._headers})"


class TrustsTheEnd(Bent):
    async def census(self) -> AsyncIterator[Sequence[Observation]]:
        try:
            async for page in self.inner.census():
                yield page
        except (UnexpectedResponse, StoreUnavailable):
            return


class IgnoresTheLimit(Bent):
    def __init__(self, inner: StockWriter) -> None:
        super().__init__(inner)
        insides(inner)._http._gate._places = asyncio.Semaphore(100)


class WritesOneNumberForAllPlaces(Bent):
    def __init__(self, inner: StockWriter) -> None:
        super().__init__(inner)
        insides(inner)._locations = {}


class SendsASecond(Bent):
    async def write(self, corrections: Corrections) -> Results:
        half = len(corrections) // 2
        first = await self.inner.write(corrections[:half])
        return [*first, *await self.inner.write(corrections[half:])]


class SkipsOne(Bent):
    async def census(self) -> AsyncIterator[Sequence[Observation]]:
        """Count offsets up and believe them, as most callers do."""
        offset, total, shown = 0, 1, set[ListingId]()
        while offset < total:
            asked = {"limit": str(self.capabilities.page_max), "offset": str(offset)}
            answer = await insides(self.inner)._http.read("/stock", asked)
            page = stock_page(answer, start=offset)
            yield [each for each in page.observations if each.listing not in shown]
            shown |= {each.listing for each in page.observations}
            offset, total = offset + self.capabilities.page_max, page.total or 0


class StaysOpen(Bent):
    async def aclose(self) -> None:
        return


class CountsTheUntracked(Bent):
    async def read(self, listings: Sequence[ListingId]) -> Seen:
        seen = await self.inner.read(listings)
        return {
            at: shown._replace(reading=Counted(0, NOON))
            if isinstance(shown.reading, NotCounted)
            else shown
            for at, shown in seen.items()
        }


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A defect, the store that shows it best, and what the clause must say about it."""

    clause: str
    bend: type[Bent]
    base: str
    dies: str


def _mutant(clause: str, bend: type[Bent], base: str, dies: str) -> Mutant:
    return Mutant(clause=clause, bend=bend, base=base, dies=dies)


NOT_RAISED: Final = "DID NOT RAISE"
MUTANTS: Final = (
    _mutant("C01", StopsAtFirstPage, "simvoly", "50 of 51 listings were listed"),
    _mutant("C02", FailsWhenEmpty, "recplus", "broken by UnexpectedResponse"),
    _mutant("C03", ZeroForMissing, "recplus", "an unknown listing was given a reading"),
    _mutant("C04", RoundsFractions, "b2bwave", "an unreadable quantity was counted"),
    _mutant("C05", ForgetsToWrite, "freewebstore", "does not show what was written"),
    _mutant("C06", AddsInsteadOfSetting, "recplus", "the second write changed the number"),
    _mutant("C07", AnswersInStoreOrder, "recplus", "not in the order given"),
    _mutant("C08", RefreshesTheExpectation, "memory", "a stale expectation was written over"),
    _mutant("C09", TriesCredentialsAgain, "idealfactory", "credentials were tried again"),
    _mutant("C10", InventsTheWait, "freewebstore", "told to wait 60, the store asked for 77"),
    _mutant("C11", GivesUpAtOnce, "recplus", "broken by StoreUnavailable"),
    _mutant("C12", SendsAgain, "freewebstore", "sent 2 times"),
    _mutant("C13", ReadsNonsenseAsEmpty, "b2bwave", NOT_RAISED),
    _mutant("C14", OutlivesCancel, "simvoly", "something is still running"),
    _mutant("C15", TellsTheSecret, "freewebstore", "a secret was shown"),
    _mutant("C16", TrustsTheEnd, "recplus", NOT_RAISED),
    _mutant("C17", IgnoresTheLimit, "recplus", "requests at once where 4 are allowed"),
    _mutant("C18", WritesOneNumberForAllPlaces, "b2bwave", "written over two locations"),
    _mutant("C19", SendsASecond, "recplus", "2 write requests for one call"),
    _mutant("C20", SkipsOne, "recplus", "silently incomplete: 1 listings were hidden"),
    _mutant("C21", StaysOpen, "recplus", NOT_RAISED),
    _mutant("C22", CountsTheUntracked, "b2bwave", "an untracked listing was counted"),
)
