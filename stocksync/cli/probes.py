"""Ask one store a question that changes nothing: does it answer, and does it let us in?"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from stocksync.contracts.connector import Capabilities, Guarantee, ReadBack
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Store
from stocksync.engine.work import advice
from stocksync.errors import AuthFailed, ConnectorError, StoreUnavailable

SECONDS_MAX: Final = 30.0
_GUARANTEES: Final = {
    Guarantee.COMPARE_AND_SET: "compare and set",
    Guarantee.SET: "read, then set",
}
_READ_BACKS: Final = {
    ReadBack.NEVER: "believed",
    ReadBack.ZERO: "zero is read back",
    ReadBack.ALWAYS: "is read back",
}


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a store answered. None: not known, because it was not asked or did not answer.

    `listings` are those of its first page, or all when that was all.
    """

    store: StoreId
    capabilities: Capabilities
    reachable: bool | None = None
    accepted: bool | None = None
    listings: int | None = None
    error: str = ""
    remark: str = ""

    @property
    def guarantee(self) -> str:
        return _GUARANTEES[self.capabilities.guarantee]

    @property
    def read_back(self) -> str:
        return _READ_BACKS[self.capabilities.read_back]

    def word(self, *, known: bool | None, yes: str, no: str) -> str:
        """Put an answer in a word; what is not known stays open."""
        return "?" if known is None else yes if known else no

    def as_json(self) -> dict[str, Any]:
        """Return a row of `check --json`."""
        return {
            "store": self.store,
            "outcome": "failed" if self.error else "ok",
            "reachable": self.reachable,
            "credentials": self.accepted,
            "listings": self.listings,
            "page_max": self.capabilities.page_max,
            "write_batch_max": self.capabilities.write_batch_max,
            "guarantee": self.guarantee,
            "read_back": self.read_back,
            "switches_only": self.capabilities.switches_only,
            "error": self.error,
        }


async def probe(store: Store, *, seconds_max: float = SECONDS_MAX) -> Probe:
    """Read the first page of a store, or one listing where it has no pages."""
    capabilities = store.connector.capabilities
    known = Probe(store=store.id, capabilities=capabilities)
    try:
        async with asyncio.timeout(seconds_max):
            listings = await _first_page(store)
    except TimeoutError:
        text = f"no answer in {seconds_max:g} s (try again; nothing was changed)"
        return replace(known, reachable=False, error=text)
    except AuthFailed as error:
        return replace(known, reachable=True, accepted=False, error=advice(error))
    except StoreUnavailable as error:
        return replace(known, reachable=False, error=advice(error))
    except ConnectorError as error:
        return replace(known, reachable=True, error=advice(error))
    if not store.connector.api_calls:
        remark = "was not asked: no `availability` in the rules names a listing of it"
        return replace(known, remark=remark)
    return replace(known, reachable=True, accepted=True, listings=listings)


async def _first_page(store: Store) -> int:
    """Count the listings of the first page; the walk ends there."""
    # Connectors write their census as an async generator, which must be closed when left early.
    async with aclosing(cast("Any", store.connector.census())) as pages:
        async for page in pages:
            return len(page)
    return 0
