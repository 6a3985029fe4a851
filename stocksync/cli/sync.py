"""`sync`, `plan` and `apply`: look and act, look only, or act on what was looked at."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from shlex import quote
from typing import Annotated, Any, Final

import typer

from stocksync.bootstrap import Plan as Files
from stocksync.cli import books
from stocksync.cli.exits import Exit, exit_for
from stocksync.cli.plans import draw_plan, draw_reports, plan_document
from stocksync.cli.session import Session, session_of
from stocksync.cli.tables import progress_bar
from stocksync.contracts.ledger import RunRecord
from stocksync.domain.identifiers import StoreId
from stocksync.engine.context import Context
from stocksync.engine.preview import Plan, preview
from stocksync.engine.sync import sync as run_sync
from stocksync.errors import ConfigurationError, StalePlan

PREFIX_MIN: Final = 6

Stores = Annotated[
    list[str] | None,
    typer.Option("--store", metavar="STORE", help="Only this store; may be said again."),
]
Skus = Annotated[
    list[str] | None, typer.Option("--sku", metavar="SKU", help="Only this SKU; may be said again.")
]


def sync(
    ctx: typer.Context,
    store: Stores = None,
    sku: Skus = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be booked and written.")
    ] = False,
) -> int:
    """Read every store, book what happened, and correct the others."""
    session = session_of(ctx)
    files = books.read(session)
    stores = books.chosen(files, store)
    if dry_run:
        return _show_plan(session, files, stores, sku)

    async def work(context: Context) -> RunRecord:
        skus = await books.known_skus(context, sku)
        with progress_bar(len(stores or context.stores)) as tell:
            return await run_sync(context, stores, skus=skus, progress=tell)

    return _show_run(session, books.run(files, work))


def plan(
    ctx: typer.Context,
    store: Stores = None,
    sku: Skus = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Show so many lines; 0 shows all.")
    ] = 100,
) -> int:
    """Show what a sync would do now, and do nothing."""
    session = session_of(ctx)
    files = books.read(session)
    return _show_plan(session, files, books.chosen(files, store), sku, limit=limit)


def apply(
    ctx: typer.Context,
    wanted: Annotated[
        str, typer.Argument(metavar="HASH", help="The plan's name, or how it begins.")
    ],
    store: Stores = None,
    sku: Skus = None,
) -> int:
    """Carry out a plan, if it is still the plan."""
    session = session_of(ctx)
    if len(wanted) < PREFIX_MIN:
        raise ConfigurationError([f"give at least {PREFIX_MIN} letters of the plan's hash"])
    files = books.read(session)
    stores = books.chosen(files, store)

    async def work(context: Context) -> RunRecord:
        skus = await books.known_skus(context, sku)
        found = await preview(context, stores, skus=skus)
        await _require_same(context, found, wanted)
        allowed = replace(context, approval=found.approval())
        trigger = f"apply {found.hash}"
        with progress_bar(len(stores or context.stores)) as tell:
            return await run_sync(allowed, stores, skus=skus, trigger=trigger, progress=tell)

    return _show_run(session, books.run(files, work))


def _looking(
    stores: Sequence[StoreId] | None, sku: Sequence[str] | None
) -> Callable[[Context], Awaitable[Plan]]:
    """Return the work of looking without acting."""

    async def work(context: Context) -> Plan:
        return await preview(context, stores, skus=await books.known_skus(context, sku))

    return work


def _show_plan(
    session: Session,
    files: Files,
    stores: Sequence[StoreId] | None,
    sku: Sequence[str] | None,
    *,
    limit: int = 100,
) -> Exit:
    found = books.run(files, _looking(stores, sku))
    scope = _scope(stores, sku)
    session.answer(plan_document(found), lambda: draw_plan(found, limit=limit, scope=scope))
    return exit_for(at.outcome for at in found.stores)


def _scope(stores: Sequence[StoreId] | None, sku: Sequence[str] | None) -> str:
    """Return the options that name the same stores and SKUs again."""
    given = [f" --store {store}" for store in stores or ()]
    return "".join([*given, *(f" --sku {quote(text)}" for text in sku or ())])


async def _require_same(context: Context, found: Plan, wanted: str) -> None:
    """Refuse to carry out anything but the plan that was named.

    Raises:
        StalePlan: The world moved since, or the name is that of a held plan.
    """
    if found.hash.startswith(wanted.lower()):
        return
    if await context.ledger.hold(wanted.lower()) is not None:
        advice = f"let it go with `stocksync holds approve {wanted}`"
        raise StalePlan(f"{wanted!r} is a held plan, not the plan of a run: {advice}")
    raise StalePlan(
        f"the plan is no longer {wanted!r}: it is {found.hash} now, with {len(found.lines)} "
        "lines; nothing was done. Look at `stocksync plan` with the same --store and --sku, "
        "then apply that"
    )


def _show_run(session: Session, run: RunRecord) -> Exit:
    document: dict[str, Any] = {
        "run": run.id,
        "outcome": run.outcome,
        "stores": [dict(report) for report in run.stores],
    }
    session.answer(document, lambda: draw_reports(document))
    return exit_for(report["outcome"] for report in run.stores)
