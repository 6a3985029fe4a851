"""Lost answers, crashes, twins, empty pages, two runs at once: nothing lost, nothing invented."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from stocksync.contracts.ledger import Commit, Intent, IntentState
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer
from stocksync.engine.sync import sync
from stocksync.errors import (
    OutcomeUnknown,
    RateLimited,
    StoreRejected,
    StoreUnavailable,
    UnexpectedResponse,
)
from tests.world import World, rule, world

MUG = ListingId("MUG")


async def two_stores(units: int = 10) -> World:
    """Return two stores that agree with the ledger on one SKU."""
    at = world({"a": {"MUG": units}, "b": {"MUG": units}})
    await at.count(MUG=units)
    await at.sync()
    return at


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
async def test_a_lost_answer_is_no_sale_and_the_store_ends_at_its_target(applied: bool) -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    at.shops[StoreId("b")].write_errors = [(OutcomeUnknown("no answer"), applied)]
    run = await at.sync()
    assert await at.on_hand("MUG") == 8
    assert at.shows("b") == {"MUG": 8}
    assert at.report(run, "b")["unknown"] == 1
    await at.sync()
    assert await at.on_hand("MUG") == 8


async def test_an_answer_lost_while_the_store_goes_down_is_resolved_by_the_next_run() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    shop = at.shops[StoreId("b")]
    shop.write_errors = [(OutcomeUnknown("no answer"), True)]
    first_read_works: list[bool] = []
    then_down = StoreUnavailable("down")

    async def read_once_then_fail(listings: object) -> object:
        if not first_read_works:
            first_read_works.append(True)
            return await type(shop).read(shop, listings)  # type: ignore[arg-type]
        raise then_down

    shop.read = read_once_then_fail  # type: ignore[method-assign,assignment]
    run = await at.sync()
    assert at.report(run, "b")["outcome"] == "failed"
    [intent] = await at.ledger.intents(StoreId("b"))
    assert intent.state is IntentState.UNKNOWN
    del shop.read
    again = await at.sync()
    assert again.outcome == "ok"
    assert await at.on_hand("MUG") == 8
    assert at.shows("b") == {"MUG": 8}
    assert await at.ledger.intents(StoreId("b")) == [intent], "seen is not answered"
    at.clock.pass_(at.context.zombie_horizon_seconds)
    await at.sync()
    assert await at.ledger.intents(StoreId("b")) == []
    [kept] = await at.ledger.intents(StoreId("b"), (IntentState.CONFIRMED,))
    assert kept.id == intent.id


async def test_a_write_that_arrives_late_after_its_number_was_seen_is_ours_and_no_return() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    b = at.shops[StoreId("b")]
    b.write_errors = [(OutcomeUnknown("no answer"), False)]
    b.before_read = [(ListingId("MUG"), 10), (ListingId("MUG"), 10)]
    at.sell("b", "MUG", 2)  # 10 -> 8, the very number that was sent
    await at.sync()
    at.sell("b", "MUG", 3)
    await at.sync()
    booked = await at.on_hand("MUG")
    b.stock[ListingId("MUG")] = 8  # the write of 8, at last
    await at.sync()
    assert await at.on_hand("MUG") <= booked
    assert at.shows("b") == {"MUG": await at.on_hand("MUG")}


async def test_a_crash_after_the_intent_is_questioned_and_never_taken_for_a_sale() -> None:
    at = await two_stores()
    shop = at.shops[StoreId("b")]
    await at.ledger.commit(
        Commit(
            intents=[
                Intent(
                    id="dead",
                    run="dead",
                    store=StoreId("b"),
                    listing=MUG,
                    sku="MUG",
                    before=10,
                    target=8,
                    state=IntentState.OPEN,
                    created_at=at.clock(),
                )
            ]
        )
    )
    shop.stock[MUG] = 8  # the write of the dead run arrived
    await at.sync()
    assert await at.on_hand("MUG") == 10
    assert at.shows("b") == {"MUG": 10}


async def test_a_sale_between_the_census_and_the_write_is_booked_and_not_overwritten() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    at.shops[StoreId("b")].before_read = [(MUG, 7)]  # b sells 3 just before our re-read
    await at.sync()
    assert await at.on_hand("MUG") == 5
    assert at.shows("a") == at.shows("b") == {"MUG": 5}


async def test_an_unknown_write_with_a_sale_keeps_the_smaller_ledger_and_says_so() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    shop = at.shops[StoreId("b")]
    shop.write_errors = [(OutcomeUnknown("no answer"), False)]
    shop.before_write = [(MUG, 9)]  # sold one, and our 8 never arrived
    await at.sync()
    totals = await at.ledger.totals()
    # Either one was sold (10 -> 9) or our 8 arrived and one came back: the smaller one counts.
    assert await at.on_hand("MUG") == 7
    assert totals.get("suspense:b", 0) + totals.get("sold:b", 0) == 1  # type: ignore[call-overload]


async def test_a_store_that_answers_nonsense_fails_alone_and_keeps_its_baselines() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    at.shops[StoreId("b")].census_errors = [UnexpectedResponse("an HTML page")]
    run = await at.sync()
    assert (at.report(run, "a")["outcome"], at.report(run, "b")["outcome"]) == ("ok", "failed")
    assert "HTML" in str(at.report(run, "b")["error"])
    assert at.shops[StoreId("b")].written == []
    [record] = (await at.ledger.records(StoreId("b"))).values()
    assert record.baseline == 10


async def test_a_store_that_was_down_merges_later() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    at.sell("b", "MUG", 3)
    at.shops[StoreId("b")].census_errors = [StoreUnavailable("down")]
    await at.sync()
    assert await at.on_hand("MUG") == 8
    await at.sync()
    assert await at.on_hand("MUG") == 5
    assert at.shows("a") == at.shows("b") == {"MUG": 5}


async def test_an_empty_census_of_a_known_store_is_held_and_moves_nothing() -> None:
    at = await two_stores()
    shop = at.shops[StoreId("b")]
    kept = dict(shop.stock)
    shop.stock.clear()
    run = await at.sync()
    assert at.report(run, "b")["outcome"] == "held"
    assert await at.on_hand("MUG") == 10
    shop.stock.update(kept)
    assert (await at.sync()).outcome == "ok"
    assert await at.ledger.holds() == []  # withdrawn by itself: the cause has gone


async def test_a_mass_zero_is_held_books_nothing_and_others_go_on() -> None:
    stock = {f"S{number}": 5 for number in range(40)}
    at = world({"a": dict(stock), "b": dict(stock), "c": dict(stock)})
    await at.count(**stock)
    await at.sync()
    booked = await at.movements()
    for sku in stock:
        at.shops[StoreId("a")].stock[ListingId(sku)] = 0
    at.sell("b", "S1", 1)
    run = await at.sync()
    assert at.report(run, "a")["outcome"] == "held"
    assert await at.movements() == booked + 1
    assert at.shows("c")["S1"] == 4
    assert at.shops[StoreId("a")].written == []
    [hold] = await at.ledger.holds()
    assert hold.gate.value == "mass_zero"


async def test_twins_in_one_store_are_set_aside_and_never_written() -> None:
    at = world({"a": {"abc-1": 5, "ABC-1": 5, "MUG": 5}, "b": {"abc-1": 5, "MUG": 5}})
    await at.count(**{"abc-1": 5, "ABC-1": 5, "MUG": 5})
    await at.sync()
    at.sell("b", "abc-1", 1)
    at.sell("a", "ABC-1", 2)
    await at.sync()
    assert at.shows("a") == {"abc-1": 5, "ABC-1": 3, "MUG": 5}
    assert await at.on_hand("ABC-1") == 5
    assert await at.on_hand("abc-1") == 4
    records = await at.ledger.records(StoreId("a"))
    assert "near-twin" in records[ListingId("abc-1")].quarantine


async def test_a_twin_that_appears_later_quarantines_the_listing_that_was_linked() -> None:
    at = await two_stores()
    at.shops[StoreId("b")].stock[ListingId("mug")] = 10
    await at.sync()
    at.sell("a", "MUG", 1)
    await at.sync()
    assert at.shows("b") == {"MUG": 10, "mug": 10}
    del at.shops[StoreId("b")].stock[ListingId("mug")]
    await at.sync()
    records = await at.ledger.records(StoreId("b"))
    assert records[MUG].quarantine == ""


async def test_an_unreadable_or_untracked_quantity_moves_nothing_and_is_not_written() -> None:
    at = await two_stores()
    shop = at.shops[StoreId("b")]
    for shown in ("", "2.5", None, "lots"):
        shop.stock[MUG] = shown
        at.sell("a", "MUG", 1)
        await at.sync()
        assert shop.stock[MUG] == shown
    assert await at.on_hand("MUG") == 6
    assert shop.written == []


async def test_a_listing_that_vanishes_is_absent_and_never_zero() -> None:
    at = world({"a": {"MUG": 5, "CUP": 5}, "b": {"MUG": 5, "CUP": 5}})
    await at.count(MUG=5, CUP=5)
    await at.sync()
    del at.shops[StoreId("b")].stock[MUG]
    await at.sync()
    assert await at.on_hand("MUG") == 5
    assert at.shows("a") == {"MUG": 5, "CUP": 5}
    at.shops[StoreId("b")].stock[MUG] = 4  # it comes back, and one was sold meanwhile
    await at.sync()
    assert await at.on_hand("MUG") == 4


async def test_a_poisoned_row_is_parked_and_the_others_are_written() -> None:
    stock = {f"S{number:02}": 5 for number in range(9)}
    at = world({"a": dict(stock), "b": dict(stock)})
    await at.count(**stock)
    await at.sync()
    shop = at.shops[StoreId("b")]
    honest_write = shop.write

    async def refuse_poison(corrections: object) -> object:
        if any(at.listing == "S04" for at in corrections):  # type: ignore[attr-defined]
            raise StoreRejected("S04 is not allowed")
        return await honest_write(corrections)  # type: ignore[arg-type]

    shop.write = refuse_poison  # type: ignore[method-assign,assignment]
    for sku in list(stock)[:6]:
        at.sell("a", sku, 1)
    run = await at.sync()
    assert at.report(run, "b")["confirmed"] == 5
    assert at.report(run, "b")["failed"] == 1
    assert at.shows("b")["S04"] == 5
    before = len(shop.written)
    await at.sync()
    assert len(shop.written) == before  # parked: not tried again at once
    at.clock.pass_(120)
    del shop.write
    await at.sync()
    assert at.shows("b")["S04"] == 4


async def test_a_rate_limited_store_is_left_for_the_next_run() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 1)
    at.shops[StoreId("b")].write_errors = [(RateLimited("slow down", retry_after_seconds=7), False)]
    run = await at.sync()
    assert at.report(run, "b")["outcome"] == "failed"
    assert await at.ledger.intents(StoreId("b")) == []
    await at.sync()
    assert at.shows("b") == {"MUG": 9}


async def test_two_runs_at_once_book_a_sale_once() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    other = replace(at.context, holder="another machine")
    runs = await asyncio.gather(sync(at.context), sync(other))
    assert await at.on_hand("MUG") == 8
    assert {run.outcome for run in runs} <= {"ok", "skipped"}
    await at.sync()
    assert at.shows("a") == at.shows("b") == {"MUG": 8}


async def test_a_runner_that_died_with_its_lease_keeps_nobody_waiting() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    until = at.clock() + timedelta(seconds=60)
    await at.ledger.acquire(StoreId("a"), holder="dead", now=at.clock(), until=until)
    run = await at.sync()
    assert at.report(run, "a")["outcome"] == "skipped"
    assert "dead" in str(at.report(run, "a")["error"])
    at.context = replace(at.context, is_gone=lambda holder: holder == "dead")
    assert (await at.sync()).outcome == "ok"
    assert await at.on_hand("MUG") == 8


async def test_a_defect_at_one_store_is_reported_and_stops_no_other() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 2)
    at.shops[StoreId("b")].census_errors = [KeyError("surprise")]
    run = await at.sync()
    assert at.report(run, "a")["outcome"] == "ok"
    assert "KeyError" in str(at.report(run, "b")["error"])


async def test_an_old_unknown_write_is_forgotten_after_the_horizon() -> None:
    at = await two_stores()
    unknown = Intent(
        id="old",
        run="old",
        store=StoreId("b"),
        listing=MUG,
        sku="MUG",
        before=10,
        target=8,
        state=IntentState.UNKNOWN,
        created_at=at.clock() - timedelta(seconds=2000),
    )
    await at.ledger.commit(Commit(intents=[unknown]))
    await at.sync()
    at.sell("b", "MUG", 2)  # a real sale that lands on the forgotten target
    await at.sync()
    assert await at.on_hand("MUG") == 8


async def test_a_kit_takes_its_parts_and_shows_what_they_allow() -> None:
    book = Rulebook(bundles={"KIT": {"CUP": 2, "MUG": 1}})  # type: ignore[dict-item]
    at = world({"a": {"KIT": 5, "CUP": 10, "MUG": 9}, "b": {"KIT": 5, "CUP": 10}}, book=book)
    await at.count(CUP=10, MUG=9)
    await at.sync()
    at.sell("a", "KIT", 2)
    await at.sync()
    assert (await at.on_hand("CUP"), await at.on_hand("MUG")) == (6, 7)
    assert at.shows("b") == {"KIT": 3, "CUP": 6}
    assert at.shows("a") == {"KIT": 3, "CUP": 6, "MUG": 7}


async def test_an_availability_store_switches_off_when_every_sku_is_out_and_on_again() -> None:
    book = Rulebook(availability={(StoreId("p"), ListingId("product:1")): ("MUG", "CUP")})  # type: ignore[dict-item]
    at = world({"a": {"MUG": 1, "CUP": 1}}, switches={"p": {"product:1": True}}, book=book)
    await at.count(MUG=1, CUP=1)
    await at.sync()
    at.sell("a", "MUG", 1)
    await at.sync()
    assert at.shows("p") == {"product:1": True}
    at.sell("a", "CUP", 1)
    await at.sync()
    assert at.shows("p") == {"product:1": False}
    at.sell("a", "CUP", -4)
    await at.sync()
    assert at.shows("p") == {"product:1": True}
    assert await at.on_hand("CUP") == 4


async def test_a_new_buffer_reaches_every_listing_and_books_nothing() -> None:
    at = await two_stores()
    booked = await at.movements()
    at.open([rule("keep some", buffer=Buffer(units=3))])
    await at.sync()
    assert at.shows("a") == at.shows("b") == {"MUG": 7}
    assert await at.movements() == booked


async def test_units_sold_past_zero_are_kept_as_a_debt_and_shown_as_zero() -> None:
    at = world({"a": {"MUG": 1}, "b": {"MUG": 1}})
    await at.count(MUG=1)
    await at.sync()
    at.sell("a", "MUG", 1)
    at.sell("b", "MUG", 1)
    await at.sync()
    assert await at.on_hand("MUG") == -1
    assert await at.ledger.oversold() == 1
    assert at.shows("a") == at.shows("b") == {"MUG": 0}


async def test_sold_back_and_forth_to_the_same_number_is_written_each_time() -> None:
    at = await two_stores()
    at.sell("a", "MUG", 1)
    await at.sync()
    at.sell("a", "MUG", -1)
    await at.sync()
    assert at.shops[StoreId("b")].written == [(MUG, 9), (MUG, 10)]
