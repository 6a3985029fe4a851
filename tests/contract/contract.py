"""What a clause of the connector contract is, and the words that clauses are written in."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

from stocksync.contracts.connector import Guarantee, OrderFeed, WriteResult
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Correction, Observation, shown_number
from stocksync.errors import StockSyncError
from tests.contract.rigs import Rig

Check = Callable[[Rig], Awaitable[None]]
Act = Callable[[Rig, ListingId], Awaitable[object]]


class Needs(Enum):
    """What a clause speaks about, and why a connector may have nothing to do with it."""

    NETWORK = "there is no network here"
    COMPARE_AND_SET = "the store offers no compare-and-set"
    LOCATIONS = "the store keeps no locations"
    ORDERS = "the store tells of no orders"


def why_skipped(needs: Iterable[Needs], rig: Rig) -> str:
    """Say why a clause does not apply, from what the connector declares; "" when it applies."""
    capabilities = rig.another().unbent.capabilities
    has = {
        Needs.NETWORK: rig.over_http,
        Needs.COMPARE_AND_SET: capabilities.guarantee is Guarantee.COMPARE_AND_SET,
        Needs.LOCATIONS: rig.with_places().unbent.capabilities.locations,
        Needs.ORDERS: isinstance(rig.another().unbent, OrderFeed),
    }
    return next((need.value for need in needs if not has[need]), "")


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One promise, and what shows whether it is kept."""

    id: str
    promise: str
    check: Check
    needs: tuple[Needs, ...]

    async def verify(self, rig: Rig) -> None:
        """Check the promise; an error of ours where none was promised breaks it too."""
        try:
            with kept(self.promise):
                await self.check(rig)
        finally:
            await rig.aclose()


CLAUSES: Final[dict[str, Clause]] = {}


def clause(id_: str, promise: str, *needs: Needs) -> Callable[[Check], Check]:
    """Add a clause to the contract."""

    def add(check: Check) -> Check:
        assert id_ not in CLAUSES, f"there are two clauses {id_}"
        CLAUSES[id_] = Clause(id=id_, promise=promise, check=check, needs=needs)
        return check

    return add


@contextmanager
def kept(promise: str) -> Iterator[None]:
    """Turn an error of ours into a broken promise."""
    try:
        yield
    except StockSyncError as error:
        raise AssertionError(f"{promise}: broken by {type(error).__name__}: {error}") from error


async def census(rig: Rig) -> list[Observation]:
    """Walk the whole store, while it changes if the rig says so."""
    shown: list[Observation] = []
    pages = 0
    async for page in rig.connector.census():
        shown += page
        pages += 1
        if rig.while_walking and rig.while_walking[0] == pages:
            rig.while_walking[1]()
    return shown


async def read(rig: Rig, *listings: ListingId) -> dict[ListingId, Observation]:
    """Read listings, in batches that the store takes."""
    most = rig.unbent.capabilities.read_batch_max
    found: dict[ListingId, Observation] = {}
    for start in range(0, len(listings), most):
        found |= await rig.connector.read(listings[start : start + most])
    return found


def numbers(seen: Iterable[Observation]) -> dict[ListingId, int | None]:
    """Say what each listing shows: a number, 1 or 0 for a switch, None where nothing was counted.

    A listing that is shown twice breaks every clause.
    """
    observations = list(seen)
    times = Counter(each.listing for each in observations)
    twice = [listing for listing, count in times.items() if count > 1]
    assert not twice, f"listed twice: {twice[:3]}"
    return {each.listing: shown_number(each.reading) for each in observations}


def put(listing: ListingId, quantity: int, *, expected: int) -> Correction:
    """Ask for one number."""
    return Correction(listing=listing, quantity=quantity, expected=expected)


def two_numbers(rig: Rig) -> tuple[int, int]:
    """Name two different numbers that the store can show."""
    return (1, 0) if rig.switches else (5, 9)


async def write(rig: Rig, *corrections: Correction) -> list[WriteResult]:
    """Write corrections, in batches that the store takes."""
    most = rig.unbent.capabilities.write_batch_max
    results: list[WriteResult] = []
    for start in range(0, len(corrections), most):
        batch = corrections[start : start + most]
        told = await rig.connector.write(batch)
        assert len(told) == len(batch), f"{len(told)} results for {len(batch)} corrections"
        results += told
    return results


async def _reads(rig: Rig, listing: ListingId) -> object:
    return await read(rig, listing)


async def _walks(rig: Rig, _listing: ListingId) -> object:
    return await census(rig)


async def _writes(rig: Rig, listing: ListingId) -> object:
    before, after = two_numbers(rig)
    return await write(rig, put(listing, after, expected=before))


LOOKS: Final[Sequence[Act]] = (_reads, _walks)
ACTS: Final[Sequence[Act]] = (_reads, _walks, _writes)
