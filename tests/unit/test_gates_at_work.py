"""Gates in a running merchant: what they hold, what goes on meanwhile, and how each hold ends."""

from dataclasses import replace

import pytest

from stocksync import metrics
from stocksync.contracts.ledger import HoldState
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import ListingId, Sku
from stocksync.engine.preview import preview
from stocksync.engine.report import StoreReport
from stocksync.engine.sync import Sync, sync
from tests.unit.gates_kit import A, merchant, say, sells, state, the_hold
from tests.unit.test_gates_and_fights import fought
from tests.world import World

MUG = ListingId("MUG")


# Units and single numbers


async def test_a_store_that_loses_more_than_a_quarter_of_its_units_is_held() -> None:
    at = await merchant(40, units=30)
    for number in range(40, 100):
        at.shops[A].stock[ListingId(f"S{number:03}")] = 1
    await at.count(**{f"S{number:03}": 1 for number in range(40, 100)})
    await at.sync()
    before = await at.movements()
    sells(at, 25, 13)  # a quarter of the listings, 325 of 1,260 units
    assert (await at.sync()).outcome == "held"
    assert (await the_hold(at)).gate is Gate.MASS_UNITS
    assert await at.movements() == before
    name = await say(at, HoldState.APPROVED)
    await at.sync()
    assert await state(at, name) is HoldState.APPLIED
    assert await at.on_hand("S000") == 17


async def test_a_busy_day_in_a_store_with_much_on_its_shelves_passes() -> None:
    at = await merchant(200, units=30)
    sells(at, 30, 25)  # 15 % of the listings, 750 of 6,000 units
    assert (await at.sync()).outcome == "ok"
    assert await at.on_hand("S029") == 5


async def test_one_number_out_of_range_holds_the_store_and_is_put_right_when_rejected() -> None:
    at = await merchant(8)
    at.shops[A].stock[ListingId("S000")] = 500_000
    at.sell("a", "S001", 1)
    assert (await at.sync()).outcome == "held"
    hold = await the_hold(at)
    assert (hold.gate, [line.listing for line in hold.lines]) == (Gate.OUT_OF_RANGE, ["S000"])
    assert await at.on_hand("S001") == 10
    await say(at, HoldState.REJECTED)
    assert (await at.sync()).outcome == "ok"
    assert at.shows("a")["S000"] == 10
    assert await at.on_hand("S000") == 10
    assert at.shows("b")["S001"] == 9


async def test_a_rejection_speaks_of_the_numbers_it_named_and_only_once() -> None:
    at = await merchant(8)
    at.shops[A].stock[ListingId("S000")] = 500_000
    await at.sync()
    name = await say(at, HoldState.REJECTED)
    await at.sync()
    assert await state(at, name) is HoldState.WITHDRAWN
    at.shops[A].stock[ListingId("S000")] = 500_000
    await at.sync()
    assert (await the_hold(at)).gate is Gate.OUT_OF_RANGE


async def test_a_mistake_that_a_person_rejected_teaches_nothing() -> None:
    at = await merchant(8)
    at.shops[A].stock[ListingId("S000")] = 500_000
    await at.sync()
    await say(at, HoldState.REJECTED)
    await at.sync("a", skus=["S001"])  # not the whole: the hold stands
    assert at.shows("a")["S000"] == 500_000
    pulled = Sync(context=at.context, run="pull", reports={A: StoreReport(store=A)})
    await pulled.pull(at.context.stores[A])
    at.clock.pass_(5000)  # it showed the mistake for a while before we put it right
    await at.sync()
    assert at.shows("a")["S000"] == 10
    at.clock.pass_(5000)
    at.shops[A].stock[ListingId("S000")] = 500_000
    assert (await at.sync()).outcome == "held"
    assert (await the_hold(at)).gate is Gate.OUT_OF_RANGE
    assert await at.on_hand("S000") == 10


async def test_a_history_of_large_numbers_lets_a_large_number_pass() -> None:
    at = await merchant(8, units=10)
    for shown in (9_000, 3, 11_000):  # a hundred times 3, and little more than once 9,000
        at.shops[A].stock[ListingId("S000")] = shown
        assert (await at.sync()).outcome == "ok", shown


# A restored store


async def test_a_few_listings_that_all_go_back_are_a_restored_store() -> None:
    at = await merchant(40)
    old = {**at.shops[A].stock}
    sells(at, 6, 2)
    await at.sync()
    booked = await at.movements()
    at.shops[A].stock.update(old)
    assert (await at.sync()).outcome == "held"
    hold = await the_hold(at)
    assert (hold.gate, len(hold.lines)) == (Gate.RESTORED, 6)
    assert await at.movements() == booked
    await say(at, HoldState.REJECTED)
    assert (await at.sync()).outcome == "ok"
    assert at.shows("a")["S000"] == 8
    assert await at.movements() == booked


async def test_listings_that_go_back_while_others_stay_are_returned_and_not_restored() -> None:
    at = await merchant(40)
    sells(at, 12, 2)
    await at.sync()
    sells(at, 6, -2)  # half of what was sold comes back
    assert (await at.sync()).outcome == "ok"
    assert await at.on_hand("S005") == 10
    assert await at.on_hand("S006") == 8


async def test_a_state_older_than_thirty_days_is_no_backup() -> None:
    at = await merchant(40)
    sells(at, 6, 2)
    at.clock.pass_(60)
    await at.sync()
    at.clock.pass_(31 * 24 * 3600)
    sells(at, 6, -2)
    assert (await at.sync()).outcome == "ok"


async def test_a_look_at_a_part_of_a_restored_store_notices_it_too() -> None:
    at = await merchant(40)
    sells(at, 6, 2)
    await at.sync()
    sells(at, 6, -2)
    run = await at.sync("a", skus=[f"S{number:03}" for number in range(6)])
    assert run.outcome == "held"
    assert (await the_hold(at)).gate is Gate.RESTORED


# A held store


async def held_store() -> World:
    """Return a merchant whose store `a` shows nothing but zeros, and is held."""
    at = await merchant(40)
    sells(at, 40, 10)
    assert (await at.sync()).outcome == "held"
    return at


async def test_a_look_at_a_part_of_a_held_store_books_nothing() -> None:
    at = await held_store()
    booked = await at.movements()
    run = await at.sync("a", skus=["S000"])
    assert run.outcome == "held"
    assert await at.movements() == booked
    assert len(await at.ledger.holds()) == 1


async def test_a_held_store_is_not_written_to_by_a_push_of_its_own() -> None:
    at = await held_store()
    at.sell("b", "S000", 1)
    await at.sync("b")
    booked = await at.movements()
    report = StoreReport(store=A)
    await Sync(context=at.context, run="push", reports={A: report}).push(at.context.stores[A])
    assert (report.outcome, report.api_calls) == ("held", 0)
    assert report.holds == [(await the_hold(at)).hash]
    assert at.shops[A].written == []
    assert await at.movements() == booked


async def test_a_gate_that_closes_on_the_look_before_a_write_stops_the_push() -> None:
    at = await merchant(8)
    at.sell("b", "S000", 1)
    at.shops[A].before_read = [(ListingId("S000"), 500_000)]
    run = await at.sync()
    assert at.report(run, "a")["outcome"] == "held"
    assert at.shops[A].written == []
    assert (await the_hold(at)).gate is Gate.OUT_OF_RANGE
    assert await at.on_hand("S000") == 9


@pytest.mark.parametrize("wrong", ["restored", "out_of_range", "mass_absence", "flapping"])
async def test_a_plan_that_a_new_gate_holds_is_named_and_another_when_the_store_moves(
    wrong: str,
) -> None:
    if wrong == "flapping":
        at = await fought()
        stock = at.shops[A].stock
    else:
        at = await merchant(40)
        stock = at.shops[A].stock
        sells(at, 6, 2)
        await at.sync()
        if wrong == "restored":
            sells(at, 6, -2)
        elif wrong == "out_of_range":
            stock[ListingId("S000")] = 500_000
        else:
            for number in range(12):
                del stock[ListingId(f"S{number:03}")]
    plan = await preview(at.context)
    [gate] = [trip.gate.value for shop in plan.stores for trip in shop.trips]
    assert gate == wrong
    assert (await preview(at.context)).hash == plan.hash
    listing = list(stock)[-1]
    at.sell("a", str(listing), 1)
    assert (await preview(at.context)).hash != plan.hash


async def test_a_plan_that_is_carried_out_by_name_needs_no_other_approval() -> None:
    at = await held_store()
    name = (await the_hold(at)).hash
    plan = await preview(at.context)
    run = await sync(replace(at.context, approval=plan.approval()), [A])
    assert run.outcome == "ok"
    assert await at.on_hand("S000") == 0
    assert await state(at, name) is HoldState.WITHDRAWN


async def test_a_part_that_is_carried_out_by_name_leaves_the_hold_of_the_whole() -> None:
    at = await held_store()
    name = (await the_hold(at)).hash
    plan = await preview(at.context, [A], skus=[Sku(f"S{number:03}") for number in range(40)])
    run = await sync(replace(at.context, approval=plan.approval()), [A], skus=[Sku("S000")])
    assert run.outcome == "ok"
    assert await at.on_hand("S000") == 0
    assert await at.on_hand("S001") == 10
    assert await state(at, name) is HoldState.OPEN


async def test_every_trip_is_counted_once_under_its_gates_name() -> None:
    def trips() -> float:
        labels = {"store": "a", "gate": "out_of_range"}
        return metrics.REGISTRY.get_sample_value("stocksync_gate_trips_total", labels) or 0.0

    at = await merchant(8)
    before = trips()
    at.shops[A].stock[ListingId("S000")] = 500_000
    for _ in range(3):
        await at.sync()
    assert trips() == before + 1
