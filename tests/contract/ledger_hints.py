"""The ledger's clauses about hints: kept, counted, few, and gone once a look answered them."""

from dataclasses import replace

import pytest

from stocksync.contracts.ledger import Commit, Lease
from stocksync.domain.hints import KEYS_MAX, WHOLE_STORE, Hint
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import Presence
from stocksync.errors import LeaseLost
from tests.contract.ledger_clauses import clause
from tests.contract.ledger_examples import NOON, SHOP, TRADE, after, listing, opening
from tests.contract.ledger_rigs import Rig


def hint(key: str, seconds: float = 0, *, times: int = 1, store: StoreId = SHOP) -> Hint:
    return Hint(store=store, key=key, received_at=after(seconds), times=times)


@clause("L60", "a hint said again is one hint, as first said, counted, and kept for others to see")
async def counts_hints(rig: Rig) -> None:
    await rig.ledger.hint([hint("b", 1), hint("a", 2), hint("b", 3)])
    await rig.ledger.hint([hint("b", 4, times=5), hint("b", 5, store=TRADE), hint("B", 6)])
    expected = [hint("B", 6), hint("a", 2), hint("b", 1, times=7)]
    assert await rig.ledger.hints(SHOP) == expected
    other = await rig.another()
    assert await other.hints() == [*expected, hint("b", 5, store=TRADE)]
    await rig.ledger.hint([])
    assert await rig.ledger.hints(SHOP) == expected


@clause("L61", "a hint for the whole store takes the place of every other of that store")
async def whole_store_is_enough(rig: Rig) -> None:
    await rig.ledger.hint([hint("a"), hint("b"), hint("a", store=TRADE)])
    await rig.ledger.hint([hint("c", 7), hint(WHOLE_STORE, 8, times=2)])
    assert await rig.ledger.hints(SHOP) == [hint(WHOLE_STORE, 7, times=3)]
    await rig.ledger.hint([hint("d", 9), hint("e", 9)])
    assert await rig.ledger.hints(SHOP) == [hint(WHOLE_STORE, 7, times=5)]
    assert await rig.ledger.hints(TRADE) == [hint("a", store=TRADE)]


@clause("L62", "a store that names too much has one hint, however much it goes on naming")
async def keeps_few_rows(rig: Rig) -> None:
    first = [hint(f"k{number}") for number in range(KEYS_MAX)]
    await rig.ledger.hint([*first, hint("a", store=TRADE)])
    assert len(await rig.ledger.hints(SHOP)) == KEYS_MAX
    await rig.ledger.hint([hint("k0", 1), hint("k1", 1)])
    assert len(await rig.ledger.hints(SHOP)) == KEYS_MAX
    await rig.ledger.hint([hint("k0", 2), hint("new", 2)])
    assert await rig.ledger.hints(SHOP) == [hint(WHOLE_STORE, 2, times=2)]
    await rig.ledger.hint(first)
    assert [at.key for at in await rig.ledger.hints(SHOP)] == [WHOLE_STORE]
    assert await rig.ledger.hints(TRADE) == [hint("a", store=TRADE)]


@clause("L63", "a commit lets the hints go that it answers, and keeps those said again since")
async def forgets_what_was_answered(rig: Rig) -> None:
    await rig.ledger.hint([hint("a"), hint("b"), hint("c"), hint("a", store=TRADE)])
    seen = await rig.ledger.hints(SHOP)
    await rig.ledger.hint([hint("b", 1), hint("d", 1)])
    assert await rig.ledger.commit(Commit(answered=[*seen, hint("gone")])) == 0
    left = [hint("b", times=2), hint("d", 1)]
    assert await rig.ledger.hints(SHOP) == left
    assert await rig.ledger.hints(TRADE) == [hint("a", store=TRADE)]


@clause("L64", "a commit that is refused answers nothing")
async def refused_commit_answers_nothing(rig: Rig) -> None:
    await rig.ledger.hint([hint("a")])
    never = Lease(store=TRADE, epoch=1)
    with pytest.raises(LeaseLost):
        await rig.ledger.commit(
            Commit(movements=[opening("k1", 1)], answered=[hint("a")], lease=never)
        )
    assert await rig.ledger.hints() == [hint("a")]


@clause("L65", "a hint without a zone, or with a key that not every database keeps, is refused")
async def refuses_odd_hints(rig: Rig) -> None:
    naive = replace(hint("a"), received_at=NOON.replace(tzinfo=None))
    for odd in (naive, hint("a\0b"), hint("\ud800")):
        with pytest.raises(ValueError, match=r"zone|half a character"):
            await rig.ledger.hint([hint("fine"), odd])
    assert await rig.ledger.hints() == []


@clause("L66", "a name finds listings of its store by id, code or group, exactly, also gone ones")
async def finds_by_name(rig: Rig) -> None:
    records = [
        listing("7:red", code="MUG-R", group="7"),
        listing("7:blue", code="mug-r", group="7"),
        listing("MUG-R", group="8"),
        listing("7", presence=Presence.GONE, group="9"),
        listing("70:red", group="70"),
        listing("7", store=TRADE, code="MUG-R"),
    ]
    await rig.ledger.commit(Commit(records=records))
    assert await rig.ledger.named(SHOP, ["7"]) == ["7", "7:blue", "7:red"]
    assert await rig.ledger.named(SHOP, {"MUG-R"}) == ["7:red", "MUG-R"]
    assert await rig.ledger.named(SHOP, ["70:red", "8", "none", ""]) == ["70:red", "MUG-R"]
    assert await rig.ledger.named(SHOP, []) == []
