"""Channel H, writing: answers that do not tell whether the store took a number, and refusals."""

from math import ceil, log2
from typing import Any, Final

import pytest

from stocksync.connectors import REGISTRY
from stocksync.contracts.connector import ReadBack, WriteOutcome
from stocksync.contracts.ledger import IntentState
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.errors import OutcomeUnknown, RateLimited, StoreRejected
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.serve import APPS
from tests.contract.bad_answers import rejected
from tests.contract.bad_inputs import Case, checks
from tests.contract.contract import ACTS, put, two_numbers, write
from tests.contract.merchant import STOCKED, Merchant, agreed
from tests.contract.rigs import Rig
from tests.contract.wire_clauses import stocked
from tests.transport import StoreTransport

#: Longer than the first back-off after a refusal, and shorter than a write may still be late.
BACK_OFF_SECONDS: Final = 120
LATE_SECONDS: Final = 90


async def doubted(platform: str, fault: Fault, **details: Any) -> None:
    """Show that an answer to a write proves nothing: the store is looked at until it agrees.

    The books must never take the difference for a sale or a return.
    """
    at = await agreed(platform)
    rig = at.rigs["b"]
    rig.shop.faults.next(fault, method=rig.kind.write_method, **details)
    at.rigs["a"].shop.sell("MUG", 2)
    run = await at.sync()
    assert rig.shop.faults.met == [fault]
    report = at.report(run, "b")
    assert report["unknown"] or report["failed"], "the answer was believed"
    for _ in range(2):
        assert await at.on_hand("MUG") == 8
        at.clock.pass_(BACK_OFF_SECONDS)
        run = await at.sync()
    assert run.outcome == "ok"
    assert rig.shop.quantity("MUG") == await at.on_hand("MUG") == 8
    kinds = [each.movement.kind for each in await at.ledger.history(Sku("MUG"))]
    assert sorted(kinds) == ["opening", "sale"]
    await at.aclose()


@checks("H03")
async def nothing_said(case: Case) -> None:
    await rejected(Fault.EMPTY_BODY)
    for platform in STOCKED:
        await doubted(platform, Fault.EMPTY_BODY, processed=False)
        at = await agreed(platform)
        rig = at.rigs["b"]
        rig.shop.faults.next(Fault.EMPTY_BODY, method=rig.kind.write_method, processed=True)
        at.rigs["a"].shop.sell("MUG", 2)
        await at.sync()
        await at.sync()
        assert rig.shop.quantity("MUG") == await at.on_hand("MUG") == 8
        assert len(rig.shop.writes) == 1, "what had arrived was written again"
        await at.aclose()


@checks("H04")
async def no_content(case: Case) -> None:
    for platform in REGISTRY:
        rig, listing = stocked(Rig(platform))
        before, after = two_numbers(rig)
        proves = rig.unbent.capabilities.read_back is ReadBack.ALWAYS
        rig.shop.faults.next(Fault.ANSWER, method=rig.kind.write_method, status=204)
        [result] = await write(rig, put(listing, after, expected=before))
        if platform == "recplus":  # the only one whose documents promise it
            assert result.outcome is WriteOutcome.APPLIED
        else:
            assert proves or result.outcome is WriteOutcome.UNKNOWN
        await rig.aclose()
    for platform in STOCKED[1:]:
        await doubted(platform, Fault.ANSWER, status=204)


@checks("H30")
async def told_to_wait(case: Case) -> None:
    for platform in REGISTRY:
        rig, listing = stocked(Rig(platform))
        documented = platform == "freewebstore"
        rig.shop.faults.next(Fault.RATE_LIMITED, 9, method=rig.kind.write_method)
        with pytest.raises(RateLimited if documented else OutcomeUnknown):
            await ACTS[-1](rig, listing)
        assert rig.write_requests == 1
        await rig.aclose()


@checks("H31")
async def failed_after_the_work(case: Case) -> None:
    for platform in STOCKED:
        await doubted(platform, Fault.ERROR_AFTER, status=500)


@checks("H32")
async def failed_on_the_way(case: Case) -> None:
    for status in (502, 504):
        for platform in REGISTRY:
            rig, listing = stocked(Rig(platform))
            rig.shop.faults.next(Fault.HTML, 9, method=rig.kind.write_method, status=status)
            with pytest.raises(OutcomeUnknown):
                await ACTS[-1](rig, listing)
            assert rig.write_requests == 1
            await rig.aclose()
        for platform in STOCKED:
            await doubted(platform, Fault.ERROR_BEFORE, status=status)


@checks("H35")
async def applied_late(case: Case) -> None:
    for platform in STOCKED:
        at = await agreed(platform)
        here, there = at.rigs["a"].shop, at.rigs["b"].shop
        there.faults.next(Fault.LATE_APPLY, method=at.rigs["b"].kind.write_method)
        here.sell("MUG", 2)
        run = await at.sync()
        assert at.report(run, "b")["unknown"] == 1
        assert there.quantity("MUG") == 8, "it was not written again"
        here.sell("MUG", 1)
        await at.sync()
        assert there.quantity("MUG") == 7
        [intent] = await at.ledger.intents(StoreId("b"))
        assert (intent.state, intent.target) == (IntentState.UNKNOWN, 8)
        booked = await at.movements()
        at.clock.pass_(LATE_SECONDS)
        assert there.apply_late() == 1
        assert there.quantity("MUG") == 8, "the old write did not arrive"
        await at.sync()
        assert await at.movements() == booked, "our own write was taken for a return"
        assert there.quantity("MUG") == here.quantity("MUG") == await at.on_hand("MUG") == 7
        await at.aclose()


@checks("H42")
async def one_bad_item_in_a_hundred(case: Case) -> None:
    for place in (0, 41, 99):
        at = Merchant({"a": "recplus"})
        rig = at.rigs["a"]
        codes = [f"S{number:02}" for number in range(100)]
        poison = codes[place]
        app = APPS["recplus"](rig.shop, **rig.kind.credentials, poison_codes=[poison])
        rig.network = StoreTransport(app)
        for code in codes:
            at.offer("a", code, 5)
        await at.count(dict.fromkeys(codes, 9))
        run = await at.sync()
        report = at.report(run, "a")
        assert (report["confirmed"], report["failed"]) == (99, 1)
        assert poison in report["error"]
        shown = {code: rig.shop.quantity(code) for code in codes}
        assert shown == dict.fromkeys(codes, 9) | {poison: 5}
        assert rig.write_requests - 1 <= 2 * ceil(log2(100)) + 1
        await at.aclose()


@checks("H43")
async def several_results_at_once(case: Case) -> None:
    rig = Rig("recplus")
    listings = [rig.offer(code, 5) for code in ("A", "B", "C", "D")]
    body = (
        b'{"stock": [{"code": "B", "status": 404, "errors": [{"message": "Not found"}]},'
        b' {"code": "A", "stock": 9}, {"code": "D", "success": false, "message": "locked"}]}'
    )
    rig.shop.faults.next(Fault.ANSWER, method="POST", status=207, body=body)
    results = await write(rig, *[put(listing, 9, expected=5) for listing in listings])
    assert [(each.listing, each.outcome) for each in results] == [
        ("A", WriteOutcome.APPLIED),
        ("B", WriteOutcome.NOT_FOUND),
        ("C", WriteOutcome.UNKNOWN),
        ("D", WriteOutcome.REJECTED),
    ]
    await rig.aclose()


@checks("H44")
async def a_failure_called_success(case: Case) -> None:
    body = b'{"success": false, "message": "Not now"}'
    for act in ACTS:
        rig, listing = stocked(Rig("simvoly"))
        rig.shop.faults.always(Fault.ANSWER, body=body)
        with pytest.raises(StoreRejected, match="Not now"):
            await act(rig, listing)
        await rig.aclose()
    await doubted("simvoly", Fault.ANSWER, body=body)
