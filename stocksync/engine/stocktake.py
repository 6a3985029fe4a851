"""Carry people's counts and adjustments into the books, and make the stores follow."""

from collections.abc import Sequence
from difflib import get_close_matches

from stocksync.contracts.ledger import Commit
from stocksync.domain.identifiers import Sku
from stocksync.domain.movements import Movement
from stocksync.domain.stock import Levels
from stocksync.domain.stocktake import Count, adjustment, count_movements
from stocksync.engine.context import Context
from stocksync.engine.retry import decided_again
from stocksync.errors import ConfigurationError, UnknownName


async def count(context: Context, counts: Sequence[Count], *, document: str) -> int:
    """Book counts all together; return how many movements that made."""
    run = context.new_id()
    refuse_bundles(context, [at.sku for at in counts])

    async def decide() -> int:
        levels = await context.ledger.levels({at.sku for at in counts})
        movements = count_movements(counts, levels, at=context.now(), document=document, run=run)
        return await book(context, movements)

    return await decided_again(decide)


async def adjust(
    context: Context, sku: Sku, units: int, *, reason: str, key: str = "", location: str = ""
) -> int:
    """Book one adjustment; the same `key` never books twice. Return how many movements it made."""
    refuse_bundles(context, [sku])
    levels = await known_levels(context, sku)
    movement = adjustment(
        sku,
        units,
        levels,
        reason=reason,
        at=context.now(),
        key=f"adjustment:{key or context.new_id()}",
        location=location,
    )
    return await book(context, [movement])


async def book(context: Context, movements: Sequence[Movement]) -> int:
    """Commit movements and mark every listing that depends on them due."""
    skus = context.book.affected({movement.sku for movement in movements})
    return await context.ledger.commit(
        Commit(
            movements=list(movements),
            due_skus=skus,
            due_listings=context.book.switches(skus),
            due_since=context.now(),
        )
    )


async def known_levels(context: Context, sku: Sku) -> Levels:
    """Return a SKU's levels.

    Raises:
        UnknownName: The ledger has never seen it; the message names those most like it.
    """
    levels = await context.ledger.levels([sku])
    if sku not in levels:
        raise UnknownName(await unknown_sku(context, sku))
    return levels[sku]


async def unknown_sku(context: Context, sku: str) -> str:
    """Say that a SKU is unknown, and which known ones look like it."""
    near = get_close_matches(sku, await context.ledger.skus(), n=3)
    hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
    return f"the ledger does not know SKU {sku!r}{hint}"


def refuse_bundles(context: Context, skus: Sequence[Sku]) -> None:
    """Refuse numbers for kits: their parts are what is in stock."""
    kits = [sku for sku in skus if sku in context.book.bundles]
    if kits:
        raise ConfigurationError(
            [f"{kit!r} is a bundle: count or adjust its parts instead" for kit in kits]
        )
