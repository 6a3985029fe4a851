"""Read the files, open the books, and find what the words of a command name."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from stocksync import logs
from stocksync.bootstrap import Plan, opened, read_files
from stocksync.cli.session import Session
from stocksync.domain.identifiers import SKU_LENGTH_MAX, Sku, StoreId, sku_from
from stocksync.engine.context import Context
from stocksync.engine.stocktake import unknown_sku
from stocksync.errors import ConfigurationError, UnknownName
from stocksync.files.complaints import nearest
from stocksync.settings import Settings, load_settings

Answer = TypeVar("Answer")


def read(session: Session) -> Plan:
    """Read configuration and rules.

    Raises:
        ConfigurationError: Everything that is wrong, or how to begin when there is no file.
    """
    require_file(session)
    return read_files(session.path)


def read_settings(session: Session) -> Settings:
    """Read the configuration without the rules."""
    require_file(session)
    return load_settings(session.path, os.environ)


def require_file(session: Session) -> None:
    """Say how to begin when there is no configuration file."""
    if not session.path.exists():
        advice = "run `stocksync init`, or name yours with --config"
        raise ConfigurationError([f"{session.path}: there is no such file; {advice}"])


def run(plan: Plan, work: Callable[[Context], Awaitable[Answer]]) -> Answer:
    """Open the books and the stores, do the work, and close both again."""
    logs.configure()

    async def work_inside() -> Answer:
        async with opened(plan) as context:
            return await work(context.in_force())

    return asyncio.run(work_inside())


def ask(session: Session, work: Callable[[Context], Awaitable[Answer]]) -> Answer:
    """Read the files, then do the work with the books open."""
    return run(read(session), work)


def chosen(plan: Plan, names: Sequence[str] | None) -> list[StoreId] | None:
    """Return the stores that were named, each once; None when none was.

    Raises:
        UnknownName: Every name that no store has, with the nearest one that exists.
    """
    known = plan.settings.platforms
    problems = [
        f"no store is called {name!r}{nearest(name, known, called='stores')}"
        for name in dict.fromkeys(names or ())
        if name not in known
    ]
    if problems:
        raise UnknownName("\n".join(problems))
    return [StoreId(name) for name in dict.fromkeys(names or ())] or None


def sku_named(text: str) -> Sku:
    """Take a word of the command line as a SKU, exactly as it stands."""
    sku = sku_from(text)
    if sku is None:
        raise ConfigurationError([f"a SKU has 1 to {SKU_LENGTH_MAX} letters and is not blank"])
    try:
        sku.encode()
    except UnicodeEncodeError:
        raise ConfigurationError([f"the SKU {text!a} is not UTF-8 text"]) from None
    return sku


async def known_skus(context: Context, names: Sequence[str] | None) -> list[Sku] | None:
    """Return the SKUs that were named; None when none was.

    Raises:
        UnknownName: Every SKU that neither the books nor a store nor a rule knows.
    """
    if not names:
        return None
    skus = [sku_named(text) for text in dict.fromkeys(names)]
    problems = [await unknown_sku(context, sku) for sku in skus if not await is_known(context, sku)]
    if problems:
        raise UnknownName("\n".join(problems))
    return skus


async def is_known(context: Context, sku: Sku) -> bool:
    """Tell whether the books, a store or a rule know a SKU."""
    return bool(
        sku in context.book.bundles
        or context.book.switches({sku})
        or await context.ledger.levels([sku])
        or await context.ledger.records_of([sku])
    )


def person() -> str:
    """Return who is deciding: STOCKSYNC_USER, or the user of the machine."""
    named = os.environ.get("STOCKSYNC_USER", "").strip()
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
