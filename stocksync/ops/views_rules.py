"""Show rules on a page: what each one matches and sets, and which of them decide for a SKU."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from stocksync.domain.availability import Step
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.rules import Rule
from stocksync.engine import ruling
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
            matches=[(spaced(what), value) for what, value in ruling.matches_of(rule)],
            sets=[(spaced(wish), value) for wish, value in ruling.sets_of(rule)],
        )
        for rule in rules
    ]


async def rulings_for(context: Context, sku: Sku, store: StoreId | None) -> list[Ruling]:
    """Work the formula through for one store or all; stores treated alike share a ruling."""
    stores = list(context.stores) if store is None else [store]
    rulings: list[Ruling] = []
    for found in await ruling.rulings_for(context, sku, stores):
        new = Ruling(
            stores=[found.store],
            target=found.target,
            deciding=[*_deciding(found)],
            steps=list(found.steps),
        )
        _add(rulings, new)
    return rulings


def _add(rulings: list[Ruling], new: Ruling) -> None:
    """Add a ruling, or where there is one like it already, its store to that one."""
    for place, old in enumerate(rulings):
        alike = replace(old, stores=new.stores) == new
        if alike and type(old.target) is type(new.target):
            rulings[place] = replace(old, stores=[*old.stores, *new.stores])
            return
    rulings.append(new)


def _deciding(found: ruling.Ruling) -> Iterator[tuple[str, str, Rule]]:
    for wish in found.wishes:
        times = ruling.times_of(wish.rule)
        yield spaced(wish.name), f"{wish.text()} ({times})" if times else wish.text(), wish.rule
    for location, rule in found.locations:
        sets = ", ".join(f"{spaced(wish)} {value}" for wish, value in ruling.sets_of(rule))
        yield f"at {visible(location)}", sets, rule
