"""What a clause of the ledger's contract is, and the list of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.contract.ledger_rigs import Rig

Check = Callable[[Rig], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Clause:
    id: str
    promise: str
    check: Check


CLAUSES: dict[str, Clause] = {}


def clause(id_: str, promise: str) -> Callable[[Check], Check]:
    def add(check: Check) -> Check:
        assert id_ not in CLAUSES
        CLAUSES[id_] = Clause(id=id_, promise=promise, check=check)
        return check

    return add
