"""`stock …`: see, count and adjust what is in stock."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.files import save_text
from stocksync.cli.listings import draw_sku
from stocksync.cli.root import Command, Family
from stocksync.cli.session import session_of
from stocksync.cli.stockfile import as_csv, print_csv, read_file, rows_of
from stocksync.cli.tables import LINES_MAX, draw_table, note, say, say_rest
from stocksync.cli.text import count
from stocksync.domain.availability import free
from stocksync.domain.identifiers import LocationId, Sku
from stocksync.domain.stock import Levels
from stocksync.domain.stocktake import UNITS_MAX, Count, where, whole_number
from stocksync.engine import stocktake
from stocksync.engine.context import Context
from stocksync.engine.explain import SkuView, view
from stocksync.engine.words import change, name
from stocksync.errors import ConfigurationError, UnknownName

app = typer.Typer(cls=Family, no_args_is_help=True, help="See, count and adjust what is in stock.")
#: Lets `-2` be a number and not an unknown option.
_SIGNED = {"ignore_unknown_options": True}

#: What people write where a file is asked for and the terminal or a pipe is meant.
STANDARD_OUTPUT = Path("-")

SkuName = Annotated[str, typer.Argument(metavar="SKU")]
Location = Annotated[
    str, typer.Option("--location", metavar="NAME", help="Where, if the SKU is in several places.")
]


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    low: Annotated[
        int | None, typer.Option("--low", metavar="N", help="Only SKUs with N or fewer available.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, help="Show so many at most; 0 shows all.")
    ] = None,
) -> int:
    """List every SKU the books know."""

    async def work(context: Context) -> dict[Sku, Levels]:
        return await context.ledger.levels(await context.ledger.skus())

    session = session_of(ctx)
    levels = books.ask(session, work)
    rows = [_totals(sku, levels[sku]) for sku in sorted(levels)]
    rows = [row for row in rows if low is None or row["available"] <= low]
    most = (0 if session.json else LINES_MAX) if limit is None else limit
    shown = rows[:most] if most else rows

    def draw() -> None:
        columns = ("on_hand", "reserved", "available")
        cells = [(name(row["sku"]), *(str(row[at]) for at in columns)) for row in shown]
        draw_table(["SKU", *columns], cells, numbers=columns)
        say_rest(len(shown), len(rows), "--limit 0 shows all")

    session.answer(shown, draw)
    return Exit.DONE


def _totals(sku: Sku, levels: Levels) -> dict[str, Any]:
    """Return a row of `stock list`."""
    return {
        "sku": sku,
        "on_hand": sum(level.on_hand for level in levels.values()),
        "reserved": sum(level.reserved for level in levels.values()),
        "available": max(0, sum(free(level) for level in levels.values())),
    }


@app.command(cls=Command)
def show(ctx: typer.Context, sku: SkuName) -> int:
    """Show what there is of a SKU, and what every store shows of it."""

    async def work(context: Context) -> SkuView:
        return await view(context, books.sku_named(sku))

    session = session_of(ctx)
    found = books.ask(session, work)
    session.answer(found.as_json(), lambda: draw_sku(found))
    return Exit.DONE


@app.command("set", cls=Command, context_settings=_SIGNED)
def set_(
    ctx: typer.Context,
    sku: SkuName,
    units: Annotated[str, typer.Argument(metavar="N", help="The units that were counted.")],
    location: Location = "",
) -> int:
    """Book a count: this many are there, whatever the books say."""
    counted = whole_number(units)
    if counted is None or counted < 0:
        raise ConfigurationError([f"{units!r} is not a whole number from 0 to {UNITS_MAX}"])
    named = books.sku_named(sku)
    at = LocationId(location) if location else None

    async def work(context: Context) -> tuple[Levels, Levels]:
        before = await context.ledger.levels([named])
        if named not in before:
            note(f"new: {await stocktake.unknown_sku(context, named)}")
        counts = [Count(sku=named, on_hand=counted, location=at)]
        await stocktake.count(context, counts, document=books.person())
        return before.get(named, {}), (await context.ledger.levels([named]))[named]

    return _tell(ctx, named, *books.ask(session_of(ctx), work))


@app.command(cls=Command, context_settings=_SIGNED)
def adjust(
    ctx: typer.Context,
    sku: SkuName,
    units: Annotated[str, typer.Argument(metavar="+N|-N", help="Units found or lost.")],
    reason: Annotated[str, typer.Option("--reason", help="What happened, for the history.")],
    location: Location = "",
) -> int:
    """Book units that were found or lost, with the reason."""
    moved = whole_number(units.removeprefix("+"))
    if moved is None:
        raise ConfigurationError([f"{units!r} is not a number of units such as +5 or -2"])
    named = books.sku_named(sku)

    async def work(context: Context) -> tuple[Levels, Levels]:
        before = await stocktake.known_levels(context, named)
        if moved < 0 and location and location not in before:
            places = ", ".join(sorted(before)) or "nowhere"
            raise UnknownName(f"{named!r} is not at {location!r}: it is at {places}")
        await stocktake.adjust(context, named, moved, reason=reason, location=location)
        return before, (await context.ledger.levels([named]))[named]

    return _tell(ctx, named, *books.ask(session_of(ctx), work))


def _tell(ctx: typer.Context, sku: Sku, before: Levels, after: Levels) -> Exit:
    """Say what a count or an adjustment did to the numbers of a SKU."""
    was, now = _totals(sku, before), _totals(sku, after)
    document = {**now, "before": was["on_hand"] if before else None}

    def draw() -> None:
        say(f"{name(sku)}: on hand {change(document['before'], now['on_hand'])}")
        if before and was == now:
            say("nothing to book: the books said so already")
        else:
            say("the next sync carries it to the stores")

    session_of(ctx).answer(document, draw)
    return Exit.DONE


@app.command("import", cls=Command)
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
) -> int:
    """Book a stock file: `sku,on_hand`, with `location` if need be.

    SKUs the books do not know are opened, the others counted. The file of `stock export` can be
    read back as it is.
    """
    counts = read_file(file)

    async def work(context: Context) -> tuple[list[dict[str, Any]], int]:
        changes = await _changes(context, counts)
        if dry_run:
            return changes, 0
        return changes, await stocktake.count(context, counts, document=file.name)

    changes, booked = books.ask(session_of(ctx), work)
    document = {
        "file": str(file),
        "lines": len(counts),
        "changes": changes,
        "movements": booked,
        "dry_run": dry_run,
    }
    session_of(ctx).answer(document, lambda: _draw_import(document))
    return Exit.DONE


async def _changes(context: Context, counts: list[Count]) -> list[dict[str, Any]]:
    """Work out what counts would change, and refuse what could not be booked."""
    stocktake.refuse_bundles(context, [at.sku for at in counts])
    levels = await context.ledger.levels({at.sku for at in counts})
    rows = []
    for at in counts:
        known = levels.get(at.sku)
        place = where(at, known or {})
        before = None if known is None else known[place].on_hand if place in known else 0
        if before != at.on_hand:
            rows.append({"sku": at.sku, "location": place, "before": before, "after": at.on_hand})
    return rows


def _draw_import(document: dict[str, Any]) -> None:
    changes = document["changes"]
    rows = [
        (name(at["sku"]), name(at["location"]), change(at["before"], at["after"]))
        for at in changes[:LINES_MAX]
    ]
    if rows:
        draw_table(["SKU", "location", "on hand"], rows, numbers=("on hand",))
        say_rest(len(rows), len(changes), "--json shows all")
    same = document["lines"] - len(changes)
    say(f"{count(document['lines'], 'line')}: {len(changes)} differ, {same} as the books say")
    if document["dry_run"]:
        say("nothing was booked")
    else:
        say(f"{count(document['movements'], 'movement')} booked; a sync carries them to the stores")


@app.command(cls=Command)
def export(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]")] = None,
) -> int:
    """Write what is on hand as CSV: to a file, or to standard output (`-`)."""

    async def work(context: Context) -> dict[Sku, Levels]:
        return await context.ledger.levels(await context.ledger.skus())

    session = session_of(ctx)
    rows = rows_of(books.ask(session, work))
    below = sum(row["on_hand"] < 0 for row in rows)
    if below:
        note(f"{count(below, 'line')} below zero (oversold): count them before importing this file")
    if file is not None and file != STANDARD_OUTPUT:
        save_text(as_csv(rows), file)
        document = {"file": str(file), "lines": len(rows)}
        session.answer(document, lambda: say(f"{file}: {count(len(rows), 'line')} written"))
    else:
        session.answer(rows, lambda: print_csv(as_csv(rows)))
    return Exit.DONE
