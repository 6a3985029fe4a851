"""Codes and kits may stand in CSV files, which are read as strictly as the YAML that names them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from stocksync.domain.identifiers import Sku, StoreId
from stocksync.errors import ConfigurationError
from stocksync.rulebook import load_rulebook
from tests.unit.rulebook_kit import PLATFORMS, problems

CODES = {"a.yaml": "aliases_file: codes.csv\n"}
KITS = {"a.yaml": "bundles_file: kits.csv\n"}


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_codes_are_read_from_a_table_beside_those_in_yaml(tmp_path: Path) -> None:
    files = {
        "a.yaml": "aliases_file: codes.csv\naliases: [{store: shop, code: y, sku: B}]\n",
        "codes.csv": 'store,code,sku\nweb,00123,MUG\n\nweb,"a, b","6"" POT"\n,,\nshop, x ,A\n',
    }
    rules = load_rulebook(written(tmp_path, files), PLATFORMS)
    assert rules.book.aliases == {
        ("web", "00123"): "MUG",
        ("web", "a, b"): '6" POT',
        ("shop", " x "): "A",
        ("shop", "y"): "B",
    }
    assert rules.places["alias", "web", "a, b"] == f"{tmp_path}/codes.csv:4"
    assert rules.places["alias", "shop", "y"] == f"{tmp_path}/a.yaml:2"


def test_kits_are_read_from_a_table_in_whatever_order_its_rows_and_columns_are(
    tmp_path: Path,
) -> None:
    files = {
        "a.yaml": "bundles_file: kits.csv\nbundles: {BOX: {KIT: 3}}\n",
        "kits.csv": "units,kit,part\n2,KIT,A\n 1 ,OTHER,A\n5,KIT,B\n",
    }
    rules = load_rulebook(written(tmp_path, files), PLATFORMS)
    assert rules.book.bundles == {"KIT": {"A": 2, "B": 5}, "OTHER": {"A": 1}, "BOX": {"KIT": 3}}
    assert rules.book.parts(Sku("BOX")) == {"A": 6, "B": 15}
    assert rules.places["part", "KIT", "B"] == f"{tmp_path}/kits.csv:4"


def test_a_table_as_a_spreadsheet_saves_it_is_read(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        **CODES,
        "codes.csv": b"\xef\xbb\xbfstore,code,sku\r\nweb,caf\xc3\xa9,MUG\r\n",
    }
    book = load_rulebook(written(tmp_path, files), PLATFORMS).book
    assert book.sku_for(StoreId("web"), "café") == "MUG"


def test_a_table_may_lie_deeper_in_the_rules_folder(tmp_path: Path) -> None:
    files = {
        "a.yaml": "aliases_file: tables/codes.csv\n",
        "tables/codes.csv": "store,code,sku\nweb,a,A\n",
    }
    assert load_rulebook(written(tmp_path, files), PLATFORMS).book.aliases


def test_a_table_may_be_a_link_within_the_folder_as_kubernetes_makes_them(tmp_path: Path) -> None:
    written(tmp_path, {"a.yaml": CODES["a.yaml"], "..data/codes.csv": "store,code,sku\nweb,a,A\n"})
    (tmp_path / "codes.csv").symlink_to("..data/codes.csv")
    assert load_rulebook(tmp_path, PLATFORMS).book.aliases


def test_every_wrong_row_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    table = (
        "store,code,sku\n"
        "wbe,a,A\n"
        "web,,A\n"
        'web,"two\nlines",A\n'
        "web,b\n"
        "web,b,B,C\n"
        f"web,c,{'X' * 256}\n"
        'web,="00123",A\n'
        "web,1.23E+05,A\n"
        "web,d,D\n"
        "web,d,D\n"
        "web,e,E\n"
    )
    yaml = "aliases: [{store: web, code: e, sku: F}]\naliases_file: codes.csv\nbufer: 1\n"
    found = problems(tmp_path, {"a.yaml": yaml, "codes.csv": table})
    assert found == [
        "rules/codes.csv:2: store: no store is called 'wbe'; did you mean 'web'?",
        "rules/codes.csv:3: code: is empty",
        "rules/codes.csv:6: has 2 cells under 3 columns; quote text with a comma in it",
        "rules/codes.csv:7: has 4 cells under 3 columns; quote text with a comma in it",
        "rules/codes.csv:8: sku: must have at most 255 letters",
        ('rules/codes.csv:9: code: ="00123" is a formula; write 00123 and format the column as '
         "text"),
        ("rules/codes.csv:10: code: 1.23E+05 is a number that a spreadsheet cut short; format the "
         "column as text and type it anew, or if it is a code, write it in a YAML file"),
        ("rules/codes.csv:12: code: an alias for 'd' in web is already at rules/codes.csv:11; "
         "keep one"),
        "rules/codes.csv:13: code: an alias for 'e' in web is already at rules/a.yaml:1; keep one",
        ("rules/a.yaml:3: bufer: unknown key; known keys: aliases, aliases_file, availability, "
         "bundles, bundles_file, examples, groups, rules"),
    ]  # fmt: skip


def test_every_wrong_row_of_a_table_of_kits_is_told_at_once(tmp_path: Path) -> None:
    table = (
        "kit,part,units\n"
        "KIT,A,2\n"
        "KIT,A,1\n"
        "K2,B,0\n"
        "K2,B,1.0\n"
        "K2,B,two\n"
        "K2,B,-1\n"
        "K2,B,2000000\n"
        "TWICE,A,1\n"
        "SELF,SELF,1\n"
        " ,A,1\n"
    )
    yaml = "bundles: {TWICE: {A: 1}}\nbundles_file: kits.csv\n"
    assert problems(tmp_path, {"a.yaml": yaml, "kits.csv": table}) == [
        "rules/kits.csv:3: 'A' in the kit 'KIT' is already at rules/kits.csv:2; keep one",
        "rules/kits.csv:4: units: must be at least 1",
        "rules/kits.csv:5: units: must be a whole number",
        "rules/kits.csv:6: units: must be a whole number",
        "rules/kits.csv:7: units: must be a whole number",
        "rules/kits.csv:8: units: must be at most 1000000",
        "rules/kits.csv:9: a kit called 'TWICE' is already at rules/a.yaml:1; keep one",
        "rules/kits.csv:10: a kit cannot contain itself: SELF > SELF",
        "rules/kits.csv:11: kit: is empty",
    ]


@pytest.mark.parametrize(
    ("heading", "why"),
    [
        ("store,code", ["sku: this column is missing; the first line must be store,code,sku"]),
        ("store,cod,sku", [
            "code: this column is missing; the first line must be store,code,sku",
            "cod: unknown column; did you mean 'code'?",
        ]),
        ("store,code,sku,sku", ["sku: this column is there twice; keep one"]),
        ("store,code,sku,", ['"": unknown column; known columns: code, sku, store']),
        ("Store,code,sku", [
            "store: this column is missing; the first line must be store,code,sku",
            "Store: unknown column; did you mean 'store'?",
        ]),
        ("store;code;sku", ["is separated by semicolons; save it with commas: store,code,sku"]),
        ("store\tcode\tsku", ["is separated by tabs; save it with commas: store,code,sku"]),
        ("", [
            f"{name}: this column is missing; the first line must be store,code,sku"
            for name in ("store", "code", "sku")
        ]),
    ],
)  # fmt: skip
def test_a_heading_must_name_the_columns(tmp_path: Path, heading: str, why: list[str]) -> None:
    found = problems(tmp_path, {**CODES, "codes.csv": f"{heading}\nweb,a,A\n" if heading else ""})
    assert sorted(found) == sorted(f"rules/codes.csv:1: {each}" for each in why)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('web,"a,A', "a quote is opened here and never closed"),
        ('web,"6" pot",A', 'a quote inside quoted text is written twice: "6"" pot"'),
    ],
)
def test_what_is_not_csv_is_told_with_the_line_on_which_it_begins(
    tmp_path: Path, row: str, why: str
) -> None:
    table = f"store,code,sku\nweb,b,B\n{row}\nweb,c,C\n"
    assert problems(tmp_path, {**CODES, "codes.csv": table}) == [f"rules/codes.csv:3: {why}"]


def test_a_table_that_is_no_text_is_told(tmp_path: Path) -> None:
    folder = written(tmp_path / "rules", {**CODES, "codes.csv": b"store,code,sku\nweb,caf\xe9,A\n"})
    (folder / "b.yaml").write_text("bundles_file: kits.csv\n")
    (folder / "kits.csv").write_bytes(b"kit,part,units\nA,B\0,1\n")
    with pytest.raises(ConfigurationError) as caught:
        load_rulebook(folder, PLATFORMS)
    assert [problem.replace(f"{tmp_path}/", "") for problem in caught.value.problems] == [
        "rules/codes.csv:2: is not UTF-8 text; save it as UTF-8",
        "rules/kits.csv:2: holds an invisible U+0000; take it out",
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "has no value; name a CSV file beside this one, or take the line out"),
        ("null", "has no value; name a CSV file beside this one, or take the line out"),
        ("5", 'must be text; put it in quotes: "5"'),
        ("[codes.csv]", "must be text"),
        ("gone.csv", "there is no file 'gone.csv' beside this one"),
        (
            "../secret.csv",
            "'../secret.csv' is outside of the rules folder; put it beside this file",
        ),
        ("/etc/passwd", "'/etc/passwd' is outside of the rules folder; put it beside this file"),
        ("away.csv", "'away.csv' is outside of the rules folder; put it beside this file"),
        ("round.csv", "'round.csv' is outside of the rules folder; put it beside this file"),
    ],
)
def test_only_a_file_of_the_rules_folder_is_read(tmp_path: Path, name: str, why: str) -> None:
    folder = written(tmp_path / "rules", {"a.yaml": f"aliases_file: {name}\n"})
    (tmp_path / "secret.csv").write_text("store,code,sku\nweb,a,A\n")
    (folder / "away.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "round.csv").symlink_to("round.csv")
    with pytest.raises(ConfigurationError) as caught:
        load_rulebook(folder, PLATFORMS)
    assert list(caught.value.problems) == [f"{folder}/a.yaml:1: aliases_file: {why}"]


def test_a_table_that_is_named_twice_is_told_once(tmp_path: Path) -> None:
    files = {
        **CODES,
        "b.yaml": "aliases_file: codes.csv\n",
        "codes.csv": "store,code,sku\nweb,a,A\n",
    }
    assert problems(tmp_path, files) == [
        "rules/b.yaml:1: aliases_file: the file 'codes.csv' is already at rules/a.yaml:1; keep one"
    ]


def test_what_a_table_says_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    files = {**KITS, "kits.csv": "kit,part,units\nKIT,A,2\n"}
    before = load_rulebook(written(tmp_path, files), PLATFORMS).book.fingerprint
    (tmp_path / "kits.csv").write_text("kit,part,units\nKIT,A,3\n")
    after = load_rulebook(tmp_path, PLATFORMS).book.fingerprint
    (tmp_path / "kits.csv").unlink()
    (tmp_path / "a.yaml").write_text("bundles: {KIT: {A: 3}}\n")
    assert before != after
    assert after == load_rulebook(tmp_path, PLATFORMS).book.fingerprint
