"""Channel Q: what a store shows in place of a quantity, put through every connector and the engine.

A whole number is counted. Anything else is not, moves nothing and writes nothing; its neighbours
still count. What is not JSON spoils the page.
"""

from typing import Final

import pytest

from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import NotCounted, shown_number
from stocksync.errors import UnexpectedResponse
from stocksync.sandbox.faults import Fault
from tests.contract.bad_inputs import CASES, Case
from tests.contract.merchant import Merchant

UNKNOWN: Final = "unknown"
REJECT_PAGE: Final = "reject page"
Outcome = int | str
#: Two products, the second of which shows 7; QUANTITY stands where the first one's number is.
PAGES: Final = {
    "recplus": '{"stock": [{"code": "A", "stock": QUANTITY}, {"code": "B", "stock": 7}],'
    ' "total_count": 2}',
    "b2bwave": '[{"id": 1, "code": "A", "quantity": QUANTITY, "can_backorder": true},'
    ' {"id": 2, "code": "B", "quantity": 7}]',
    "freewebstore": '{"products": {"found": 2, "rows": [{"id": "1", "sku": "A", "stock": QUANTITY},'
    ' {"id": "2", "sku": "B", "stock": 7}]}}',
    "simvoly": '{"totalCount": 2, "items": [{"id": 1, "type": "physical", "variants":'
    ' [{"options": [], "sku": "A", "quantity": QUANTITY}]}, {"id": 2, "type": "physical",'
    ' "variants": [{"options": [], "sku": "B", "quantity": 7}]}]}',
}
#: What may become of each case; two outcomes where the list leaves a choice.
EXPECTED: Final[dict[str, tuple[Outcome, ...]]] = {
    "Q01": (5,),
    "Q02": (0,),
    "Q04": (5,),
    "Q05": (99,),
    "Q06": (1000, UNKNOWN),
    **dict.fromkeys(("Q09", "Q10", "Q30"), (REJECT_PAGE,)),
    **dict.fromkeys(("Q33", "Q34"), (0,)),
    "Q41": (UNKNOWN, REJECT_PAGE),
    "Q42": (9999,),
    **dict.fromkeys(
        (
            *("Q08", "Q12", "Q13", "Q14", "Q16", "Q17", "Q18", "Q20", "Q21", "Q22", "Q24", "Q25"),
            *("Q26", "Q28", "Q29", "Q32", "Q36", "Q37", "Q38", "Q40"),
        ),
        (UNKNOWN,),
    ),
}
#: Inputs that the list only describes.
WRITTEN_OUT: Final = {"Q30": "[" * 900 + "]" * 900, "Q41": "9" * 5000}


def page_of(platform: str, case: Case) -> bytes:
    """Write a page of this platform that shows the input instead of a quantity."""
    return PAGES[platform].replace("QUANTITY", WRITTEN_OUT.get(case.id, case.input)).encode()


async def stocked(platform: str) -> Merchant:
    """Return a merchant with one store, agreed on five of A and seven of B."""
    at = Merchant({"a": platform})
    for code, units in (("A", 5), ("B", 7)):
        at.offer("a", code, units)
    await at.count({"A": 5, "B": 7})
    run = await at.sync()
    assert run.outcome == "ok", run.stores
    return at


async def shown_as(at: Merchant) -> Outcome:
    """Say what the connector makes of the page; its neighbour must be seen in any case."""
    connector = at.rigs["a"].connector
    try:
        seen = [each async for page in connector.census() for each in page]
    except UnexpectedResponse:
        return REJECT_PAGE
    bad, neighbour = sorted(seen, key=lambda each: str(each.code))
    assert (neighbour.code, shown_number(neighbour.reading)) == ("B", 7)
    if isinstance(bad.reading, NotCounted):
        return UNKNOWN
    number = shown_number(bad.reading)
    assert number is not None
    return number


async def check_quantity(case: Case, platform: str) -> None:
    """Read the page, then let the engine run over it."""
    at = await stocked(platform)
    rig, booked = at.rigs["a"], await at.movements()
    body = page_of(platform, case)
    rig.shop.faults.always(Fault.ANSWER, method="GET", path_contains=rig.kind.list_path, body=body)
    outcome = await shown_as(at)
    assert outcome in EXPECTED[case.id], f"{outcome}, but expected: {case.expect}"
    run = await at.sync()
    report = at.report(run, "a")
    if isinstance(outcome, int):
        assert await at.on_hand("A") == outcome
    else:
        assert await at.on_hand("A") == 5
        assert await at.movements() == booked
        assert rig.write_requests == 0
        states = await at.ledger.states()
        assert report["outcome"] == ("failed" if outcome == REJECT_PAGE else "ok")
        seen_as = {name for store, name in states if store == StoreId("a")}
        assert seen_as & {"unreadable", "untracked"} or outcome == REJECT_PAGE, "nobody is told"
    assert await at.on_hand("B") == 7
    await at.aclose()


def cases_of_quantities() -> list[object]:
    """List every case of the channel with every platform."""
    return [
        pytest.param(case, platform, id=f"{case.id}-{platform}")
        for case in CASES.values()
        if case.channel == "Q"
        for platform in PAGES
    ]
