"""Channel K, identity: which codes name one thing, which name nothing, and which are twins."""

import json
from collections.abc import Sequence
from typing import Final

import pytest

from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import Counted, ListingState, NotCounted, Observation, state_of
from stocksync.errors import UnexpectedResponse
from stocksync.sandbox.faults import Fault
from tests.contract.bad_inputs import Case, checks
from tests.contract.bad_quantities import PAGES
from tests.contract.merchant import STOCKED, Merchant
from tests.contract.rigs import NOON, Rig


async def with_codes(
    platform: str, here: Sequence[str | None], there: Sequence[str | None] = ()
) -> Merchant:
    """Return a merchant whose stores show five of each code, agreed on and counted."""
    at = Merchant({"a": platform, "b": STOCKED[STOCKED.index(platform) - 1]})
    for store, codes in (("a", here), ("b", there)):
        for code in codes:
            at.offer(store, code, 5)
    names = [code for code in (*here, *there) if code and code.strip() and len(code) <= 255]
    await at.count(dict.fromkeys(names, 5))
    run = await at.sync()
    assert run.outcome == "ok", run.stores
    return at


async def codes_of(platform: str, token: str) -> list[Observation]:
    """Let a store list something whose code is this piece of JSON."""
    rig = Rig(platform)
    body = PAGES[platform].replace("QUANTITY", "5").replace('"A"', token)
    rig.shop.faults.always(Fault.ANSWER, body=body.encode())
    seen = [each async for page in rig.connector.census() for each in page]
    await rig.aclose()
    return seen


async def stay_quarantined(codes: Sequence[str], platforms: Sequence[str] = STOCKED) -> None:
    """Show that twins are all set aside, each named once, and never written."""
    for platform in platforms:
        at = await with_codes(platform, codes, codes[:1])
        at.rigs["b"].shop.sell(codes[0], 1)
        booked = await at.movements()
        await at.sync()
        records = list((await at.records("a")).values())
        assert [state_of(each) for each in records] == [ListingState.QUARANTINED] * 2
        assert all(each.quarantine for each in records), "nobody is told why"
        assert (await at.ledger.states())[StoreId("a"), "quarantined"] == 2
        assert [item.shown for item in at.rigs["a"].shop.items] == [5, 5]
        assert at.rigs["a"].write_requests == 0
        at.rigs["a"].shop.items[0].shift(-2)
        await at.sync()
        assert await at.movements() == booked + 1, "a twin moved the books"
        await at.aclose()


@checks("K01", "K22")
async def near_twins(case: Case) -> None:
    await stay_quarantined(json.loads(case.input))


@checks("K02")
async def twins_in_two_stores(case: Case) -> None:
    for platform in STOCKED:
        at = await with_codes(platform, ["abc-1"], ["ABC-1"])
        at.rigs["a"].shop.sell("abc-1", 1)
        await at.sync()
        assert (await at.on_hand("abc-1"), await at.on_hand("ABC-1")) == (4, 5)
        assert at.rigs["b"].shop.quantity("ABC-1") == 5
        assert at.rigs["b"].write_requests == 0
        await at.aclose()


@checks("K03")
async def one_code_twice(case: Case) -> None:
    await stay_quarantined(json.loads(case.input), ("b2bwave", "freewebstore", "simvoly"))
    # REC+ knows a listing by nothing but its code: two rows are one listing without a number.
    at = await with_codes("recplus", ["X1", "X1"], ["X1"])
    at.rigs["b"].shop.sell("X1", 1)
    await at.sync()
    [record] = (await at.records("a")).values()
    assert state_of(record) is ListingState.UNREADABLE
    assert [item.shown for item in at.rigs["a"].shop.items] == [5, 5]
    assert at.rigs["a"].write_requests == 0
    await at.aclose()


#: A list in which one product stands twice, with five and then with three.
TWICE: Final = {
    "recplus": '{"stock": [{"code": "A", "stock": 5}, {"code": "A", "stock": 3}],'
    ' "total_count": 2}',
    "b2bwave": '[{"id": 7, "code": "A", "quantity": 5}, {"id": 7, "code": "A", "quantity": 3}]',
    "freewebstore": '{"products": {"found": 1, "rows": [{"id": "7", "sku": "A", "stock": 5},'
    ' {"id": "7", "sku": "A", "stock": 3}]}}',
    "simvoly": '{"totalCount": 1, "items": [{"id": 7, "type": "physical", "variants":'
    ' [{"options": [], "sku": "A", "quantity": 5}]}, {"id": 7, "type": "physical",'
    ' "variants": [{"options": [], "sku": "A", "quantity": 3}]}]}',
}


@checks("K05")
async def one_id_with_two_numbers(case: Case) -> None:
    """Within an answer the later number is kept; REC+ has codes for ids, and trusts neither."""
    for platform, body in TWICE.items():
        rig = Rig(platform)
        rig.shop.faults.always(Fault.ANSWER, body=body.encode())
        [seen] = [each async for page in rig.connector.census() for each in page]
        if platform == "recplus":
            assert isinstance(seen.reading, NotCounted)
        else:
            assert seen.reading == Counted(3, NOON)
        await rig.aclose()


@checks("K07")
async def a_number_for_a_code(case: Case) -> None:
    for platform in STOCKED:
        codes = [each.code for each in await codes_of(platform, case.input)]
        assert codes == ["123", "B"]
        assert all(isinstance(code, str) for code in codes)


@checks("K09", "K10", "K11")
async def codes_that_name_nothing(case: Case) -> None:
    code = json.loads(case.input)
    for platform in STOCKED:
        at = await with_codes(platform, [code, "MUG"], [code, "MUG"])
        booked = await at.movements()
        at.rigs["a"].shop.items[0].shift(-1)
        await at.sync()
        assert await at.movements() == booked
        for name, rig in at.rigs.items():
            records = (await at.records(name)).values()
            states = sorted((str(each.sku), state_of(each), each.quarantine) for each in records)
            linked = ("MUG", ListingState.LINKED, "")
            assert states == [linked, ("None", ListingState.UNLINKED, "")]
            assert rig.write_requests == 0
        [named] = [each.code for each in await codes_of(platform, case.input) if each.code != "B"]
        assert at.context.book.sku_for(StoreId("a"), named) is None
        await at.aclose()


@checks("K21")
async def half_a_character(case: Case) -> None:
    for platform in STOCKED:
        with pytest.raises(UnexpectedResponse):
            await codes_of(platform, case.input)


@checks("K26")
async def a_code_without_an_end(case: Case) -> None:
    endless = "A" * 10_000
    for platform in STOCKED:
        at = await with_codes(platform, [endless, "MUG"], ["MUG"])
        booked = await at.movements()
        at.rigs["a"].shop.sell(endless, 1)
        at.rigs["b"].shop.sell("MUG", 1)
        await at.sync()
        [record] = [each for each in (await at.records("a")).values() if each.sku != "MUG"]
        assert state_of(record) is ListingState.UNLINKED
        assert await at.movements() == booked + 1
        shop = at.rigs["a"].shop
        assert (shop.quantity(endless), shop.quantity("MUG")) == (4, 4)
        await at.aclose()
