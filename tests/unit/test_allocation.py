"""Allocation: each unit in one store only, so that no two stores can sell the same one."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from stocksync.domain.allocation import AUTO_UNITS, Place, allotted, is_allocated, place_of
from stocksync.domain.identifiers import MAIN_LOCATION, ListingId, Sku, StoreId
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Mode, Policy
from stocksync.domain.stock import StockLevel
from stocksync.errors import OutcomeUnknown
from tests.unit.feed_kit import feed_of, feeding
from tests.world import World, rule

STORES = "abc"
ALLOCATED = rule("one", sku="*", mode=Mode.ALLOCATED)
MUG = Sku("MUG")


async def allocated(units: int, *rules: object, **options: object) -> World:
    """Stand three stores that show nothing yet over a ledger with some units."""
    shown: dict[str, dict[str, object]] = {name: {"MUG": 0} for name in STORES}
    at = feeding(shown, rules=rules or (ALLOCATED,), **options)
    await at.count(MUG=units)
    await settle(at)
    return at


async def settle(at: World, rounds: int = 4) -> None:
    for _ in range(rounds):
        at.clock.pass_(20 * 60)
        await at.sync()


def shown(at: World) -> list[int]:
    return [int(str(at.shows(name)["MUG"])) for name in STORES]


async def test_every_unit_is_shown_once_and_the_last_ones_by_priority() -> None:
    at = await allocated(8)
    assert sum(shown(at)) == 8
    assert sorted(shown(at)) == [2, 3, 3]
    first = rule("first", store="b", priority=9)
    at = await allocated(1, ALLOCATED, first)
    assert shown(at) == [0, 1, 0]


async def test_a_store_is_raised_only_after_another_gave_up_its_own_and_its_orders_were_read() -> (
    None
):
    at = await allocated(9)
    assert shown(at) == [3, 3, 3]
    feed_of(at, StoreId("a")).buy("MUG", 3)
    at.clock.pass_(60)
    await at.sync()
    assert sorted(shown(at)) == [0, 0, 3], "what was given up may have been sold until orders say"
    await settle(at)
    assert min(shown(at)) >= 1
    assert sum(shown(at)) == 6


async def test_last_units_stay_where_they_are_while_every_store_has_some() -> None:
    at = await allocated(9)
    feed_of(at, StoreId("a")).buy("MUG", 2)
    before = [feed_of(at, StoreId(name)).written.copy() for name in STORES]
    await settle(at)
    assert shown(at) == [1, 3, 3]
    assert [feed_of(at, StoreId(name)).written for name in STORES] == before


async def test_auto_shares_many_units_and_allocates_the_last_ones() -> None:
    automatic = rule("auto", sku="*", mode=Mode.AUTO)
    at = await allocated(AUTO_UNITS * 3 + 1, automatic)
    assert shown(at) == [AUTO_UNITS * 3 + 1] * 3
    feed_of(at, StoreId("c")).buy("MUG", 1)
    await settle(at, 8)
    assert sum(shown(at)) <= AUTO_UNITS * 3
    assert min(shown(at)) >= 1


async def test_a_kit_and_its_part_never_promise_the_same_unit() -> None:
    book = Rulebook(bundles={Sku("KIT"): {MUG: 2}})
    at = feeding({"a": {"MUG": 0, "KIT": 0}, "b": {"MUG": 0}}, rules=(ALLOCATED,), book=book)
    await at.count(MUG=10)
    await settle(at, 8)
    a, b = at.shows("a"), at.shows("b")
    promised = int(str(a["MUG"])) + 2 * int(str(a["KIT"])) + int(str(b["MUG"]))
    assert 0 < promised <= 10


async def test_an_unanswered_write_keeps_its_units_from_the_others() -> None:
    at = await allocated(6)
    assert shown(at) == [2, 2, 2]
    await at.count(MUG=9)
    feed_of(at, StoreId("a")).write_errors = [(OutcomeUnknown("no answer"), False)] * 3
    await at.sync()
    assert sum(shown(at)) <= 9
    feed_of(at, StoreId("a")).write_errors = []
    await settle(at)
    assert min(shown(at)) >= 2
    assert sum(shown(at)) <= 9


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "gap", "lost", "done", "sync", "one", "deliver"]),
        st.sampled_from(STORES),
        st.integers(1, 4),
    ),
    max_size=16,
)


@given(STEPS)
@settings(max_examples=80, deadline=None)
async def test_nothing_is_ever_sold_that_is_not_there(
    steps: Sequence[tuple[str, str, int]],
) -> None:
    at = await allocated(9)
    there = 9
    for step, name, units in steps:
        shop = feed_of(at, StoreId(name))
        if step == "buy":
            shop.buy("MUG", units)
        elif step == "gap":
            shop.in_the_gap.append(lambda shop=shop, units=units: shop.buy("MUG", units))  # type: ignore[misc]
        elif step in ("lost", "done"):
            shop.write_errors.append((OutcomeUnknown("no answer"), step == "done"))
        elif step == "deliver":
            there += units
            await at.count(MUG=await at.on_hand("MUG") + units)
        else:
            await at.sync(*(STORES if step == "sync" else name))
        assert sold(at) <= there
    for name in STORES:
        feed_of(at, StoreId(name)).write_errors = []
    await settle(at, 6)
    assert sold(at) <= there
    assert await at.on_hand("MUG") == there - sold(at)
    assert sum(shown(at)) <= there - sold(at)
    assert min(there - sold(at), 1) <= sum(shown(at)), "what is left can be bought somewhere"


def sold(at: World) -> int:
    feeds = [feed_of(at, StoreId(name)) for name in STORES]
    return sum(line.units for feed in feeds for line in [*feed.sold, *feed.hidden])


@given(
    st.integers(-5, 60),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3), min_size=1),
)
def test_allotments_add_up_to_all_there_is(units: int, priorities: dict[str, int]) -> None:
    policies = {
        StoreId(name): Policy(mode=Mode.ALLOCATED, priority=priority)
        for name, priority in priorities.items()
    }
    given_out = [allotted(units, store, policies) for store in policies]
    assert sum(given_out) == max(0, units)
    ranked = sorted(policies, key=lambda at: -policies[at].priority)
    for higher, lower in pairwise(ranked):
        if policies[higher].priority > policies[lower].priority:
            assert allotted(units, higher, policies) >= allotted(units, lower, policies)


def test_auto_allocates_at_the_limit_and_not_above_it() -> None:
    policy, stores = Policy(mode=Mode.AUTO), [StoreId("a"), StoreId("b")]
    assert is_allocated(policy, AUTO_UNITS * 2, stores)
    assert not is_allocated(policy, AUTO_UNITS * 2 + 1, stores)
    assert not is_allocated(Policy(), 0, stores)


def place(shown: int, exposed: dict[tuple[StoreId, ListingId], int], needed: int = 1) -> Place:
    levels = {MUG: {MAIN_LOCATION: StockLevel(on_hand=10, reserved=1)}}
    return place_of(
        OWN, shown, parts={MUG: needed}, levels=levels, exposed={MUG: exposed}, allotments=None
    )


OWN, OTHER = (StoreId("a"), ListingId("1")), (StoreId("b"), ListingId("1"))


def test_there_is_room_only_beside_what_others_may_still_sell() -> None:
    assert place(5, {OWN: 5, OTHER: 4}).room == 5
    assert place(0, {OWN: 0, OTHER: 4}, needed=2).room == 2
    assert place(0, {OTHER: 40}).room == 0
    assert place(2, {OWN: 5, OTHER: 4}).room == 2, "3 units more were written and not answered"


def test_a_number_fits_beside_what_the_store_may_sell_while_it_is_written() -> None:
    assert place(0, {OTHER: 4}).fitted(9) == 5
    assert place(2, {OWN: 2, OTHER: 4}).fitted(3) == 3
    assert place(2, {OWN: 2, OTHER: 4}).fitted(4) == 2, "2 sold meanwhile, and 4 after: 6 of 5"
    assert place(3, {OWN: 3, OTHER: 4}).fitted(2) == 3, "lowering it could sell 3 and then 2"
    assert place(6, {OWN: 6, OTHER: 4}).fitted(4) == 0
    assert place(3, {OWN: 3, OTHER: 4}).fitted(0) == 0
