"""The connector contract: what is listed, read and written, without anything going wrong."""

import asyncio

import pytest

from stocksync.contracts.connector import WriteOutcome
from stocksync.domain.identifiers import Sku
from stocksync.domain.plan import may_write
from stocksync.domain.stock import Gap, ListingRecord, NotCounted, Observation
from stocksync.errors import StoreUnavailable
from tests.contract import order_clauses, order_wire_clauses, paging_clauses, wire_clauses
from tests.contract.contract import (
    ACTS,
    CLAUSES,
    Needs,
    census,
    clause,
    numbers,
    put,
    read,
    two_numbers,
    write,
)
from tests.contract.rigs import NOON, STORE, Rig

__all__ = ["CLAUSES", "order_clauses", "order_wire_clauses", "paging_clauses", "wire_clauses"]

APPLIED, NOT_FOUND = WriteOutcome.APPLIED, WriteOutcome.NOT_FOUND


@clause("C03", "a listing the store does not know is absent, never zero")
async def unknown_is_absent(rig: Rig) -> None:
    number = two_numbers(rig)[0]
    listing = rig.add(number)
    ghost = rig.ghost()
    for _ in ("before the store was ever walked", "after"):
        seen = await read(rig, listing, ghost)
        assert ghost not in seen, "an unknown listing was given a reading"
        assert numbers(seen.values()) == {listing: number}
        assert await read(rig, ghost) == {}, "an unknown listing was given a reading"
        await census(rig)


@clause("C04", "a quantity that is not whole is not counted; its neighbours still are")
async def never_rounds(rig: Rig) -> None:
    number = two_numbers(rig)[0]
    neighbours = [rig.add(number)]
    odd = rig.add(**rig.kind.unreadable)
    neighbours.append(rig.add(number))
    looked = await read(rig, odd, *neighbours)
    for seen in (looked, {each.listing: each for each in await census(rig)}):
        assert isinstance(seen[odd].reading, NotCounted), "an unreadable quantity was counted"
        assert numbers(seen.values()) == {odd: None, **dict.fromkeys(neighbours, number)}


@clause("C05", "what was written is what is read")
async def writes_stick(rig: Rig) -> None:
    before, after = two_numbers(rig)
    listing, other = rig.add(before), rig.add(before)
    [result] = await write(rig, put(listing, after, expected=before))
    assert (result.listing, result.outcome) == (listing, APPLIED)
    assert rig.shows(listing) == after, "the store does not show what was written"
    for seen in ((await read(rig, listing, other)).values(), await census(rig)):
        assert numbers(seen) == {listing: after, other: before}


@clause("C06", "writing twice is writing once")
async def writes_are_idempotent(rig: Rig) -> None:
    before, after = two_numbers(rig)
    listing = rig.add(before)
    [first] = await write(rig, put(listing, after, expected=before))
    [second] = await write(rig, put(listing, after, expected=before))
    assert first.outcome is APPLIED
    assert second.outcome in (APPLIED, WriteOutcome.STALE)
    assert rig.shows(listing) == after, "the second write changed the number"


@clause("C07", "one result per correction, in the order given, good and bad together")
async def results_in_order(rig: Rig) -> None:
    before, after = two_numbers(rig)
    good, better = rig.group(2, before)
    asked = {rig.ghost(): NOT_FOUND, good: APPLIED, better: APPLIED}
    results = await write(rig, *[put(at, after, expected=before) for at in asked])
    answered = [(each.listing, each.outcome) for each in results]
    assert answered == list(asked.items()), "the results are not in the order given"
    assert (rig.shows(good), rig.shows(better)) == (after, after)


@clause("C08", "a stale expectation changes nothing and says so", Needs.COMPARE_AND_SET)
async def refuses_stale(rig: Rig) -> None:
    listing = rig.add(5)
    [result] = await write(rig, put(listing, 9, expected=4))
    shown = (result.outcome, rig.shows(listing))
    assert shown == (WriteOutcome.STALE, 5), "a stale expectation was written over"


@clause("C17", "never more than concurrency_max requests at once", Needs.NETWORK)
async def bounded_concurrency(rig: Rig) -> None:
    before, after = two_numbers(rig)
    for allowed in (None, 1, 3):
        stood = rig.another(concurrency_max=allowed)
        listings = [stood.add(before) for _ in range(12)]
        most = stood.connector.capabilities.concurrency_max
        assert allowed in (None, most), "the configured limit was not taken over"
        looks = [read(stood, listing) for listing in listings]
        changes = [write(stood, put(at, after, expected=before)) for at in listings[:4]]
        await asyncio.gather(*looks, *changes, census(stood))
        at_once = stood.shop.in_flight_max
        assert at_once <= most, f"{at_once} requests at once where {most} are allowed"
        await stood.aclose()


@clause("C18", "locations are never summed silently", Needs.LOCATIONS)
async def locations_stay_apart(rig: Rig) -> None:
    stood = rig.with_places()
    units = [("main", 20), ("shop", 10)]
    listing = stood.add_in_places(30, units)
    [result] = await write(stood, put(listing, 25, expected=30))
    assert result.outcome is WriteOutcome.REJECTED, "one number was written over two locations"
    assert "location" in result.detail, "nobody is told why"
    assert stood.units_in_places(listing) == units
    assert stood.write_requests == 0
    await stood.aclose()


@clause("C19", "one call is at most one write request, within the declared batch size")
async def one_write_request(rig: Rig) -> None:
    before, after = two_numbers(rig)
    most = rig.unbent.capabilities.write_batch_max
    stood = rig.another()
    listings = stood.group(most + 1, before)
    results = await stood.connector.write(
        [put(at, after, expected=before) for at in listings[:most]]
    )
    assert [each.outcome for each in results] == [APPLIED] * most
    assert stood.write_requests == 1, f"{stood.write_requests} write requests for one call"
    with pytest.raises(ValueError, match=r"."):
        await stood.connector.write([put(at, before, expected=after) for at in listings])
    assert stood.write_requests == 1, "a batch that is too large was sent"
    await stood.aclose()


@clause("C21", "aclose twice is fine; every call after it raises")
async def closed_is_closed(rig: Rig) -> None:
    for act in ACTS:
        stood = rig.another()
        listing = stood.add(two_numbers(rig)[0])
        await stood.connector.aclose()
        await stood.connector.aclose()
        with pytest.raises(StoreUnavailable):
            await act(stood, listing)
        assert stood.shop.count() == 0, "something was sent after the end"


@clause("C22", "untracked is NotCounted, and is never written")
async def untracked_is_left_alone(rig: Rig) -> None:
    odd, other = rig.add(**rig.kind.untracked), rig.add(two_numbers(rig)[0])
    looked = await read(rig, odd, other)
    for seen in (looked, {each.listing: each for each in await census(rig)}):
        reading = seen[odd].reading
        assert isinstance(reading, NotCounted), "an untracked listing was counted"
        assert reading.gap is Gap.UNTRACKED or rig.switches
        assert not may_write(_record(seen[odd]), NOON, switch=rig.switches)
        assert may_write(_record(seen[other]), NOON, switch=rig.switches)


def _record(seen: Observation) -> ListingRecord:
    """Remember a listing as if it had been linked and agreed on before."""
    sku = Sku("SKU")
    return ListingRecord(
        store=STORE, listing=seen.listing, sku=sku, baseline=1, reading=seen.reading
    )
