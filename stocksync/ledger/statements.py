"""Say in SQL what SQLite and PostgreSQL say differently: a list as one parameter, and an upsert.

A statement is built once and executed with other parameters each time: building one, and working
out which compiled text is its own, costs SQLAlchemy several times what SQLite needs to answer it.
"""

import json
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from stocksync.ledger.engine import SQLITE


def members(name: str, dialect: str) -> Select[Any]:
    """Select the texts of a JSON list parameter: one parameter, however many there are."""
    given = bindparam(name, type_=Text)
    if dialect == SQLITE:
        rows = func.json_each(given).table_valued("value")
    else:
        rows = func.json_array_elements_text(cast(given, JSON)).table_valued("value")
    return select(rows.c.value)


def listed(values: Collection[str]) -> str:
    """Write the list that `members` takes apart."""
    return json.dumps(list(values))


def word(ours: str) -> ColumnElement[str]:
    """Write a word of ours, like a state, into the SQL itself; never what came from outside.

    SQLite looks at a parameter that decides whether a partial index will do, and for that plans
    the statement anew each time it is executed.
    """
    return literal_column(f"'{ours}'")


def is_one_of(column: ColumnElement[Any], words: Iterable[str]) -> ColumnElement[bool]:
    """Choose rows by words of ours."""
    return column.in_([word(each) for each in words])


@cache
def upsert(
    table: Table, dialect: str, *, fixed: tuple[str, ...] = (), added: tuple[str, ...] = ()
) -> Any:
    """Insert rows; where the primary key exists, overwrite every column that is not `fixed`.

    Columns in `added` are summed instead.
    """
    insert = (sqlite.insert if dialect == SQLITE else postgresql.insert)(table)
    changes: dict[str, Any] = {
        column.name: insert.excluded[column.name]
        for column in table.columns
        if not column.primary_key and column.name not in {*fixed, *added}
    }
    changes |= {name: table.c[name] + insert.excluded[name] for name in added}
    return insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_=changes
    )
