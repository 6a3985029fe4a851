"""Every connector, in every shape its documents allow, keeps every clause of the contract."""

import pytest

from stocksync.connectors import REGISTRY
from tests.contract.clauses import CLAUSES
from tests.contract.contract import Clause, why_skipped
from tests.contract.rigs import RIGS, SHAPES, stand

NO_NETWORK = "there is no network here"
NO_COMPARE_AND_SET = "the store offers no compare-and-set"
NO_LOCATIONS = "the store keeps no locations"
NO_ORDERS = "the store tells of no orders"
ORDER_CLAUSES = [f"C{number}" for number in range(30, 44)]
PLATFORMS = ("recplus", "b2bwave", "freewebstore", "simvoly", "idealfactory")
#: A new line here is a promise that a connector does not make: a visible change.
AGREED_SKIPS = {
    **{(name, "C08"): NO_COMPARE_AND_SET for name in PLATFORMS},
    **{(name, "C18"): NO_LOCATIONS for name in (*PLATFORMS, "memory") if name != "b2bwave"},
    **{
        ("memory", clause_id): NO_NETWORK
        for clause_id in ("C09", "C10", "C11", "C12", "C13", "C14", "C15", "C16", "C17")
    },
    **{("memory", at): NO_NETWORK for at in ("C37", "C38", "C40", "C41", "C42")},
    **{("idealfactory", clause_id): NO_ORDERS for clause_id in ORDER_CLAUSES},
}


@pytest.mark.parametrize("clause", CLAUSES.values(), ids=CLAUSES)
@pytest.mark.parametrize(
    ("name", "shape"), SHAPES, ids=["-".join(filter(None, at)) for at in SHAPES]
)
async def test_connector_keeps_clause(name: str, shape: str, clause: Clause) -> None:
    rig = stand(name, shape)
    reason = why_skipped(clause.needs, rig)
    if reason:
        pytest.skip(f"{clause.id} {clause.promise}: {reason}")
    await clause.verify(rig)


def test_every_registered_connector_is_under_contract() -> None:
    assert set(RIGS) == set(REGISTRY) | {"memory"}


def test_the_contract_has_all_of_its_clauses() -> None:
    assert sorted(CLAUSES) == [f"C{number:02}" for number in range(1, 23)] + ORDER_CLAUSES


def test_the_skip_list_is_what_we_agreed() -> None:
    skips = {
        (name, clause.id): reason
        for name in RIGS
        for clause in CLAUSES.values()
        if (reason := why_skipped(clause.needs, stand(name)))
    }
    for (name, clause_id), reason in sorted(skips.items()):
        print(f"{name} skips {clause_id}: {reason}")
    assert skips == AGREED_SKIPS
