"""`holds …`: see, approve and reject plans that a gate stopped."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.plans import draw_lines, line_document
from stocksync.cli.root import Command, Family
from stocksync.cli.session import session_of
from stocksync.cli.tables import say, say_rest
from stocksync.cli.text import age, count, moment
from stocksync.contracts.ledger import Hold, HoldState
from stocksync.engine.context import Context
from stocksync.engine.decisions import decide_as_read
from stocksync.engine.words import name
from stocksync.errors import UnknownName

LINES_MAX: Final = 20
app = typer.Typer(
    cls=Family, no_args_is_help=True, help="See, approve and reject plans that a gate stopped."
)

HashName = Annotated[
    str, typer.Argument(metavar="HASH", help="The hold's name, or a beginning only it has.")
]


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that are decided or over.")
    ] = False,
) -> int:
    """List the plans that wait for a decision."""
    states = tuple(HoldState) if every else (HoldState.OPEN,)

    async def work(context: Context) -> tuple[list[Hold], Any]:
        return await context.ledger.holds(None, states), context.now()

    session = session_of(ctx)
    holds, now = books.ask(session, work)

    def draw() -> None:
        for hold in holds:
            _draw(hold)
            say(f"held {age(hold.created_at, now)}; {_decision(hold)}")
            say()
        if not holds:
            say("nothing is held")

    session.answer([_document(hold) for hold in holds], draw)
    return Exit.DONE


@app.command(cls=Command)
def approve(ctx: typer.Context, hold: HashName) -> int:
    """Let a held plan go; the next sync carries it out."""
    return _decide(ctx, hold, HoldState.APPROVED, (HoldState.OPEN, HoldState.REJECTED))


@app.command(cls=Command)
def reject(ctx: typer.Context, hold: HashName) -> int:
    """Keep a plan held; nothing of it is booked or written."""
    return _decide(ctx, hold, HoldState.REJECTED, (HoldState.OPEN, HoldState.APPROVED))


def _decide(ctx: typer.Context, wanted: str, to: HoldState, allowed: tuple[HoldState, ...]) -> Exit:
    """Write a decision down, with who made it and when."""
    session = session_of(ctx)
    decided, before = books.ask(session, _deciding(wanted, to, allowed))

    def draw() -> None:
        _draw(decided)
        if before is to:
            say(f"it was {to.value} already, by {name(decided.decided_by)}")
        elif to is HoldState.APPROVED:
            say(f"approved by {name(decided.decided_by)}; the next sync carries it out")
        else:
            say(f"rejected by {name(decided.decided_by)}; nothing of it is done")

    session.answer(_document(decided), draw)
    return Exit.DONE


def _deciding(
    wanted: str, to: HoldState, allowed: tuple[HoldState, ...]
) -> Callable[[Context], Awaitable[tuple[Hold, HoldState]]]:
    """Return the work of deciding: it gives the hold as it is now, and its state before."""

    async def work(context: Context) -> tuple[Hold, HoldState]:
        hold = await _named(context, wanted.lower())
        if hold.state is to:
            return hold, to
        if hold.state not in allowed:
            when = moment(hold.decided_at)
            raise UnknownName(f"hold {hold.hash} is over: it was {hold.state.value} at {when}")
        decided, is_new = await decide_as_read(context, hold, to, by=books.person())
        return decided, hold.state if is_new else to

    return work


async def _named(context: Context, wanted: str) -> Hold:
    """Find a hold by its name or a beginning that only it has.

    Raises:
        UnknownName: There is none, or several begin like this.
    """
    found = await context.ledger.hold(wanted)
    if found is not None:
        return found
    holds = await context.ledger.holds(None, tuple(HoldState))
    alike = sorted({hold.hash for hold in holds if wanted and hold.hash.startswith(wanted)})
    if alike:
        raise UnknownName(f"several holds begin with {wanted!r}: {', '.join(alike)}")
    waiting = [hold.hash for hold in holds if hold.state is HoldState.OPEN]
    hint = f"waiting: {', '.join(waiting)}" if waiting else "nothing is held now"
    raise UnknownName(f"no hold is called {wanted!r}; {hint}")


def _document(hold: Hold) -> dict[str, Any]:
    return {
        "hash": hold.hash,
        "store": hold.store,
        "gate": hold.gate.value,
        "reason": hold.reason,
        "state": hold.state.value,
        "created_at": hold.created_at.isoformat(),
        "decided_at": hold.decided_at.isoformat() if hold.decided_at else None,
        "decided_by": hold.decided_by,
        "lines": [line_document(line) for line in hold.lines],
    }


def _draw(hold: Hold) -> None:
    lines = count(len(hold.lines), "line")
    say(f"{hold.hash}  {hold.store}, {hold.gate.value}, {hold.state.value}, {lines}")
    say(hold.reason)
    draw_lines(hold.lines[:LINES_MAX])
    say_rest(LINES_MAX, len(hold.lines), "--json shows all")


def _decision(hold: Hold) -> str:
    """Say what a person can do about a hold, or what was done."""
    if hold.state is HoldState.OPEN:
        return f"decide: stocksync holds approve {hold.hash}, or reject"
    by = f" by {name(hold.decided_by)}" if hold.decided_by else ""
    return f"{hold.state.value}{by} at {moment(hold.decided_at)}"
