"""Twelve ways a store goes wrong as a whole: each is stopped, and each has its ways out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from stocksync.contracts.ledger import Hold, HoldState
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.engine.decisions import decide
from tests.world import World, world

A = StoreId("a")
SKUS = [f"{'CUP' if at % 4 else 'MUG'}-{at:02}" for at in range(40)]
HOUR = 3600.0

Stock = dict[ListingId, object]


def opening(at: int) -> int:
    """Return a number for each SKU, different from that of its neighbours."""
    return 8 + (at * 7) % 23


async def merchant() -> tuple[World, Mapping[int, Stock]]:
    """Return a store `a`, two others beside it, and what `a` showed at each of nine hours."""
    stock = {sku: opening(at) for at, sku in enumerate(SKUS)}
    shops: dict[str, dict[str, object]] = {name: {**stock} for name in "abc"}
    at = world(shops)
    await at.count(**stock)
    await at.sync()
    past: dict[int, Stock] = {}
    for hour in range(9):
        for number, sku in enumerate(SKUS):
            if number % 6 == hour % 6:
                at.sell("abc"[number % 3], sku, 1 + number % 2)
        at.clock.pass_(HOUR)
        assert (await at.sync()).outcome == "ok"
        past[hour] = {**at.shops[A].stock}
    return at, past


def number(value: object) -> int:
    assert isinstance(value, int)
    return value


def with_all(change: Callable[[int], object]) -> Callable[[Stock, Mapping[int, Stock]], Stock]:
    return lambda now, _: {at: change(number(shown)) for at, shown in now.items()}


def shifted(now: Stock, _: Mapping[int, Stock]) -> Stock:
    values = list(now.values())
    return dict(zip(now, values[1:] + values[:1], strict=True))


def swapped(now: Stock, _: Mapping[int, Stock]) -> Stock:
    """Show prices where quantities belong: whole ones, and some that no quantity can be."""
    return {listing: 19 + at if at % 4 else f"{at}.99" for at, listing in enumerate(now)}


def one_category_zeroed(now: Stock, _: Mapping[int, Stock]) -> Stock:
    return {at: 0 if at.startswith("MUG") else shown for at, shown in now.items()}


def half_gone(now: Stock, _: Mapping[int, Stock]) -> Stock:
    return {at: shown for place, (at, shown) in enumerate(now.items()) if place % 2}


def huge_in_a_third(now: Stock, _: Mapping[int, Stock]) -> Stock:
    return {
        at: 999_999 if place % 10 < 3 else shown for place, (at, shown) in enumerate(now.items())
    }


@dataclass(frozen=True, kw_only=True)
class MassStory:
    name: str
    gate: Gate
    becomes: Callable[[Stock, Mapping[int, Stock]], Stock]


STORIES = [
    MassStory(name="zero all", gate=Gate.MASS_ZERO, becomes=with_all(lambda _: 0)),
    MassStory(name="half of all", gate=Gate.MASS_CHANGE, becomes=with_all(lambda n: n // 2)),
    MassStory(name="twice all", gate=Gate.MASS_CHANGE, becomes=with_all(lambda n: n * 2)),
    MassStory(name="six hours ago", gate=Gate.RESTORED, becomes=lambda _, past: {**past[2]}),
    MassStory(name="shifted by a row", gate=Gate.MASS_CHANGE, becomes=shifted),
    MassStory(name="prices for quantities", gate=Gate.MASS_CHANGE, becomes=swapped),
    MassStory(name="a category zeroed", gate=Gate.MASS_ZERO, becomes=one_category_zeroed),
    MassStory(name="half vanish", gate=Gate.MASS_ABSENCE, becomes=half_gone),
    MassStory(name="empty list", gate=Gate.EMPTY_CENSUS, becomes=lambda *_: {}),
    MassStory(name="all untracked", gate=Gate.MASS_UNTRACKED, becomes=with_all(lambda _: None)),
    MassStory(name="all negative", gate=Gate.MASS_ZERO, becomes=with_all(lambda n: -n)),
    MassStory(name="huge in a third", gate=Gate.OUT_OF_RANGE, becomes=huge_in_a_third),
]
EVERY = pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])


class Held:
    """A merchant whose store `a` went wrong, one pull later."""

    def __init__(self, at: World, sane: Stock, wrong: Stock, booked: int) -> None:
        self.at, self.sane, self.wrong, self.booked = at, sane, wrong, booked

    async def hold(self) -> Hold:
        waiting = await self.at.ledger.holds()
        assert len(waiting) == 1
        return waiting[0]

    async def decide(self, to: HoldState) -> None:
        await decide(self.at.context, (await self.hold()).hash, to, by="anna")

    async def approve_all(self) -> set[Gate]:
        waiting = await self.at.ledger.holds()
        for hold in waiting:
            await decide(self.at.context, hold.hash, HoldState.APPROVED, by="anna")
        return {hold.gate for hold in waiting}

    async def goes_on(self) -> None:
        """Prove that a sale in `a` is booked again, and shown by the others."""
        sku = next(
            sku
            for sku in SKUS[::-1]
            if isinstance(shown := self.at.shows("a").get(sku), int) and 1 <= shown < 100
        )
        before = await self.at.on_hand(sku)
        self.at.sell("a", sku, 1)
        self.at.clock.pass_(60)
        assert (await self.at.sync()).outcome == "ok"
        assert await self.at.on_hand(sku) == before - 1
        assert self.at.shows("b")[sku] == self.at.shows("c")[sku] == max(0, before - 1)
        assert await self.at.ledger.holds() == []


async def told(story: MassStory) -> Held:
    """Let a store go wrong, prove that it is stopped, and that nobody else is."""
    at, past = await merchant()
    shop = at.shops[A]
    sane = {**shop.stock}
    wrong = story.becomes(sane, past)
    assert wrong != sane
    shop.stock.clear()
    shop.stock.update(wrong)
    booked = await at.movements()
    shown = {name: at.shows(name) for name in "bc"}
    for each in at.shops.values():
        each.written.clear()
    for _ in range(2):
        run = await at.sync()
        assert {name: at.report(run, name)["outcome"] for name in "abc"} == {
            "a": "held",
            "b": "ok",
            "c": "ok",
        }
        assert await at.movements() == booked
        assert {name: at.shows(name) for name in "bc"} == shown
        assert [each.written for each in at.shops.values()] == [[], [], []]
    held = Held(at, sane, wrong, booked)
    hold = await held.hold()
    assert (hold.gate, hold.store, hold.decided_by) == (story.gate, A, "")
    return held


@EVERY
async def test_a_mass_change_books_nothing_and_writes_nobody(story: MassStory) -> None:
    held = await told(story)
    at = held.at
    sku = SKUS[5]
    before = await at.on_hand(sku)
    at.sell("b", sku, 1)
    await at.sync()
    assert await at.movements() == held.booked + 1
    assert at.shows("c")[sku] == before - 1
    assert at.shops[A].stock == held.wrong, "a held store is not written to"


@EVERY
async def test_a_store_that_mends_itself_goes_on_and_its_hold_says_so(story: MassStory) -> None:
    held = await told(story)
    name = (await held.hold()).hash
    stock = held.at.shops[A].stock
    stock.clear()
    stock.update(held.sane)
    assert (await held.at.sync()).outcome == "ok"
    assert await held.at.movements() == held.booked
    ended = await held.at.ledger.hold(name)
    assert ended is not None
    assert ended.state is HoldState.WITHDRAWN
    await held.goes_on()


@EVERY
async def test_a_mass_change_that_a_person_approves_is_taken_as_it_is(story: MassStory) -> None:
    held = await told(story)
    name = (await held.hold()).hash
    await held.decide(HoldState.APPROVED)
    for _ in range(3):
        await held.at.sync()
        await held.approve_all()  # what the others are to be shown now
    ended = await held.at.ledger.hold(name)
    assert ended is not None
    assert (ended.state, ended.decided_by) == (HoldState.APPLIED, "anna")
    if story.gate not in (Gate.MASS_ABSENCE, Gate.EMPTY_CENSUS, Gate.MASS_UNTRACKED):
        for sku in SKUS:
            on_hand = await held.at.on_hand(sku)
            assert held.at.shows("b")[sku] == max(0, on_hand)
    else:
        assert await held.at.movements() == held.booked
        assert held.at.shows("b") == {str(at): shown for at, shown in held.sane.items()}


NUMBERS = [
    story
    for story in STORIES
    if story.gate
    not in (
        Gate.MASS_ABSENCE,
        Gate.EMPTY_CENSUS,
        Gate.MASS_UNTRACKED,
    )
]


@pytest.mark.parametrize("story", NUMBERS, ids=[story.name for story in NUMBERS])
async def test_a_rejected_mass_change_is_put_right_once_the_writes_are_seen(
    story: MassStory,
) -> None:
    held = await told(story)
    name = (await held.hold()).hash
    at = held.at
    at.sell("b", SKUS[5], 1)
    await held.decide(HoldState.REJECTED)
    for _ in range(3):
        await at.sync()
        waiting = await held.approve_all()
        assert waiting <= {Gate.MASS_PUSH}
    assert await at.movements() == held.booked + 1
    ended = await at.ledger.hold(name)
    assert ended is not None
    assert (ended.state, ended.decided_by) == (HoldState.WITHDRAWN, "anna")
    readable = [sku for sku in SKUS if isinstance(held.wrong[ListingId(sku)], int)]
    assert {sku: at.shows("a")[sku] for sku in readable} == {
        sku: await at.on_hand(sku) for sku in readable
    }
    assert at.shows("b")[SKUS[5]] == at.shows("c")[SKUS[5]]


GAPS = [story for story in STORIES if story not in NUMBERS]


@pytest.mark.parametrize("story", GAPS, ids=[story.name for story in GAPS])
async def test_a_rejected_gap_stays_held_until_the_store_mends(story: MassStory) -> None:
    held = await told(story)
    await held.decide(HoldState.REJECTED)
    assert (await held.at.sync()).outcome == "held"
    assert await held.at.movements() == held.booked
    held.at.shops[A].stock.clear()
    held.at.shops[A].stock.update(held.sane)
    assert (await held.at.sync()).outcome == "ok"
    await held.goes_on()
