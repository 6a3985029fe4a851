"""Put rules into words: what each one matches and sets, and which of them decide for a SKU."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

from stocksync.domain.availability import Step, Steps
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.plan import levels_of_sku, target_for
from stocksync.domain.rules import WISH_NAMES, Buffer, Match, Policy, Rule
from stocksync.engine.context import Context
from stocksync.engine.words import name as visible
from stocksync.ops.words import spaced


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule: where it stands, what it matches (nothing: everything) and what it sets."""

    name: str
    place: str
    matches: Sequence[tuple[str, str]]
    sets: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the rules say about one SKU in these stores; `deciding` are wish, value and rule."""

    stores: Sequence[StoreId]
    target: int | bool | None
    deciding: Sequence[tuple[str, str, Rule]]
    steps: Sequence[Step]


def rows_of(rules: Sequence[Rule]) -> list[RuleRow]:
    """Return a row for each rule, in the order in which they are read."""
    return [
        RuleRow(
            name=rule.name,
            place=rule.place,
            matches=[*_matches(rule.match)],
            sets=[*_sets(rule)],
        )
        for rule in rules
    ]


def _matches(match: Match) -> Iterator[tuple[str, str]]:
    for field in fields(match):
        value = getattr(match, field.name)
        if value:
            yield spaced(field.name), str(value)


def _sets(rule: Rule) -> Iterator[tuple[str, str]]:
    for name in WISH_NAMES:
        value = getattr(rule.wishes, name)
        if value is not None:
            yield spaced(name), wish(value)


def wish(value: Any) -> str:
    """Write the value of a wish as the rules do."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Buffer):
        units = [str(value.units)] if value.units or not value.percent else []
        return " + ".join([*units, *([percent(value.percent)] if value.percent else [])])
    if isinstance(value, Fraction):
        return percent(value)
    if isinstance(value, tuple):
        return ", ".join(map(visible, value))
    return str(value)


def percent(part: Fraction) -> str:
    """Show a part of one as the rules write it."""
    return f"{float(part * 100):.10g}%"


async def rulings_for(context: Context, sku: Sku, store: StoreId | None) -> list[Ruling]:
    """Work the formula through for one store or all, with the stock of this moment.

    Stores for which all is the same share one. A SKU that the ledger does not know has rules all
    the same, and no target.
    """
    levels = await context.ledger.levels(context.book.parts(sku))
    listed = {record.store for record in await context.ledger.records_of([sku])}
    known = levels_of_sku(sku, context.book, levels) is not None
    rulings: list[Ruling] = []
    for at in context.stores if store is None else [store]:
        steps = Steps()
        target: int | bool | None = (
            target_for(sku, at, stores=listed, levels=levels, rulebook=context.book, steps=steps)
            if known
            else None
        )
        if context.stores[at].seat.switches and target is not None:
            target = target > 0
        deciding = [*_deciding(context.book.policy(sku, at))]
        _add(rulings, Ruling(stores=[at], target=target, deciding=deciding, steps=steps.all))
    return rulings


def _add(rulings: list[Ruling], new: Ruling) -> None:
    """Add a ruling, or where there is one like it already, its store to that one."""
    for place, old in enumerate(rulings):
        alike = replace(old, stores=new.stores) == new
        if alike and type(old.target) is type(new.target):
            rulings[place] = replace(old, stores=[*old.stores, *new.stores])
            return
    rulings.append(new)


def _deciding(policy: Policy) -> Iterator[tuple[str, str, Rule]]:
    for name, rule in policy.reasons.items():
        yield spaced(name), wish(getattr(policy, name)), rule
    for location, rules in policy.location_rules.items():
        for rule in rules:
            sets = ", ".join(f"{name} {value}" for name, value in _sets(rule))
            yield f"at {visible(location)}", sets, rule
