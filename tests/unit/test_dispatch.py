"""The embedded dispatcher: one job per store at a time, pushes follow changes, stops drain."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from stocksync.contracts.dispatch import Wish
from stocksync.contracts.ledger import Commit
from stocksync.dispatch.embedded import Embedded
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stock import Counted, Observation
from stocksync.engine.hot import FAST_UNITS, LISTINGS_MAX, WINDOW, hot_listings
from stocksync.errors import LedgerUnavailable, RunInProgress, StoreUnavailable, UnknownName
from tests.world import NOON, World, world

A, B = StoreId("a"), StoreId("b")
COUNTED_NINE = Counted(quantity=9, read_at=NOON)


async def agreed() -> tuple[World, Embedded]:
    at = world({"a": {"MUG": 10}, "b": {"MUG": 10}})
    await at.count(MUG=10)
    await at.sync()
    return at, Embedded(lambda: at.context)


async def test_a_pull_that_books_a_sale_makes_the_other_store_follow_without_being_polled() -> None:
    at, dispatcher = await agreed()
    at.sell("a", "MUG", 3)
    dispatcher.request(A, "pull")
    await dispatcher.idle()
    assert at.shows("b") == {"MUG": 7}


async def test_requests_of_one_kind_coalesce_while_a_store_works() -> None:
    at, dispatcher = await agreed()
    calls = at.shops[A].api_calls
    answers = [dispatcher.request(A, "pull") for _ in range(50)]
    await dispatcher.idle()
    assert answers.count(True) == 1
    assert at.shops[A].api_calls == calls + 1


async def test_jobs_of_one_store_never_overlap_and_a_slow_store_delays_nobody() -> None:
    at, dispatcher = await agreed()
    gate = asyncio.Event()
    running: list[int] = []
    shop = at.shops[A]
    honest = shop.census

    async def slow() -> AsyncIterator[Sequence[Observation]]:
        running.append(1)
        assert len(running) == 1
        await gate.wait()
        async for page in honest():
            yield page
        running.pop()

    shop.census = slow  # type: ignore[method-assign]
    dispatcher.request(A, "pull")
    at.sell("b", "MUG", 1)
    dispatcher.request(B, "pull")
    while await at.on_hand("MUG") != 9:  # b is booked while a still hangs
        await asyncio.sleep(0)
    assert running == [1]
    dispatcher.request(A, "pull")
    gate.set()
    await dispatcher.idle()
    assert at.shows("a") == {"MUG": 9}


async def test_a_store_whose_pull_failed_is_not_written_until_it_can_be_read() -> None:
    at, dispatcher = await agreed()
    at.shops[B].census_errors = [StoreUnavailable("down")]
    dispatcher.request(B, "pull")
    await dispatcher.idle()
    at.sell("a", "MUG", 2)
    dispatcher.request(A, "pull")
    await dispatcher.idle()
    assert at.shops[B].written == []
    dispatcher.request(B, "pull")
    await dispatcher.idle()
    assert at.shops[B].written == [(ListingId("MUG"), 8)]


async def test_a_quiet_round_keeps_no_row_and_a_busy_one_does() -> None:
    at, dispatcher = await agreed()
    before = len(await at.ledger.runs())
    dispatcher.request(A, "pull")
    await dispatcher.idle()
    assert len(await at.ledger.runs()) == before
    at.sell("a", "MUG", 1)
    dispatcher.request(A, "pull")
    await dispatcher.idle()
    kinds = [run.kind for run in await at.ledger.runs()][: -before or None]
    assert sorted(kinds) == ["pull", "push"]


async def test_draining_lets_the_running_job_end_and_takes_no_more() -> None:
    at, dispatcher = await agreed()
    at.sell("a", "MUG", 2)
    dispatcher.request(A, "pull")
    await asyncio.sleep(0)
    assert await dispatcher.drain(5)
    assert await at.on_hand("MUG") == 8
    assert dispatcher.request(A, "pull") is False


async def test_draining_cancels_what_does_not_end_and_leaves_nothing_running() -> None:
    at, dispatcher = await agreed()

    async def hangs() -> AsyncIterator[Sequence[Observation]]:
        await asyncio.Event().wait()
        yield []

    at.shops[A].census = hangs  # type: ignore[method-assign]
    dispatcher.request(A, "pull")
    while not await at.ledger.lease_holder(A):
        await asyncio.sleep(0)
    assert await dispatcher.drain(0) is False
    assert await at.ledger.lease_holder(A) == ""


async def test_a_sweep_finds_a_wrong_number_that_nothing_had_marked_and_a_pull_does_not() -> None:
    at, dispatcher = await agreed()
    [record] = (await at.ledger.records(B)).values()
    await at.ledger.commit(Commit(records=[replace(record, baseline=9, reading=COUNTED_NINE)]))
    at.shops[B].stock[ListingId("MUG")] = 9  # as after a mark that was lost
    dispatcher.request(B, "pull")
    await dispatcher.idle()
    assert at.shows("b") == {"MUG": 9}
    dispatcher.request(B, "sweep")
    await dispatcher.idle()
    assert at.shows("b") == {"MUG": 10}


async def test_a_hot_look_reads_what_is_nearly_out_and_nothing_else() -> None:
    at = world({"a": {"MUG": 3, "BOWL": 40}, "b": {"MUG": 3, "BOWL": 40}})
    await at.count(MUG=3, BOWL=40)
    await at.sync()
    dispatcher = Embedded(lambda: at.context)
    at.sell("a", "MUG", 1)
    at.sell("a", "BOWL", 1)
    dispatcher.request(A, "hot")
    await dispatcher.idle()
    assert at.shows("b") == {"MUG": 2, "BOWL": 40}
    assert (await at.on_hand("MUG"), await at.on_hand("BOWL")) == (2, 40)


async def test_a_fast_seller_is_hot_for_an_hour_and_so_is_a_kit_of_it() -> None:
    bundles = {Sku("KIT"): {Sku("BOWL"): 2}}
    shown: dict[str, object] = {"BOWL": 40, "KIT": 20}
    at = world({"a": shown, "b": dict(shown)}, book=Rulebook(bundles=bundles))
    await at.count(BOWL=40)
    await at.sync()
    assert await hot_listings(at.context, at.context.stores[A]) == []
    at.sell("a", "BOWL", FAST_UNITS)
    await at.sync()
    found = await hot_listings(at.context, at.context.stores[A])
    assert found == [ListingId("BOWL"), ListingId("KIT")]
    at.clock.pass_(WINDOW.total_seconds() + 5)
    assert await hot_listings(at.context, at.context.stores[A]) == []


async def test_nothing_hot_asks_the_store_for_nothing() -> None:
    at, dispatcher = await agreed()
    calls = at.shops[A].api_calls
    dispatcher.request(A, "hot")
    await dispatcher.idle()
    assert at.shops[A].api_calls == calls


async def test_a_hot_look_that_finds_everything_changed_becomes_a_pull_that_a_gate_holds() -> None:
    few: dict[str, object] = {f"S{number:03}": 3 for number in range(LISTINGS_MAX)}
    stock = few | {f"T{number:03}": 50 for number in range(9 * LISTINGS_MAX)}
    at = world({"a": dict(stock), "b": dict(stock)})
    await at.count(**{sku: int(str(shown)) for sku, shown in stock.items()})
    await at.sync()
    dispatcher = Embedded(lambda: at.context)
    at.shops[A].stock.update(dict.fromkeys(map(ListingId, stock), 0))
    booked = await at.movements()
    dispatcher.request(A, "hot")
    await dispatcher.idle()
    assert await at.movements() == booked
    assert at.shows("b") == stock
    assert [hold.gate for hold in await at.ledger.holds(A)] == [Gate.MASS_ZERO]


async def test_a_store_that_a_reload_took_away_is_let_go_with_all_it_was_asked() -> None:
    at, dispatcher = await agreed()
    context = at.context
    dispatcher.request(B, "pull")
    at.context = replace(context, stores={A: context.stores[A]})
    calls = at.shops[B].api_calls
    await dispatcher.idle()
    assert at.shops[B].api_calls == calls
    assert [status.store for status in dispatcher.statuses()] == ["a"]


async def test_a_good_pull_clears_the_name_that_a_failed_look_gave_a_store() -> None:
    at = world({"a": {"MUG": 3}, "b": {"MUG": 3}})
    await at.count(MUG=3)
    await at.sync()
    dispatcher = Embedded(lambda: at.context)
    at.shops[A].read_errors = [StoreUnavailable("down")]
    dispatcher.request(A, "hot")
    await dispatcher.idle()
    assert dispatcher.statuses()[0].outcome == "failed"
    dispatcher.request(A, "pull")
    await dispatcher.idle()
    assert dispatcher.statuses()[0].outcome == "ok"


async def test_a_run_by_hand_can_be_watched_from_its_beginning_to_its_end() -> None:
    at, dispatcher = await agreed()
    at.sell("a", "MUG", 2)
    run = await dispatcher.reconcile(Wish())
    events = [event async for event in dispatcher.events(run)]
    assert {(event.store, event.stage) for event in events[:-1]} == {
        ("a", "read"), ("b", "read"), ("a", "written"), ("b", "written"),
    }  # fmt: skip
    assert (events[-1].stage, events[-1].outcome) == ("ended", "ok")
    assert [event async for event in dispatcher.events(run)] == events
    assert at.shows("b") == {"MUG": 8}
    kept = await at.ledger.run(run)
    assert kept is not None
    assert (kept.trigger, kept.outcome) == ("api", "ok")


@pytest.mark.parametrize("dry_run", [True, False])
async def test_the_books_know_a_run_by_hand_before_its_name_is_told(dry_run: bool) -> None:
    at, dispatcher = await agreed()
    run = await dispatcher.reconcile(Wish(dry_run=dry_run))
    kept = await at.ledger.run(run)
    assert kept is not None
    assert kept.finished_at is None
    assert [event.stage async for event in dispatcher.events(run)][-1] == "ended"


async def test_books_that_cannot_be_written_let_no_run_begin() -> None:
    at, dispatcher = await agreed()

    async def refuses(commit: Commit) -> int:
        raise LedgerUnavailable("disk full")

    honest, at.ledger.commit = at.ledger.commit, refuses  # type: ignore[method-assign]
    with pytest.raises(LedgerUnavailable, match="disk full"):
        await dispatcher.reconcile(Wish())
    at.ledger.commit = honest  # type: ignore[method-assign]
    assert await dispatcher.reconcile(Wish())


async def test_a_stopping_service_begins_no_run() -> None:
    _, dispatcher = await agreed()
    await dispatcher.drain(0)
    with pytest.raises(LedgerUnavailable, match="stopping"):
        await dispatcher.reconcile(Wish())


async def test_a_second_run_by_hand_is_refused_and_names_the_first() -> None:
    _, dispatcher = await agreed()
    first = await dispatcher.reconcile(Wish())
    with pytest.raises(RunInProgress) as refused:
        await dispatcher.reconcile(Wish())
    assert refused.value.run == first
    async for _event in dispatcher.events(first):
        pass
    assert await dispatcher.reconcile(Wish()) != first


async def test_a_dry_run_keeps_its_plan_and_changes_nothing() -> None:
    at, dispatcher = await agreed()
    at.sell("a", "MUG", 2)
    run = await dispatcher.reconcile(Wish(dry_run=True))
    async for _event in dispatcher.events(run):
        pass
    assert await at.on_hand("MUG") == 10
    assert at.shows("b") == {"MUG": 10}
    kept = await at.ledger.run(run)
    assert kept is not None
    lines = [line for store in kept.stores for line in store["lines"]]
    assert {(line["before"], line["after"], line["why"]) for line in lines} == {
        (10, 8, "sale"), (10, 8, "target"),
    }  # fmt: skip


async def test_an_unknown_store_is_refused_with_the_nearest_name() -> None:
    _, dispatcher = await agreed()
    with pytest.raises(UnknownName, match="did you mean 'a'"):
        await dispatcher.reconcile(Wish(stores=(StoreId("aa"),)))


async def test_a_dry_run_sees_one_moment_whatever_a_scheduled_job_books_meanwhile() -> None:
    at, dispatcher = await agreed()
    at.sell("a", "MUG", 2)
    run = await dispatcher.reconcile(Wish(dry_run=True))
    dispatcher.request(A, "pull")
    assert [event.stage async for event in dispatcher.events(run)][-1] == "ended"
    kept = await at.ledger.run(run)
    assert kept is not None
    lines = [(line["before"], line["after"]) for report in kept.stores for line in report["lines"]]
    assert lines in ([(10, 8), (10, 8)], [(10, 8)])
    await dispatcher.idle()
    assert at.shows("b") == {"MUG": 8}
