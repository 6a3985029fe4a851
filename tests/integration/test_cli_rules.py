"""`rules check`, `rules explain` and `rules schema`: what a person and an editor are told."""

import json
import re

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.integration.cli_kit import UNITS, Merchant, call, widest

SOUND = """\
rules:
  - name: keep two
    set: {buffer: 2}
  - name: some mugs
    match: {sku: MUG, store: web}
    schedule: {hours: 18:00-08:00}
    set: {cap: 3}
bundles: {SET: {MUG: 1, CAP: 2}}
aliases: [{store: web, code: mugg, sku: MUG}]
"""
ODD = """\
rules:
  - name: never
    match: {store: shop, platform: freewebstore}
    set: {cap: 1}
  - name: overridden
    match: {sku: "MUG-*"}
    set: {buffer: 3}
  - name: over
    schedule: {until: 2020-01-01}
    set: {cap: 3}
  - name: high floor
    set: {floor: 5, cap: 3, buffer: 1}
  - name: nobody knows it
    match: {sku: TEEE}
    set: {pack: 2}
  - name: from the attic
    match: {store: web}
    set: {locations: [atic]}
bundles:
  SET: {MUGG: 1}
"""


@pytest.fixture
def stocked(two_stores: Merchant) -> Merchant:
    """Two stores whose goods were counted and read."""
    two_stores.agreed()
    return two_stores


def test_rules_that_are_sound_are_called_so(stocked: Merchant) -> None:
    stocked.write("rules/10.yaml", SOUND)
    document = stocked.answer("rules", "check")
    assert document == {
        "rules": 2, "groups": 0, "aliases": 1, "bundles": 1, "availability": 0, "warnings": [],
        "findings": [], "unchecked": [],
    }  # fmt: skip
    text = stocked.run("rules", "check").stdout
    assert text.endswith("2 rules, 0 groups, 1 aliases, 1 bundles, 0 availability; nothing is "
                         "wrong with them\n")  # fmt: skip


def test_everything_that_is_odd_is_found_at_once_in_the_order_of_lines(stocked: Merchant) -> None:
    file = str(stocked.write("rules/10.yaml", ODD))
    document = stocked.answer("rules", "check", expect=2)
    found = [
        (at["severity"], at["file"], at["line"], at["about"], at["text"].partition(":")[0])
        for at in document["findings"]
    ]
    assert found == [
        ("error", file, 2, "never", "can never match"),
        ("warning", file, 5, "overridden", "does nothing"),
        ("warning", file, 8, "over", "does nothing"),
        ("warning", file, 8, "over", "its schedule is over since 2020-01-01 00"),
        ("error", file, 11, "high floor", ("floor 5 is above its own cap of 3, and cap wins; lower "
         "the floor, or raise the cap")),
        ("warning", file, 13, "nobody knows it", "matches nothing now"),
        ("warning", file, 16, "from the attic", ("no units were ever at the location 'atic', and "
         "no store maps it, so nothing is counted and 0 is shown")),
        ("warning", file, 20, "kit 'SET'", ("neither the books nor a store know its part 'MUGG', "
         "so it has no number and is left alone; did you mean 'MUG'?")),
    ]  # fmt: skip
    assert document["unchecked"] == []


def test_findings_read_well_within_eighty_columns(stocked: Merchant) -> None:
    stocked.write("rules/10.yaml", ODD)
    result = stocked.run("rules", "check", expect=2)
    lines = result.stdout.splitlines()
    assert lines[0].endswith("2 errors, 6 warnings")
    assert re.search(r"rules/10\.yaml:11: high floor$", lines[lines.index(
        "  error: floor 5 is above its own cap of 3, and cap wins; lower the floor, or"
    ) - 1])  # fmt: skip
    told = [line for line in lines if line.startswith("  ")]
    own_words = [line for line in told if str(stocked.folder) not in line]
    assert len(told) - len(own_words) == 2
    assert widest("\n".join(own_words)) <= 80
    assert sum("warning:" in line for line in told) == 6
    assert result.stderr == ""


def test_warnings_alone_end_well(stocked: Merchant) -> None:
    stocked.write("rules/10.yaml", "- {name: old, set: {hold: until 2020-01-01}}\n")
    [finding] = stocked.answer("rules", "check", expect=0)["findings"]
    assert finding["severity"] == "warning"


def test_rules_are_not_compared_with_books_that_are_not_there_yet(two_stores: Merchant) -> None:
    two_stores.write("rules/10.yaml", ODD)
    [empty] = two_stores.answer("rules", "check", expect=2)["unchecked"]
    (two_stores.folder / "stocksync.db").unlink()
    document = two_stores.answer("rules", "check", expect=2)
    [missing] = document["unchecked"]

    assert empty.endswith("were not looked up: nothing was counted or read yet")
    assert missing.endswith("were not looked up: the database waits for `stocksync migrate`")
    assert missing in " ".join(two_stores.run("rules", "check", expect=2).stdout.split())
    assert not any("know" in at["text"] for at in document["findings"])
    assert not (two_stores.folder / "stocksync.db").exists()


def test_two_masters_of_the_same_goods_are_wrong(stocked: Merchant) -> None:
    text = stocked.config.read_text()
    masters = text.replace('"platform":', '"role": "master", "platform":')
    assert masters.count("master") == 2
    stocked.config.write_text(masters)
    [finding] = stocked.answer("rules", "check", expect=2)["findings"]
    assert (finding["file"], finding["line"]) == (str(stocked.config), None)
    assert finding["about"] == "shop and web"
    assert f"both are master of {len(UNITS)} SKUs" in finding["text"]


def test_codes_and_kits_from_tables_are_in_force(stocked: Merchant) -> None:
    stocked.write("rules/10.yaml", "aliases_file: codes.csv\nbundles_file: kits.csv\n")
    stocked.write("rules/codes.csv", "store,code,sku\nweb,CAP-7,CAP\n")
    stocked.write("rules/kits.csv", "kit,part,units\nSET,MUG,2\nSET,CAP,1\n")
    stocked.shops["web"].add("SET", 0)
    stocked.run("sync", expect=3)
    document = stocked.answer("stock", "show", "SET")
    assert stocked.answer("rules", "check")["bundles"] == 1
    assert document["on_hand"] == UNITS["MUG"] // 2
    stocked.write("rules/codes.csv", "store,code,sku\nwbe,CAP-7,CAP\n")
    problem = stocked.run("sync", expect=2).stderr
    assert "rules/codes.csv:2: store: no store is called 'wbe'; did you mean 'web'?" in problem


# --- explain -------------------------------------------------------------------------------------

TIMED = """\
rules:
  - {name: keep two, set: {buffer: 2}}
  - name: none back
    match: {store: web}
    schedule: {from: 2020-01-01}
    when: 'sku.startsWith("MU")'
    set: {buffer: null, velocity_buffer: 60m cover 5m}
"""


def test_explain_says_when_a_rule_holds_and_what_it_takes_back(stocked: Merchant) -> None:
    stocked.write("rules/10.yaml", TIMED)
    [web] = stocked.answer("rules", "explain", "MUG", "--store", "web")["stores"]
    buffer, velocity = web["wishes"]
    assert (buffer["value"], buffer["taken_back"]) == ("0", True)
    assert (velocity["name"], velocity["value"]) == ("velocity_buffer", "1h cover 5m")
    assert buffer["schedule"] == "from 2020-01-01 (UTC)"
    assert buffer["when"] == 'sku.startsWith("MU")'
    assert web["target"] == 10
    text = " ".join(stocked.run("rules", "explain", "MUG", "--store", "web", COLUMNS="300")
                    .stdout.split())  # fmt: skip
    assert "buffer taken back none back (" in text
    assert 'schedule from 2020-01-01 (UTC); when sku.startsWith("MU")' in text


# --- schema --------------------------------------------------------------------------------------


def test_the_schema_is_printed_or_written_and_needs_no_configuration(two_stores: Merchant) -> None:
    printed = json.loads(call("rules", "schema", config="nowhere.yaml").stdout)
    Draft202012Validator.check_schema(printed)
    file = two_stores.folder / "rules" / "schema.json"

    said = two_stores.run("rules", "schema", "--out", str(file)).stdout
    again = two_stores.answer("rules", "schema", "--out", str(file))

    assert json.loads(file.read_text()) == printed
    assert "# yaml-language-server: $schema=schema.json" in said
    assert again == {"written": str(file)}
    assert two_stores.answer("rules", "check")["rules"] == 0
    refused = two_stores.run("rules", "schema", "--out", "/nowhere/schema.json", expect=2)
    assert "/nowhere/schema.json: cannot be written" in refused.stderr
