"""Days that the engine really lived through, replayed from its own books."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from stocksync.contracts.ledger import Commit
from stocksync.domain.backtest import Outcome
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.knowledge import Ways
from stocksync.domain.merge import Role
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer, Rule
from stocksync.engine import backtest as subject
from stocksync.engine.backtest import WRITE_STATED, Backtest, backtest
from tests.world import World, rule, world

DAY = timedelta(days=1)
SHOP, WEB = StoreId("shop"), StoreId("web")
KITS = Rulebook(bundles={Sku("SET"): {Sku("MUG"): 2, Sku("CAP"): 1}})
STOCK = {"MUG": 90, "CAP": 60}
LISTED: dict[str, dict[str, object]] = {
    "shop": {"MUG": 90, "CAP": 60, "SET": 45},
    "web": {"MUG": 90, "SET": 45},
    "trade": {"CAP": 60, "MUG": 90},
}
RULES = (
    rule("keep some", buffer=Buffer(units=3)),
    rule("cap on the web", store="web", cap=20),
    rule("sixes", store="trade", sku="MUG", pack=6),
)


async def lived(rules: Sequence[Rule], **options: object) -> tuple[World, int, int]:
    """Live through a day of 60 sales, each synced; return units sold and corrections written."""
    at = world({store: dict(shown) for store, shown in LISTED.items()}, rules=rules, **options)
    at.book = replace(KITS, platforms={})
    at.open()
    await at.count(**STOCK)
    await at.sync()
    await at.sync()
    at.clock.pass_(3600)
    dice, sold, corrections = Random(7), 0, 0
    for _ in range(60):
        store = dice.choice(sorted(LISTED))
        sku = dice.choice(sorted(LISTED[store]))
        shown = at.shows(store)[sku]
        assert isinstance(shown, int)
        units = min(shown, dice.randint(1, 3))
        if units:
            at.sell(store, sku, units)
            pack = at.context.book.policy(Sku(sku), StoreId(store)).pack
            sold += units * pack * sum(at.context.book.parts(Sku(sku)).values())
        for _ in range(2):
            run = await at.sync()
            corrections += sum(int(str(report["corrections"])) for report in run.stores)
        at.clock.pass_(600)
    return at, sold, corrections


async def replayed(
    at: World, books: Mapping[str, Rulebook] | None = None, *, days: float = 1, delay: float = 0
) -> Backtest:
    return await backtest(
        at.context,
        books or {"in force": at.context.book},
        length=timedelta(days=days),
        polls={},
        delay=timedelta(seconds=delay),
    )


def figures(outcome: Outcome) -> list[tuple[object, ...]]:
    tallies = (*outcome.stores.values(), outcome.total)
    return [(at.sold, at.lost, at.oversold, at.corrections, at.meter.means) for at in tallies]


@pytest.mark.parametrize("rules", [(), RULES, RULES[1:]], ids=["none", "some", "fewer"])
async def test_the_rules_that_were_in_force_sell_what_was_sold_and_write_what_was_written(
    rules: Sequence[Rule],
) -> None:
    at, sold, corrections = await lived(rules)

    found = await replayed(at)

    total = found.outcomes["in force"].total
    assert sold > 50
    assert (total.sold, total.lost, total.oversold) == (sold, 0, 0)
    assert total.corrections == corrections
    assert found.outcomes["in force"].unjudged == 0


async def test_history_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    at, _, _ = await lived(RULES)
    whole = await replayed(at)
    monkeypatch.setattr(subject, "PAGE", 3)
    monkeypatch.setattr(subject, "SLICE", 2)
    paged = await replayed(at)
    assert figures(paged.outcomes["in force"]) == figures(whole.outcomes["in force"])
    assert paged.past == whole.past
    assert whole.past.movements > 3


async def test_what_is_booked_while_it_is_replayed_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at, _, _ = await lived(RULES)
    before = await replayed(at)
    survey = subject._survey

    async def surveyed(context: object, length: timedelta) -> subject.Past:
        past = await survey(at.context, length)
        at.sell("shop", "MUG", 1)
        await at.sync()
        return past

    monkeypatch.setattr(subject, "_survey", surveyed)
    during = await replayed(at)
    assert figures(during.outcomes["in force"]) == figures(before.outcomes["in force"])


async def test_a_part_of_the_history_begins_with_the_levels_of_that_moment() -> None:
    at, _, _ = await lived(RULES)
    whole = await replayed(at)
    hours = (at.clock() - whole.past.began_at) / timedelta(hours=1)
    half = await replayed(at, days=hours / 48)
    first, second = whole.outcomes["in force"], half.outcomes["in force"]
    assert 0 < half.past.movements < whole.past.movements
    assert 0 < second.total.sold < first.total.sold
    assert (second.total.lost, second.total.oversold, second.unjudged) == (0, 0, 0)
    assert 0 < second.total.corrections <= first.total.corrections


async def test_a_store_that_is_only_observed_is_not_replayed() -> None:
    at, _, _ = await lived((), roles={"web": Role.OBSERVE})
    found = await replayed(at)
    assert list(found.outcomes["in force"].stores) == [SHOP, StoreId("trade")]


async def test_a_store_of_switches_has_corrections_and_no_units() -> None:
    at = world({"shop": {"MUG": 3}}, switches={"print": {"product:1": True}})
    at.book = Rulebook(availability={(StoreId("print"), ListingId("product:1")): (Sku("MUG"),)})
    at.open()
    await at.count(MUG=3)
    await at.sync()
    at.clock.pass_(60)
    at.sell("shop", "MUG", 3)
    await at.sync()
    await at.sync()
    found = await replayed(at)
    tally = found.outcomes["in force"].stores[StoreId("print")]
    assert found.switches == {StoreId("print")}
    assert (tally.listings, tally.sold, tally.corrections) == (1, 0, 1)
    assert tally.meter.peak == 0


async def test_ways_are_polls_and_what_writes_took_or_are_said_to_take() -> None:
    at, _, _ = await lived(())
    polls = {SHOP: timedelta(seconds=60), WEB: timedelta(seconds=90)}
    remembered = await at.ledger.store(WEB)
    books = {"in force": at.context.book}
    await at.ledger.commit(Commit(store=replace(remembered, delay_seconds=7)))
    found = await backtest(at.context, books, length=DAY, polls=polls)
    assert found.measured == {WEB: timedelta(seconds=7)}
    stated = {StoreId("trade"): WRITE_STATED, SHOP: WRITE_STATED, WEB: timedelta(seconds=7)}
    assert found.ways == Ways(seen_after=polls, written_after=stated)


async def test_empty_books_have_nothing_to_replay() -> None:
    at = world({"shop": {"MUG": 3}})
    found = await replayed(at)
    assert (found.past.first_at, found.past.movements) == (None, 0)
    assert found.outcomes["in force"].total.listings == 0
