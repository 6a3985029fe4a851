"""The list of bad inputs, and the checks that belong to its cases."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CASES_FILE: Final = Path(__file__).parents[1] / "samples" / "bad_inputs.jsonl"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One bad input, and what must become of it."""

    id: str
    channel: str
    name: str
    input: str
    expect: str


Check = Callable[[Case], Awaitable[None]]
CASES: Final = {
    case.id: case
    for case in (Case(**json.loads(text)) for text in CASES_FILE.read_text("utf-8").splitlines())
}
CHECKS: Final[dict[str, Check]] = {}


def checks(*ids: str) -> Callable[[Check], Check]:
    """Register what shows that these cases end as expected."""

    def add(check: Check) -> Check:
        for id_ in ids:
            assert id_ in CASES, f"there is no case {id_}"
            assert id_ not in CHECKS, f"there are two checks of {id_}"
            CHECKS[id_] = check
        return check

    return add
