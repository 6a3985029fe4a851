"""Where Freewebstore keeps rows and fields, in the older and the newer shape of its lists."""

from collections.abc import Iterator, Mapping
from typing import Any

from stocksync.connectors.http import Answer
from stocksync.connectors.quantity import whole_units
from stocksync.errors import UnexpectedResponse


def listed_rows(answer: Answer, key: str) -> tuple[list[Any], int | None]:
    """Find the rows of a list, bare or one or two levels down beside `found`, and their total."""
    shown = answer.body.get(key) if isinstance(answer.body, dict) else None
    if isinstance(shown, list):
        return shown, None
    if not isinstance(shown, dict):
        raise UnexpectedResponse(f"the list of {key} holds no rows")
    found = None
    if "found" in shown:
        found = whole_units(shown["found"])
        if found is None:
            raise UnexpectedResponse(f"`found` of the list of {key} is not a number")
    lists = list(_lists(shown, depth=2))
    filled = [rows for rows in lists if rows]
    if len(filled) > 1 or not (lists or found == 0):
        raise UnexpectedResponse(f"the list of {key} does not show which rows it holds")
    return (filled[0] if filled else []), found


def fields_of(row: Any) -> Any:
    """Return the fields of a row as if none were nested: flat ones first, then those in `core`."""
    core = row.get("core") if isinstance(row, dict) else None
    return {**core, **row} if isinstance(core, dict) else row


def _lists(shown: Mapping[str, Any], *, depth: int) -> Iterator[list[Any]]:
    for value in shown.values():
        if isinstance(value, list):
            yield value
        elif isinstance(value, dict) and depth > 1:
            yield from _lists(value, depth=depth - 1)
