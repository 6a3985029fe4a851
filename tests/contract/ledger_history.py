"""The ledger's clauses about looking back: what was booked since a moment, and what there was."""

from typing import Any

import pytest

from stocksync.contracts.history import PastMovement
from stocksync.contracts.ledger import Commit
from stocksync.domain.identifiers import MAIN_LOCATION, LocationId
from stocksync.domain.movements import MovementKind, at, held
from stocksync.domain.stock import StockLevel
from tests.contract.ledger_clauses import clause
from tests.contract.ledger_examples import BOWL, HERE, MUG, after, opening, sale
from tests.contract.ledger_rigs import Rig

NORTH = LocationId("north")


@clause("L82", "movements since a moment come in the order of the books, that moment included")
async def looks_back(rig: Rig) -> None:
    assert list(await rig.ledger.movements_since(after(0), limit=9)) == []
    moved = [opening("k1", 9), opening("k2", 0, sku=BOWL), sale("k3", 2), sale("k4", 1)]
    for seconds, movement in zip((-1, 0, 0, 7), moved, strict=True):
        rig.clock.time = after(seconds)
        await rig.ledger.commit(Commit(movements=[movement]))
    times = (after(0), after(0), after(7))
    booked = list(map(PastMovement, (2, 3, 4), times, moved[1:]))
    assert list(await rig.ledger.movements_since(after(0), limit=9)) == booked
    assert list(await rig.ledger.movements_since(after(1), limit=9)) == booked[2:]
    assert list(await rig.ledger.movements_since(after(7), limit=9)) == booked[2:]
    assert list(await rig.ledger.movements_since(after(8), limit=9)) == []
    everything = await rig.ledger.movements_since(after(-1e6), limit=9)
    assert [number for number, _, _ in everything] == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="time zone"):
        await rig.ledger.movements_since(after(0).replace(tzinfo=None), limit=9)


@clause("L83", "a look back goes on after a number, page by page, and never before the moment")
async def pages_through_the_past(rig: Rig) -> None:
    for seconds in range(6):
        rig.clock.time = after(seconds)
        await rig.ledger.commit(Commit(movements=[opening(f"k{seconds}", 1)]))

    async def numbers(*, after_number: int, limit: int) -> list[int]:
        page = await rig.ledger.movements_since(after(2), after=after_number, limit=limit)
        return [number for number, _, _ in page]

    assert await numbers(after_number=0, limit=2) == [3, 4]
    assert await numbers(after_number=1, limit=2) == [3, 4]
    assert await numbers(after_number=4, limit=1) == [5]
    assert await numbers(after_number=5, limit=9) == [6]
    assert await numbers(after_number=6, limit=9) == []


@clause("L84", "levels at a moment are what was booked before it, whatever was booked since")
async def knows_what_there_was(rig: Rig) -> None:
    kept: dict[str, Any] = {"kind": MovementKind.RESERVATION, "destination": held(MAIN_LOCATION)}
    steps = [
        (-9, [opening("k1", 10), opening("k2", 3, destination=at(NORTH))]),
        (0, [sale("k3", 2), sale("k4", 1, **kept), opening("k5", 0, sku=BOWL)]),
        (5, [sale("k6", 12, source=HERE)]),
    ]
    for seconds, movements in steps:
        rig.clock.time = after(seconds)
        await rig.ledger.commit(Commit(movements=movements))
    north = StockLevel(on_hand=3)
    for seconds, found in (
        (-10, {}),
        (-9, {}),
        (0, {MUG: {MAIN_LOCATION: StockLevel(on_hand=10), NORTH: north}}),
        (
            5,
            {
                MUG: {MAIN_LOCATION: StockLevel(on_hand=8, reserved=1), NORTH: north},
                BOWL: {MAIN_LOCATION: StockLevel()},
            },
        ),
    ):
        assert await rig.ledger.levels_at([MUG, BOWL], after(seconds)) == found, seconds
    assert await rig.ledger.levels_at([MUG, BOWL], after(6)) == await rig.ledger.levels([MUG, BOWL])
    assert set(await rig.ledger.levels_at([BOWL], after(6))) == {BOWL}
    assert await rig.ledger.levels_at([], after(6)) == {}
    with pytest.raises(ValueError, match="time zone"):
        await rig.ledger.levels_at([MUG], after(0).replace(tzinfo=None))
