"""`rules diff`: which targets change from one rules folder to another, before anything does."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from stocksync.bootstrap import Plan
from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.listings import rule_text
from stocksync.cli.plans import line_document
from stocksync.cli.rulesets import Gathered, rules_in
from stocksync.cli.session import session_of
from stocksync.cli.tables import LINES_MAX, draw_table, say, say_rest, say_text
from stocksync.cli.text import count, signed
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rulediff import Cause
from stocksync.engine.context import Context
from stocksync.engine.rulediff import Difference, StoreDiff, compare
from stocksync.engine.words import NOTHING, line, name, number

_NUMBERS = ("before", "after", "change")


def rules_diff(
    ctx: typer.Context,
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A rules folder.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The one that is to replace it.")],
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Show so many lines a store; 0 shows all.")
    ] = LINES_MAX,
) -> int:
    """Show which targets change from one rules folder to another, and why."""
    session = session_of(ctx)
    gathered = Gathered()
    settings = gathered.take(partial(books.read_settings, session))
    found: list[Rulebook | None] = []
    if settings is not None:
        for called, folder in (("OLD", old), ("NEW", new)):
            found.append(gathered.take(partial(rules_in, folder, settings, called=called)))
    gathered.raise_any()
    before, after = found
    if settings is None or before is None or after is None:  # pragma: no cover - raised above
        raise AssertionError("something was refused without a reason")

    async def work(context: Context) -> list[StoreDiff]:
        return await compare(context, before, after)

    diffs = books.run(Plan(settings=settings, book=before, warnings=()), work)
    session.answer(_document(old, new, diffs), lambda: _draw(diffs, limit=limit))
    return Exit.HELD if any(at.trip for at in diffs) else Exit.DONE


def _document(old: Path, new: Path, diffs: Sequence[StoreDiff]) -> dict[str, Any]:
    return {
        "old": str(old),
        "new": str(new),
        "stores": [
            {
                "store": at.store,
                "listings": at.listings,
                "changed": len(at.differences),
                "units_up": at.up,
                "units_down": at.down,
                "would_be_held": None if at.trip is None else at.trip.reason,
                "changes_max": at.allowed[0],
                "zeroed_max": at.allowed[1],
                "lines": [_line(difference) for difference in at.differences],
            }
            for at in diffs
        ],
        "total": {
            "listings": sum(at.listings for at in diffs),
            "changed": sum(len(at.differences) for at in diffs),
            "units_up": sum(at.up for at in diffs),
            "units_down": sum(at.down for at in diffs),
            "would_be_held": [at.store for at in diffs if at.trip],
        },
    }


def _line(difference: Difference) -> dict[str, Any]:
    rule = difference.cause.rule
    return line_document(difference.line) | {
        "change": difference.units,
        "rule": rule.name if rule else None,
        "place": rule.place if rule else None,
        "gone": difference.cause.gone,
        "note": difference.cause.note,
    }


def _draw(diffs: Sequence[StoreDiff], *, limit: int) -> None:
    for at in diffs:
        changed = f"{len(at.differences)} of {count(at.listings, 'listing')} would change"
        units = f": {signed(at.up)} and {signed(-at.down)} units" if at.up or at.down else ""
        say(f"{name(at.store)}: {changed}{units}")
        shown = at.differences if limit == 0 else at.differences[:limit]
        if shown:
            rows = [
                (
                    name(each.line.listing),
                    name(each.line.sku) if each.line.sku else "",
                    _number(each.line.before, each),
                    _number(each.line.after, each),
                    NOTHING if each.units is None else signed(each.units),
                    _why(each.cause),
                )
                for each in shown
            ]
            draw_table(["listing", "SKU", *_NUMBERS, "rule"], rows, numbers=_NUMBERS)
        say_rest(len(shown), len(at.differences), "--limit 0 or --json shows all")
        if at.trip is not None:
            most, zeroed = at.allowed
            limits = f"at most {most} may change, {zeroed} fall to 0"
            say_text(f"{name(at.store)}: would be held: {at.trip.reason} ({limits})")
        say()
    lines = sum(len(at.differences) for at in diffs)
    held = sum(at.trip is not None for at in diffs)
    waits = f"; the plans of {count(held, 'store')} would wait for you" if held else ""
    say(f"{count(lines, 'target')} in {count(len(diffs), 'store')} would change{waits}")


def _number(value: int | None, at: Difference) -> str:
    return number(bool(value) if at.switch and value is not None else value)


def _why(cause: Cause) -> str:
    if cause.rule is None:
        return line(cause.note)
    return f"no more: {rule_text(cause.rule)}" if cause.gone else rule_text(cause.rule)
