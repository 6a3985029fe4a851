"""Draw what a run did, or would do: a line for each store, and a line for each listing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from stocksync.cli.exits import worst
from stocksync.cli.tables import draw_table, say, say_rest
from stocksync.cli.text import count
from stocksync.domain.gates import Gate, LineKey
from stocksync.domain.plan import Line
from stocksync.engine.preview import Plan
from stocksync.engine.words import change, line, name

_COUNTED: Final = (
    "readings",
    "movements",
    "corrections",
    "confirmed",
    "unknown",
    "failed",
    "calls",
)
_LINE: Final = ("store", "listing", "SKU", "change", "why")


def line_document(at: Line) -> dict[str, Any]:
    """Return one line of a plan for `--json`."""
    return {
        "store": at.store,
        "listing": at.listing,
        "sku": at.sku,
        "before": at.before,
        "after": at.after,
        "why": at.why,
    }


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the object of `sync --dry-run --json`: that of `sync`, without a run, and the plan."""
    return {
        "run": None,
        "outcome": worst(at.outcome for at in plan.stores),
        "stores": [at.as_json() for at in plan.stores],
        "dry_run": True,
        "plan": {"hash": plan.hash, "lines": [line_document(at) for at in plan.lines]},
    }


def draw_reports(document: Mapping[str, Any]) -> None:
    """Print what a run did to each store, and what to do next about those that need it."""
    _draw_stores(document["stores"])
    for at in document["stores"]:
        for held in at["holds"]:
            say(f"{at['store']}: let it go with `stocksync holds approve {held}`")
    say()
    say(f"run {document['run']}: {document['outcome']}")


def draw_plan(plan: Plan, *, limit: int, scope: str = "") -> None:
    """Print every line of a plan, old number to new, with its gate, then the plan's name.

    `scope` are the options that the plan was made with, to be said again when it is applied.
    """
    lines = plan.lines
    shown = lines if limit == 0 else lines[:limit]
    if lines:
        draw_lines(shown, _fates(plan))
        say_rest(len(shown), len(lines), "--limit 0 or --json shows all")
        say()
    _draw_stores([at.as_json() for at in plan.stores])
    say()
    if not lines:
        failed = any(at.error for at in plan.stores)
        say("nothing to do" + (" at the stores that answered" if failed else ""))
        return
    say(f"plan {plan.hash}: {count(len(lines), 'line')}; nothing was booked or written")
    say(f"carry out exactly this: stocksync apply {plan.hash}{scope}")


def draw_lines(lines: Sequence[Line], fates: Mapping[LineKey, str] | None = None) -> None:
    """Print lines of a plan; `fates` say what becomes of each."""
    rows = [
        (
            name(at.store),
            name(at.listing),
            name(at.sku) if at.sku else "",
            change(at.before, at.after),
            line(at.why),
            *([] if fates is None else [fates.get(at.key, "")]),
        )
        for at in lines
    ]
    columns = [*_LINE, *([] if fates is None else ["what happens"])]
    draw_table(columns, rows, numbers=("change",))


def _fates(plan: Plan) -> dict[LineKey, str]:
    """Say of each line whether it is booked, written, or held and by which gate."""
    gates: dict[LineKey, Gate] = {
        line.key: trip.gate for at in plan.stores for trip in at.trips for line in trip.lines
    }
    booked = {line.key: "is booked" for at in plan.stores for line in at.incoming}
    written = {line.key: "is written" for at in plan.stores for line in at.outgoing}
    return booked | written | {key: f"held: {gate.value}" for key, gate in gates.items()}


def _draw_stores(stores: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (
            name(at["store"]),
            str(at["outcome"]),
            *(str(at["api_calls" if column == "calls" else column]) for column in _COUNTED),
        )
        for at in stores
    ]
    draw_table(["store", "outcome", *_COUNTED], rows, numbers=("outcome", *_COUNTED))
    for at in stores:
        if at["error"]:
            say(f"{at['store']}: {at['outcome']}: {at['error']}")
