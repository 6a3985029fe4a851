"""`ledger verify`: prove the books."""

from typing import Any

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.root import Command, Family
from stocksync.cli.session import session_of
from stocksync.cli.tables import say
from stocksync.cli.text import count
from stocksync.contracts.ledger import Verdict
from stocksync.engine.context import Context

app = typer.Typer(cls=Family, no_args_is_help=True, help="Prove the books.")


@app.callback()
def ledger() -> None:
    """Prove the books."""


@app.command(cls=Command)
def verify(ctx: typer.Context) -> int:
    """Prove that every account adds up, and that no movement was changed."""

    async def work(context: Context) -> Verdict:
        return await context.ledger.verify()

    session = session_of(ctx)
    verdict = books.ask(session, work)
    session.answer(_document(verdict), lambda: _draw(verdict))
    return Exit.DONE if verdict.sound else Exit.FAILED


def _document(verdict: Verdict) -> dict[str, Any]:
    return {
        "sound": verdict.sound,
        "movements": verdict.movements,
        "skus": verdict.skus,
        "imbalances": list(verdict.imbalances),
        "mismatches": list(verdict.mismatches),
        "broken_seals": list(verdict.broken_seals),
    }


def _draw(verdict: Verdict) -> None:
    """Say what was proved, or what is wrong and what to do."""
    size = f"{count(verdict.movements, 'movement')} of {count(verdict.skus, 'SKU')}"
    if verdict.sound:
        say(f"the books are sound: {size} add up, and no seal is broken")
        return
    say(f"the books are NOT sound ({size})")
    for sku in verdict.imbalances:
        say(f"does not sum to zero: {sku}")
    for mismatch in verdict.mismatches:
        say(f"is not what its movements say: {mismatch}")
    for number in verdict.broken_seals:
        say(f"movement {number} was changed after it was booked")
    say("stop every run, keep a copy of the database, and restore the last backup that is sound")
