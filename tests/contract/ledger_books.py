"""The ledger's clauses about books: movements, levels, proof."""

from typing import Any

import pytest

from stocksync.contracts.ledger import Commit
from stocksync.domain.identifiers import MAIN_LOCATION, LocationId, Sku
from stocksync.domain.movements import Account, MovementKind, at, held, suspense
from stocksync.domain.stock import StockLevel
from stocksync.errors import LedgerBroken
from tests.contract.ledger_clauses import clause
from tests.contract.ledger_examples import (
    BOWL,
    HERE,
    MUG,
    NOON,
    SHOP,
    SOLD,
    TRADE,
    after,
    listing,
    opening,
    run,
    sale,
    says_everything,
)
from tests.contract.ledger_rigs import Rig

ATTIC = LocationId("attic")


@clause("L01", "a key books once, in one commit and in the next")
async def books_once(rig: Rig) -> None:
    first, again = opening("k1", 10), opening("k1", 10)
    assert await rig.ledger.commit(Commit(movements=[first, again, sale("k2", 3)])) == 2
    assert await rig.ledger.commit(Commit(movements=[first, sale("k3", 1)])) == 1
    assert await rig.ledger.commit(Commit(movements=[again])) == 0
    assert await rig.ledger.totals() == {Account("opening"): -10, HERE: 6, SOLD: 4}


@clause("L02", "a key that comes back with another content breaks the ledger, and books nothing")
async def refuses_other_content(rig: Rig) -> None:
    await rig.ledger.commit(Commit(movements=[opening("k1", 10)]))
    for other in (
        opening("k1", 11),
        opening("k1", 10, sku=BOWL),
        opening("k1", 10, source=Account("counted:x")),
        opening("k1", 10, destination=at(ATTIC)),
    ):
        with pytest.raises(LedgerBroken):
            await rig.ledger.commit(Commit(movements=[sale("k9", 1), other]))
    assert await rig.ledger.totals() == {Account("opening"): -10, HERE: 10}


@clause("L03", "a level is what the movements left at a location, held units included")
async def levels_are_folds(rig: Rig) -> None:
    reserve: dict[str, Any] = {"kind": MovementKind.RESERVATION, "destination": held(MAIN_LOCATION)}
    unclear: dict[str, Any] = {"destination": suspense(SHOP), "kind": MovementKind.SUSPENSE}
    await rig.ledger.commit(Commit(movements=[opening("k1", 10), sale("k2", 3)]))
    await rig.ledger.commit(Commit(movements=[sale("k3", 2, **reserve), sale("k4", 1, **unclear)]))
    await rig.ledger.commit(Commit(movements=[opening("k5", 4, destination=at(ATTIC))]))
    assert await rig.ledger.levels([MUG, BOWL]) == {
        MUG: {
            MAIN_LOCATION: StockLevel(on_hand=6, reserved=2),
            ATTIC: StockLevel(on_hand=4, reserved=0),
        }
    }


@clause("L04", "a SKU's history comes newest first, numbered, dated, and as it was booked")
async def history_is_newest_first(rig: Rig) -> None:
    named = sale("k2", 3, store=SHOP, listing="a", document="order 7", reason="sold", run="r1")
    assert says_everything(named)
    await rig.ledger.commit(Commit(movements=[opening("k1", 10), opening("x", 1, sku=BOWL)]))
    rig.clock.time = after(60)
    await rig.ledger.commit(Commit(movements=[named]))
    booked = await rig.ledger.history(MUG)
    assert [at.movement for at in booked] == [named, opening("k1", 10)]
    assert [(at.number, at.recorded_at) for at in booked] == [(3, after(60)), (1, NOON)]
    assert len({at.seal for at in booked}) == 2
    assert [at.number for at in await rig.ledger.history(MUG, limit=1)] == [3]
    assert await rig.ledger.history(Sku("NONE")) == []


@clause("L05", "what was booked is never changed or removed")
async def never_crosses_out(rig: Rig) -> None:
    await rig.ledger.commit(Commit(movements=[opening("k1", 10), sale("k2", 3)]))
    booked = tuple(await rig.ledger.history(MUG))
    (await rig.ledger.history(MUG)).clear()
    for statement in (
        "UPDATE movements SET units = 9 WHERE number = 1",
        "UPDATE movements SET reason = 'tidied up'",
        "DELETE FROM movements WHERE number = 2",
    ):
        if rig.execute:
            with pytest.raises(Exception, match="the ledger never crosses out"):
                rig.execute(statement)
    assert tuple(await rig.ledger.history(MUG)) == booked


@clause("L06", "every SKU that ever moved is listed once, in order of its characters")
async def skus_in_order(rig: Rig) -> None:
    hostile = ["a", "B", "a ", "A", "é", "e\u0301", "'; --", "%", "_", "🫖", "", "0" * 255]
    names = [Sku(name) for name in hostile if name]
    moves = [opening(f"k{name}", 1, sku=name) for name in names]
    await rig.ledger.commit(Commit(movements=[*moves, sale("again", 1, sku=Sku("a"))]))
    assert await rig.ledger.skus() == sorted(names)
    levels = await rig.ledger.levels(names)
    assert {sku: levels[sku][MAIN_LOCATION].on_hand for sku in names} == {
        name: 0 if name == "a" else 1 for name in names
    }


@clause("L07", "oversold units are those below zero, of each SKU over all its locations")
async def counts_oversold(rig: Rig) -> None:
    moves = [sale("k1", 5), opening("k2", 3, destination=at(ATTIC))]
    plenty = [opening("k3", 9, sku=BOWL), sale("k4", 2, sku=Sku("CUP"))]
    assert await rig.ledger.oversold() == 0
    await rig.ledger.commit(Commit(movements=[*moves, *plenty]))
    assert await rig.ledger.oversold() == 2 + 2


@clause("L08", "sound books are found sound")
async def verifies_sound_books(rig: Rig) -> None:
    assert (await rig.ledger.verify()).sound
    await rig.ledger.commit(Commit(movements=[opening("k1", 10), opening("k2", 1, sku=BOWL)]))
    rig.clock.time = after(0.5)
    await (await rig.another()).commit(Commit(movements=[sale("k3", 3, occurred_at=after(-0.25))]))
    verdict = await rig.ledger.verify()
    assert (verdict.movements, verdict.skus, verdict.sound) == (3, 2, True)


@clause("L09", "a balance that somebody changed is found")
async def finds_changed_balance(rig: Rig) -> None:
    await rig.ledger.commit(Commit(movements=[opening("k1", 10), opening("k2", 1, sku=BOWL)]))
    rig.change_balance(MUG, HERE, 11)
    verdict = await rig.ledger.verify()
    assert (verdict.imbalances, verdict.broken_seals) == (("MUG",), ())
    assert verdict.mismatches == ("MUG loc:main: balance 11, movements 10",)
    assert not verdict.sound


@clause("L10", "a movement that somebody changed is found by its seal")
async def finds_changed_movement(rig: Rig) -> None:
    await rig.ledger.commit(Commit(movements=[opening("k1", 10), sale("k2", 3), sale("k3", 1)]))
    rig.change_movement(2, 4)
    assert (await rig.ledger.verify()).broken_seals == (2,)


@clause("L11", "a movement that somebody removed is found by the seal after it")
async def finds_removed_movement(rig: Rig) -> None:
    await rig.ledger.commit(Commit(movements=[opening("k1", 10), sale("k2", 3), sale("k3", 1)]))
    rig.remove_movement(2)
    assert (await rig.ledger.verify()).broken_seals == (3,)


@clause("L12", "an empty commit waits for nobody and writes nothing")
async def empty_commit_is_nothing(rig: Rig) -> None:
    with rig.locked():
        assert await rig.ledger.commit(Commit()) == 0
    assert await rig.ledger.runs() == []
    assert await rig.ledger.states() == {}
    assert (await rig.ledger.verify()).movements == 0


@clause("L13", "a time without a zone is refused, and nothing is written")
async def refuses_naive_times(rig: Rig) -> None:
    naive = NOON.replace(tzinfo=None)
    for broken in (
        Commit(movements=[opening("k1", 1)], records=[listing("a", due_since=naive)]),
        Commit(movements=[opening("k1", 1)], records=[listing("a", retry_at=naive)]),
        Commit(movements=[opening("k1", 1)], run=run("r1", started_at=naive)),
        Commit(movements=[opening("k1", 1)], due_skus={MUG}, due_since=naive),
    ):
        with pytest.raises(ValueError, match="zone"):
            await rig.ledger.commit(broken)
    with pytest.raises(ValueError, match="needs due_since"):
        await rig.ledger.commit(Commit(movements=[opening("k1", 1)], due_skus={MUG}))
    with pytest.raises(ValueError, match="zone"):
        await rig.ledger.acquire(TRADE, holder="one", now=naive, until=NOON)
    assert await rig.ledger.skus() == []


@clause("L14", "a text that not every database can keep is refused, and nothing is written")
async def refuses_unkeepable_text(rig: Rig) -> None:
    for name in ("a\0b", "half \ud83e"):
        for broken in (
            Commit(movements=[opening("k1", 1), opening("k2", 1, sku=Sku(name))]),
            Commit(movements=[opening("k1", 1)], records=[listing(name)]),
        ):
            with pytest.raises(ValueError, match="half a character"):
                await rig.ledger.commit(broken)
    assert await rig.ledger.skus() == []
