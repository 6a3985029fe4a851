"""`rules …`: check the rules, and see which of them hold for a SKU."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.listings import draw_steps, rule_text
from stocksync.cli.root import Command, Family
from stocksync.cli.session import session_of
from stocksync.cli.tables import draw_table, note, say
from stocksync.cli.text import count
from stocksync.domain.availability import Step, Steps
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.plan import levels_of_sku, target_for
from stocksync.domain.rules import Buffer, Policy
from stocksync.engine.context import Context
from stocksync.engine.explain import step_json
from stocksync.engine.stocktake import unknown_sku
from stocksync.engine.words import NOTHING, name, number

app = typer.Typer(
    cls=Family, no_args_is_help=True, help="Check the rules, and see which of them hold for a SKU."
)


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What the rules say about one SKU in one store."""

    store: StoreId
    policy: Policy
    target: int | None
    steps: tuple[Step, ...]


@app.command(cls=Command)
def check(ctx: typer.Context) -> int:
    """Read the rules and say everything that is wrong with them."""
    session = session_of(ctx)
    files = books.read(session)
    book = files.book
    counts = {
        "rules": len(book.rules),
        "groups": len(book.groups),
        "aliases": len(book.aliases),
        "bundles": len(book.bundles),
        "availability": len(book.availability),
    }
    for warning in files.warnings:
        note(f"warning: {warning}")

    def draw() -> None:
        things = ", ".join(f"{of} {what}" for what, of in counts.items())
        say(f"{files.settings.rules}: {things}; nothing is wrong with them")

    session.answer({**counts, "warnings": list(files.warnings)}, draw)
    return Exit.DONE


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
        return await _rulings(context, named, stores)

    rulings = books.run(files, work)
    document = {"sku": named, "stores": [_document(ruling) for ruling in rulings]}
    session.answer(document, lambda: _draw(named, rulings))
    return Exit.DONE


async def _rulings(context: Context, sku: Sku, stores: Sequence[StoreId]) -> list[Ruling]:
    """Work the formula through for each store, with the stock of this moment."""
    book = context.book
    levels = await context.ledger.levels(book.parts(sku))
    listed = {record.store for record in await context.ledger.records_of([sku])}
    rulings = []
    for store in stores:
        steps = Steps()
        target = None
        if levels_of_sku(sku, book, levels) is not None:
            target = target_for(
                sku, store, stores=listed, levels=levels, rulebook=book, steps=steps
            )
        ruling = Ruling(
            store=store, policy=book.policy(sku, store), target=target, steps=tuple(steps.all)
        )
        rulings.append(ruling)
    return rulings


def wish_value(value: object) -> Any:
    """Return the value of a wish as the rules write it."""
    if isinstance(value, Buffer):
        parts = [str(value.units)] if value.units or not value.percent else []
        return " + ".join([*parts, *([percent(value.percent)] if value.percent else [])])
    if isinstance(value, Fraction):
        return percent(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def percent(part: Fraction) -> str:
    """Show a part of one as the rules write it."""
    return f"{float(part * 100):.10g}%"


def _document(ruling: Ruling) -> dict[str, Any]:
    policy = ruling.policy
    return {
        "store": ruling.store,
        "target": ruling.target,
        "wishes": [
            {
                "name": wish,
                "value": wish_value(getattr(policy, wish)),
                "rule": rule.name,
                "place": rule.place,
            }
            for wish, rule in policy.reasons.items()
        ],
        "locations": {
            location: [{"rule": rule.name, "place": rule.place} for rule in rules]
            for location, rules in policy.location_rules.items()
        },
        "steps": [step_json(step) for step in ruling.steps],
    }


def _draw(sku: Sku, rulings: Sequence[Ruling]) -> None:
    for ruling in rulings:
        policy = ruling.policy
        say(f"{name(sku)} in {ruling.store}: {count(len(policy.reasons), 'wish', 'wishes')}")
        rows = [
            (wish, _shown(getattr(policy, wish)), rule_text(rule))
            for wish, rule in policy.reasons.items()
        ]
        rows += [
            (f"at {name(location)}", NOTHING, rule_text(rule))
            for location, rules in policy.location_rules.items()
            for rule in rules
        ]
        if rows:
            draw_table(["wish", "value", "rule"], rows)
        if ruling.steps:
            say()
            draw_steps(ruling.steps)
        say(f"target {number(ruling.target)}")
        say()


def _shown(value: object) -> str:
    wish = wish_value(value)
    if isinstance(wish, bool):
        return "yes" if wish else "no"
    if isinstance(wish, list):
        return ", ".join(name(part) for part in wish)
    return str(wish)
