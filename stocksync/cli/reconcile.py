"""`reconcile`: have a running service start a run now, and watch it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from stocksync.cli import books
from stocksync.cli.exits import Exit, exit_for
from stocksync.cli.plans import draw_lines, draw_reports
from stocksync.cli.service import Service, address_of, given_address, token_of
from stocksync.cli.session import Session, session_of
from stocksync.cli.tables import LINES_MAX, progress_bar, say, say_rest
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.plan import Line

_ENDED_WELL: Final = ("ok", "held", "skipped")

Stores = Annotated[
    list[str] | None,
    typer.Option("--store", metavar="STORE", help="Only this store; may be said again."),
]
Skus = Annotated[
    list[str] | None, typer.Option("--sku", metavar="SKU", help="Only this SKU; may be said again.")
]


def reconcile(  # noqa: PLR0917 - the words of a command line have names
    ctx: typer.Context,
    store: Stores = None,
    sku: Skus = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look; the run shows what it would do.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Watch the run until it ends, and show what it did.")
    ] = False,
    url: Annotated[
        str, typer.Option("--url", help="Where the service is, if not as configured.")
    ] = "",
    token: Annotated[
        str,
        typer.Option("--token", envvar="STOCKSYNC_TOKEN", help="Its token, if not as configured."),
    ] = "",
) -> int:
    """Let a running service start a run now."""
    session = session_of(ctx)
    service = _service(session, url, token)
    stores = list(dict.fromkeys(store or ()))
    wish = {"stores": stores, "skus": list(dict.fromkeys(sku or ())), "dry_run": dry_run}
    run = service.started(wish)
    if not wait:
        session.answer({"run": run}, lambda: say(run))
        return Exit.DONE
    _watch(service, run, stores)
    return _show(session, service.ask("GET", f"/runs/{run}"))


def _service(session: Session, url: str, token: str) -> Service:
    """Find the service: as the words of the command say, and else as it is configured."""
    address = given_address(url) if url else ""
    if address and token:
        return Service(address, token)
    http = books.read_settings(session).http
    return Service(address or address_of(http), token or token_of(http))


def _watch(service: Service, run: str, stores: Sequence[str]) -> None:
    """Follow a run to its end, with a bar on a terminal."""
    count = len(stores) or len(service.ask("GET", "/stores")["stores"])
    with progress_bar(count) as tell:
        for event in service.events(run):
            if event.get("store"):
                tell(StoreId(event["store"]), str(event["stage"]))


def _show(session: Session, run: Mapping[str, Any]) -> Exit:
    """Show what a run did as `sync` does, or what it would do."""
    document = {"run": run["id"], "outcome": run["outcome"], "stores": run["stores"]}

    def draw() -> None:
        if run["kind"] == "plan":
            _draw_plan(run["stores"])
        if run["error"]:
            say(f"error: {run['error']}")
        draw_reports(document)

    session.answer(document, draw)
    outcomes = [str(report["outcome"]) for report in run["stores"]]
    if run["outcome"] not in _ENDED_WELL:
        return Exit.FAILED
    return exit_for(outcomes)


def _draw_plan(reports: Sequence[Mapping[str, Any]]) -> None:
    """Print every line of a dry run, and which of them a gate would hold."""
    lines, held = [], set()
    for report in reports:
        for row in report.get("lines", ()):
            line = _line(str(report["store"]), row)
            lines.append(line)
            if row["held"]:
                held.add(line.key)
    if not lines:
        say("nothing to do")
    else:
        draw_lines(lines[:LINES_MAX], dict.fromkeys(held, "held"))
        say_rest(LINES_MAX, len(lines), "--json shows all")
    say()


def _line(store: str, row: Mapping[str, Any]) -> Line:
    return Line(
        store=StoreId(store),
        listing=ListingId(row["listing"]),
        sku=row["sku"],
        before=row["before"],
        after=row["after"],
        why=row["why"],
    )
