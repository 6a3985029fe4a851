"""`rules check`: everything that is wrong with the rules, and all that is seldom meant."""

import asyncio
import textwrap
from collections.abc import Sequence
from typing import Any, Final

import typer

from stocksync.bootstrap import needs_migration, utc_now, witness_of
from stocksync.cli import books
from stocksync.cli.exits import Exit
from stocksync.cli.session import session_of
from stocksync.cli.tables import note, say
from stocksync.cli.text import count
from stocksync.contracts.ledger import Ledger
from stocksync.domain.identifiers import MAIN_LOCATION, LocationId, Sku
from stocksync.domain.movements import at as at_location
from stocksync.domain.remarks import Remark, remarks_on_rules
from stocksync.engine.words import line
from stocksync.errors import LedgerUnavailable
from stocksync.files.stockchecks import Stock, remarks_on_stock, several_masters
from stocksync.ledger.sql import open_ledger
from stocksync.rulebook import Rules, load_rulebook
from stocksync.settings import Settings

_WIDTH: Final = 78
_HERE: Final = at_location(LocationId(""))


def check(ctx: typer.Context) -> int:
    """Read the rules and say everything that is wrong with them; exit 2 if anything surely is."""
    session = session_of(ctx)
    settings = books.read_settings(session)
    rules = load_rulebook(settings.rules, settings.platforms)
    stock, unchecked = _stock_of(settings, rules)
    remarks = _remarks(settings, rules, stock)
    for warning in settings.warnings:
        note(f"warning: {warning}")
    document = {
        **_counts(rules),
        "warnings": list(settings.warnings),
        "findings": [_finding(remark) for remark in remarks],
        "unchecked": unchecked,
    }
    session.answer(document, lambda: _draw(settings, rules, remarks, unchecked))
    return Exit.WRONG if any(remark.is_error for remark in remarks) else Exit.DONE


def _remarks(settings: Settings, rules: Rules, stock: Stock | None) -> list[Remark]:
    """Judge the rules, in the order of files and lines."""
    roles = {store.id: store.role for store in settings.stores}
    remarks = [
        *remarks_on_rules(rules.book, utc_now()),
        *several_masters(roles, str(settings.path), stock),
        *(remarks_on_stock(rules.book, rules.places, stock) if stock else ()),
    ]
    return sorted(remarks, key=lambda remark: (*_position(remark), remark.text))


def _stock_of(settings: Settings, rules: Rules) -> tuple[Stock | None, list[str]]:
    """Ask the books what there is; else say why the rules were not compared with it."""
    not_compared = "SKUs and locations in the rules were not looked up"
    try:
        if needs_migration(settings):
            return None, [f"{not_compared}: the database waits for `stocksync migrate`"]
    except LedgerUnavailable as error:
        return None, [f"{not_compared}: {error}"]
    stock = asyncio.run(_ask(settings, rules))
    if stock.is_empty:
        return None, [f"{not_compared}: nothing was counted or read yet"]
    return stock, []


async def _ask(settings: Settings, rules: Rules) -> Stock:
    ledger: Ledger = await open_ledger(
        settings.database.get_secret_value(), now=utc_now, witness=witness_of(settings)
    )
    try:
        identities = {store: await ledger.identities(store) for store in settings.platforms}
        booked = {
            LocationId(account.removeprefix(_HERE))
            for account in await ledger.totals()
            if account.startswith(_HERE)
        }
        return Stock(
            moved=frozenset(await ledger.skus()),
            listed={
                store: frozenset(
                    Sku(code)
                    for _, code, _ in found
                    if code is not None and (store, code) not in rules.book.aliases
                )
                for store, found in identities.items()
            },
            linked={
                store: frozenset(sku for _, _, sku in found if sku is not None)
                for store, found in identities.items()
            },
            locations=frozenset({MAIN_LOCATION, *booked, *_mapped(settings)}),
        )
    finally:
        await ledger.aclose()


def _mapped(settings: Settings) -> set[LocationId]:
    """Return the locations that stores are told to read: `main=1,north=2`."""
    pairs = [
        pair
        for store in settings.stores
        for pair in store.options.get("location_ids", "").split(",")
        if pair
    ]
    return {LocationId(pair.partition("=")[0]) for pair in pairs}


def _counts(rules: Rules) -> dict[str, int]:
    book = rules.book
    return {
        "rules": len(book.rules),
        "groups": len(book.groups),
        "aliases": len(book.aliases),
        "bundles": len(book.bundles),
        "availability": len(book.availability),
    }


def _position(remark: Remark) -> tuple[str, int]:
    file, _, number = remark.place.rpartition(":")
    return (file, int(number)) if file and number.isdecimal() else (remark.place, 0)


def _finding(remark: Remark) -> dict[str, Any]:
    file, number = _position(remark)
    return {
        "severity": "error" if remark.is_error else "warning",
        "file": file,
        "line": number or None,
        "about": remark.about,
        "text": remark.text,
    }


def _draw(
    settings: Settings, rules: Rules, remarks: Sequence[Remark], unchecked: Sequence[str]
) -> None:
    things = ", ".join(f"{of} {what}" for what, of in _counts(rules).items())
    wrong = sum(remark.is_error for remark in remarks)
    verdict = "nothing is wrong with them"
    if remarks:
        odd = count(len(remarks) - wrong, "warning")
        verdict = f"{count(wrong, 'error')}, {odd}"
    say(f"{settings.rules}: {things}; {verdict}")
    for remark in remarks:
        say(f"{remark.place}: {remark.about}")
        severity = "error" if remark.is_error else "warning"
        _say_wrapped(f"{severity}: {remark.text}", indent="  ")
    for text in unchecked:
        _say_wrapped(text)


def _say_wrapped(text: str, *, indent: str = "") -> None:
    """Print a text over several lines; names of files are not broken, so they can be copied."""
    for each in textwrap.wrap(
        line(text),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent and f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    ):
        print(each)
