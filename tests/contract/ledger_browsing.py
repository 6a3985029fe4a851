"""The ledger's clauses about looking around: searching, what went on when, writes of a listing."""

from itertools import pairwise
from typing import Any

import pytest

from stocksync.contracts.browsing import Activity
from stocksync.contracts.ledger import Commit, IntentState
from stocksync.domain.identifiers import MAIN_LOCATION, ListingId, LocationId, Sku
from stocksync.domain.movements import MovementKind, held
from stocksync.domain.movements import at as placed
from stocksync.domain.stock import Presence
from tests.contract.ledger_clauses import clause
from tests.contract.ledger_examples import (
    NOON,
    SHOP,
    TRADE,
    after,
    intent,
    listing,
    opening,
    run,
    sale,
)
from tests.contract.ledger_rigs import Rig

HOUR = 3600


@clause("L70", "a search finds what moved or is listed, once each, in order, page by page")
async def pages_through_skus(rig: Rig) -> None:
    moved = [opening(f"k{name}", 1, sku=Sku(name)) for name in ("b", "a", "B", "c")]
    listed = [
        listing("1", sku=Sku("a")),
        listing("2", sku=Sku("aa"), presence=Presence.GONE),
        listing("3", sku=None),
        listing("1", store=TRADE, sku=Sku("aa")),
    ]
    await rig.ledger.commit(Commit(movements=moved, records=listed))
    assert await rig.ledger.search("", limit=9) == ["B", "a", "aa", "b", "c"]
    assert await rig.ledger.search("", limit=2) == ["B", "a"]
    assert await rig.ledger.search("", offset=2, limit=2) == ["aa", "b"]
    assert await rig.ledger.search("", offset=5, limit=2) == []
    assert await rig.ledger.search("", after="a", limit=2) == ["aa", "b"]
    assert await rig.ledger.search("A", after="A", offset=1, limit=9) == ["aa"]


@clause("L71", "a search takes every letter as itself, but A to Z as small ones")
async def searches_plainly(rig: Rig) -> None:
    names = ["MUG-Red", "mug%", "mu_g", "É-1", "é-1", "x'; --", "\n🫖", "ſ"]
    moved = [opening(f"k{name}", 1, sku=Sku(name)) for name in names]
    await rig.ledger.commit(Commit(movements=moved))
    for text, found in (
        ("mUg", ["MUG-Red", "mug%"]),
        ("%", ["mug%"]),
        ("_", ["mu_g"]),
        ("é", ["é-1"]),
        ("É", ["É-1"]),
        ("S", []),
        ("';", ["x'; --"]),
        ("\n", ["\n🫖"]),
        ("nothing", []),
    ):
        assert await rig.ledger.search(text, limit=9) == found, text
    with pytest.raises(ValueError, match="half a character"):
        await rig.ledger.search("a\0", limit=9)


@clause("L72", "movements are counted between moments by kind, from the first moment, not the last")
async def counts_movements_by_time(rig: Rig) -> None:
    for seconds, key, kind in (
        (-1, "k1", opening),
        (0, "k2", opening),
        (HOUR - 1, "k3", sale),
        (HOUR - 1, "k4", sale),
        (2 * HOUR, "k5", sale),
        (3 * HOUR, "k6", sale),
    ):
        rig.clock.time = after(seconds)
        await rig.ledger.commit(Commit(movements=[kind(key, 7, occurred_at=NOON)]))
    moments = [after(HOUR * at) for at in range(4)]
    assert await rig.ledger.activity(moments) == [
        Activity(began_at=moments[0], movements={"opening": 1, "sale": 2}),
        Activity(began_at=moments[1]),
        Activity(began_at=moments[2], movements={"sale": 1}),
    ]
    assert [at.movements for at in await rig.ledger.activity([after(9 * HOUR), after(10e6)])] == [
        {}
    ]


@clause("L73", "writes are counted where the run began that made them, of all its stores together")
async def counts_corrections_by_time(rig: Rig) -> None:
    moments = [NOON, after(HOUR), after(2 * HOUR)]
    assert await rig.ledger.activity(moments) == [
        Activity(began_at=began) for began, _ in pairwise(moments)
    ]
    two = ({"store": "shop", "confirmed": 3, "unknown": 1}, {"store": "trade", "confirmed": 4})
    await rig.ledger.commit(Commit(run=run("r1", started_at=after(-1), stores=two)))
    await rig.ledger.commit(Commit(run=run("r2", started_at=NOON, stores=two)))
    await rig.ledger.commit(Commit(run=run("r3", started_at=after(HOUR), stores=two[1:])))
    failed = ({"store": "shop", "failed": 2, "confirmed": 0},)
    await rig.ledger.commit(Commit(run=run("r4", started_at=after(HOUR + 1), stores=failed)))
    await rig.ledger.commit(Commit(run=run("r5", started_at=after(2 * HOUR), stores=two)))
    assert [at.corrections for at in await rig.ledger.activity(moments)] == [
        {"confirmed": 7, "unknown": 1},
        {"confirmed": 4, "failed": 2},
    ]


@clause("L75", "what wants watching: the fastest sellers since a moment, then what is nearly out")
async def finds_what_is_hot(rig: Rig) -> None:
    there = placed(MAIN_LOCATION)
    north = placed(LocationId("north"))
    begun = [
        opening("o1", 90, sku=Sku("slow")),
        opening("o2", 90, sku=Sku("fast")),
        opening("o3", 90, sku=Sku("faster")),
        opening("o4", 3, sku=Sku("few")),
        opening("o5", 4, sku=Sku("enough")),
        opening("o6", 1, sku=Sku("last")),
        opening("o7", 0, sku=Sku("none")),
        opening("o8", 1, sku=Sku("split")),
        opening("o9", 1, sku=Sku("split"), destination=north),
        sale("s0", 40, sku=Sku("slow")),
    ]
    rig.clock.time = after(-HOUR)
    await rig.ledger.commit(Commit(movements=begun))
    kept: dict[str, Any] = {
        "kind": MovementKind.RESERVATION,
        "source": there,
        "destination": held(MAIN_LOCATION),
    }
    sold = [
        sale("s1", 4, sku=Sku("slow")),
        sale("s2", 5, sku=Sku("fast")),
        sale("s3", 3, sku=Sku("faster")),
        sale("s4", 3, sku=Sku("faster")),
        sale("s5", 5, sku=Sku("gone")),
        sale("k1", 1, sku=Sku("few"), **kept),
    ]
    rig.clock.time = NOON
    await rig.ledger.commit(Commit(movements=sold))
    asked: dict[str, Any] = {"nearly_out": 3, "since": NOON, "sold": 5}
    everything = ["faster", "fast", "gone", "last", "split", "few"]
    assert await rig.ledger.hot(**asked, limit=9) == everything
    assert await rig.ledger.hot(**asked, limit=2) == everything[:2]
    assert await rig.ledger.hot(**asked, limit=5) == everything[:5]
    asked = {"nearly_out": 0, "since": after(1), "sold": 5}
    assert await rig.ledger.hot(**asked, limit=9) == []


@clause("L74", "the writes to one listing come newest first, whatever became of them")
async def newest_writes_first(rig: Rig) -> None:
    kept = [
        intent("i1", state=IntentState.CONFIRMED, resolved_at=after(5)),
        intent("i3", state=IntentState.REJECTED, created_at=after(9)),
        intent("i2", state=IntentState.OPEN, created_at=after(9)),
    ]
    others = [intent("i4", "b"), intent("i5", store=TRADE)]
    await rig.ledger.commit(Commit(intents=[*kept, *others]))
    first = ListingId("a")
    assert [at.id for at in await rig.ledger.writes(SHOP, first, 9)] == ["i3", "i2", "i1"]
    assert await rig.ledger.writes(SHOP, first, 2) == kept[1:]
    assert await rig.ledger.writes(TRADE, ListingId("b"), 9) == []
