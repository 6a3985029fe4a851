"""A small merchant whose stores go wrong, and the words of the person who decides about it."""

from stocksync.contracts.ledger import Hold, HoldState
from stocksync.domain.identifiers import StoreId
from stocksync.engine.decisions import decide
from tests.world import World, world

A, B = StoreId("a"), StoreId("b")


async def merchant(listings: int, units: int = 10, **options: object) -> World:
    """Return two stores that agree on so many listings of so many units."""
    stock = {f"S{number:03}": units for number in range(listings)}
    shops: dict[str, dict[str, object]] = {"a": {**stock}, "b": {**stock}}
    at = world(shops, **options)
    await at.count(**stock)
    await at.sync()
    return at


async def the_hold(at: World) -> Hold:
    waiting = await at.ledger.holds()
    assert len(waiting) == 1
    return waiting[0]


async def say(at: World, to: HoldState) -> str:
    hold = await the_hold(at)
    await decide(at.context, hold.hash, to, by="anna")
    return hold.hash


async def state(at: World, name: str) -> HoldState:
    hold = await at.ledger.hold(name)
    assert hold is not None
    return hold.state


def sells(at: World, listings: int, units: int, store: str = "a") -> None:
    for number in range(listings):
        at.sell(store, f"S{number:03}", units)
