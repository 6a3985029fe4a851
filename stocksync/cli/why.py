"""`history` and `explain`: where a SKU's numbers come from."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.listings import draw_movements, draw_steps, draw_totals, reading_text
from stocksync.cli.session import session_of
from stocksync.cli.story import STANDING, Story, intent_text, target_text
from stocksync.cli.tables import say
from stocksync.cli.text import age, moment, name, number
from stocksync.contracts.ledger import BookedMovement
from stocksync.engine.context import Context
from stocksync.engine.explain import SkuView, movement_json, step_json, view
from stocksync.engine.stocktake import unknown_sku
from stocksync.errors import UnknownName

LAST: Final = 5

SkuName = Annotated[str, typer.Argument(metavar="SKU")]


def history(
    ctx: typer.Context,
    sku: SkuName,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Show so many at most; 0 shows all.")
    ] = 50,
) -> int:
    """Show every movement of a SKU, newest first."""
    named = books.sku_named(sku)

    async def work(context: Context) -> list[BookedMovement]:
        found = await context.ledger.history(named, limit or None)
        if not found and not await books.is_known(context, named):
            raise UnknownName(await unknown_sku(context, named))
        return found

    session = session_of(ctx)
    found = books.ask(session, work)

    def draw() -> None:
        if found:
            draw_movements(found)
        else:
            say(f"{name(named)}: nothing was booked yet")

    session.answer([movement_json(booked) for booked in found], draw)
    return Exit.DONE


def explain(
    ctx: typer.Context,
    sku: SkuName,
    store: Annotated[
        str | None, typer.Option("--store", metavar="STORE", help="Only this store.")
    ] = None,
) -> int:
    """Say why a SKU's numbers are what they are."""
    session = session_of(ctx)
    files = books.read(session)
    stores = books.chosen(files, [store] if store else None)

    async def work(context: Context) -> tuple[SkuView, list[Story]]:
        found = await view(context, books.sku_named(sku), store=stores[0] if stores else None)
        return found, await _stories(context, found)

    found, stories = books.run(files, work)
    session.answer(_document(found, stories), lambda: _draw(found, stories))
    return Exit.DONE


async def _stories(context: Context, found: SkuView) -> list[Story]:
    """Gather what is under way for each listing of a SKU."""
    stores = {listing.record.store for listing in found.listings}
    intents = [at for store in sorted(stores) for at in await context.ledger.intents(store)]
    holds = [at for store in sorted(stores) for at in await context.ledger.holds(store, STANDING)]
    now = context.now()
    return [
        Story(
            view=listing,
            store=context.stores[listing.record.store],
            intents=[at for at in intents if (at.store, at.listing) == listing.record.key],
            holds=[
                hold
                for hold in holds
                if any((at.store, at.listing) == listing.record.key for at in hold.lines)
            ],
            now=now,
        )
        for listing in found.listings
    ]


def _document(found: SkuView, stories: Sequence[Story]) -> dict[str, Any]:
    """Return the object of `stock show`, with the whole way to each number."""
    return {
        **found.as_json(),
        "parts": dict(found.parts),
        "movements": [movement_json(booked) for booked in found.movements],
        "listings": [_listing_document(story) for story in stories],
    }


def _listing_document(story: Story) -> dict[str, Any]:
    record = story.record
    return {
        **story.view.as_json(),
        "read_at": record.reading.read_at.isoformat() if record.reading else None,
        "quarantine": record.quarantine,
        "settled": record.settled,
        "due_since": record.due_since.isoformat() if record.due_since else None,
        "retry_at": record.retry_at.isoformat() if record.retry_at else None,
        "attempts": record.attempts,
        "intents": [
            {
                "id": at.id,
                "run": at.run,
                "state": at.state.value,
                "before": at.before,
                "target": at.target,
                "created_at": at.created_at.isoformat(),
            }
            for at in story.intents
        ],
        "holds": [
            {"hash": at.hash, "gate": at.gate.value, "state": at.state.value, "reason": at.reason}
            for at in story.holds
        ],
        "steps": [step_json(step) for step in story.view.steps],
        "next": story.next(),
    }


def _draw(found: SkuView, stories: Sequence[Story]) -> None:
    draw_totals(found)
    if found.movements:
        say()
        say("last movements")
        draw_movements(found.movements[:LAST])
    if not stories:
        say()
        say("no store lists it")
    for story in stories:
        say()
        _draw_story(story)


def _draw_story(story: Story) -> None:
    record = story.record
    title = f", {name(record.title)}" if record.title else ""
    state = story.view.as_json()["state"]
    say(f"{record.store}: listing {name(record.listing)}{title}, {state}")
    say(f"  reading   {reading_text(record, story.now)}")
    say(f"  baseline  {number(story.view.as_json()['baseline'])}")
    for intent in story.intents:
        say(f"  intent    {intent_text(intent)}, {age(intent.created_at, story.now)}")
    for hold in story.holds:
        say(f"  hold      {hold.hash} {hold.gate.value}, {hold.state.value}")
    if record.due_since is not None:
        say(f"  due       since {moment(record.due_since)}")
    if story.view.steps:
        draw_steps(story.view.steps)
    say(f"  target    {target_text(story.view)}")
    say(f"  next      {story.next()}")
