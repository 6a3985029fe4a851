"""Laws of a replay, for any history; and one that looks like a law and is none."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.backtest import Outcome
from stocksync.domain.identifiers import MAIN_LOCATION, LocationId, Sku, StoreId
from stocksync.domain.knowledge import AT_ONCE, Knowledge, News, Ways
from stocksync.domain.meters import STRETCHES, Meter
from stocksync.domain.movements import Account, MovementKind, at
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer, Rule
from stocksync.domain.stock import StockLevel
from tests.unit.backtest_kit import END, NOON, Told, after, moved, replay, sold
from tests.world import rule

LISTINGS = {"a": ["MUG", "CAP"], "b": ["MUG", "CAP", "SET"], "c": ["MUG"]}
BUNDLES = {Sku("SET"): {Sku("MUG"): 2}}
STOCK = {"MUG": 6, "CAP": 3}

moments = st.integers(0, 9 * 3600)
sales = st.builds(
    sold, moments, st.sampled_from("abc"), st.integers(1, 4), st.sampled_from(["MUG"])
) | st.builds(sold, moments, st.sampled_from("ab"), st.integers(1, 3), st.just("CAP"))
other = st.builds(moved, moments, st.integers(-5, 5).filter(bool), sku=st.sampled_from(list(STOCK)))
back = st.builds(
    moved, moments, st.integers(1, 3), st.just(MovementKind.RETURN), store=st.sampled_from("abc")
)


def kit_sale(seconds: int, kits: int) -> Told:
    return sold(seconds, "b", 2 * kits, listing="SET")


kits = st.builds(kit_sale, moments, st.integers(1, 2))
histories = st.lists(sales | kits | other | back, max_size=12).map(
    lambda told: sorted(told, key=lambda each: each[0])
)
rules = st.builds(
    lambda store, buffer, share, cap: rule(
        f"rule {store} {buffer} {share} {cap}",
        store=store,
        buffer=None if buffer is None else Buffer(units=buffer),
        share=share,
        cap=cap,
    ),
    st.sampled_from(["", "a", "b", "c"]),
    st.none() | st.integers(0, 4),
    st.none() | st.integers(0, 100).map(lambda part: Fraction(part, 100)),
    st.none() | st.integers(0, 5),
)
rulebooks = st.lists(rules, max_size=3)
delays = st.integers(0, 3600)


def run(history: Sequence[Told], book: Sequence[Rule] = (), **options: object) -> Outcome:
    bundled = Rulebook(rules=tuple(book), bundles=BUNDLES)
    return replay(history, STOCK, bundled, listings=LISTINGS, **options)  # type: ignore[arg-type]


def figures(outcome: Outcome) -> list[tuple[object, ...]]:
    return [
        (at.sold, at.lost, at.oversold, at.corrections, at.meter.means, at.meter.peak)
        for at in (*outcome.stores.values(), outcome.total)
    ]


@given(histories, rulebooks)
def test_nothing_is_oversold_when_news_take_no_time(history: list[Told], book: list[Rule]) -> None:
    assert run(history, book).total.oversold == 0


@given(histories)
def test_without_rules_nothing_is_withheld_when_news_take_no_time(history: list[Told]) -> None:
    assert run(history).total.meter.peak == 0


@given(histories, rulebooks, delays, delays)
def test_every_unit_that_was_sold_is_sold_again_or_lost(
    history: list[Told], book: list[Rule], seen: int, delay: int
) -> None:
    outcome = run(history, book, seen=seen, delay=delay)
    asked = sum(at.units for _, at in history if at.kind is MovementKind.SALE)
    assert outcome.total.sold + outcome.total.lost == asked
    assert outcome.unjudged == 0
    assert 0 <= outcome.total.oversold <= outcome.total.sold


@given(histories, rulebooks, delays, delays)
def test_all_stores_together_are_the_sum_of_each(
    history: list[Told], book: list[Rule], seen: int, delay: int
) -> None:
    outcome = run(history, book, seen=seen, delay=delay)
    stores, total = outcome.stores.values(), outcome.total
    for name in ("sold", "lost", "oversold", "corrections", "listings"):
        assert getattr(total, name) == sum(getattr(at, name) for at in stores), name
    assert abs(total.meter.unit_hours - sum(at.meter.unit_hours for at in stores)) < 1e-6
    assert max(at.meter.peak for at in stores) <= total.meter.peak
    assert total.meter.peak <= sum(at.meter.peak for at in stores)
    assert sum(total.oversold_in) == total.oversold


@given(histories, rulebooks, delays)
def test_listings_that_never_move_may_be_forgotten(
    history: list[Told], book: list[Rule], delay: int
) -> None:
    few = [each for each in history if each[1].sku == "CAP"]
    kept = run(few, book, delay=delay, moving=list(STOCK))
    assert figures(run(few, book, delay=delay)) == figures(kept)


@given(histories, st.integers(0, 4), st.integers(0, 4))
def test_until_the_first_news_arrive_a_bigger_buffer_never_oversells_more(
    history: list[Told], units: int, more: int
) -> None:
    def oversold(buffer: int) -> int:
        book = [rule("keep", buffer=Buffer(units=buffer))]
        return run(history, book, delay=10 * 3600).total.oversold

    assert oversold(units + more) <= oversold(units)


def test_in_the_long_run_a_bigger_buffer_may_oversell_more() -> None:
    listings = {"a": ["MUG"], "b": ["MUG"], "c": ["MUG"]}
    first = [sold(0, store, 1) for store in listings]
    second = [sold(7200, store, 2) for store in listings]
    history = [*first, moved(3600, 2), *second]

    def oversold(buffer: int) -> int:
        book = Rulebook(rules=(rule("keep", buffer=Buffer(units=buffer)),))
        return replay(history, {"MUG": 1}, book, listings=listings, delay=60).total.oversold

    # Without a buffer one mug is sold three times, and the two that come pay the debt. With one it
    # is kept, and with those that came two are shown three times: six of three are sold.
    assert (oversold(0), oversold(1)) == (2, 3)


times = st.integers(-5, 4000).map(after)
changes = st.lists(st.tuples(times, st.integers(-9, 9)), max_size=9).map(
    lambda told: sorted(told, key=lambda each: each[0])
)


@given(changes, st.integers(1, 3000))
def test_a_meter_sums_up_what_a_slow_hand_would(
    steps: list[tuple[datetime, int]], length: int
) -> None:
    ended = after(length)
    meter = Meter(began_at=NOON, ended_at=ended)
    for moment, by in steps:
        meter.change(by, moment)
    meter.run(ended + timedelta(days=1))
    seconds = [sum(by for moment, by in steps if moment <= after(at)) for at in range(length)]
    assert abs(meter.unit_hours * 3600 - sum(seconds)) < 1e-6
    assert meter.peak == max(0, *seconds)
    assert abs(sum(meter.means) / STRETCHES - sum(seconds) / length) < 1e-6


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(-5, 5), st.sampled_from("ab"))),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_a_store_goes_by_what_arrived_and_by_all_of_its_own(
    told: list[tuple[int, int, str]], seen: int, written: int
) -> None:
    a, mug = StoreId("a"), Sku("MUG")
    there = at(LocationId("main"))
    ways = Ways(
        seen_after={StoreId("b"): timedelta(seconds=seen)},
        written_after={a: timedelta(seconds=written)},
    )
    stock = Knowledge(ways)
    stock.open(mug, {MAIN_LOCATION: StockLevel(on_hand=100, reserved=1)})
    for seconds, units, store in sorted(told):
        changed: dict[Sku, dict[Account, int]] = {mug: {there: units}}
        stock.book(News(at=after(seconds), store=StoreId(store), changes=changed))
    for now in (100, 130, 150, 170, 1000):
        known = sum(
            units
            for seconds, units, store in told
            if store == "a" or seconds + seen + written <= now
        )
        level = stock.levels_for(mug, a, after(now))[MAIN_LOCATION]
        assert level == StockLevel(on_hand=100 + known, reserved=1)
    assert stock.free(mug) == 99 + sum(units for _, units, _ in told)
    assert ways.arrival(News(at=END, changes={}), a) == END + timedelta(seconds=written)
    assert ways.seen(None) == AT_ONCE
