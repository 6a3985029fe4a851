"""`ledger`: prove the books, and go on with restored ones."""

from typing import Annotated, Any

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.root import Command, Family
from stocksync.cli.session import session_of
from stocksync.cli.tables import say
from stocksync.cli.text import count
from stocksync.contracts.ledger import Verdict
from stocksync.engine import restore
from stocksync.engine.context import Context
from stocksync.errors import ConfigurationError

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


@app.command("accept-restore", cls=Command)
def accept_restore(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    moved: Annotated[
        bool, typer.Option("--moved", help="Also where nothing was noticed, as on a new machine.")
    ] = False,
) -> int:
    """Go on with restored books: the next sync meets every listing for the first time.

    It books nothing then; differences wait for a person where `first_contact` is `hold`.
    """

    async def work(context: Context) -> tuple[str, int]:
        found = context.frozen()
        if not found and not moved:
            raise ConfigurationError(
                ["the books are as new as their witness: there is nothing to accept (--moved)"]
            )
        if not yes:
            raise ConfigurationError(
                [
                    found or "the books are taken as restored",
                    "every listing will be met anew; say --yes to go on with these books",
                ]
            )
        return found, await restore.accept(context)

    session = session_of(ctx)
    found, listings = books.ask(session, work)
    session.answer(
        {"accepted": True, "listings": listings, "found": found}, lambda: _told(listings)
    )
    return Exit.DONE


def _told(listings: int) -> None:
    say(f"accepted: {count(listings, 'listing')} will be met for the first time")
    say("now run `stocksync sync`, look at `stocksync holds list`, and count what is in doubt")


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
