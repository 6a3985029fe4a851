"""Orders move the ledger, levels only explain themselves by them: nothing lost, nothing twice."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocksync.contracts.connector import ReadBack
from stocksync.domain.identifiers import ListingId
from stocksync.domain.movements import Account, MovementKind
from stocksync.domain.orders import FEED_SETTLE, OrderLine
from stocksync.errors import OutcomeUnknown, StoreUnavailable
from tests.unit.feed_kit import A, begun, booked, merchant, waiting, with_feed
from tests.world import SET_ONLY, rule


async def test_a_sale_is_booked_once_with_its_order_as_the_document() -> None:
    at, a, _ = await begun()
    order = a.buy("MUG", 3)
    for _ in range(3):
        await at.sync()
    assert await booked(at) == [(MovementKind.SALE, 3, f"order {order}")]
    assert at.shows("b") == {"MUG": 7}
    assert await waiting(at, "a") == 0


async def test_a_level_that_falls_before_its_order_is_told_is_withheld_and_then_explained() -> None:
    at, a, _ = await begun()
    a.buy("MUG", 2, told=False)
    await at.sync()
    assert at.shows("b") == {"MUG": 8}, "withheld units are not for sale elsewhere"
    assert await waiting(at, "a") == 2
    a.tell()
    await at.sync()
    assert await waiting(at, "a") == 0
    assert await at.on_hand("MUG") == 8
    assert (MovementKind.SALE, 2, "order 1") in await booked(at)


async def test_a_sale_that_our_write_overwrote_is_booked_and_the_store_put_right() -> None:
    at, a, b = await begun()
    b.buy("MUG", 1)
    a.in_the_gap.append(lambda: a.buy("MUG", 4))  # after our look, before our write: 10 -> 6 -> 9
    await at.sync()
    assert at.shows("a") == {"MUG": 9}
    await at.sync()
    assert await at.on_hand("MUG") == 5
    assert at.shows("a") == at.shows("b") == {"MUG": 5}
    assert await waiting(at, "a") == 0


async def test_units_that_sell_out_between_our_write_and_its_proof_are_sold_and_do_not_return() -> (
    None
):
    proved = replace(SET_ONLY, read_back=ReadBack.ALWAYS)
    at, a, _ = merchant(0, capabilities=proved)
    await at.count(MUG=2)
    a.after_write.append(lambda: a.buy("MUG", 2))  # 0 -> 2 -> 0: it looks as if nothing was taken
    await at.sync("a")
    assert at.shows("a") == {"MUG": 0}
    at.clock.pass_(60)
    await at.sync()
    assert await booked(at) == [(MovementKind.SALE, 2, "order 1")]
    assert await at.on_hand("MUG") == 0
    assert at.shows("b") == {"MUG": 0}


async def test_a_cancelled_order_comes_back_once() -> None:
    at, a, _ = await begun()
    order = a.buy("MUG", 3)
    await at.sync()
    a.cancel(order)
    await at.sync()
    await at.sync()
    assert [each[:2] for each in await booked(at)] == [
        (MovementKind.SALE, 3),
        (MovementKind.RETURN, 3),
    ]
    assert at.shows("a") == at.shows("b") == {"MUG": 10}


async def test_a_line_that_was_taken_out_of_its_order_comes_back() -> None:
    at, a, _ = await begun()
    a.buy("MUG", 2)
    a.sold.append(replace(a.sold[0], line="2", units=1))
    a.stock[ListingId("MUG")] = 7
    await at.sync()
    assert at.shows("b") == {"MUG": 7}
    a.sold.pop()
    a.stock[ListingId("MUG")] = 8
    await at.sync()
    assert await at.on_hand("MUG") == 8
    assert await waiting(at, "a") == 0
    assert (await booked(at))[-1] == (MovementKind.RETURN, 1, "order 1")


async def test_the_first_reading_of_the_orders_books_none_of_them() -> None:
    at, a, _ = merchant()
    await at.count(MUG=10)
    old = OrderLine(
        order="old", line="1", units=5, placed_at=at.clock() - timedelta(days=3), code="MUG"
    )
    fresh = replace(old, order="fresh", placed_at=at.clock())
    a.sold = [old, fresh]
    await at.sync()
    a.sold.append(replace(old, order="older still, told late"))
    await at.sync()
    assert await booked(at) == []
    assert at.shows("a") == {"MUG": 10}


async def test_a_fall_that_no_order_explains_is_booked_away_after_a_while_and_never_sold() -> None:
    at, a, _ = await begun()
    a.stock[ListingId("MUG")] = 4  # somebody typed it
    await at.sync()
    assert await waiting(at, "a") == 6
    at.clock.pass_(FEED_SETTLE.total_seconds() + 1)
    await at.sync()
    await at.sync()
    assert await waiting(at, "a") == 0
    assert await at.on_hand("MUG") == 4
    assert (await at.ledger.totals())[Account("adjusted:unexplained")] == 6
    assert at.shows("b") == {"MUG": 4}


async def test_an_increase_is_a_return_or_what_the_rules_make_of_it() -> None:
    for wish, on_hand in (("yes", 13), ("no", 10)):
        at, a, _ = await begun(rules=[rule("r", sku="*", accept_increases=wish)])
        with_feed(at)
        a.stock[ListingId("MUG")] = 13
        await at.sync()
        assert await at.on_hand("MUG") == on_hand, wish
        assert at.shows("a") == {"MUG": on_hand}, wish


async def test_a_sale_and_a_held_increase_at_once_book_the_sale_and_hold_the_rest() -> None:
    at, a, _ = await begun(rules=[rule("r", sku="*", accept_increases="hold")])
    with_feed(at)
    a.buy("MUG", 2)
    a.stock[ListingId("MUG")] = 12  # 10 - 2 sold + 4 from nowhere
    await at.sync()
    await at.sync()
    assert await at.on_hand("MUG") == 8
    [hold] = await at.ledger.holds(A)
    assert [(line.before, line.after) for line in hold.lines] == [(8, 12)]


async def test_an_unanswered_write_is_told_apart_from_a_sale_by_the_orders() -> None:
    for applied in (True, False):
        at, a, b = await begun()
        b.buy("MUG", 2)
        a.write_errors = [(OutcomeUnknown("no answer"), applied)]
        a.in_the_gap.append(lambda shop=a: shop.buy("MUG", 2))  # type: ignore[misc]
        await at.sync()
        await at.sync()
        await at.sync()
        assert await at.on_hand("MUG") == 6, applied
        assert at.shows("a") == at.shows("b") == {"MUG": 6}, applied
        assert await waiting(at, "a") == 0


async def test_a_feed_that_breaks_off_books_nothing_at_all_for_that_store() -> None:
    at, a, _ = await begun()
    before = await at.movements()
    a.buy("MUG", 3)
    a.feed_errors = [StoreUnavailable("down")] * 9
    run = await at.sync("a")
    assert at.report(run, "a")["outcome"] == "failed"
    assert await at.movements() == before
    a.feed_errors = []
    await at.sync()
    assert await at.on_hand("MUG") == 7


async def test_a_quiet_world_with_orders_costs_one_question_more_and_no_row() -> None:
    at, a, _ = await begun()
    a.buy("MUG", 1)
    await at.sync()
    await at.sync()
    before, writes = await at.movements(), list(a.written)
    await at.sync()
    assert await at.movements() == before
    assert a.written == writes


class Killed(BaseException):
    """The process ends here, in the middle of a write."""


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("buy", "buy quietly", "tell", "in the gap", "sync", "one"),
                *("lost", "lost but done", "killed", "killed but done"),
            ]
        ),
        st.sampled_from("ab"),
        st.integers(1, 3),
    ),
    max_size=14,
)


@given(STEPS)
@settings(max_examples=100, deadline=None)
async def test_however_sales_and_lost_writes_interleave_the_ledger_ends_at_the_truth(
    steps: list[tuple[str, str, int]],
) -> None:
    at, a, b = await begun(60)
    shops = {"a": a, "b": b}
    for step, name, units in steps:
        shop = shops[name]
        if step in ("buy", "buy quietly"):
            shop.buy("MUG", units, told=step == "buy")
        elif step == "tell":
            shop.tell()
        elif step == "in the gap":
            shop.in_the_gap.append(lambda shop=shop, units=units: shop.buy("MUG", units))  # type: ignore[misc]
        elif step.startswith(("lost", "killed")):
            error = Killed() if step.startswith("killed") else OutcomeUnknown("no answer")
            shop.write_errors.append((error, step.endswith("done")))  # type: ignore[arg-type]
        else:
            with suppress(Killed):
                await at.sync(*(["a", "b"] if step == "sync" else [name]))
    for shop in shops.values():
        shop.tell()
        shop.write_errors = []
    for _ in range(4):
        at.clock.pass_(20 * 60)
        await at.sync()
    sold = sum(line.units for shop in shops.values() for line in shop.sold)
    assert await at.on_hand("MUG") == 60 - sold
    assert at.shows("a") == at.shows("b") == {"MUG": 60 - sold}
    assert await waiting(at, "a") + await waiting(at, "b") == 0


@pytest.mark.parametrize("role", ["observe"])
async def test_orders_of_a_store_that_is_no_channel_are_not_asked_for(role: str) -> None:
    at, a, _ = merchant()
    stores = {
        name: replace(store, seat=replace(store.seat, feed=False))
        for name, store in at.context.stores.items()
    }
    at.context = replace(at.context, stores=stores)
    await at.sync()
    assert a.asked_since == [], role
