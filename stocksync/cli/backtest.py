"""`rules backtest`: what was sold, replayed under other rules beside those in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from stocksync.bootstrap import Plan
from stocksync.cli import books
from stocksync.cli.backtest_chart import draw_chart
from stocksync.cli.exits import Exit
from stocksync.cli.files import put
from stocksync.cli.rulesets import Gathered, rules_in
from stocksync.cli.session import Session, session_of
from stocksync.cli.tables import draw_table, say, say_text
from stocksync.cli.text import count, moment
from stocksync.domain.backtest import Outcome
from stocksync.domain.identifiers import StoreId
from stocksync.domain.meters import stretches
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stage import Tally
from stocksync.engine.backtest import Backtest, backtest
from stocksync.engine.context import Context
from stocksync.engine.words import NOTHING, line, name, span
from stocksync.errors import ConfigurationError
from stocksync.files.settings_file import duration
from stocksync.settings import Settings

IN_FORCE: Final = "in force"
NEW: Final = "new"
LIMITS: Final = (
    "History tells what was sold, not what would have been: looser rules look too good.",
    "A sale counts from when it was booked, which is up to one poll after it took place.",
)
_NUMBERS: Final = ("sold", "lost", "oversold", "unit-hours", "at most", "corrections")
#: What `--json` tells in units.
_UNITS: Final = (
    "sold_units",
    "lost_units",
    "oversold_units",
    "withheld_unit_hours",
    "withheld_peak_units",
)
_HEADINGS: Final = (
    "lost: units sold then, and not shown under these rules. oversold: shown, and not there. "
    "unit-hours, at most: free units that listings do not show, for as long as that lasts."
)
_NO_TIME: Final = ("0", "0s")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a replay was asked for; `folders` names the rules of each line."""

    settings: Settings
    length: timedelta
    delay: timedelta | None
    rulebooks: Mapping[str, Rulebook]
    folders: Mapping[str, Path]


def rules_backtest(
    ctx: typer.Context,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Replay so much history: 30d, 12h.")
    ] = "30d",
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="NEWDIR", help="Rules to compare those in force with."),
    ] = None,
    delay: Annotated[
        str | None,
        typer.Option(
            "--delay",
            metavar="TIME",
            help="How long until a sale shows in other stores (else their poll and a write).",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts, too.")
    ] = None,
) -> int:
    """Replay what was sold under the rules in force, and under others."""
    session = session_of(ctx)
    asked = _asked(session, since=since, rules=rules, delay=delay, html=html)
    found = _run(asked)
    document = document_of(found, asked)
    if html is not None:
        from stocksync.cli.backtest_page import page_of  # noqa: PLC0415 - brings the web along

        put(html, page_of(found, asked.folders, [*notes_of(found, asked), *LIMITS]))
    session.answer(document, lambda: _draw(found, asked, html))
    return Exit.DONE


def _asked(
    session: Session, *, since: str, rules: Path | None, delay: str | None, html: Path | None
) -> Asked:
    """Read what was asked for.

    Raises:
        ConfigurationError: Everything that is wrong with the words, the files and both rules.
    """
    gathered = Gathered()
    gathered.take(partial(_require_new, html))
    length = gathered.take(partial(_length, "--since", since))
    waited = None if delay is None else gathered.take(partial(_delay, delay))
    settings = gathered.take(partial(books.read_settings, session))
    folders: dict[str, Path] = {}
    found: dict[str, Rulebook] = {}
    if settings is not None:
        folders = {IN_FORCE: settings.rules} | ({} if rules is None else {NEW: rules})
        for which, folder in folders.items():
            called = "rules:" if which == IN_FORCE else "--rules"
            book = gathered.take(partial(rules_in, folder, settings, called=called))
            found |= {} if book is None else {which: book}
    gathered.raise_any()
    if settings is None or length is None:  # pragma: no cover - a complaint was raised for it
        raise AssertionError("something was refused without a reason")
    return Asked(settings=settings, length=length, delay=waited, rulebooks=found, folders=folders)


def _require_new(file: Path | None) -> None:
    if file is not None and (file.is_symlink() or file.exists()):
        raise ConfigurationError([f"--html {file}: is there already; name a new file"])


def _length(option: str, given: str) -> timedelta:
    try:
        return duration(given)
    except ValueError as error:
        raise ConfigurationError([f"{option} {line(given)}: {error}"]) from None


def _delay(given: str) -> timedelta:
    """Read a delay, which may be none at all."""
    return timedelta(0) if given in _NO_TIME else _length("--delay", given)


def _run(asked: Asked) -> Backtest:
    polls = {store.id: store.poll for store in asked.settings.stores}

    async def work(context: Context) -> Backtest:
        return await backtest(
            context, asked.rulebooks, length=asked.length, polls=polls, delay=asked.delay
        )

    plan = Plan(settings=asked.settings, book=asked.rulebooks[IN_FORCE], warnings=())
    return books.run(plan, work)


def document_of(found: Backtest, asked: Asked) -> dict[str, Any]:
    """Return the object of `rules backtest --json`."""
    past = found.past
    return {
        "since": _iso(past.asked_from),
        "began_at": _iso(past.began_at),
        "ended_at": _iso(past.ended_at),
        "history_began_at": None if past.first_at is None else _iso(past.first_at),
        "movements": past.movements,
        "sales": past.sales,
        "sold_units": past.sold,
        "delays": [
            {
                "store": store,
                "seen_seconds": found.ways.seen(store).total_seconds(),
                "written_seconds": found.ways.written(store).total_seconds(),
                "measured": asked.delay is None and store in found.measured,
            }
            for store in _stores(found)
        ],
        "rules": [
            {
                "name": which,
                "folder": str(asked.folders[which]),
                "unjudged_units": outcome.unjudged,
                "stores": [
                    {"store": store} | _tally(found, tally, switches=store in found.switches)
                    for store, tally in outcome.stores.items()
                ],
                "total": _tally(found, outcome.total),
            }
            for which, outcome in found.outcomes.items()
        ],
        "limits": list(LIMITS),
    }


def _tally(found: Backtest, tally: Tally, *, switches: bool = False) -> dict[str, Any]:
    """Return one row; a store that only switches products on and off has no units."""
    if switches:
        units = dict.fromkeys(_UNITS)
        corrections = {"corrections": tally.corrections, "stretches": []}
        return {"listings": tally.listings} | units | corrections
    began = stretches(found.past.began_at, found.past.ended_at)
    return {
        "listings": tally.listings,
        "sold_units": tally.sold,
        "lost_units": tally.lost,
        "oversold_units": tally.oversold,
        "withheld_unit_hours": round(tally.meter.unit_hours, 3),
        "withheld_peak_units": tally.meter.peak,
        "corrections": tally.corrections,
        "stretches": [
            {"began_at": _iso(at), "withheld_units": round(mean, 3), "oversold_units": oversold}
            for at, mean, oversold in zip(began, tally.meter.means, tally.oversold_in, strict=True)
        ],
    }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _stores(found: Backtest) -> list[StoreId]:
    first: Outcome = next(iter(found.outcomes.values()))
    return list(first.stores)


def notes_of(found: Backtest, asked: Asked) -> list[str]:
    """Say what was replayed, how long news took, and what cannot be known."""
    past = found.past
    notes = []
    if past.first_at is None:
        notes.append("the books hold no movement yet: there is nothing to replay")
    elif past.first_at > past.asked_from:
        there = span((past.ended_at - past.first_at).total_seconds())
        wanted = span(asked.length.total_seconds())
        notes.append(f"the books begin at {moment(past.first_at)}: {there} of the {wanted} asked")
    ways: dict[str, list[str]] = {}
    for store in _stores(found):
        ways.setdefault(_way(found, store), []).append(name(store))
    delays = "; ".join(f"{', '.join(stores)} {way}" for way, stores in ways.items())
    notes.append(f"a sale reaches the other stores after so long: {delays}")
    for which, outcome in found.outcomes.items():
        if outcome.unjudged:
            units = count(outcome.unjudged, "unit")
            text = f"{which}: {units} sold by listings that these rules do not link: not judged"
            notes.append(text)
    return notes


def _way(found: Backtest, store: StoreId) -> str:
    """Say how long news of a sale in a store take, and what that is made of."""
    seen, written = found.ways.seen(store), found.ways.written(store)
    whole = span((seen + written).total_seconds())
    if not seen:
        return whole
    measured = "measured" if store in found.measured else "stated"
    return (
        f"{whole} ({span(seen.total_seconds())} poll, {span(written.total_seconds())} {measured})"
    )


def _draw(found: Backtest, asked: Asked, html: Path | None) -> None:
    past = found.past
    sales = f"{count(past.sales, 'sale')} of {count(past.sold, 'unit')}"
    say(f"{moment(past.began_at)} to {moment(past.ended_at)}: {sales}")
    for which, folder in asked.folders.items():
        say(f"{which}: {folder} ({count(len(asked.rulebooks[which].rules), 'rule')})")
    for text in notes_of(found, asked):
        say_text(text)
    say()
    rows = []
    for store in _stores(found):
        rows += [
            (name(store), which, *_cells(outcome.stores[store], switches=store in found.switches))
            for which, outcome in found.outcomes.items()
        ]
    rows += [("all", which, *_cells(outcome.total)) for which, outcome in found.outcomes.items()]
    draw_table(["store", "rules", *_NUMBERS], rows, numbers=_NUMBERS)
    say()
    draw_chart(found)
    say_text(_HEADINGS)
    for text in LIMITS:
        say_text(text)
    if html is not None:
        say()
        say(f"{html}: the same with charts")


def _cells(tally: Tally, *, switches: bool = False) -> list[str]:
    if switches:
        return [*[NOTHING] * (len(_NUMBERS) - 1), str(tally.corrections)]
    hours = f"{tally.meter.unit_hours:.1f}"
    counts = (tally.sold, tally.lost, tally.oversold)
    return [*map(str, counts), hours, str(tally.meter.peak), str(tally.corrections)]
