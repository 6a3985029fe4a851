"""Order feeds that break one promise each, on top of a real connector."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final
from zoneinfo import ZoneInfo

import stamina

from stocksync.contracts.connector import StockWriter
from stocksync.domain.orders import OrderLine
from stocksync.errors import ConnectorError, StoreUnavailable, UnexpectedResponse
from tests.contract.mutants import NOT_RAISED, Bent, Mutant, insides

Pages = AsyncIterator[Sequence[OrderLine]]


class StopsAtFirstOrders(Bent):
    async def orders(self, since: datetime) -> Pages:
        async for page in super().orders(since):
            yield page
            return


class TellsOverlapsTwice(Bent):
    async def orders(self, since: datetime) -> Pages:
        last: list[OrderLine] = []
        async for page in super().orders(since):
            yield [*last, *page]
            last = list(page[-1:])


class RemembersUnits(Bent):
    def __init__(self, inner: StockWriter) -> None:
        super().__init__(inner)
        self.known: dict[tuple[str, str], OrderLine] = {}

    async def orders(self, since: datetime) -> Pages:
        async for page in super().orders(since):
            yield [self.known.setdefault(line.key, line) for line in page]


class BuysTheBaskets(Bent):
    def __init__(self, inner: StockWriter) -> None:
        super().__init__(inner)
        listed = insides(inner)._listed

        async def without_baskets(status: str, since: datetime) -> Any:
            return {} if status == "cart" else await listed(status, since)

        insides(inner)._listed = without_baskets


class CountsOptions(Bent):
    async def orders(self, since: datetime) -> Pages:
        async for page in super().orders(since):
            yield [*page, *(replace(line, line=f"{line.line} option") for line in page)]


class AsksFromLongAgo(Bent):
    def orders(self, since: datetime) -> Pages:
        return super().orders(since - timedelta(days=7))


class NamesLinesAnew(Bent):
    def __init__(self, inner: StockWriter) -> None:
        super().__init__(inner)
        self.names = count(1)

    async def orders(self, since: datetime) -> Pages:
        async for page in super().orders(since):
            yield [replace(line, line=str(next(self.names))) for line in page]


class TrustsTheLastOrder(Bent):
    async def orders(self, since: datetime) -> Pages:
        try:
            async for page in super().orders(since):
                yield page
        except (UnexpectedResponse, StoreUnavailable):
            return


class LeavesAHole(Bent):
    async def orders(self, since: datetime) -> Pages:
        try:
            async for page in super().orders(since):
                yield page
        except UnexpectedResponse as error:
            if "quantity" not in str(error):
                raise


class TakesTheClockForLondons(Bent):
    def __init__(self, inner: StockWriter) -> None:
        super().__init__(inner)
        insides(inner)._zone = ZoneInfo("Europe/London")


class TellsTheKey(Bent):
    async def orders(self, since: datetime) -> Pages:
        try:
            async for page in super().orders(since):
                yield page
        except ConnectorError as error:
            headers = insides(self.inner)._http._auth._headers
            raise type(error)(f"{error}, having sent {headers}") from error


class AsksOnce(Bent):
    async def orders(self, since: datetime) -> Pages:
        stamina.set_active(False)
        try:
            async for page in super().orders(since):
                yield page
        finally:
            stamina.set_active(True)


class TakesNonsenseForQuiet(Bent):
    async def orders(self, since: datetime) -> Pages:
        try:
            async for page in super().orders(since):
                yield page
        except UnexpectedResponse:
            return


class StaysOpenForOrders(Bent):
    async def aclose(self) -> None:
        return


def _mutant(clause: str, bend: type[Bent], base: str, dies: str) -> Mutant:
    return Mutant(clause=clause, bend=bend, base=base, dies=dies)


ORDER_MUTANTS: Final = (
    _mutant("C30", StopsAtFirstOrders, "simvoly", "50 of 102 orders were told"),
    _mutant("C31", TellsOverlapsTwice, "recplus", "told twice"),
    _mutant("C32", RemembersUnits, "recplus", "a cancelled order still sells"),
    _mutant("C33", BuysTheBaskets, "freewebstore", "a cart was told as an order"),
    _mutant("C34", CountsOptions, "recplus", "sold 14, told 28"),
    _mutant("C35", AsksFromLongAgo, "b2bwave", "placed before since"),
    _mutant("C36", NamesLinesAnew, "simvoly", "called otherwise when it is read again"),
    _mutant("C37", TrustsTheLastOrder, "freewebstore", NOT_RAISED),
    _mutant("C38", LeavesAHole, "recplus", NOT_RAISED),
    _mutant("C39", TakesTheClockForLondons, "recplus", "placed at 2030-07-15 02:30"),
    _mutant("C40", TellsTheKey, "freewebstore", "a secret was shown"),
    _mutant("C41", AsksOnce, "b2bwave", "broken by StoreUnavailable"),
    _mutant("C42", TakesNonsenseForQuiet, "b2bwave", NOT_RAISED),
    _mutant("C43", StaysOpenForOrders, "recplus", NOT_RAISED),
)
