"""The schema of a rules file is valid, describes every key, and agrees with the reader."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from stocksync.errors import ConfigurationError
from stocksync.files.ruleschema import SECTIONS, schema
from stocksync.files.timewords import hold_from, velocity_from
from stocksync.files.wishwords import buffer_from, increases_from, mode_from, share_from
from stocksync.files.yamlfile import Document, Misread, load
from stocksync.rulebook import load_rulebook
from tests.unit.rulebook_kit import PLATFORMS
from tests.unit.test_rulebook import STARTER_RULES, examples_in_use

SCHEMA = schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def plain(value: Any) -> Any:
    """Turn what we read into what an editor reads: text that is no number for us stays text."""
    if isinstance(value, Misread):
        return value.text
    if isinstance(value, dict):
        return {str(plain(key)): plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def read(folder: Path, text: str) -> Document:
    path = folder / "rules" / "a.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return load(path, roots=(dict, list, type(None)))


def forms(part: Any, way: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that a schema knows, with its form."""
    if isinstance(part, dict):
        for name, form in part.get("properties", {}).items():
            if "required" not in form and "propertyNames" not in form:
                yield f"{way}.{name}", form
        for key, inner in part.items():
            yield from forms(inner, f"{way}/{key}")
    elif isinstance(part, list):
        for inner in part:
            yield from forms(inner, way)


def test_it_is_a_json_schema_that_can_be_printed() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"].endswith("2020-12/schema")


def test_every_key_is_described() -> None:
    found = dict(forms(SCHEMA))
    assert len(found) > 40
    assert [way for way, form in found.items() if not form.get("description")] == []
    assert tuple(SCHEMA["$defs"]["RulesFile"]["properties"]) == SECTIONS


def test_every_starter_rule_fits_and_so_does_every_example_in_them(tmp_path: Path) -> None:
    paths = [*STARTER_RULES.glob("*.yaml"), *examples_in_use(tmp_path).glob("*.yaml")]
    assert len(paths) == 12
    for path in paths:
        document = load(path, roots=(dict, list, type(None)))
        assert [str(error) for error in VALIDATOR.iter_errors(plain(document.data))] == []


RULE = "- {{name: a, {}}}"
RIGHT = [
    "",
    "rules:\n",
    "- {name: a, set: {buffer: null, hold: null}}",
    "- {name: a, set: {hold: yes}}",
    "- {name: a, match: {location: main}, set: {buffer: 1, hold: no}}",
    "- {name: a, schedule: {weekdays: [Mon, sun]}, set: {cap: 1}}",
    "- {name: a, schedule: {from: 2026-11-27 18:00 UTC}, set: {cap: 1}}",
    "bundles: {A: {B: 1}}\ngroups: {g: [A]}\naliases_file: a.csv\n",
    "availability: [{store: print, product: 1, sku: A}]",
]
WRONG = [
    "5: 5",
    "name: a",
    "- {set: {cap: 1}}",
    "- {name: a}",
    "- {name: '', set: {cap: 1}}",
    "- {name: a, set: {}}",
    "- {name: a, set: {bufer: 1}}",
    "- {name: a, set: {cap: -1}}",
    "- {name: a, set: {cap: '5'}}",
    "- {name: a, set: {cap: 1000001}}",
    "- {name: a, set: {pack: 0}}",
    "- {name: a, set: {buffer: -3}}",
    "- {name: a, set: {buffer: 101%}}",
    "- {name: a, set: {share: 50}}",
    "- {name: a, set: {share: 0.5}}",
    "- {name: a, set: {hold: until later}}",
    "- {name: a, set: {hold: 1}}",
    "- {name: a, set: {velocity_buffer: 60}}",
    "- {name: a, set: {velocity_buffer: 60m cover}}",
    "- {name: a, set: {accept_increases: maybe}}",
    "- {name: a, set: {mode: each}}",
    "- {name: a, set: {locations: []}}",
    "- {name: a, set: {locations: [main, main]}}",
    "- {name: a, match: {sku: 123}, set: {cap: 1}}",
    "- {name: a, match: {sku: null}, set: {cap: 1}}",
    "- {name: a, match: {stor: shop}, set: {cap: 1}}",
    "- {name: a, match: {location: main}, set: {cap: 1}}",
    "- {name: a, match: {location: main}, set: {buffer: null}}",
    "- {name: a, schedule: {}, set: {cap: 1}}",
    "- {name: a, schedule: {time_zone: UTC}, set: {cap: 1}}",
    "- {name: a, schedule: {hours: 25:00-26:00}, set: {cap: 1}}",
    "- {name: a, schedule: {weekdays: [someday]}, set: {cap: 1}}",
    "- {name: a, schedule: {until: 2026-13-01}, set: {cap: 1}}",
    "- {name: a, when: 5, set: {cap: 1}}",
    "groups: {g: []}",
    "groups: {'': [A]}",
    "bundles: {A: {}}",
    "bundles: {A: {B: 0}}",
    "aliases: [{store: web, code: 1, sku: A}]",
    "aliases: [{store: web, code: a}]",
    "aliases_file: null",
    "bundles_file: [a]",
    "availability: [{store: print, sku: A}]",
    "availability: [{store: print, product: 1, variant: 1, sku: A}]",
    "availability: [{store: print, product: 0, sku: A}]",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_fits(tmp_path: Path, text: str) -> None:
    assert VALIDATOR.is_valid(plain(read(tmp_path, text).data))


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_fits_neither_the_schema_nor_the_reader(tmp_path: Path, text: str) -> None:
    assert not VALIDATOR.is_valid(plain(read(tmp_path, text).data))
    with pytest.raises(ConfigurationError):
        load_rulebook(tmp_path / "rules", PLATFORMS)


@pytest.mark.parametrize("word", ["yes", "no"])
def test_yes_and_no_may_be_words_for_an_editor(word: str) -> None:
    for wish in ("hold", "accept_increases"):
        assert VALIDATOR.is_valid([{"name": "a", "set": {wish: word}}])


def test_a_key_may_be_called_like_a_word_of_json_schema() -> None:
    assert VALIDATOR.is_valid({"groups": {"title": ["A"], "default": ["B"], "anyOf": ["C"]}})


# --- the same judgement as the reader's ----------------------------------------------------------


def accepted(reader: Callable[[object], object], given: object) -> bool:
    try:
        reader(given)
    except ValueError:
        return False
    return True


def fits(wish: str, given: object) -> bool:
    return bool(VALIDATOR.is_valid([{"name": "a", "set": {wish: given}}]))


@given(st.from_regex(r"\A *[0-9]{0,8}(\.[0-9]{0,7})? ?%? ?(\+ ?[0-9]{0,8}(\.[0-9]+)? ?%?)? *\Z"))
@example("1000000")
@example("1000001")
@example("0999999 + 100.0%")
@example("100.000001%")
@example("100%+1000000")
@example("3 + 4")
@example("")
def test_a_buffer_or_share_fits_where_it_is_read(text: str) -> None:
    assert fits("buffer", text) == accepted(buffer_from, text)
    assert fits("share", text) == accepted(share_from, text)


@given(st.integers(-2, 1_000_002) | st.booleans() | st.none() | st.just(2.5))
def test_other_values_fit_where_they_are_read(value: object) -> None:
    known = isinstance(value, int) and not isinstance(value, bool)
    assert fits("buffer", value) == (value is None or (known and accepted(buffer_from, value)))
    assert fits("share", value) == (value is None)


@given(st.from_regex(r"\A *[0-9]{1,3}[smhdw]?( cover ([0-9]{1,3}[smhd]|measured|m))? *\Z"))
def test_whatever_is_read_as_a_velocity_fits(text: str) -> None:
    assert fits("velocity_buffer", text) or not accepted(velocity_from, text)


@given(
    st.from_regex(
        r"\A *(until )?20[0-9]{2}-[01][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-6][0-9])?( ?Z| ?UTC)? *\Z"
    )
)
@example("until 2026-12-24 24:00")
@example("until  2026-12-24T18:00Z")
def test_whatever_is_read_as_a_hold_fits(text: str) -> None:
    assert fits("hold", text) or not accepted(hold_from, text)


@pytest.mark.parametrize("word", ["yes", "no", "hold", "twice", "shared", "allocated", "auto", "x"])
def test_words_fit_where_they_are_read(word: str) -> None:
    assert fits("accept_increases", word) == accepted(increases_from, word)
    assert fits("mode", word) == accepted(mode_from, word)
