"""Every ledger, every clause; and levels that equal the fold, whatever moved."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocksync.contracts.ledger import Commit
from stocksync.domain.identifiers import Sku
from stocksync.domain.movements import Account, Movement, MovementKind
from tests.contract.ledger_all import CLAUSES
from tests.contract.ledger_clauses import Clause
from tests.contract.ledger_examples import NOON
from tests.contract.ledger_rigs import Rig, memory_rig, postgres_rig, sqlite_rig

LEDGERS = ("memory", "sqlite", "postgres")


def rig_of(kind: str, folder: Path) -> AbstractAsyncContextManager[Rig]:
    match kind:
        case "memory":
            return memory_rig()
        case "sqlite":
            return sqlite_rig(folder)
        case _:
            return postgres_rig()


@pytest.fixture(params=LEDGERS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_of(request.param, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("clause", CLAUSES.values(), ids=CLAUSES)
async def test_ledger_keeps_clause(rig: Rig, clause: Clause) -> None:
    await clause.check(rig)


SKUS = st.sampled_from([Sku("MUG"), Sku("mug"), Sku("BOWL")])
ACCOUNTS = st.sampled_from(
    [Account(name) for name in ("loc:main", "loc:attic", "hold:main", "sold:shop", "suspense:shop")]
)
SIDES = st.tuples(ACCOUNTS, ACCOUNTS).filter(lambda sides: sides[0] != sides[1])
#: Key, SKU, both accounts and units; few keys, so that many of them come back.
MOVES = st.lists(st.tuples(st.integers(0, 12), SKUS, SIDES, st.integers(1, 9)), max_size=25)
Sides = tuple[Account, Account]
Moves = list[tuple[int, Sku, Sides, int]]


def as_movements(moves: Moves) -> Iterator[Movement]:
    for key, *_ in moves:
        # A key always means the same: what it meant first.
        _, sku, (source, destination), units = next(move for move in moves if move[0] == key)
        yield Movement(
            key=f"k{key}",
            sku=sku,
            kind=MovementKind.ADJUSTMENT,
            source=source,
            destination=destination,
            units=units,
            occurred_at=NOON,
        )


@pytest.mark.parametrize("kind", LEDGERS)
@settings(max_examples=8, deadline=None)
@given(moves=MOVES, cut=st.integers(0, 25))
def test_levels_equal_the_fold_of_what_moved_once(
    tmp_path_factory: pytest.TempPathFactory, kind: str, moves: Moves, cut: int
) -> None:
    movements = list(as_movements(moves))

    async def play() -> None:
        async with rig_of(kind, tmp_path_factory.mktemp("books")) as rig:
            await rig.ledger.commit(Commit(movements=movements[:cut]))
            await rig.ledger.commit(Commit(movements=movements[cut:]))
            once = {movement.key: movement for movement in movements}.values()
            totals = {name: 0 for at in once for name in (at.source, at.destination)}
            on_hand = {at.sku: {"main": 0, "attic": 0} for at in once}
            for at in once:
                totals[at.source] -= at.units
                totals[at.destination] += at.units
                for name, sign in ((at.source, -1), (at.destination, 1)):
                    if name.startswith(("loc:", "hold:")):
                        on_hand[at.sku][name.split(":")[1]] += sign * at.units
            assert await rig.ledger.totals() == totals
            levels = await rig.ledger.levels([Sku("MUG"), Sku("mug"), Sku("BOWL")])
            assert set(levels) == set(on_hand)
            for sku, expected in on_hand.items():
                found = {str(name): level.on_hand for name, level in levels[sku].items()}
                assert {name: found.get(name, 0) for name in expected} == expected
            verdict = await rig.ledger.verify()
            assert (verdict.sound, verdict.movements) == (True, len(once))

    asyncio.run(play())
