"""`history` and `explain`: where a SKU's numbers come from."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.listings import draw_movements, draw_steps, draw_totals, reading_text
from stocksync.cli.session import session_of
from stocksync.cli.tables import say
from stocksync.cli.text import age, moment
from stocksync.contracts.ledger import BookedMovement, Intent
from stocksync.engine.context import Context
from stocksync.engine.explain import ListingView, SkuView, movement_json, view
from stocksync.engine.stocktake import unknown_sku
from stocksync.engine.story import Story, document, stories
from stocksync.engine.words import change, line, name, number
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
        return found, await stories(context, found)

    found, told = books.run(files, work)
    session.answer(document(found, told), lambda: _draw(found, told))
    return Exit.DONE


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


def intent_text(intent: Intent) -> str:
    """Say what a write was for and where it stands."""
    state = intent.state.value
    return f"{state}: {change(intent.before, intent.target)} (run {line(intent.run)})"


def target_text(view: ListingView) -> str:
    """Show a listing's target as its store would."""
    return number(view.as_json()["target"])
