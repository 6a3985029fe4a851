"""Say what rules ask for, and which of them decide for a SKU: one text and one JSON for everybody.

The command line, the API and the pages all take their words from here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from stocksync.domain.availability import Step, Steps
from stocksync.domain.identifiers import LocationId, Sku, StoreId
from stocksync.domain.plan import levels_of_sku, target_for
from stocksync.domain.rules import WISH_NAMES, Buffer, Match, Policy, Rule, Velocity
from stocksync.domain.velocity import NO_SALES, RecentSales
from stocksync.engine.context import Context
from stocksync.engine.explain import step_json
from stocksync.engine.picture import sold_within
from stocksync.engine.words import name as visible

TAKEN_BACK: Final = "taken back"

_SPANS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One wish that holds for a SKU in a store: its value, and the rule that decided it.

    `taken_back`: the rule took back what others set, and the value is that of no rule at all.
    """

    name: str
    value: object
    rule: Rule
    taken_back: bool = False

    def text(self) -> str:
        """Write the value as the rules do."""
        return TAKEN_BACK if self.taken_back else wish_text(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the rules say about one SKU in one store.

    `target` is None where the books do not know the SKU or nothing is to be written; true or false
    where a store has no quantities. `locations` are the rules about single locations.
    """

    store: StoreId
    target: int | bool | None
    wishes: Sequence[Wish]
    locations: Sequence[tuple[LocationId, Rule]]
    steps: Sequence[Step]
    failed: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return a row of `stores` in `rules explain --json`."""
        locations: dict[str, list[dict[str, Any]]] = {}
        for location, rule in self.locations:
            sets = {wish: wish_json(value) for wish, value in set_by(rule)}
            locations.setdefault(location, []).append({"sets": sets, **_source(rule)})
        return {
            "store": self.store,
            "target": self.target,
            "wishes": [
                {
                    "name": wish.name,
                    "value": wish_json(wish.value),
                    "taken_back": wish.taken_back,
                    **_source(wish.rule),
                }
                for wish in self.wishes
            ],
            "locations": locations,
            "steps": [step_json(step) for step in self.steps],
            "failed": self.failed,
        }


def document(sku: Sku, rulings: Iterable[Ruling]) -> dict[str, Any]:
    """Return the object of `rules explain --json`."""
    return {"sku": sku, "stores": [ruling.as_json() for ruling in rulings]}


async def rulings_for(context: Context, sku: Sku, stores: Iterable[StoreId]) -> list[Ruling]:
    """Work the formula through for each store, with the stock and the sales of this moment.

    A SKU that the ledger does not know has rules all the same, and no target.
    """
    stores = list(stores)
    levels = await context.ledger.levels(context.book.parts(sku))
    listed = {record.store for record in await context.ledger.records_of([sku])}
    known = levels_of_sku(sku, context.book, levels) is not None
    sales = await _sales(context, sku, stores)
    rulings = []
    for store in stores:
        steps = Steps()
        target: int | bool | None = None
        if known:
            target = target_for(
                sku,
                store,
                stores=listed,
                levels=levels,
                rulebook=context.book,
                steps=steps,
                sales=sales,
            )
        if target is not None and context.stores[store].seat.switches:
            target = target > 0
        policy = context.book.policy(sku, store)
        rulings.append(_ruling(store, target, policy, steps))
    return rulings


async def _sales(context: Context, sku: Sku, stores: Iterable[StoreId]) -> RecentSales:
    """Return what sold of late, if a rule keeps units back for that."""
    policies = [context.book.policy(sku, store) for store in stores]
    windows = [at.velocity_buffer.window for at in policies if at.velocity_buffer is not None]
    if not windows:
        return NO_SALES
    return await sold_within(context, context.book.parts(sku), max(windows))


def _ruling(store: StoreId, target: int | bool | None, policy: Policy, steps: Steps) -> Ruling:
    return Ruling(
        store=store,
        target=target,
        wishes=[
            Wish(
                name=name,
                value=getattr(policy, name),
                rule=rule,
                taken_back=name in rule.wishes.resets,
            )
            for name, rule in policy.reasons.items()
        ],
        locations=[(at, rule) for at, rules in policy.location_rules.items() for rule in rules],
        steps=tuple(steps.all),
        failed=policy.failed,
    )


def matches_of(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield where, when and under which condition a rule holds; nothing for everywhere, always."""
    for field in fields(Match):
        value = getattr(rule.match, field.name)
        if value:
            yield field.name, str(value)
    if rule.schedule is not None:
        yield "schedule", rule.schedule.text
    if rule.when is not None:
        yield "when", rule.when.text


def sets_of(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield each wish of a rule with its value as text, those that it takes back included."""
    for name in WISH_NAMES:
        if name in rule.wishes.resets:
            yield name, TAKEN_BACK
    for name, value in set_by(rule):
        yield name, wish_text(value)


def set_by(rule: Rule) -> Iterator[tuple[str, object]]:
    """Yield each wish that a rule sets, with its value."""
    for name in WISH_NAMES:
        value = getattr(rule.wishes, name)
        if value is not None:
            yield name, value


def times_of(rule: Rule) -> str:
    """Say when and under which condition a rule holds; nothing if it always does."""
    return "; ".join(
        f"{what} {value}" for what, value in matches_of(rule) if what in ("schedule", "when")
    )


def wish_text(value: object) -> str:
    """Write the value of a wish as the rules do."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(visible, value))
    return str(wish_json(value))


def wish_json(value: object) -> Any:
    """Return the value of a wish as the rules write it."""
    if isinstance(value, Buffer):
        parts = [str(value.units)] if value.units or not value.percent else []
        return " + ".join([*parts, *([_percent(value.percent)] if value.percent else [])])
    if isinstance(value, Fraction):
        return _percent(value)
    if isinstance(value, Velocity):
        return _velocity(value)
    if isinstance(value, datetime):
        return f"until {value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return list(value) if isinstance(value, tuple) else value


def _velocity(velocity: Velocity) -> str:
    cover = "measured" if velocity.measured else ""
    if velocity.cover is not None:
        cover = _span(velocity.cover)
    return _span(velocity.window) + (f" cover {cover}" if cover else "")


def _span(length: timedelta) -> str:
    """Write a length of time in the largest unit that it is whole in."""
    seconds = int(length.total_seconds())
    return next(f"{seconds // many}{unit}" for unit, many in _SPANS if seconds % many == 0)


def _percent(part: Fraction) -> str:
    """Show a part of one as the rules write it."""
    return f"{float(part * 100):.10g}%"


def _source(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "place": rule.place,
        "schedule": rule.schedule.text if rule.schedule is not None else None,
        "when": rule.when.text if rule.when is not None else None,
    }
