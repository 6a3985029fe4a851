"""`rules …`: check the rules, and see which of them hold for a SKU."""

from collections.abc import Sequence
from typing import Annotated

import typer

from stocksync.cli import books
from stocksync.cli.backtest import rules_backtest
from stocksync.cli.exits import Exit
from stocksync.cli.listings import draw_steps, rule_text
from stocksync.cli.root import Command, Family
from stocksync.cli.rules_check import check
from stocksync.cli.rules_diff import rules_diff
from stocksync.cli.rules_schema import schema
from stocksync.cli.rules_test import try_examples
from stocksync.cli.session import session_of
from stocksync.cli.tables import draw_table, note, say
from stocksync.cli.text import count
from stocksync.domain.identifiers import Sku
from stocksync.domain.rules import Rule
from stocksync.engine.context import Context
from stocksync.engine.ruling import Ruling, document, rulings_for, sets_of, times_of
from stocksync.engine.stocktake import unknown_sku
from stocksync.engine.words import line, name, number

app = typer.Typer(
    cls=Family, no_args_is_help=True, help="Check the rules, and see which of them hold for a SKU."
)
app.command("check", cls=Command)(check)
app.command("schema", cls=Command)(schema)
app.command("backtest", cls=Command)(rules_backtest)
app.command("diff", cls=Command)(rules_diff)
app.command("test", cls=Command)(try_examples)


@app.command(cls=Command)
def explain(
    ctx: typer.Context,
    sku: Annotated[str, typer.Argument(metavar="SKU")],
    store: Annotated[
        str | None, typer.Option("--store", metavar="STORE", help="Only this store.")
    ] = None,
) -> int:
    """Show which rule decides what for a SKU, and the target that comes of it."""
    session = session_of(ctx)
    files = books.read(session)
    named = books.sku_named(sku)
    stores = books.chosen(files, [store] if store else None) or sorted(files.settings.platforms)

    async def work(context: Context) -> list[Ruling]:
        if not await books.is_known(context, named):
            note(f"{await unknown_sku(context, named)} The rules would hold all the same.")
        return await rulings_for(context, named, stores)

    rulings = books.run(files, work)
    session.answer(document(named, rulings), lambda: _draw(named, rulings))
    return Exit.DONE


def _draw(sku: Sku, rulings: Sequence[Ruling]) -> None:
    for ruling in rulings:
        say(f"{name(sku)} in {ruling.store}: {count(len(ruling.wishes), 'wish', 'wishes')}")
        rows = [(wish.name, line(wish.text()), _rule(wish.rule)) for wish in ruling.wishes]
        rows += [
            (f"at {name(location)}", _sets(rule), _rule(rule))
            for location, rule in ruling.locations
        ]
        if rows:
            draw_table(["wish", "value", "rule"], rows)
        if ruling.failed:
            say(f"nothing is written: {ruling.failed}")
        if ruling.steps:
            say()
            draw_steps(ruling.steps)
        say(f"target {number(ruling.target)}")
        say()


def _sets(rule: Rule) -> str:
    return ", ".join(f"{wish} {line(value)}" for wish, value in sets_of(rule))


def _rule(rule: Rule) -> str:
    """Name a rule, its place, and when it holds if that is not always."""
    times = times_of(rule)
    return f"{rule_text(rule)}, {line(times)}" if times else rule_text(rule)
