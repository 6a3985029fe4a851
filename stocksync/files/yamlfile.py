"""Read a YAML file into plain values that remember their lines; the only door to PyYAML.

Values are built from PyYAML's events, not by its constructors: nothing in a file can make an
object, repeat a part of itself, or turn a code such as `00123` into another number unnoticed.
"""

import re
from collections.abc import Hashable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import yaml

from stocksync.errors import ConfigurationError
from stocksync.files.textfile import read_text, refuse_invisible

Keys = tuple[Hashable, ...]
"""The way from the root of a file to one value: `("stores", 1, "url")`."""

SIZE_MAX: Final = 16 * 1024 * 1024
DEPTH_MAX: Final = 16
DIGITS_MAX: Final = 15

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS: Final = yaml.SafeLoader.yaml_implicit_resolvers
_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+", re.ASCII)
_TRUE: Final = ("yes", "true", "on")
# Two private letters stand for the braces of `${NAME}` while PyYAML reads: in `{a: ${NAME}}`
# YAML would take them for its own.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z0-9_]*)\}")
_FLOWS: Final = ("while parsing a flow sequence", "while parsing a flow mapping")
_STAR: Final = 'a value that starts with * needs quotes, such as "*-RED"'
_KINDS: Final[Mapping[type, str]] = {dict: "keys with values", list: "a list", type(None): "empty"}


@dataclass(frozen=True, slots=True)
class Misread:
    """Text without quotes that YAML reads as something else: `00123`, `0x1F`, `12:30`, a date."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a file says, as plain values (and `Misread`), with the line of each of them.

    `nulls` are the values written as `null`: left empty on purpose, and not forgotten. `table`:
    it is a list of rows under a heading, each value of which is named by its column alone.
    """

    path: Path
    data: Any
    lines: Mapping[Keys, int]
    nulls: AbstractSet[Keys] = frozenset()
    table: bool = False

    def line(self, keys: Keys) -> int:
        """Return the line of a value, or of the nearest thing around it that is in the file."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)

    def place(self, keys: Keys = ()) -> str:
        """Return `file:line` of a value."""
        return f"{self.path}:{self.line(keys)}"


def load(path: Path, *, roots: tuple[type, ...] = (dict,)) -> Document:
    """Read one file; `roots` are the kinds of value it may consist of (dict, list, NoneType).

    Raises:
        ConfigurationError: The file cannot be read, or not as YAML without tricks; every mistake
            found is said as `file:line: what, and the fix`.
    """
    text = read_text(path, size_max=SIZE_MAX)
    refuse_invisible(path, text)
    marked = _PLACEHOLDER.sub(rf"${_OPEN}\1{_CLOSE}", text)
    builder = _Builder(path)
    try:
        events = iter(yaml.parse(marked, Loader=_LOADER))
        data = builder.document(events)
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_refusal(path, text, error))
        data = None
    except _TooDeep as error:
        builder.problems.append(str(error))
        data = None
    if not builder.problems and not isinstance(data, roots):
        wanted = " or ".join(_KINDS[root] for root in roots if root is not type(None))
        builder.problems.append(f"{path}:1: the file must hold {wanted}, and holds {_kind(data)}")
    if builder.problems:
        raise ConfigurationError(builder.problems)
    return Document(path=path, data=data, lines=builder.lines, nulls=frozenset(builder.nulls))


def _kind(data: object) -> str:
    return "nothing" if data is None else _KINDS.get(type(data), "a single value")


class _TooDeep(Exception):
    """Stops the reading of a file that is nested beyond all sense."""


class _Builder:
    """Turns the events of one file into values, noting lines and mistakes on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Keys, int] = {}
        self.nulls: set[Keys] = set()
        self.problems: list[str] = []

    def document(self, events: Iterator[Any]) -> Any:
        """Return the value of the only document; None for an empty file."""
        data = None
        starts = (event for event in events if isinstance(event, yaml.DocumentStartEvent))
        for number, start in enumerate(starts):
            if number > 0:
                self._note(start, "a second document begins; use one file for each")
                break
            first = next(events)
            data = self._value(events, first, (), _line(first))
        return data

    def _value(self, events: Iterator[Any], event: Any, keys: Keys, line: int) -> Any:
        if len(keys) > DEPTH_MAX:
            raise _TooDeep(
                f"{self.path}:{_line(event)}: nested more than {DEPTH_MAX} deep; flatten it"
            )
        self.lines[keys] = line
        if isinstance(event, yaml.AliasEvent):
            self._note(event, _STAR)
            return None
        if event.tag is not None:
            self._note(event, "a value that starts with ! needs quotes; YAML tags are not read")
        if event.anchor is not None:
            self._note(event, "a value that starts with & needs quotes; YAML anchors are not read")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, keys)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, keys)
        value = _scalar(event)
        if value is None and event.value:
            self.nulls.add(keys)
        return value

    def _sequence(self, events: Iterator[Any], keys: Keys) -> list[Any]:
        values: list[Any] = []
        for event in takewhile(_goes_on, events):
            values.append(self._value(events, event, (*keys, len(values)), _line(event)))
        return values

    def _mapping(self, events: Iterator[Any], keys: Keys) -> dict[Hashable, Any]:
        values: dict[Hashable, Any] = {}
        for event in takewhile(_goes_on, events):
            key = self._key(events, event, keys)
            inner = (*keys, key)
            first = self.lines.get(inner)
            value = self._value(events, next(events), inner, _line(event))
            if key is not None and key in values:
                self._note(event, f"'{shown(key)}' is already set at line {first}; keep one")
            values[key] = value
        return values

    def _key(self, events: Iterator[Any], event: Any, keys: Keys) -> Hashable:
        if isinstance(event, yaml.ScalarEvent) and event.tag is None:
            key: Hashable = _scalar(event)
            if key is None:
                self._note(event, "a key is missing before the colon")
            return key
        self._note(event, "a key must be plain text; put it in quotes")
        self._value(events, event, (*keys, None), _line(event))
        return None

    def _note(self, event: Any, text: str) -> None:
        self.problems.append(f"{self.path}:{_line(event)}: {text}")


def shown(key: Hashable) -> str:
    """Write a key as it stands in the file."""
    return key.text if isinstance(key, Misread) else str(key)


def _goes_on(event: Any) -> bool:
    """Tell whether a list or mapping holds more; those inside it are read to their own end."""
    return not isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any) -> str | int | float | bool | Misread | None:
    text = event.value.replace(_OPEN, "{").replace(_CLOSE, "}")
    return _plain(text) if event.implicit[0] else text


def _plain(text: str) -> str | int | float | bool | Misread | None:
    """Read text without quotes as YAML 1.1 does, but only where it means what it looks like."""
    kind = "str"
    for tag, pattern in [*_RESOLVERS.get(text[:1], ()), *_RESOLVERS.get(None, ())]:
        if pattern.match(text):
            kind = tag.rpartition(":")[2]
            break
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in _TRUE
    if kind == "int" and _WHOLE.fullmatch(text) and len(text) <= DIGITS_MAX:
        return int(text)
    if kind == "float" and _DECIMAL.fullmatch(text) and len(text) <= DIGITS_MAX:
        return float(text)
    return Misread(text) if kind in ("int", "float", "timestamp") else text


def _refusal(path: Path, text: str, error: yaml.MarkedYAMLError) -> str:
    """Say a syntax error in words that name the fix."""
    line, column = _position(error.problem_mark)
    opened, _ = _position(error.context_mark)
    context, problem = error.context or "", error.problem or "is not YAML"
    if "quoted scalar" in context and "end of stream" in problem:
        line, problem = opened, "a quote is opened here and never closed"
    elif context in _FLOWS and line >= len(text.splitlines()):
        line, problem = opened, "a bracket is opened here and never closed"
    elif "an alias" in context:
        problem = _STAR
    elif "an anchor" in context or "a tag" in context:
        problem = "a value that starts with & or ! needs quotes"
    else:
        problem = _by_character(text, line, column, problem)
    last = text.count("\n")
    return f"{path}:{min(line, last) + 1}: {problem}"


def _position(mark: Any) -> tuple[int, int]:
    return (0, 0) if mark is None else (int(mark.line), int(mark.column))


def _by_character(text: str, number: int, column: int, problem: str) -> str:
    """Judge a syntax error by the letter where PyYAML stopped."""
    lines = [*text.split("\n"), ""]
    line = lines[min(number, len(lines) - 1)]
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return "a tab cannot indent; use spaces"
    if "cannot start any token" in problem:
        return f"a value that starts with {line[column : column + 1]} needs quotes"
    if "mapping values are not allowed" in problem:
        return "a colon too many, or a wrong indent; a value with ': ' in it needs quotes"
    if "escape character" in problem:
        return "a backslash in double quotes needs another one, or use single quotes"
    return f"the file breaks off from YAML here ({problem}); look at brackets and indents"
