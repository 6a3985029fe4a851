"""A store that answers yes and does not take the number: what it shows after is the evidence."""

from collections.abc import Sequence
from dataclasses import replace

from stocksync.contracts.connector import ReadBack, WriteOutcome, WriteResult
from stocksync.contracts.ledger import IntentState
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction
from tests.world import SET_ONLY, World, world

B = StoreId("b")
MUG = ListingId("MUG")


async def sold_before_the_proof(*, taken: bool, left: int) -> World:
    """Let b answer yes to 10 -> 5, and show `left` when it is asked again."""
    proved = replace(SET_ONLY, read_back=ReadBack.ALWAYS)
    at = world({"a": {"MUG": 10}, "b": {"MUG": 10}}, capabilities=proved)
    await at.count(MUG=10)
    await at.sync()
    shop = at.shops[B]
    store = shop.write
    answered: list[Correction] = []

    async def once(corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        if answered:
            return await store(corrections)
        answered.extend(corrections)
        if taken:
            await store(corrections)
        shop.stock[MUG] = left
        return [WriteResult(listing=MUG, outcome=WriteOutcome.APPLIED)]

    shop.write = once  # type: ignore[method-assign]
    at.sell("a", "MUG", 5)
    await at.sync()
    return at


async def test_a_number_that_was_not_taken_and_then_sold_from_is_no_return() -> None:
    at = await sold_before_the_proof(taken=False, left=9)
    await at.sync()
    assert await at.on_hand("MUG") == 4
    assert await at.ledger.intents(B, (IntentState.UNKNOWN,)) != []


async def test_a_number_that_was_taken_and_then_sold_from_is_a_sale() -> None:
    at = await sold_before_the_proof(taken=True, left=4)
    await at.sync()
    assert await at.on_hand("MUG") == 4
    assert await at.ledger.intents(B, (IntentState.UNKNOWN,)) == []
