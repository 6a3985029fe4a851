"""Say what is wrong in files that people write: every mistake at once, with line and fix."""

from collections.abc import Hashable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from stocksync.errors import ConfigurationError
from stocksync.files.yamlfile import Document, Keys, Misread, shown

_NAMES_SHOWN_MAX: Final = 24


class Entry(BaseModel):
    """One mapping in a file that a person writes: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that names the most similar known word, or nothing."""
    by_lowered = {name.lower(): name for name in sorted(known)}
    similar = get_close_matches(word.lower(), by_lowered, n=1)
    return f"; did you mean '{by_lowered[similar[0]]}'?" if similar else ""


def nearest(word: str, known: Iterable[str], *, called: str) -> str:
    """Return the end of a sentence that names the most similar known word, else all of them."""
    names = sorted(known)
    hint = did_you_mean(word, names)
    if hint:
        return hint
    if not names:
        return f"; there are no {called}"
    more = ", …" if len(names) > _NAMES_SHOWN_MAX else ""
    return f"; {called}: {', '.join(names[:_NAMES_SHOWN_MAX])}{more}"


def secret_names(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields of a model that hold secrets, and so may be read from a file."""
    return frozenset(name for name, field in model.model_fields.items() if _is_secret(field))


def label(keys: Keys, items: str = "") -> str:
    """Write the way to a value as people do: `stores[1].url`.

    `items` is what the things are called of a file that is a list itself.
    """
    words = [items] if keys and isinstance(keys[0], int) else []
    for key in keys:
        if isinstance(key, int) and not isinstance(key, bool):
            words.append(f"[{key}]")
        else:
            words.append(f".{shown(key)}" if words else shown(key))
    return "".join(words)


class Complaints:
    """Gathers mistakes, one for each value, and raises them together in the order of lines."""

    def __init__(self, items: str = "") -> None:
        self._items = items
        self._found: dict[tuple[str, Keys], tuple[int, str]] = {}
        self._unread: list[str] = []
        self._files: list[str] = []

    def add(self, document: Document, keys: Keys, text: str) -> None:
        """Note a mistake; the first one about a value is the one that is kept."""
        file = str(document.path)
        name = label(keys[1:]) if document.table else label(keys, self._items)
        if file not in self._files:
            self._files.append(file)
        called = f"{name}: " if name else ""
        problem = f"{document.place(keys)}: {called}{text}"
        self._found.setdefault((file, keys), (document.line(keys), problem))

    def add_unread(self, problems: Sequence[str]) -> None:
        """Note mistakes of a file that could not be read at all."""
        self._unread.extend(problems)

    def about(self, document: Document, keys: Keys) -> bool:
        """Tell whether something is wrong with a value, or with what is around it."""
        file = str(document.path)
        return any((file, keys[:depth]) in self._found for depth in range(len(keys) + 1))

    def add_refusals(
        self,
        document: Document,
        keys: Keys,
        error: ValidationError,
        model: type[BaseModel],
        *,
        wrapped: bool = False,
    ) -> None:
        """Note everything that a model refuses about the value at `keys`.

        `wrapped`: the value stands alone in the file, and was put in a field to be checked.
        """
        for detail in error.errors(include_url=False):
            inner = tuple(detail["loc"])[1 if wrapped else 0 :]
            file = (*inner[:-1], f"{inner[-1]}_file") if inner else ()
            if not any(self.about(document, (*keys, *at)) for at in (inner, file)):
                self.add(document, (*keys, *inner), _sentence(detail, model))

    def raise_any(self) -> None:
        """Raise what was gathered, if anything.

        Raises:
            ConfigurationError: At least one mistake was noted.
        """
        ranked = sorted(
            (self._files.index(file), line, problem)
            for (file, _), (line, problem) in self._found.items()
        )
        problems = [*self._unread, *(problem for _, _, problem in ranked)]
        if problems:
            raise ConfigurationError(problems)


def complain_of_blanks(document: Document, keys: Keys, value: Any, complaints: Complaints) -> None:
    """Note every key without a value: nobody can tell whether it means zero or nothing.

    Only a wish of a rule may be `null`, which takes back what rules before it set.
    """
    if value is None:
        if keys not in document.nulls or keys[-2:-1] != ("set",):
            complaints.add(document, keys, "has no value; give it one or take the line out")
    elif isinstance(value, dict):
        for key, inner in value.items():
            complain_of_blanks(document, (*keys, key), inner, complaints)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            complain_of_blanks(document, (*keys, index), inner, complaints)


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _walk(model: type[BaseModel], keys: Sequence[Hashable]) -> tuple[type[BaseModel], bool]:
    """Return the model that owns the last of `keys`, and whether that is a secret."""
    secret = False
    for position, key in enumerate(keys):
        field = model.model_fields.get(str(key))
        if field is None:
            break
        secret = _is_secret(field)
        for inner in (field.annotation, *get_args(field.annotation)):
            is_model = isinstance(inner, type) and issubclass(inner, BaseModel)
            if position < len(keys) - 1 and is_model:
                model = inner
    return model, secret


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """Put one refusal in words that name the fix and never repeat a secret."""
    owner, secret = _walk(model, detail["loc"])
    kind, limits = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        files = {f"{name}_file" for name in secret_names(owner)}
        known = set(owner.model_fields) | files
        return "unknown key" + nearest(str(detail["loc"][-1]), known, called="known keys")
    if kind == "missing":
        name = str(detail["loc"][-1])
        return f"is missing; give it, or {name}_file" if secret else "is missing; give it"
    if kind == "value_error":
        return str(limits["error"])
    if isinstance(detail["input"], Misread) or kind == "string_type":
        return why_not_text(detail["input"], secret=secret)
    wanted = {
        "int_type": "must be a whole number",
        "float_type": "must be a number",
        "bool_type": "must be true or false",
        "list_type": "must be a list, such as [a, b]",
        "model_type": "must hold keys with values",
        "dict_type": "must hold keys with values",
        "greater_than_equal": f"must be at least {limits.get('ge')}",
        "less_than_equal": f"must be at most {limits.get('le')}",
        "greater_than": f"must be more than {limits.get('gt')}",
        "string_too_short": "is empty",
        "too_short": "must name at least one",
        "too_long": f"must name at most {limits.get('max_length')}",
    }
    return wanted.get(kind, "cannot be used as it is")


def why_not_text(given: object, *, secret: bool = False) -> str:
    """Say why a value is not the text it should be: YAML took it for something else."""
    if isinstance(given, bool):
        return "must be text, and YAML reads yes, no, on, off as true or false; put it in quotes"
    if isinstance(given, int) and not secret:
        return f'must be text; put it in quotes: "{given}"'
    if isinstance(given, Misread) and not secret:
        wrong = f"YAML does not read {given.text} as it stands"
        return f'{wrong}; put text in quotes: "{given.text}", or write a plain number'
    if isinstance(given, int | float | Misread):
        return "must be text; put it in quotes"
    return "must be text"
