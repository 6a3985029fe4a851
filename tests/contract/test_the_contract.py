"""The contract is tested too: each mutant breaks one promise and is caught by that clause."""

import re

import pytest

from tests.contract.clauses import CLAUSES
from tests.contract.contract import census, numbers
from tests.contract.mutants import MUTANTS as STOCK_MUTANTS
from tests.contract.mutants import Bent, Mutant
from tests.contract.mutants_of_orders import ORDER_MUTANTS
from tests.contract.paging_clauses import BOUNDARIES, long_list, shift
from tests.contract.rigs import SHAPES, Rig, stand

MUTANTS = (*STOCK_MUTANTS, *ORDER_MUTANTS)
by_name = pytest.mark.parametrize(
    "mutant", MUTANTS, ids=[f"{each.clause}-{each.bend.__name__}" for each in MUTANTS]
)


@by_name
async def test_a_mutant_dies_by_its_own_clause_and_for_the_right_reason(mutant: Mutant) -> None:
    rig = stand(mutant.base, bend=mutant.bend)
    # An AssertionError or a pytest failure only: a mistake in the test itself is no death.
    with pytest.raises((AssertionError, pytest.fail.Exception), match=re.escape(mutant.dies)):
        await CLAUSES[mutant.clause].verify(rig)


@by_name
async def test_what_a_mutant_is_made_of_keeps_the_clause(mutant: Mutant) -> None:
    for bend in (None, Bent):
        rig = stand(mutant.base, bend=bend)
        await CLAUSES[mutant.clause].verify(rig)
        assert isinstance(rig.connector, Bent) is (bend is not None)


def test_every_clause_has_a_mutant() -> None:
    assert sorted(mutant.clause for mutant in MUTANTS) == sorted(CLAUSES)


def test_no_mutant_is_named_twice() -> None:
    bends = [mutant.bend for mutant in MUTANTS]
    assert len(set(bends)) == len(bends)


BLIND = [
    (name, shape, boundary)
    for name, shape in SHAPES
    for boundary in BOUNDARIES
    if (guarded := stand(name, shape).shape.guarded) is not None and boundary >= guarded
]


def test_the_lists_that_cannot_show_a_removal_are_what_we_know_of() -> None:
    assert BLIND == [
        ("recplus", "array", 1),
        ("b2bwave", "", 0),
        ("b2bwave", "", 1),
        ("freewebstore", "", 1),
    ]


@pytest.mark.parametrize(("name", "shape", "boundary"), BLIND)
async def test_a_removal_that_no_answer_shows_hides_one_listing_until_the_next_walk(
    name: str, shape: str, boundary: int
) -> None:
    """A list without a total hides the neighbour of a removed row; once it can be told, C20 must.

    The engine takes a hidden listing for absent: it keeps its baseline, and nothing is booked.
    """
    rig: Rig = stand(name, shape)
    stood, stocked = long_list(rig)
    shift(stood, "remove", boundary)
    removed = next(iter(stocked))
    hidden = set(stocked) - set(numbers(await census(stood)))
    assert len(hidden - {removed}) == 1
    assert set(numbers(await census(stood))) == set(stocked) - {removed}
    await stood.aclose()
