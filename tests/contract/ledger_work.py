"""The ledger's clauses about work: intents, holds, runs, stores and leases."""

from dataclasses import replace

import pytest

from stocksync.contracts.ledger import Commit, HoldState, IntentState, Lease, StoreRecord
from stocksync.errors import LeaseLost, StaleLevel
from tests.contract.ledger_clauses import clause
from tests.contract.ledger_examples import (
    MUG,
    NOON,
    SHOP,
    TRADE,
    after,
    hold,
    intent,
    listing,
    opening,
    run,
    says_everything,
)
from tests.contract.ledger_rigs import Rig

ALL_HOLDS = tuple(HoldState)
UNKNOWN, OPEN, CONFIRMED = IntentState.UNKNOWN, IntentState.OPEN, IntentState.CONFIRMED


@clause("L40", "at most one write per listing is open; the second decides again")
async def one_open_intent(rig: Rig) -> None:
    await rig.ledger.commit(Commit(intents=[intent("i1", "a"), intent("i2", "b")]))
    second = Commit(movements=[opening("k1", 1)], intents=[intent("i4", "c"), intent("i3", "a")])
    with pytest.raises(StaleLevel):
        await rig.ledger.commit(second)
    with pytest.raises(StaleLevel):
        await rig.ledger.commit(Commit(intents=[intent("i5", "d"), intent("i6", "d")]))
    assert [at.id for at in await rig.ledger.intents()] == ["i1", "i2"]
    assert await rig.ledger.skus() == []
    other_store = intent("i7", "a", store=TRADE)
    unknown = intent("i8", "a", state=UNKNOWN)
    assert await rig.ledger.commit(Commit(intents=[other_store, unknown])) == 0


@clause("L41", "an open write makes room for the next one in the same commit, in any order")
async def intent_makes_room(rig: Rig) -> None:
    await rig.ledger.commit(Commit(intents=[intent("i1")]))
    old = intent("i1", state=IntentState.SUPERSEDED, resolved_at=after(1), detail="newer")
    await rig.ledger.commit(Commit(intents=[intent("i2", target=7), old]))
    assert [(at.id, at.target) for at in await rig.ledger.intents()] == [("i2", 7)]
    assert says_everything(old)
    assert await rig.ledger.intents(states=[IntentState.SUPERSEDED]) == [old]


@clause("L42", "what a write is about is fixed; only what became of it changes")
async def intents_keep_their_content(rig: Rig) -> None:
    await rig.ledger.commit(Commit(intents=[intent("i1", target=4)]))
    changed = intent("i1", target=99, state=CONFIRMED, resolved_at=after(1), detail="seen")
    await rig.ledger.commit(Commit(intents=[changed]))
    [found] = await rig.ledger.intents(states=[CONFIRMED])
    assert found == intent("i1", target=4, state=CONFIRMED, resolved_at=after(1), detail="seen")


@clause("L43", "intents are found by store and state, oldest first; unasked, those not resolved")
async def finds_intents(rig: Rig) -> None:
    written = [
        intent("i1", "a", created_at=after(3)),
        intent("i2", "b", created_at=after(1), state=UNKNOWN),
        intent("i3", "c", created_at=after(2), store=TRADE),
        intent("i4", "d", created_at=after(0), state=CONFIRMED),
    ]
    await rig.ledger.commit(Commit(intents=written))
    assert [at.id for at in await rig.ledger.intents()] == ["i2", "i3", "i1"]
    assert [at.id for at in await rig.ledger.intents(SHOP)] == ["i2", "i1"]
    both = await rig.ledger.intents(SHOP, [CONFIRMED, UNKNOWN])
    assert [at.id for at in both] == ["i4", "i2"]
    assert both[1] == written[1]


@clause("L44", "a hold is found by a unique beginning of its name, the newest of that name")
async def finds_holds(rig: Rig) -> None:
    first = hold("abc123", state=HoldState.WITHDRAWN, decided_at=after(1), decided_by="ann")
    await rig.ledger.commit(Commit(holds=[first, hold("abd999"), hold("%")]))
    newest = hold("abc123", reason="again", created_at=after(9))
    await rig.ledger.commit(Commit(holds=[newest]))
    assert await rig.ledger.hold("abc123") == newest
    assert await rig.ledger.hold("abc") == newest
    for ambiguous_or_unknown in ("ab", "", "ABC123", "abc1234", "_"):
        assert await rig.ledger.hold(ambiguous_or_unknown) is None
    await rig.ledger.commit(Commit(holds=[hold("abc")]))
    assert await rig.ledger.hold("abc") == hold("abc")


@clause("L45", "a decision changes the hold that waits for it; decided finally, it waits no more")
async def decides_holds(rig: Rig) -> None:
    def decided(state: HoldState, seconds: float) -> Commit:
        by = {"state": state, "decided_at": after(seconds), "decided_by": "ann"}
        return Commit(holds=[hold("h1", reason="other words", **by)])

    await rig.ledger.commit(Commit(holds=[hold("h1"), hold("h2", store=TRADE)]))
    await rig.ledger.commit(Commit(holds=[hold("h1", reason="told twice")]))
    await rig.ledger.commit(decided(HoldState.REJECTED, 0))
    assert [at.hash for at in await rig.ledger.holds(SHOP, [HoldState.REJECTED])] == ["h1"]
    await rig.ledger.commit(decided(HoldState.APPROVED, 1))
    await rig.ledger.commit(decided(HoldState.APPLIED, 2))
    assert [at.hash for at in await rig.ledger.holds()] == ["h2"]
    applied = hold("h1", state=HoldState.APPLIED, decided_at=after(2), decided_by="ann")
    assert says_everything(applied)
    assert await rig.ledger.holds(SHOP, ALL_HOLDS) == [applied]
    again = hold("h1", created_at=after(9))
    await rig.ledger.commit(Commit(holds=[again]))
    assert await rig.ledger.holds(SHOP, ALL_HOLDS) == [applied, again]
    assert await rig.ledger.holds(SHOP) == [again]


@clause("L51", "what was decided about a hold that is no more as it was read is not written at all")
async def decides_what_was_read(rig: Rig) -> None:
    first, other = hold("h1"), hold("h2", store=TRADE)
    await rig.ledger.commit(Commit(holds=[first, other]))
    no = hold("h1", state=HoldState.REJECTED, decided_at=after(1.000001), decided_by="ann")
    yes = hold("h1", state=HoldState.APPROVED, decided_at=after(2), decided_by="bob")
    await rig.ledger.commit(Commit(holds=[no], as_read=[first]))
    for read in (first, hold("h1", store=TRADE), replace(no, decided_by="bob")):
        late = Commit(movements=[opening("k1", 5)], holds=[yes, other], as_read=[other, read])
        with pytest.raises(StaleLevel):
            await rig.ledger.commit(late)
    assert await rig.ledger.holds(None, ALL_HOLDS) == [no, other]
    assert await rig.ledger.skus() == []
    await rig.ledger.commit(Commit(holds=[yes], as_read=[no]))
    over = replace(yes, state=HoldState.APPLIED)
    await rig.ledger.commit(Commit(holds=[over], as_read=[yes]))
    with pytest.raises(StaleLevel):
        await rig.ledger.commit(Commit(holds=[no], as_read=[yes]))
    assert await rig.ledger.holds(SHOP, ALL_HOLDS) == [over]


@clause("L46", "runs come newest first, each as it was last written")
async def runs_newest_first(rig: Rig) -> None:
    outcome = {"store": "shop", "outcome": "ok", "readings": 3, "error": "é🫖"}
    for name, seconds in (("r1", 1), ("r3", 3), ("r2", 2)):
        await rig.ledger.commit(Commit(run=run(name, started_at=after(seconds))))
    finished = run(
        "r1",
        started_at=after(1),
        finished_at=after(9),
        outcome="failed",
        stores=(dict(outcome),),
        error="refused",
    )
    assert says_everything(finished)
    expected = replace(finished, stores=(dict(outcome),))
    await rig.ledger.commit(Commit(run=finished))
    finished.stores[0].clear()  # type: ignore[attr-defined] # the caller's own, not the books'
    assert [at.id for at in await rig.ledger.runs()] == ["r3", "r2", "r1"]
    assert [at.id for at in await rig.ledger.runs(limit=2)] == ["r3", "r2"]
    assert await rig.ledger.run("r1") == expected
    assert await rig.ledger.run("none") is None


@clause("L47", "a store is remembered beside its lease; an unknown one is blank")
async def remembers_stores(rig: Rig) -> None:
    assert await rig.ledger.store(SHOP) == StoreRecord(store=SHOP)
    lease = await rig.ledger.acquire(SHOP, holder="one", now=NOON, until=after(60))
    assert await rig.ledger.store(SHOP) == StoreRecord(store=SHOP)
    for failures in (1, 2):
        known = StoreRecord(
            store=SHOP,
            last_pull_at=after(1),
            last_push_at=after(2),
            last_sweep_at=after(3),
            failures=failures,
            last_error="refused",
            rules_fingerprint="f00",
            links_fingerprint="ba5",
            feed_from=after(4),
            feed_at=after(5),
            delay_seconds=6,
        )
        assert says_everything(known)
        await rig.ledger.commit(Commit(store=known, lease=lease))
        assert await rig.ledger.store(SHOP) == known
    assert await rig.ledger.lease_holder(SHOP) == "one"
    assert await rig.ledger.store(TRADE) == StoreRecord(store=TRADE)


@clause("L48", "one runner at a time has a store: until it ends, or gives it back")
async def one_holder(rig: Rig) -> None:
    assert await rig.ledger.lease_holder(SHOP) == ""
    first = await rig.ledger.acquire(SHOP, holder="one", now=NOON, until=after(60))
    assert first == Lease(store=SHOP, epoch=1)
    other = await rig.another()
    assert await other.acquire(SHOP, holder="two", now=after(60), until=after(99)) is None
    assert await other.acquire(TRADE, holder="two", now=NOON, until=after(99)) is not None
    assert await rig.ledger.lease_holder(SHOP) == "one"
    rig.clock.time = after(61)
    assert await rig.ledger.lease_holder(SHOP) == ""
    second = await other.acquire(SHOP, holder="two", now=after(61), until=after(99))
    assert second == Lease(store=SHOP, epoch=2)
    await other.release(second)
    assert await rig.ledger.lease_holder(SHOP) == ""
    third = await rig.ledger.acquire(SHOP, holder="one", now=after(62), until=after(99))
    assert third == Lease(store=SHOP, epoch=3)


@clause("L49", "a commit under an old epoch is refused, and nothing of it is written")
async def old_epoch_is_fenced(rig: Rig) -> None:
    paused = await rig.ledger.acquire(SHOP, holder="one", now=NOON, until=after(60))
    assert paused is not None
    booked = Commit(movements=[opening("k1", 1)], lease=paused)
    assert await rig.ledger.commit(booked) == 1
    current = await rig.ledger.acquire(SHOP, holder="one", now=NOON, until=after(60))
    late = Commit(movements=[opening("k2", 1)], records=[listing("a")], lease=paused)
    with pytest.raises(LeaseLost):
        await rig.ledger.commit(late)
    assert [at.movement.key for at in await rig.ledger.history(MUG)] == ["k1"]
    assert await rig.ledger.records(SHOP) == {}
    late.lease = current
    assert await rig.ledger.commit(late) == 1
    never = Commit(movements=[opening("k3", 1)], lease=Lease(store=TRADE, epoch=1))
    with pytest.raises(LeaseLost):
        await rig.ledger.commit(never)


@clause("L50", "a lease is kept or given back only by who has it")
async def only_holder_changes_lease(rig: Rig) -> None:
    old = await rig.ledger.acquire(SHOP, holder="one", now=NOON, until=after(10))
    assert old is not None
    assert await rig.ledger.renew(old, until=after(20))
    assert await rig.ledger.acquire(SHOP, holder="two", now=after(15), until=after(30)) is None
    new = await rig.ledger.acquire(SHOP, holder="two", now=after(21), until=after(30))
    assert new is not None
    assert not await rig.ledger.renew(old, until=after(99))
    await rig.ledger.release(old)
    assert await rig.ledger.lease_holder(SHOP) == "two"
    await rig.ledger.release(new)
    assert not await rig.ledger.renew(new, until=after(99))
    with pytest.raises(LeaseLost):
        await rig.ledger.commit(Commit(movements=[opening("k1", 1)], lease=new))
