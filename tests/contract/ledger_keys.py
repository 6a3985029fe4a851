"""The ledger's clauses about finding one's place again: after a SKU, and by a movement's key."""

from stocksync.contracts.ledger import Commit
from stocksync.domain.identifiers import Sku
from tests.contract.ledger_clauses import clause
from tests.contract.ledger_examples import after, listing, opening, sale
from tests.contract.ledger_rigs import Rig


@clause("L80", "a search goes on after a SKU, whether or not that SKU is there, before it skips")
async def goes_on_after(rig: Rig) -> None:
    moved = [opening(f"k{name}", 1, sku=Sku(name)) for name in ("B", "a", "b")]
    listed = [listing("1", sku=Sku("aa")), listing("2", sku=None)]
    await rig.ledger.commit(Commit(movements=moved, records=listed))
    assert await rig.ledger.search("", after="B", limit=9) == ["a", "aa", "b"]
    assert await rig.ledger.search("", after="aZ", limit=9) == ["aa", "b"]
    assert await rig.ledger.search("B", after="B", limit=9) == ["b"]
    assert await rig.ledger.search("", after="B", offset=1, limit=1) == ["aa"]
    assert await rig.ledger.search("", after="b", limit=9) == []


@clause("L81", "a movement is found by its key, exactly as it was booked")
async def finds_by_key(rig: Rig) -> None:
    rig.clock.time = after(7)
    first, second = opening("k1", 10), sale("K1", 3)
    await rig.ledger.commit(Commit(movements=[first, second]))
    found = await rig.ledger.booked("K1")
    assert found is not None
    assert (found.number, found.recorded_at, found.movement) == (2, after(7), second)
    assert found in await rig.ledger.history(second.sku)
    assert await rig.ledger.booked("k2") is None
    assert await rig.ledger.booked("") is None
