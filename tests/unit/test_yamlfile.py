"""YAML files become plain values that remember their lines; traps and tricks are refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stocksync.errors import ConfigurationError
from stocksync.files import yamlfile
from stocksync.files.yamlfile import Misread, load

ANY_ROOT = (dict, list, type(None))


def read(folder: Path, text: str) -> Any:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, roots=ANY_ROOT).data


def refusals(folder: Path, content: str | bytes, **options: Any) -> list[str]:
    path = folder / "file.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigurationError) as caught:
        load(path, **options)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def test_values_come_out_plain_and_know_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(
        "# a comment\n"
        "name: shop\n"
        "numbers: [1, -2,\n"
        "  2.5]\n"
        "inner:\n"
        "  - {deep: 'yes', flag: off}\n"
        "nothing:\n"
    )
    document = load(path)
    assert document.data == {
        "name": "shop",
        "numbers": [1, -2, 2.5],
        "inner": [{"deep": "yes", "flag": False}],
        "nothing": None,
    }
    assert document.place(("name",)) == f"{path}:2"
    assert document.place(("numbers", 2)) == f"{path}:4"
    assert document.place(("inner", 0, "flag")) == f"{path}:6"


def test_the_place_of_something_missing_is_that_of_what_should_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a: 1\nb:\n  - c: 1\n")
    document = load(path)
    assert document.line(("b", 0, "missing", "deeper")) == 3
    assert document.line(("missing",)) == 1


@pytest.mark.parametrize("word", ["yes", "Yes", "YES", "on", "true", "True"])
def test_yes_and_its_kin_are_true(tmp_path: Path, word: str) -> None:
    assert read(tmp_path, f"a: {word}") == {"a": True}


@pytest.mark.parametrize("word", ["no", "No", "off", "false", "FALSE"])
def test_no_and_its_kin_are_false(tmp_path: Path, word: str) -> None:
    assert read(tmp_path, f"a: {word}") == {"a": False}


@pytest.mark.parametrize("word", ["hold", "y", "n", "1e3", "0899", "0o17", "10%", "3 + 10%", "60s"])
def test_other_words_stay_text(tmp_path: Path, word: str) -> None:
    assert read(tmp_path, f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    "written",
    [
        *("00123", "0x1F", "0b11", "1_000", "12:30", "190:20:30", "2024-01-01", "+3", "-0"),
        *(".5", "5.", ".inf", "1.0e+3", "2024-01-01 10:00:00", "1234567890123456"),
    ],
)
def test_what_yaml_would_turn_into_another_value_is_kept_as_written_and_marked(
    tmp_path: Path, written: str
) -> None:
    assert read(tmp_path, f"a: {written}") == {"a": Misread(written)}
    assert read(tmp_path, f"a: '{written}'") == {"a": written}


def test_a_key_can_be_misread_too(tmp_path: Path) -> None:
    assert read(tmp_path, "00123: 1\n7: 2\n") == {Misread("00123"): 1, 7: 2}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "~"])
def test_an_empty_file_holds_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) is None


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
def test_braces_of_a_variable_are_not_taken_for_those_of_yaml(
    tmp_path: Path, loader: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yamlfile, "_LOADER", loader)
    text = "http: {port: 8080, token: ${TOKEN}}\nb: ${B}\nc: '${C} $${D} ${not one}'\n"
    assert read(tmp_path, text) == {
        "http": {"port": 8080, "token": "${TOKEN}"},
        "b": "${B}",
        "c": "${C} $${D} ${not one}",
    }


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("a: 1\nb:\n\t- c\n", "file.yaml:3: a tab cannot indent; use spaces"),
        ("a: 1\n\tb: 2\n", "file.yaml:2: a tab cannot indent; use spaces"),
        ("a: 1\nb: @x\n", "file.yaml:2: a value that starts with @ needs quotes"),
        ("a: %x\n", "file.yaml:1: a value that starts with % needs quotes"),
        (
            "a: 1\nsku: *\n",
            'file.yaml:2: a value that starts with * needs quotes, such as "*-RED"',
        ),
        (
            "{a: 1, sku: *}\n",
            'file.yaml:1: a value that starts with * needs quotes, such as "*-RED"',
        ),
        ("a: 1\nb: &\n", "file.yaml:2: a value that starts with & or ! needs quotes"),
        ("a: 1\nb: 'x\nc: 2\n", "file.yaml:2: a quote is opened here and never closed"),
        (
            "a: 1\nb: c: d\n",
            (
                "file.yaml:2: a colon too many, or a wrong indent; "
                "a value with ': ' in it needs quotes"
            ),
        ),
        (
            'a: "C:\\stock"\n',
            "file.yaml:1: a backslash in double quotes needs another one, or use single quotes",
        ),
    ],
)
def test_broken_yaml_is_refused_with_line_and_fix(
    tmp_path: Path, text: str, refusal: str, loader: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yamlfile, "_LOADER", loader)
    assert refusals(tmp_path, text) == [refusal]


@pytest.mark.parametrize("text", ["a: 1\nb: [1,\n  2\n", "a: 1\nb: {c: 1,\n  d: 2\n"])
def test_a_bracket_that_is_never_closed_is_told_where_it_opens(tmp_path: Path, text: str) -> None:
    assert refusals(tmp_path, text) == ["file.yaml:2: a bracket is opened here and never closed"]


def test_what_breaks_off_says_where(tmp_path: Path) -> None:
    [refusal] = refusals(tmp_path, "a:\n  - b\n c: 1\n")
    assert refusal.startswith("file.yaml:3: the file breaks off from YAML here")
    assert refusal.endswith("look at brackets and indents")


def test_every_key_that_is_set_twice_is_told(tmp_path: Path) -> None:
    text = "a: 1\nb:\n  - {c: 1, d: 2,\n     c: 3}\na: 2\n"
    assert refusals(tmp_path, text) == [
        "file.yaml:4: 'c' is already set at line 3; keep one",
        "file.yaml:5: 'a' is already set at line 1; keep one",
    ]


def test_a_bomb_of_aliases_is_refused_before_it_grows(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    problems = refusals(tmp_path, "\n".join(levels))
    assert problems[0] == (
        "file.yaml:1: a value that starts with & needs quotes; YAML anchors are not read"
    )
    assert 'file.yaml:2: a value that starts with * needs quotes, such as "*-RED"' in problems


def test_a_glob_without_quotes_is_not_taken_for_an_alias(tmp_path: Path) -> None:
    assert refusals(tmp_path, "a: 1\nsku: *-RED\n") == [
        'file.yaml:2: a value that starts with * needs quotes, such as "*-RED"'
    ]


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_nesting_has_a_limit(tmp_path: Path, opening: str) -> None:
    problems = refusals(tmp_path, "x: " + opening * 50_000)
    assert problems == ["file.yaml:1: nested more than 16 deep; flatten it"]


def test_a_tag_makes_no_object(tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert refusals(tmp_path, f"a: !!python/object/apply:pathlib.Path.touch ['{made}']\n") == [
        "file.yaml:1: a value that starts with ! needs quotes; YAML tags are not read"
    ]
    assert not made.exists()


def test_a_second_document_is_refused(tmp_path: Path) -> None:
    assert refusals(tmp_path, "a: 1\n---\nb: 1\n") == [
        "file.yaml:2: a second document begins; use one file for each"
    ]


def test_keys_are_plain_text(tmp_path: Path) -> None:
    assert refusals(tmp_path, "? [a, b]\n: 1\n? {c: 1}\n: 2\n?\n: 3\n") == [
        "file.yaml:1: a key must be plain text; put it in quotes",
        "file.yaml:3: a key must be plain text; put it in quotes",
        "file.yaml:5: a key is missing before the colon",
    ]


@pytest.mark.parametrize(
    ("text", "kind"), [("", "nothing"), ("- 1\n", "a list"), ("word\n", "a single value")]
)
def test_a_file_of_the_wrong_kind_is_refused(tmp_path: Path, text: str, kind: str) -> None:
    assert refusals(tmp_path, text) == [
        f"file.yaml:1: the file must hold keys with values, and holds {kind}"
    ]


def test_both_kinds_that_are_allowed_are_named(tmp_path: Path) -> None:
    assert refusals(tmp_path, "word\n", roots=ANY_ROOT) == [
        "file.yaml:1: the file must hold keys with values or a list, and holds a single value"
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.yaml: there is no such file"):
        load(tmp_path / "gone.yaml")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamlfile, "SIZE_MAX", 2**20)
    assert refusals(tmp_path, b"#" * (2**20 + 1)) == ["file.yaml: is larger than 1 MB; split it"]


def test_a_file_of_another_encoding_is_refused(tmp_path: Path) -> None:
    assert refusals(tmp_path, "a: 1\nb: caf\u00e9\n".encode("latin-1")) == [
        "file.yaml:2: is not UTF-8 text; save it as UTF-8"
    ]
    assert refusals(tmp_path, "a: 1\n".encode("utf-16")) == [
        "file.yaml:1: is not UTF-8 text; save it as UTF-8"
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load(path).data == {"a": 1}


@pytest.mark.parametrize(
    ("letter", "code"), [("\x00", "U+0000"), ("\x85", "U+0085"), ("\ue000", "U+E000")]
)
def test_invisible_letters_are_refused(tmp_path: Path, letter: str, code: str) -> None:
    assert refusals(tmp_path, f"a: 1\nb: x{letter}y\n") == [
        f"file.yaml:2: holds an invisible {code}; take it out"
    ]


VISIBLE = st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn", "Zl", "Zp"])


@given(texts=st.lists(st.text(VISIBLE, max_size=20), max_size=5))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_text_in_quotes_is_read_as_it_stands(tmp_path: Path, texts: list[str]) -> None:
    assert read(tmp_path, json.dumps({"texts": texts}, ensure_ascii=False)) == {"texts": texts}


@given(written=st.text("0123456789_:.xobeE+-", min_size=1, max_size=12))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_code_is_changed_unnoticed(tmp_path: Path, written: str) -> None:
    try:
        value = read(tmp_path, f"- {written}\n")[0]
    except ConfigurationError:
        return
    if isinstance(value, str | int):
        assert str(value) == written
    elif isinstance(value, Misread):
        assert value.text == written
    else:
        assert isinstance(value, float | dict | list)
