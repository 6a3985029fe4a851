"""`runs` and `runs show`: what the last runs did."""

from typing import Annotated, Any

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.plans import draw_reports
from stocksync.cli.root import Command, Family
from stocksync.cli.session import session_of
from stocksync.cli.tables import draw_table, say
from stocksync.cli.text import moment
from stocksync.contracts.ledger import RunRecord
from stocksync.engine.context import Context
from stocksync.engine.words import line, span
from stocksync.errors import UnknownName

LOOKED_AT_MAX = 1000
app = typer.Typer(cls=Family, help="Show what the last runs did.")


@app.callback(invoke_without_command=True)
def runs(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Show so many at most.")] = 20,
) -> int:
    """Show what the last runs did."""
    if ctx.invoked_subcommand is not None:
        return Exit.DONE

    async def work(context: Context) -> list[RunRecord]:
        return await context.ledger.runs(limit)

    session = session_of(ctx)
    found = books.ask(session, work)

    def draw() -> None:
        rows = [
            (line(run.id), moment(run.started_at), _length(run), line(run.trigger), run.outcome)
            for run in found
        ]
        if rows:
            draw_table(["run", "began", "took", "asked by", "outcome"], rows, numbers=("began",))
        else:
            say("no run yet")

    session.answer([_document(run) for run in found], draw)
    return Exit.DONE


@app.command(cls=Command)
def show(
    ctx: typer.Context,
    wanted: Annotated[
        str, typer.Argument(metavar="RUN", help="The run's name, or a beginning only it has.")
    ],
) -> int:
    """Show what one run did to each store."""

    async def work(context: Context) -> RunRecord:
        return await _named(context, wanted)

    session = session_of(ctx)
    run = books.ask(session, work)

    def draw() -> None:
        say(f"{run.kind}, asked by {run.trigger}, began {moment(run.started_at)}")
        if run.error:
            say(f"error: {run.error}")
        draw_reports({"run": run.id, "outcome": run.outcome, "stores": run.stores})

    session.answer(_document(run), draw)
    return Exit.DONE


async def _named(context: Context, wanted: str) -> RunRecord:
    """Find a run by its name or a beginning that only it has.

    Raises:
        UnknownName: There is none, or several begin like this.
    """
    found = await context.ledger.run(wanted)
    if found is not None:
        return found
    last = await context.ledger.runs(LOOKED_AT_MAX)
    alike = [run for run in last if wanted and run.id.startswith(wanted)]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise UnknownName(f"{len(alike)} runs begin with {wanted!r}; give more of its name")
    raise UnknownName(f"no run is called {wanted!r}; see `stocksync runs`")


def _length(run: RunRecord) -> str:
    if run.finished_at is None:
        return ""
    return span((run.finished_at - run.started_at).total_seconds())


def _document(run: RunRecord) -> dict[str, Any]:
    return {
        "id": run.id,
        "kind": run.kind,
        "trigger": run.trigger,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "outcome": run.outcome,
        "error": run.error,
        "stores": [dict(report) for report in run.stores],
    }
