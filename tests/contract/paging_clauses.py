"""The connector contract: a census is complete, or it raises; it never only looks complete."""

from collections.abc import Mapping
from typing import Final

import pytest

from stocksync.domain.identifiers import ListingId
from stocksync.errors import StoreUnavailable, UnexpectedResponse
from stocksync.sandbox.faults import Fault
from tests.contract.contract import Needs, census, clause, numbers
from tests.contract.rigs import Rig

CUTS: Final = (
    Fault.TRUNCATED,
    Fault.CONTENT_LENGTH_LIE,
    Fault.HTML,
    Fault.ERROR_BEFORE,
    Fault.DROP_REQUEST,
    Fault.EMPTY_BODY,
)
#: The page boundaries that a change is put at: before the second page, and before the third.
BOUNDARIES: Final = (0, 1)


def long_list(rig: Rig) -> tuple[Rig, dict[ListingId, int]]:
    """Stand up a fresh rig whose list takes three pages, the last of them short."""
    stood = rig.another()
    return stood, stood.fill(2 * rig.page_max + 2)


@clause("C01", "lists every listing once, across pages")
async def lists_all(rig: Rig) -> None:
    page = rig.page_max
    for count in sorted({1, page, page + 1, 2 * page, 2 * page + 3}):
        stood = rig.another()
        stocked = stood.fill(count)
        shown = numbers(await census(stood))
        assert len(shown) == count, f"{len(shown)} of {count} listings were listed"
        assert shown == stocked
        await stood.aclose()


@clause("C02", "an empty store is not an error")
async def lists_none(rig: Rig) -> None:
    assert await census(rig) == []


@clause("C16", "a listing cut short raises; it does not look complete", Needs.NETWORK)
async def cut_short_raises(rig: Rig) -> None:
    for fault in CUTS:
        stood, _ = long_list(rig)
        stood.shop.faults.next(fault, 99, after=1)
        with pytest.raises((UnexpectedResponse, StoreUnavailable)):
            await census(stood)
        await stood.aclose()
    if rig.shape.counts_rows and not rig.switches:
        stood, stocked = long_list(rig)
        stood.shop.faults.next(Fault.EMPTY_LIST, after=1)
        await complete_or_raises(stood, stocked)
        await stood.aclose()


@clause("C20", "paging survives a listing added or removed between pages")
async def survives_a_moving_list(rig: Rig) -> None:
    for boundary in BOUNDARIES:
        stood, stocked = long_list(rig)
        shift(stood, "insert", boundary)
        await complete_or_raises(stood, stocked)
        await stood.aclose()
        if rig.shape.guarded is None or boundary < rig.shape.guarded:
            stood, stocked = long_list(rig)
            shift(stood, "remove", boundary)
            stocked.pop(next(iter(stocked)))
            await complete_or_raises(stood, stocked)
            await stood.aclose()


def shift(rig: Rig, direction: str, boundary: int) -> None:
    """Let the list move at its front while somebody walks it, at this page boundary.

    Where there is no list to page through, it moves after as many pages as the walk has yielded.
    """
    if rig.over_http and not rig.switches:
        rig.shop.faults.next(Fault.PAGE_SHIFT, after=boundary, direction=direction)
        return
    change = rig.add_at_the_front if direction == "insert" else rig.take_away_the_first
    rig.while_walking = (boundary + 1, change)


async def complete_or_raises(rig: Rig, stocked: Mapping[ListingId, int]) -> None:
    """Walk the store: what was there the whole time is seen, or the walk says that it failed."""
    try:
        shown = numbers(await census(rig))
    except (UnexpectedResponse, StoreUnavailable):
        return
    lost = [listing for listing in stocked if listing not in shown]
    assert not lost, f"silently incomplete: {len(lost)} listings were hidden, such as {lost[0]}"
