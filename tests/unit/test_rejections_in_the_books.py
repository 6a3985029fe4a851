"""What a person rejects is a mistake of the store; what its orders tell stays sold, once."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocksync.contracts.ledger import HoldState
from stocksync.domain.identifiers import ListingId
from stocksync.domain.movements import Account, MovementKind
from stocksync.domain.orders import FEED_SETTLE
from stocksync.errors import OutcomeUnknown
from tests.unit.rejections_kit import HUGE, SKUS, Shops, begun

SALE, ADJUSTMENT = MovementKind.SALE, MovementKind.ADJUSTMENT


class Killed(BaseException):
    """The process ends here, in the middle of a write."""


async def test_a_real_sell_out_that_is_rejected_stays_sold_and_stays_out() -> None:
    shops = await begun()
    shops.sell_out("a")
    await shops.at.sync()
    assert shops.at.shows("b")["MUG"] == 60, "held: nobody was told of it yet"
    await shops.say(HoldState.REJECTED)
    run = await shops.at.sync()
    assert shops.at.report(run, "a")["outcome"] == "ok"
    assert [await shops.booked(sku) for sku in SKUS] == [[(SALE, 60)]] * 4
    assert shops.at.shows("a") == dict.fromkeys(SKUS, 0)
    await shops.assert_agreed()


async def test_orders_told_after_their_sell_out_was_rejected_are_sales_and_no_return() -> None:
    shops = await begun()
    shops.sell_out("a", told=False)
    await shops.look("a")
    await shops.say(HoldState.REJECTED)
    await shops.look("a")  # rejected and not written yet: the store still shows zeros
    shops.both["a"].tell()
    await shops.look("a")
    assert [await shops.booked(sku) for sku in SKUS] == [[(SALE, 60)]] * 4
    await shops.assert_agreed()


async def test_units_that_waited_for_an_order_are_explained_by_it_beside_a_mistake() -> None:
    shops = await begun()
    shops.both["a"].buy("MUG", 2, told=False)
    await shops.at.sync()
    assert await shops.waiting() == 2
    shops.mistake("a", "MUG")
    shops.both["a"].tell()
    await shops.at.sync()
    await shops.say(HoldState.REJECTED)
    await shops.at.sync()
    assert await shops.booked("MUG") == [(SALE, 2)]
    assert await shops.waiting() == 0
    await shops.assert_agreed()


async def test_units_that_no_order_explains_wait_on_beside_a_mistake() -> None:
    shops = await begun()
    shops.both["a"].stock[ListingId("MUG")] = 58  # somebody typed it
    await shops.at.sync()
    shops.mistake("a", "MUG")
    await shops.at.sync()
    await shops.say(HoldState.REJECTED)
    await shops.at.sync()
    assert await shops.waiting() == 2
    assert shops.at.shows("a")["MUG"] == 58
    shops.at.clock.pass_(FEED_SETTLE.total_seconds() + 1)
    await shops.at.sync()
    assert await shops.booked("MUG") == [(ADJUSTMENT, 2)]
    assert (await shops.at.ledger.totals())[Account("adjusted:unexplained")] == 2


async def test_what_is_sold_from_a_mistake_is_sold_and_the_mistake_is_not_believed() -> None:
    shops = await begun()
    shops.mistake("a", "MUG")
    await shops.at.sync()
    await shops.say(HoldState.REJECTED)
    shops.both["a"].buy("MUG", 3)
    shops.both["a"].buy("MUG", 1, told=False)
    assert (await shops.at.sync()).outcome == "ok"
    assert shops.at.shows("a")["MUG"] == shops.at.shows("b")["MUG"] == 56
    assert await shops.waiting() == 1
    await shops.assert_agreed()
    assert await shops.booked("MUG") == [(SALE, 3), (SALE, 1)]


async def test_a_store_that_mended_itself_after_all_is_believed() -> None:
    shops = await begun()
    shops.empty("a")
    await shops.at.sync()
    await shops.say(HoldState.REJECTED)
    shops.both["a"].stock.update({ListingId(sku): 60 for sku in SKUS})
    shops.both["a"].buy("MUG", 50)
    shops.both["a"].buy("CUP", 50, told=False)
    await shops.at.sync()
    assert await shops.booked("MUG") == [(SALE, 50)]
    assert await shops.waiting() == 50
    await shops.assert_agreed()


async def test_a_decision_outlives_the_looks_that_another_gate_stops() -> None:
    shops = await begun()
    shops.mistake("a", "MUG")
    await shops.at.sync()
    await shops.say(HoldState.REJECTED)
    shops.mistake("a", "CUP")
    assert (await shops.at.sync()).outcome == "held"
    await shops.say(HoldState.REJECTED)
    assert (await shops.at.sync()).outcome == "ok"
    assert shops.at.shows("a") == dict.fromkeys(SKUS, 60)
    assert await shops.at.ledger.holds(None, [HoldState.OPEN, HoldState.REJECTED]) == []


async def test_what_was_left_of_a_rejected_mistake_makes_no_large_number_ordinary() -> None:
    shops = await begun()
    shops.mistake("a", "MUG")
    await shops.at.sync()
    await shops.say(HoldState.REJECTED)
    shops.both["a"].buy("MUG", 3)
    await shops.look("a")
    shops.at.clock.pass_(3600)
    await shops.at.sync()
    shops.mistake("a", "MUG")
    assert (await shops.at.sync()).outcome == "held"
    assert await shops.booked("MUG") == [(SALE, 3)]


async def test_a_mistake_upon_a_rejected_mistake_is_asked_about_once_more() -> None:
    shops = await begun()
    shops.sell_out("a")
    await shops.at.sync()
    await shops.say(HoldState.REJECTED)
    shops.mistake("a", "MUG")
    assert (await shops.at.sync()).outcome == "held"
    await shops.say(HoldState.REJECTED)
    await shops.at.sync()
    assert await shops.booked("MUG") == [(SALE, 60)]
    await shops.assert_agreed()


async def test_an_order_cancelled_behind_a_mistake_comes_back_once() -> None:
    shops = await begun()
    order = shops.both["a"].buy("MUG", 2)
    await shops.at.sync()
    shops.mistake("a", "MUG")
    shops.both["a"].cancel(order, restock=False)  # the mistake hides that it was put back
    await shops.at.sync()
    await shops.say(HoldState.REJECTED)
    await shops.at.sync()
    assert await shops.booked("MUG") == [(SALE, 2), (MovementKind.RETURN, 2)]
    await shops.assert_agreed()


SHARED = (
    *("buy", "buy quietly", "tell", "gap", "look", "sync", "one"),
    *("reject", "reject", "approve", "lost", "lost but done", "killed", "killed but done"),
)
WORLDS = {
    "sell-outs and single mistakes": ("sell-out", "sell-out quietly", "mistake", "mistake"),
    "stores that show nothing but zeros": ("broken", "broken"),
}


def steps_of(world: str) -> st.SearchStrategy[list[tuple[str, str, str, int]]]:
    kinds = st.sampled_from([*SHARED, *WORLDS[world]])
    step = st.tuples(kinds, st.sampled_from("ab"), st.sampled_from(SKUS[:2]), st.integers(1, 3))
    return st.lists(step, max_size=14)


async def take(shops: Shops, step: str, name: str, sku: str, units: int) -> None:
    """Let one thing happen."""
    shop = shops.both[name]
    match step.split():
        case ["buy", *quietly]:
            shop.buy(sku, units, told=not quietly)
        case ["gap"]:
            shop.in_the_gap.append(lambda: shop.buy(sku, units))
        case ["reject"]:
            await shops.say(HoldState.REJECTED)
        case ["approve"]:
            await shops.say(HoldState.APPROVED)
        case ["lost" | "killed" as word, *done]:
            error = Killed() if word == "killed" else OutcomeUnknown("no answer")
            shop.write_errors.append((error, bool(done)))  # type: ignore[arg-type]
        case ["look"]:
            await shops.look(name)
        case _:
            with suppress(Killed):
                await shops.at.sync(*(["a", "b"] if step == "sync" else [name]))


async def go_wrong(shops: Shops, step: str, name: str, sku: str) -> bool:
    """Let a store sell out or show nonsense, if that is the step."""
    match step.split():
        case ["sell-out", *quietly]:
            shops.sell_out(name, told=not quietly)
        case ["tell"]:
            shops.both[name].tell()
        case ["mistake"]:
            # From a mistake that is not put right yet, one more is a step like any other.
            if await shops.agreed_on(name, sku) < HUGE // 2:
                shops.mistake(name, sku)
        case ["broken"]:
            shops.empty(name)
        case _:
            return False
    return True


@pytest.mark.parametrize("world", WORLDS)
@given(st.data())
@settings(max_examples=60, deadline=None)
async def test_whatever_a_person_decides_the_orders_stay_sold_and_nothing_else_moves(
    world: str, data: st.DataObject
) -> None:
    shops = await begun()
    for step, name, sku, units in data.draw(steps_of(world)):
        if not await go_wrong(shops, step, name, sku):
            await take(shops, step, name, sku, units)
    await shops.assert_agreed()
