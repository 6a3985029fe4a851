"""Say in SQL what SQLite and PostgreSQL say differently: a list as one parameter, and an upsert."""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import JSON, Select, Table, Text, bindparam, cast, func, select
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


def upsert(
    table: Table, dialect: str, *, fixed: Collection[str], added: Collection[str] = ()
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
