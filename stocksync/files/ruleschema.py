"""The whole of a rules file as one model, and as a JSON Schema that editors understand.

Editors read YAML 1.2, in which `yes` is a word and not true; both are allowed where it can stand.
"""

from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from stocksync.files.complaints import Entry
from stocksync.files.examples import ExampleEntry
from stocksync.files.linkfile import AliasEntry, AvailabilityEntry, PartUnits
from stocksync.files.rulefile import RuleEntry, Text, Texts

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
#: Whose keys may be `null`: a wish that is taken back, a section with nothing in it yet.
_MAY_BE_NULL: Final = ("WishesEntry", "RulesFile")
_NULL: Final = {"type": "null"}
_NAMES_ONLY: Final = {"additionalProperties": False}

Parts = Annotated[dict[Text, PartUnits], Field(min_length=1, json_schema_extra={**_NAMES_ONLY})]


class RulesFile(Entry):
    """A file of the rules folder; each of its keys may be left out. Files go by their names."""

    rules: list[RuleEntry] = Field([], description="Rules, from top to bottom; the last one wins.")
    groups: dict[Text, Texts] = Field(
        {},
        description="SKUs that a rule can speak about together: a name, and SKUs or patterns.",
        json_schema_extra={**_NAMES_ONLY},
    )
    aliases: list[AliasEntry] = Field(
        [],
        description="Codes of stores that mean a SKU of another spelling; all others are matched "
        "exactly.",
    )
    aliases_file: Text = Field(
        "", description="A CSV file beside this one with the first line store,code,sku."
    )
    bundles: dict[Text, Parts] = Field(
        {},
        description="Kits: how many units of each part one kit needs.",
        json_schema_extra={**_NAMES_ONLY},
    )
    bundles_file: Text = Field(
        "",
        description="A CSV file beside this one with the first line kit,part,units, and a row for "
        "each part.",
    )
    availability: list[AvailabilityEntry] = Field(
        [], description="What to offer, in stores without quantities, while its stock lasts."
    )
    examples: list[ExampleEntry] = Field(
        [],
        description="What the rules are to do: stock as given, and what each store shows then. "
        "`stocksync rules test` tries them.",
    )


SECTIONS: Final = tuple(RulesFile.model_fields)


def schema() -> dict[str, Any]:
    """Return a rules file as JSON Schema, draft 2020-12; each key with what it means."""
    made = TypeAdapter(RulesFile | list[RuleEntry] | None).json_schema()
    definitions = {name: _plain(made["$defs"][name]) for name in sorted(made["$defs"])}
    for name in _MAY_BE_NULL:
        keys = definitions[name]["properties"]
        definitions[name]["properties"] = {
            key: form if key.endswith("_file") else _or_null(form) for key, form in keys.items()
        }
    return {
        "$schema": DIALECT,
        "title": "stocksync rules",
        "description": "A file of the rules folder: a list of rules, or sections by name.",
        "anyOf": made["anyOf"],
        "$defs": definitions,
    }


def _plain(form: Any) -> Any:
    """Take out of a schema what pydantic adds and no editor needs: titles, defaults, nulls."""
    if isinstance(form, list):
        return [_plain(inner) for inner in form]
    if not isinstance(form, dict):
        return form
    left: dict[str, Any] = {
        key: _by_name(inner) if key == "properties" else _plain(inner)
        for key, inner in form.items()
        if key not in ("title", "default")
    }
    choices = left.get("anyOf")
    if choices is not None and _NULL in choices and len(choices) == 2:  # noqa: PLR2004 - X or null
        [one] = [choice for choice in choices if choice != _NULL]
        rest = {key: inner for key, inner in left.items() if key != "anyOf"}
        return one | rest
    return left


def _by_name(keys: dict[str, Any]) -> dict[str, Any]:
    """Go on inside; a key may well be called `title`."""
    return {name: _plain(form) for name, form in keys.items()}


def _or_null(form: dict[str, Any]) -> dict[str, Any]:
    """Let `null` stand in place of a value too."""
    described = {"description": form["description"]}
    rest = {key: inner for key, inner in form.items() if key != "description"}
    choices = rest["anyOf"] if rest.keys() == {"anyOf"} else [rest]
    return {**described, "anyOf": [*choices, _NULL]}
