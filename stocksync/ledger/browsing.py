"""Look around in the books: find SKUs, and count what went on between moments."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    bindparam,
    case,
    column,
    func,
    literal,
    or_,
    select,
)

from stocksync.contracts.browsing import CORRECTION_OUTCOMES, SMALL, Activity
from stocksync.contracts.ledger import Intent, IntentState
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.movements import PRESENT, MovementKind
from stocksync.ledger.engine import SQLITE
from stocksync.ledger.rows import intent_from
from stocksync.ledger.statements import is_one_of
from stocksync.ledger.tables import BALANCES, INTENTS, LISTINGS, MOVEMENTS, RUNS

_WRITES: Final = (
    select(INTENTS)
    .where(
        is_one_of(INTENTS.c.state, IntentState),  # the index begins with it
        INTENTS.c.store == bindparam("at_store"),
        INTENTS.c.listing == bindparam("at_listing"),
    )
    .order_by(INTENTS.c.created_at.desc(), INTENTS.c.id.desc())
    .limit(bindparam("most"))
)


def search(connection: Connection, text: str, *, after: str, offset: int, limit: int) -> list[Sku]:
    """Return SKUs that moved or are listed, in order from the one `after`, and that hold `text`.

    Both halves come in the order of an index, so a page needs no more rows than it shows.
    """
    moved = select(BALANCES.c.sku).where(BALANCES.c.sku > after)
    listed = select(LISTINGS.c.sku).where(LISTINGS.c.sku > after)
    if text:
        moved = moved.where(_holds(connection, BALANCES.c.sku, text))
        listed = listed.where(_holds(connection, LISTINGS.c.sku, text))
    page = moved.union(listed).order_by("sku").limit(limit).offset(offset)
    return list(connection.execute(page).scalars())


def hot(
    connection: Connection, *, nearly_out: int, since: datetime, sold: int, limit: int
) -> list[Sku]:
    """Return fast sellers, the fastest first, then what is nearly out, the fewest first."""
    units = func.sum(MOVEMENTS.c.units)
    sellers = (
        select(MOVEMENTS.c.sku)
        .where(
            MOVEMENTS.c.number >= first_since(connection, since),
            MOVEMENTS.c.recorded_at >= since,
            MOVEMENTS.c.kind == MovementKind.SALE.value,
        )
        .group_by(MOVEMENTS.c.sku)
        .having(units >= sold)
        .order_by(units.desc(), MOVEMENTS.c.sku)
    )
    left = func.sum(BALANCES.c.units)
    here = or_(*(BALANCES.c.account.startswith(prefix, autoescape=True) for prefix in PRESENT))
    few = (
        select(BALANCES.c.sku)
        .where(here)
        .group_by(BALANCES.c.sku)
        .having(left.between(1, nearly_out))
        .order_by(left, BALANCES.c.sku)
    )
    found = [connection.execute(each.limit(limit)).scalars() for each in (sellers, few)]
    return list(dict.fromkeys(chain(*found)))[:limit]


def _holds(connection: Connection, name: ColumnElement[str], text: str) -> ColumnElement[bool]:
    place = func.instr if connection.dialect.name == SQLITE else func.strpos
    return place(func.lower(name), text.translate(SMALL)) > 0


def activity(connection: Connection, moments: Sequence[datetime]) -> list[Activity]:
    """Return what was booked and written from each moment to the next one."""
    movements, corrections = _movements(connection, moments), _corrections(connection, moments)
    return [
        Activity(began_at=began, movements=movements[at], corrections=corrections[at])
        for at, began in enumerate(moments[:-1])
    ]


def _movements(
    connection: Connection, moments: Sequence[datetime]
) -> defaultdict[int, dict[str, int]]:
    """Count movements by stretch of time and kind, without walking the whole books."""
    stretch = _stretch(MOVEMENTS.c.recorded_at, moments)
    asked = select(stretch, MOVEMENTS.c.kind, func.count()).where(
        MOVEMENTS.c.number >= first_since(connection, moments[0]),
        MOVEMENTS.c.recorded_at >= moments[0],
        MOVEMENTS.c.recorded_at < moments[-1],
    )
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for at, kind, count in connection.execute(asked.group_by(stretch, MOVEMENTS.c.kind)):
        found[at][kind] = count
    return found


def _stretch(when: ColumnElement[Any], moments: Sequence[datetime]) -> ColumnElement[int]:
    """Number the stretches of time between moments, from zero."""
    ends = [(when < moment, literal(at)) for at, moment in enumerate(moments[1:])]
    return case(*ends).label("stretch")


def first_since(connection: Connection, moment: datetime) -> int:
    """Find the first movement recorded at or after a moment: numbers grow with time.

    Halving costs 20 look-ups in a million movements; an index would cost one more write each.
    """
    least, most = connection.execute(
        select(func.min(MOVEMENTS.c.number), func.max(MOVEMENTS.c.number))
    ).one()
    if least is None:
        return 0
    first, beyond = least, most + 1
    while first < beyond:
        middle = (first + beyond) // 2
        asked = select(MOVEMENTS.c.recorded_at).where(MOVEMENTS.c.number >= middle)
        recorded = connection.execute(asked.order_by(MOVEMENTS.c.number).limit(1)).scalar_one()
        if recorded < moment:
            first = middle + 1
        else:
            beyond = middle
    return int(first)


def _corrections(
    connection: Connection, moments: Sequence[datetime]
) -> defaultdict[int, dict[str, int]]:
    """Count writes by stretch of time and outcome, as the runs that made them report."""
    take_apart = func.json_each if connection.dialect.name == SQLITE else func.json_array_elements
    report = take_apart(RUNS.c.stores).table_valued(
        column("value", JSON), name="report", joins_implicitly=True
    )
    sums = [func.sum(report.c.value[name].as_integer()) for name in CORRECTION_OUTCOMES]
    stretch = _stretch(RUNS.c.started_at, moments)
    asked = select(stretch, *sums).where(
        RUNS.c.started_at >= moments[0], RUNS.c.started_at < moments[-1]
    )
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for at, *counts in connection.execute(asked.group_by(stretch)):
        named = zip(CORRECTION_OUTCOMES, counts, strict=True)
        found[at] = {name: count for name, count in named if count}
    return found


def writes(connection: Connection, store: StoreId, listing: ListingId, limit: int) -> list[Intent]:
    """Return the writes to one listing, newest first."""
    given = {"at_store": store, "at_listing": listing, "most": limit}
    return [intent_from(row) for row in connection.execute(_WRITES, given).mappings()]
