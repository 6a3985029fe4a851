"""Everything that is wrong in the rules is told at once, with file, line and fix."""

from pathlib import Path

import pytest

from stocksync.errors import ConfigurationError
from stocksync.rulebook import load_rulebook
from tests.unit.rulebook_kit import PLATFORMS, problems


def test_every_mistake_in_every_file_is_told_at_once(tmp_path: Path) -> None:
    files = {
        "10.yaml": "- name: one\n"
        "  match: {stor: shop, group: red}\n"
        "  set: {buffer: -3,\n"
        "        share: 120%}\n"
        "- name: two\n"
        "  match:\n"
        "    sku: 00123\n"
        "  set: {}\n",
        "20.yaml": "rules:\n"
        "  - name: two\n"
        "    match: {store: shoop, platform: recpluss}\n"
        "    sett: {cap: 1}\n"
        "bundle: {}\n",
        "30.yaml": "rules: [a\n",
        "40.yml": "",
    }
    assert problems(tmp_path, files) == [
        "rules/40.yml: would not be read; name it 40.yaml",
        "rules/30.yaml:1: a bracket is opened here and never closed",
        "rules/10.yaml:2: rules[0].match.group: no group is called 'red'; there are no groups",
        "rules/10.yaml:2: rules[0].match.stor: unknown key; did you mean 'store'?",
        "rules/10.yaml:3: rules[0].set.buffer: must be from 0 to 1000000 units",
        "rules/10.yaml:4: rules[0].set.share: must be from 0% to 100%",
        ('rules/10.yaml:7: rules[1].match.sku: YAML does not read 00123 as it stands; '
        'put text in quotes: "00123", or write a plain number'),
        "rules/10.yaml:8: rules[1].set: sets nothing; name at least one wish, such as buffer",
        ("rules/20.yaml:2: rules[0].name: a rule called 'two' is already at rules/10.yaml:5; "
        "keep one"),
        "rules/20.yaml:2: rules[0].set: is missing; give it",
        ("rules/20.yaml:3: rules[0].match.platform: no store has the platform 'recpluss'; "
        "did you mean 'recplus'?"),
        "rules/20.yaml:3: rules[0].match.store: no store is called 'shoop'; did you mean 'shop'?",
        "rules/20.yaml:4: rules[0].sett: unknown key; did you mean 'set'?",
        "rules/20.yaml:5: bundle: unknown key; did you mean 'bundles'?",
    ]  # fmt: skip


KNOWN = (
    "known keys: aliases, aliases_file, availability, bundles, bundles_file, examples, groups, "
    "rules"
)
NO_BUFFER = "must be units, a part, or both, none of them negative: 3, 10%, 3 + 10%"
NO_HOLD = "must be yes, no, or until a moment in UTC: until 2026-12-24 18:00"
NO_VELOCITY = (
    "must be a time of at most 30d, such as 60m: as many units are kept back as sold in it; "
    "or 60m cover 5m, or 60m cover measured, for those that sell in so much of it"
)
NO_SHARE = "must be a part of what is available, from 0% to 100%, such as 50%"


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("buffer: 2.5", NO_BUFFER),
        ("buffer: '-3'", NO_BUFFER),
        ("buffer: -3 + 10%", NO_BUFFER),
        ("buffer: 1 + 2", NO_BUFFER),
        ("buffer: 1% + 2%", NO_BUFFER),
        ("buffer: ''", NO_BUFFER),
        ("buffer: 5000000 + 1%", NO_BUFFER),
        ("buffer: yes", NO_BUFFER),
        ("buffer: [3]", NO_BUFFER),
        ("buffer: 1_000", NO_BUFFER),
        ("buffer: 101%", "must be from 0% to 100%"),
        ("buffer: 1000001", "must be from 0 to 1000000 units"),
        ("share: 50", NO_SHARE),
        ("share: 0.5", NO_SHARE),
        ("share: -5%", NO_SHARE),
        ("share: 100.1%", "must be from 0% to 100%"),
        ("cap: -1", "must be at least 0"),
        ("cap: 1000001", "must be at most 1000000"),
        ("cap: '5'", "must be a whole number"),
        ("cap: 1.0", "must be a whole number"),
        ("cap: yes", "must be a whole number"),
        ("cap: 010", ('YAML does not read 010 as it stands; put text in quotes: "010", '
         "or write a plain number")),
        ("zero_at_or_below: -1", "must be at least 0"),
        ("fixed: -1", "must be at least 0"),
        ("priority: -1", "must be at least 0"),
        ("pack: 0", "must be at least 1"),
        ("round_to: 0", "must be at least 1"),
        ("hold: 'yes'", NO_HOLD),
        ("hold: 1", NO_HOLD),
        ("hold: 2026-12-24", NO_HOLD),
        ("hold: until tomorrow", NO_HOLD),
        ("hold: until 2026-02-30", NO_HOLD),
        ("floor: -1", "must be at least 0"),
        ("last_units: '3'", "must be a whole number"),
        ("velocity_buffer: 60", NO_VELOCITY),
        ("velocity_buffer: 31d", NO_VELOCITY),
        ("velocity_buffer: 5m cover 60m", NO_VELOCITY),
        ("velocity_buffer: 60m cover some", NO_VELOCITY),
        ("locations: main", "must be a list, such as [a, b]"),
        ("locations: []", "must name at least one"),
        ("locations: [a, a]", "names one thing twice"),
        ("accept_increases: ys", "must be yes, no, hold or twice; did you mean 'yes'?"),
        ("accept_increases: 1", "must be yes, no, hold or twice"),
        ("cap:", "has no value; give it one or take the line out"),
        ("bufer: 1", "unknown key; did you mean 'buffer'?"),
    ],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_is_refused(tmp_path: Path, wish: str, why: str) -> None:
    text = f"- name: a\n  set:\n    {wish}\n"
    key = wish.partition(":")[0]
    assert problems(tmp_path, {"a.yaml": text}) == [f"rules/a.yaml:3: rules[0].set.{key}: {why}"]


@pytest.mark.parametrize(
    ("match", "where", "why"),
    [
        ("sku: 123", "sku", 'must be text; put it in quotes: "123"'),
        ("sku: 2024-01-01", "sku", ("YAML does not read 2024-01-01 as it stands; put text in "
         'quotes: "2024-01-01", or write a plain number')),
        ("sku: 1.5", "sku", "must be text; put it in quotes"),
        ("sku: no", "sku", ("must be text, and YAML reads yes, no, on, off as true or false; "
         "put it in quotes")),
        ("sku: ' '", "sku", "is empty"),
        (f"sku: {'A' * 256}", "sku", "must have at most 255 letters"),
        ("sku: [A, B]", "sku", "must be text"),
        ("stores: shop", "stores", "unknown key; did you mean 'store'?"),
        ("store: wbe", "store", "no store is called 'wbe'; did you mean 'web'?"),
        ("store: x", "store", "no store is called 'x'; stores: print, shop, site, trade, web"),
        ("platform: shopify", "platform", ("no store has the platform 'shopify'; "
         "platforms: b2bwave, freewebstore, idealfactory, recplus, simvoly")),
        ("group: rde", "group", "no group is called 'rde'; did you mean 'red'?"),
    ],
)  # fmt: skip
def test_a_match_that_can_match_nothing_is_refused(
    tmp_path: Path, match: str, where: str, why: str
) -> None:
    rule = f"  - set: {{cap: 1}}\n    match:\n      {match}\n    name: a\n"
    text = f"groups: {{red: [R]}}\nrules:\n{rule}"
    expected = f"rules/a.yaml:5: rules[0].match.{where}: {why}"
    assert problems(tmp_path, {"a.yaml": text}) == [expected]


def test_a_rule_for_one_location_may_set_buffer_and_hold_only(tmp_path: Path) -> None:
    text = (
        "- name: a\n  match: {location: main}\n  set:\n"
        "    buffer: 1\n    hold: no\n    cap: 1\n    share: 50%\n"
    )
    assert problems(tmp_path, {"a.yaml": text}) == [
        "rules/a.yaml:6: rules[0].set.cap: a rule for one location may set buffer and hold only",
        "rules/a.yaml:7: rules[0].set.share: a rule for one location may set buffer and hold only",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- 5\n", ["1: rules[0]: must hold keys with values"]),
        ("-\n", ["1: rules[0]: has no value; give it one or take the line out"]),
        ("- set: {cap: 1}\n", ["1: rules[0].name: is missing; give it"]),
        ("- {name: '', set: {cap: 1}}\n", ["1: rules[0].name: is empty"]),
        ("- {name: a, match: shop, set: {cap: 1}}\n",
         ["1: rules[0].match: must hold keys with values"]),
        ("- {name: a, set: 5}\n", ["1: rules[0].set: must hold keys with values"]),
        ("rules: {a: 1}\n", ["1: rules: must be a list; begin each with -"]),
        ("groups: [a]\n", ["1: groups: must be names with what they hold"]),
        ("name: a\nset: {cap: 1}\n",
         [f"1: name: unknown key; {KNOWN}", f"2: set: unknown key; {KNOWN}"]),
        ("groups: {a: X, b: [], c: [1], 7: [a], d: ['']}\n",
         ["1: groups.a: must be a list, such as [a, b]",
          "1: groups.b: must name at least one",
          '1: groups.c[0]: must be text; put it in quotes: "1"',
          "1: groups.d[0]: is empty",
          '1: groups[7]: must be text; put it in quotes: "7"']),
        ("bundles: {A: {}, B: [x], C: {D: 0}, E: {F: -1}, G: {H: 1.5}, I: {J: yes}}\n",
         ["1: bundles.A: must hold its parts, such as {PART: 2}",
          "1: bundles.B: must hold its parts, such as {PART: 2}",
          "1: bundles.C.D: must be at least 1",
          "1: bundles.E.F: must be at least 1",
          "1: bundles.G.H: must be a whole number",
          "1: bundles.I.J: must be a whole number"]),
        ("bundles:\n  00123: {A: 1}\n  '': {A: 1}\n  B: {12: 1}\n",
         [('2: bundles.00123: YAML does not read 00123 as it stands; put text in quotes: '
          '"00123", or write a plain number'),
          "3: bundles.: is empty",
          '4: bundles.B[12]: must be text; put it in quotes: "12"']),
    ],
)  # fmt: skip
def test_a_file_of_the_wrong_shape_is_refused(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    assert problems(tmp_path, {"a.yaml": text}) == [f"rules/a.yaml:{each}" for each in expected]


def test_what_may_be_said_once_only_names_both_places(tmp_path: Path) -> None:
    first = (
        "groups: {red: [R]}\n"
        "bundles: {KIT: {A: 1}}\n"
        "aliases:\n  - {store: web, code: x, sku: A}\n"
        "availability:\n  - {store: print, product: 1, sku: A}\n"
    )
    again = first.replace("{A: 1}", "{B: 1}").replace("sku: A", "sku: B")
    assert problems(tmp_path, {"a.yaml": first, "b.yaml": again}) == [
        "rules/b.yaml:1: groups.red: a group called 'red' is already at rules/a.yaml:1; keep one",
        "rules/b.yaml:2: bundles.KIT: a kit called 'KIT' is already at rules/a.yaml:2; keep one",
        ("rules/b.yaml:4: aliases[0].code: an alias for 'x' in web is already at rules/a.yaml:4; "
        "keep one"),
        ("rules/b.yaml:6: availability[0].store: product 1 of print is already at rules/a.yaml:6; "
        "keep one"),
    ]  # fmt: skip


def test_two_rules_of_one_name_on_one_line_are_told_too(tmp_path: Path) -> None:
    text = "[{name: a, set: {cap: 1}}, {name: a, set: {cap: 2}}]\n"
    assert problems(tmp_path, {"a.yaml": text}) == [
        "rules/a.yaml:1: rules[1].name: a rule called 'a' is already at rules/a.yaml:1; keep one"
    ]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="rules: there is no such folder for rules"):
        load_rulebook(tmp_path / "rules", PLATFORMS)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("")
    with pytest.raises(ConfigurationError, match="rules: cannot be read: Not a directory"):
        load_rulebook(tmp_path / "rules", PLATFORMS)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("schedule: {}", "says nothing; name from, until, weekdays or hours"),
        ("schedule: {time_zone: UTC}", "says nothing; name from, until, weekdays or hours"),
        ("schedule: {from: 2026-12-01, until: 2026-11-30}", ("is never open: until must come after "
         "from")),
        ("when: sku ==", "is not an expression in CEL: "),
        ("when: price > 5", ("speaks about 'price', which is unknown; known names: groups, "
         "platform, sku, store")),
        ("when: 5", 'must be text; put it in quotes: "5"'),
    ],
)  # fmt: skip
def test_when_a_rule_holds_is_checked_with_all_the_rest_of_it(
    tmp_path: Path, key: str, why: str
) -> None:
    text = f"- name: a\n  {key}\n  set: {{cap: -1}}\n"
    first, second = problems(tmp_path, {"a.yaml": text})
    assert first.startswith(f"rules/a.yaml:2: rules[0].{key.partition(':')[0]}: {why}")
    assert second == "rules/a.yaml:3: rules[0].set.cap: must be at least 0"
