"""A store that writes a product with all its variants: what a write carries along is ours too."""

from dataclasses import replace

from stocksync.contracts.ledger import IntentState
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.errors import OutcomeUnknown, StoreRejected, StoreUnavailable
from tests.world import SET_ONLY, World, world

B = StoreId("b")
RED, BLUE = ListingId("RED"), ListingId("BLUE")
WHOLE = replace(SET_ONLY, whole_group_writes=True)


async def mugs() -> World:
    """Return two stores with a mug in two colours, which b writes together."""
    shown: dict[str, object] = {"RED": 10, "BLUE": 10}
    at = world({"a": dict(shown), "b": dict(shown)}, capabilities=WHOLE)
    for shop in at.shops.values():
        shop._groups = {RED: "mug", BLUE: "mug"}
    await at.count(RED=10, BLUE=10)
    await at.sync()
    return at


async def test_a_late_write_that_brings_back_a_siblings_number_is_no_return() -> None:
    at = await mugs()
    at.sell("a", "RED", 2)
    shop = at.shops[B]
    shop.write_errors = [(OutcomeUnknown("no answer"), False)] * 2
    await at.sync()
    at.sell("b", "BLUE", 3)
    await at.sync()
    assert await at.on_hand("BLUE") == 7
    shop.stock |= {RED: 8, BLUE: 10}  # the first write, at last
    await at.sync()
    await at.sync()
    assert await at.on_hand("BLUE") == 7
    assert at.shows("b") == {"RED": 8, "BLUE": 7}


async def test_a_sibling_that_moved_stops_the_write_and_is_booked_first() -> None:
    at = await mugs()
    at.sell("a", "RED", 2)
    shop = at.shops[B]
    shop.before_read = [(BLUE, 6)]
    await at.sync()
    assert await at.on_hand("BLUE") == 6
    assert at.shows("b") == {"RED": 8, "BLUE": 6}
    assert (BLUE, 10) not in shop.written


async def test_a_group_of_which_one_number_moved_is_not_written_in_part() -> None:
    at = await mugs()
    at.sell("a", "RED", 2)
    at.sell("a", "BLUE", 1)
    shop = at.shops[B]
    shop.before_read = [(BLUE, 6)]
    await at.sync()
    assert await at.on_hand("BLUE") == 5
    assert sorted(shop.written) == [(BLUE, 5), (RED, 8)], "one write, with both of them"


async def test_what_is_only_carried_along_counts_as_no_correction_and_stays_as_it_was() -> None:
    at = await mugs()
    before = (await at.ledger.records(B))[BLUE]
    at.sell("a", "RED", 2)
    run = await at.sync()
    assert at.report(run, "b")["corrections"] == at.report(run, "b")["confirmed"] == 1
    assert at.shops[B].written == [(RED, 8), (BLUE, 10)]
    assert (await at.ledger.records(B))[BLUE] == before
    confirmed = await at.ledger.intents(B, (IntentState.CONFIRMED,))
    assert {(intent.listing, intent.before, intent.target) for intent in confirmed} == {
        (RED, 10, 8),
        (BLUE, 10, 10),
    }


async def test_no_group_is_larger_than_a_batch() -> None:
    at = await mugs()
    at.shops[B]._capabilities = replace(WHOLE, write_batch_max=1)
    at.sell("a", "RED", 2)
    await at.sync()
    assert at.shops[B].written == [(RED, 8)]


async def test_the_half_of_a_refused_batch_that_was_never_sent_is_no_write_in_doubt() -> None:
    stock: dict[str, object] = {f"S{number}": 10 for number in range(4)}
    at = world({"a": dict(stock), "b": dict(stock)})
    await at.count(S0=10, S1=10, S2=10, S3=10)
    await at.sync()
    for sku in stock:
        at.sell("a", sku, 1)
    at.shops[B].write_errors = [
        (StoreRejected("one of them"), False),
        (StoreUnavailable("down"), False),
    ]
    run = await at.sync()
    assert at.report(run, "b")["outcome"] == "failed"
    assert await at.ledger.intents(B, (IntentState.OPEN, IntentState.UNKNOWN)) == []
    assert len(await at.ledger.intents(B, (IntentState.SUPERSEDED,))) == 4
    await at.sync()
    assert at.shows("b") == dict.fromkeys(stock, 9)


async def test_nothing_is_announced_for_a_listing_that_moved_on() -> None:
    at = world({"a": {"MUG": 10}, "b": {"MUG": 10}})
    await at.count(MUG=10)
    await at.sync()
    at.sell("a", "MUG", 2)
    at.shops[B].before_read = [(ListingId("MUG"), 9)]
    await at.sync()
    kept = await at.ledger.intents(B, tuple(IntentState))
    assert [(intent.before, intent.target) for intent in kept] == [(9, 7)]
