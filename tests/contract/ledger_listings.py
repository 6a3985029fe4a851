"""The ledger's clauses about listings: versions, marks, own values, and what is counted."""

import asyncio
from dataclasses import replace

import pytest

from stocksync.contracts.ledger import Commit, IntentState, Ledger
from stocksync.domain.identifiers import ListingId, Sku
from stocksync.domain.stock import Counted, Gap, NotCounted, Offered, Presence
from stocksync.domain.stories import OwnWrite, Story
from stocksync.errors import LedgerError, StaleLevel
from tests.contract.ledger_clauses import clause
from tests.contract.ledger_examples import (
    BOWL,
    MUG,
    NOON,
    SHOP,
    TRADE,
    after,
    intent,
    listing,
    opening,
    run,
    sale,
    says_everything,
)
from tests.contract.ledger_rigs import Rig

A, B, C, D = (ListingId(name) for name in "abcd")
LATE = OwnWrite("i1", 1, NOON)


@clause("L20", "a listing comes back as it was written, its version one higher")
async def listings_come_back(rig: Rig) -> None:
    written = [
        listing("a"),
        listing(
            "b",
            code="  mug ",
            sku=None,
            group="g",
            title="Teller “blau” 🫖",
            presence=Presence.GONE,
            quarantine="near_twin",
            reading=Counted(-(2**40), after(0.123456)),
            baseline=2**40,
            settled=True,
            due_since=after(1),
            attempts=3,
            retry_at=after(2.5),
            unexplained=frozenset({Story(3), Story(-1, 2, frozenset({"i1", "i2"})), Story(0)}),
            unexplained_since=after(3),
            missed=1,
        ),
        listing("c", reading=Offered(on=True, read_at=NOON), baseline=0),
        listing("d", reading=Offered(on=False, read_at=NOON)),
        listing("e", reading=NotCounted(Gap.UNREADABLE, "1,5'\"", NOON)),
        listing("f", reading=NotCounted(Gap.UNTRACKED, "", NOON)),
    ]
    # The two that a ledger works out itself are the only ones that no example has to say.
    assert says_everything(replace(written[1], version=1, unanswered=frozenset({LATE})), *written)
    await rig.ledger.commit(Commit(records=written))
    found = await rig.ledger.records(SHOP)
    assert found == {at.listing: replace(at, version=1) for at in written}
    read_at = getattr(found[B].reading, "read_at", None)
    assert str(read_at) == "2026-11-23 12:00:00.123456+00:00"


@clause("L21", "only the listings asked for come back, and absent ones are absent")
async def asks_for_some(rig: Rig) -> None:
    await rig.ledger.commit(Commit(records=[listing("a"), listing("b"), listing("c", store=TRADE)]))
    assert set(await rig.ledger.records(SHOP, [A, C, D])) == {A}
    assert await rig.ledger.records(SHOP, []) == {}
    assert set(await rig.ledger.records(SHOP)) == {A, B}
    assert set(await rig.ledger.records(TRADE)) == {C}


@clause("L22", "a listing that changed since it was read refuses the whole commit")
async def stale_version_writes_nothing(rig: Rig) -> None:
    await rig.ledger.commit(Commit(records=[listing("a"), listing("b")]))
    await rig.ledger.commit(Commit(records=[listing("a", version=1, baseline=7)]))
    stale = Commit(
        movements=[opening("k1", 5)],
        records=[listing("b", version=1, baseline=9), listing("a", version=1, baseline=8)],
        intents=[intent("i1")],
        run=run("r1"),
    )
    with pytest.raises(StaleLevel):
        await rig.ledger.commit(stale)
    found = await rig.ledger.records(SHOP)
    assert {name: (at.version, at.baseline) for name, at in found.items()} == {
        A: (2, 7),
        B: (1, None),
    }
    assert (await rig.ledger.skus(), await rig.ledger.intents(), await rig.ledger.runs()) == (
        [],
        [],
        [],
    )


@clause("L23", "a new listing must not exist yet")
async def new_listing_is_new(rig: Rig) -> None:
    await rig.ledger.commit(Commit(records=[listing("a", baseline=1)]))
    for records in ([listing("b"), listing("a", baseline=2)], [listing("c"), listing("c")]):
        with pytest.raises(StaleLevel):
            await rig.ledger.commit(Commit(movements=[opening("k1", 1)], records=records))
    assert (await rig.ledger.records(SHOP))[A].baseline == 1
    assert (set(await rig.ledger.records(SHOP)), await rig.ledger.skus()) == ({A}, [])


@clause("L24", "of two that write the same listing at once, one wins and the other decides again")
async def one_writer_wins(rig: Rig) -> None:
    await rig.ledger.commit(Commit(records=[listing("a")]))
    ledgers = [rig.ledger, await rig.another()]

    async def write(number: int, ledger: Ledger) -> str:
        mine = Commit(
            movements=[opening(f"k{number}", 1)],
            records=[listing("a", version=1, baseline=number)],
        )
        try:
            await ledger.commit(mine)
        except LedgerError as error:
            return type(error).__name__
        return "won"

    outcomes = await asyncio.gather(*(write(at, ledgers[at % 2]) for at in range(6)))
    assert sorted(outcomes) == ["StaleLevel"] * 5 + ["won"]
    winner = outcomes.index("won")
    found = (await rig.ledger.records(SHOP))[A]
    assert (found.baseline, found.version) == (winner, 2)
    assert [at.movement.key for at in await rig.ledger.history(MUG)] == [f"k{winner}"]


@clause("L25", "listings of SKUs that moved become due, except those the commit writes itself")
async def marks_due(rig: Rig) -> None:
    names = [listing("a"), listing("b"), listing("c", store=TRADE), listing("d", sku=BOWL)]
    await rig.ledger.commit(Commit(records=[*names, listing("e", store=TRADE, sku=None)]))
    await rig.ledger.commit(
        Commit(
            movements=[sale("k1", 1)],
            records=[listing("a", version=1)],
            due_skus={MUG},
            due_listings={(TRADE, ListingId("e")), (SHOP, A), (SHOP, ListingId("none"))},
            due_since=after(1),
        )
    )
    assert {at.listing: at.due_since for at in await rig.ledger.due(SHOP)} == {B: after(1)}
    assert [at.listing for at in await rig.ledger.due(TRADE)] == ["c", "e"]


@clause("L26", "a mark is never lost: an older one stays, and who read before it must read again")
async def marks_survive(rig: Rig) -> None:
    await rig.ledger.commit(Commit(records=[listing("a")]))
    before = (await rig.ledger.records(SHOP))[A]
    for seconds in (1, 2):
        await rig.ledger.commit(Commit(due_skus={MUG}, due_since=after(seconds)))
        with pytest.raises(StaleLevel):
            await rig.ledger.commit(Commit(records=[before]))
        [before] = await rig.ledger.due(SHOP)
    assert (before.due_since, before.version) == (after(1), 3)
    await rig.ledger.commit(Commit(records=[listing("a", version=3)]))
    assert await rig.ledger.due(SHOP) == []


@clause("L27", "the longest waiting listing is due first")
async def due_in_order(rig: Rig) -> None:
    waits = {"a": 3, "b": 1, "c": 2, "d": 2}
    records = [listing(name, due_since=after(at)) for name, at in waits.items()]
    other = [listing("e"), listing("f", store=TRADE, due_since=after(0))]
    await rig.ledger.commit(Commit(records=[*records, *other]))
    assert [at.listing for at in await rig.ledger.due(SHOP)] == ["b", "c", "d", "a"]


@clause("L28", "a write without an answer is known with its listing until it is resolved")
async def own_values_follow_intents(rig: Rig) -> None:
    records = [listing("a", due_since=NOON), listing("b"), listing("a", store=TRADE)]
    await rig.ledger.commit(Commit(records=records))
    unknown = [
        intent("i1", target=4, state=IntentState.UNKNOWN, created_at=after(0.25)),
        intent("i2", target=-6, state=IntentState.UNKNOWN, created_at=after(1)),
        intent("i3", target=9),
    ]
    await rig.ledger.commit(Commit(intents=unknown))
    found = await rig.ledger.records(SHOP, [A, B])
    own = frozenset({OwnWrite("i1", 4, after(0.25)), OwnWrite("i2", -6, after(1))})
    assert {name: at.unanswered for name, at in found.items()} == {A: own, B: frozenset()}
    assert found[A].own_values == {4, -6}
    assert (await rig.ledger.records(TRADE))[A].unanswered == frozenset()
    for asked in (
        (await rig.ledger.records(SHOP))[A],
        (await rig.ledger.due(SHOP))[0],
        (await rig.ledger.records_of([MUG]))[0],
    ):
        assert asked.unanswered == own
    await rig.ledger.commit(Commit(intents=[intent("i1", state=IntentState.SETTLED)]))
    assert (await rig.ledger.records(SHOP))[A].own_values == {-6}
    await rig.ledger.commit(Commit(records=[listing("a", version=1, unanswered=frozenset({LATE}))]))
    assert (await rig.ledger.records(SHOP))[A].own_values == {-6}


@clause("L29", "the listings of a SKU come from all stores, ordered by store and listing")
async def listings_of_a_sku(rig: Rig) -> None:
    mugs = [listing("b", store=TRADE), listing("a", store=TRADE), listing("z")]
    await rig.ledger.commit(Commit(records=[*mugs, listing("y", sku=BOWL), listing("x", sku=None)]))
    found = await rig.ledger.records_of([MUG, Sku("NONE")])
    assert [at.key for at in found] == [(SHOP, "z"), (TRADE, "a"), (TRADE, "b")]
    assert await rig.ledger.records_of([]) == []


@clause("L30", "identities and counts are of present listings only")
async def counts_present(rig: Rig) -> None:
    await rig.ledger.commit(
        Commit(
            records=[
                listing("a", code="m-1", baseline=5),
                listing("b", sku=None, baseline=0),
                listing("c", baseline=-1),
                listing("d"),
                listing("e", baseline=5, presence=Presence.ABSENT),
                listing("f", baseline=5, presence=Presence.GONE),
                listing("a", store=TRADE, baseline=5),
            ]
        )
    )
    assert sorted(await rig.ledger.identities(SHOP), key=lambda at: at[0]) == [
        ("a", "m-1", "MUG"),
        ("b", None, None),
        ("c", None, "MUG"),
        ("d", None, "MUG"),
    ]
    assert await rig.ledger.counts(SHOP) == (4, 3, 1)
    assert await rig.ledger.counts(TRADE) == (1, 1, 1)


@clause("L31", "states are counted as one listing's state is named, the gravest first")
async def counts_states(rig: Rig) -> None:
    unreadable = NotCounted(Gap.UNREADABLE, "?", NOON)
    untracked = NotCounted(Gap.UNTRACKED, "", NOON)
    await rig.ledger.commit(
        Commit(
            records=[
                listing("a"),
                listing("b", reading=Counted(1, NOON)),
                listing("c", sku=None),
                listing("d", reading=untracked, sku=None),
                listing("e", reading=unreadable),
                listing("f", reading=unreadable, quarantine="duplicate"),
                listing("g", quarantine="duplicate", presence=Presence.ABSENT),
                listing("h", presence=Presence.GONE),
                listing("a", store=TRADE),
            ]
        )
    )
    of_shop = ("unlinked", "untracked", "unreadable", "quarantined", "absent", "gone")
    assert await rig.ledger.states() == {
        (SHOP, "linked"): 2,
        (TRADE, "linked"): 1,
        **dict.fromkeys([(SHOP, state) for state in of_shop], 1),
    }
