"""Draw a SKU: what there is of it, what each store shows, the steps of the formula, its past."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from stocksync.cli.tables import draw_table, say
from stocksync.cli.text import age, moment, signed
from stocksync.contracts.ledger import BookedMovement
from stocksync.domain.availability import Step
from stocksync.domain.identifiers import LocationId
from stocksync.domain.movements import Movement, at
from stocksync.domain.rules import Rule
from stocksync.domain.stock import ListingRecord, NotCounted
from stocksync.engine.explain import SkuView, shown
from stocksync.engine.words import change, line, name, number

_HERE = at(LocationId(""))


def draw_totals(found: SkuView) -> None:
    """Print what there is of a SKU, in all and at each location."""
    total = found.total
    numbers = f"on hand {total.on_hand}, reserved {total.reserved}, available {found.available}"
    say(f"{name(found.sku)}: {numbers}")
    if found.parts != {found.sku: 1}:
        parts = ", ".join(f"{units} x {name(part)}" for part, units in found.parts.items())
        say(f"a bundle of {parts}; counted is what its parts allow")
    for location, level in found.levels.items():
        say(f"  at {name(location)}: on hand {level.on_hand}, reserved {level.reserved}")


def draw_sku(found: SkuView) -> None:
    """Print the table of `stock show`."""
    draw_totals(found)
    say()
    rows = []
    for listing in found.listings:
        row = listing.as_json()
        cells = [number(row[column]) for column in ("reading", "baseline", "target")]
        rows.append((name(row["store"]), name(row["listing"]), *cells, row["state"]))
    if not rows:
        say("no store lists it")
        return
    numbers = ("reading", "baseline", "target")
    draw_table(["store", "listing", *numbers, "state"], rows, numbers=numbers)


def reading_text(record: ListingRecord, now: datetime) -> str:
    """Say what a store showed last, and when."""
    if record.reading is None:
        return "never read"
    when = age(record.reading.read_at, now)
    if isinstance(record.reading, NotCounted):
        return f"no number ({record.reading.gap.value}: {name(record.reading.shown)}), {when}"
    return f"{number(shown(record.reading))}, {when}"


def draw_steps(steps: Sequence[Step]) -> None:
    """Print the way to a target: each step with the number before and after, and its rule."""
    rows = [
        (line(step.name), change(step.before, step.after), line(step.note), rule_text(step.rule))
        for step in steps
    ]
    draw_table(["step", "change", "note", "rule"], rows, numbers=("change",))


def rule_text(rule: Rule | None) -> str:
    """Name a rule and the place where a person finds it."""
    return "" if rule is None else f"{name(rule.name)} ({line(rule.place)})"


def signed_units(movement: Movement) -> int:
    """Return a movement's units as those at its location see them: below zero when they left."""
    return -movement.units if movement.source.startswith(_HERE) else movement.units


def draw_movements(movements: Iterable[BookedMovement]) -> None:
    """Print movements, one row for each."""
    rows = []
    for booked in movements:
        movement = booked.movement
        why = (
            movement.store and f"{name(movement.store)} {name(movement.listing or '')}",
            movement.document and f"document {name(movement.document)}",
            line(movement.reason),
            movement.run and f"run {line(movement.run)}",
        )
        rows.append(
            (
                moment(movement.occurred_at),
                movement.kind.value,
                signed(signed_units(movement)),
                f"{line(movement.source)} → {line(movement.destination)}",
                "; ".join(part for part in why if part),
            )
        )
    draw_table(["when", "kind", "units", "from → to", "why"], rows, numbers=("when", "units"))
