"""Rules that contradict themselves or do nothing are found, and what is nearly like them is not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stocksync.domain.remarks import remarks_on_rules
from tests.unit.rulebook_kit import book_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GROUPS = "groups: {mugs: [MUG-*, CUP], reds: ['*-RED'], red mugs: [MUG-RED]}\n"
AT_TEN = "schedule: {hours: 10:00-12:00}"
AT_NOON = "schedule: {hours: 12:00-14:00}"


def found(folder: Path, *rules: str) -> list[str]:
    """Return the remarks on rules that are called a, b, c, …; each stands on a line of its own."""
    named = [f"  - {{name: {chr(97 + at)}, {rule}}}\n" for at, rule in enumerate(rules)]
    book = book_of(folder, a=f"{GROUPS}rules:\n{''.join(named)}").book
    return [
        f"{'error' if remark.is_error else 'warning'} {remark.about}: {remark.text}".replace(
            f"{folder}/rules/", ""
        )
        for remark in remarks_on_rules(book, NOW)
    ]


# --- never ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "why"),
    [
        ("store: shop, platform: b2bwave", "shop is a store of recplus and not of b2bwave"),
        ("sku: TEE-*, group: mugs", "nothing like 'TEE-*' is in the group 'mugs'"),
        ("sku: CUP-RED, group: red mugs", "nothing like 'CUP-RED' is in the group 'red mugs'"),
    ],
)
def test_a_rule_that_contradicts_itself_can_never_match(
    tmp_path: Path, match: str, why: str
) -> None:
    assert found(tmp_path, f"match: {{{match}}}, set: {{cap: 1}}") == [
        f"error a: can never match: {why}; mend its match, or take it out"
    ]


@pytest.mark.parametrize(
    "match",
    [
        "store: shop, platform: recplus",
        "sku: MUG-RED, group: mugs",
        "sku: M*, group: mugs",
        "sku: '*-BLUE', group: mugs",
        "sku: 'MUG-?ED', group: reds",
    ],
)
def test_a_rule_that_may_match_something_is_left_alone(tmp_path: Path, match: str) -> None:
    assert found(tmp_path, f"match: {{{match}}}, set: {{cap: 1}}") == []


# --- shadowed ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("set: {cap: 1}", "set: {cap: 2}"),
        ("set: {cap: 1}", "set: {cap: null}"),
        ("set: {cap: null}", "set: {cap: 2}"),
        ("set: {cap: 1}", "set: {cap: 2, buffer: 1}"),
        ("match: {store: shop}, set: {cap: 1}", "set: {cap: 2}"),
        ("match: {store: shop}, set: {cap: 1}", "match: {platform: recplus}, set: {cap: 2}"),
        ("match: {sku: MUG-RED}, set: {cap: 1}", "match: {sku: MUG-*}, set: {cap: 2}"),
        ("match: {sku: MUG-RED}, set: {cap: 1}", "match: {group: mugs}, set: {cap: 2}"),
        ("match: {group: red mugs}, set: {cap: 1}", "match: {sku: MUG-*}, set: {cap: 2}"),
        ("match: {group: mugs}, set: {cap: 1}", "match: {group: mugs}, set: {cap: 2}"),
        ("match: {group: red mugs}, set: {cap: 1}", "match: {group: mugs}, set: {cap: 2}"),
        ("match: {sku: CUP, group: mugs}, set: {cap: 1}", "match: {group: mugs}, set: {cap: 2}"),
        (f"{AT_TEN}, set: {{cap: 1}}", "set: {cap: 2}"),
        ("set: {hold: until 2027-01-01}", "set: {hold: no}"),
        ("match: {location: main}, set: {buffer: 1}", "match: {location: main}, set: {buffer: 2}"),
    ],
)
def test_a_rule_that_later_ones_always_override_does_nothing(
    tmp_path: Path, earlier: str, later: str
) -> None:
    assert found(tmp_path, earlier, later) == [
        (
            "warning a: does nothing: all that it sets is set again by 'b' (a.yaml:4); take it "
            "out, or put it below"
        )
    ]


def test_several_later_rules_override_one_together(tmp_path: Path) -> None:
    rules = ("set: {cap: 1, buffer: 1}", "set: {cap: 2}", "set: {buffer: 2}")
    assert found(tmp_path, *rules) == [
        (
            "warning a: does nothing: all that it sets is set again by 'c' (a.yaml:5), "
            "'b' (a.yaml:4); take it out, or put it below"
        )
    ]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("set: {cap: 1, buffer: 1}", "set: {cap: 2}"),
        ("set: {cap: 1}", "match: {store: shop}, set: {cap: 2}"),
        ("match: {platform: recplus}, set: {cap: 1}", "match: {store: shop}, set: {cap: 2}"),
        ("match: {store: web}, set: {cap: 1}", "match: {store: shop}, set: {cap: 2}"),
        ("match: {sku: MUG-*}, set: {cap: 1}", "match: {sku: MUG-RED}, set: {cap: 2}"),
        ("match: {sku: MUG-*}, set: {cap: 1}", "match: {group: mugs, sku: '*-RED'}, set: {cap: 2}"),
        ("match: {group: mugs}, set: {cap: 1}", "match: {sku: MUG-*}, set: {cap: 2}"),
        ("match: {sku: '*-RED'}, set: {cap: 1}", "match: {sku: MUG-*}, set: {cap: 2}"),
        ("set: {cap: 1}", "schedule: {until: 2030-01-01}, set: {cap: 2}"),
        ("set: {cap: 1}", """when: "sku == 'X'", set: {cap: 2}"""),
        ("""when: "groups[0] == 'mugs'", set: {cap: 1}""", "set: {cap: 2}"),
        ("set: {hold: yes}", "set: {hold: until 2027-01-01}"),
        ("match: {location: main}, set: {buffer: 1}", "set: {buffer: 2}"),
        ("match: {location: main}, set: {buffer: 1}", "match: {location: b}, set: {buffer: 2}"),
    ],
)
def test_a_rule_that_may_decide_something_is_left_alone(
    tmp_path: Path, earlier: str, later: str
) -> None:
    assert found(tmp_path, earlier, later) == []


# --- over ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("schedule: {until: 2026-11-23 12:00}, set: {cap: 1}", "schedule"),
        (
            "schedule: {until: 2026-11-23 13:00, time_zone: Europe/Berlin}, set: {cap: 1}",
            "schedule",
        ),
        ("set: {hold: until 2026-11-23 12:00}", "hold"),
        ("match: {location: main}, set: {hold: until 2026-11-23 12:00}", "hold"),
    ],
)
def test_what_is_over_for_good_is_found(tmp_path: Path, rule: str, what: str) -> None:
    assert found(tmp_path, rule) == [
        f"warning a: its {what} is over since 2026-11-23 12:00 UTC; take it out, or move its until"
    ]


@pytest.mark.parametrize(
    "rule",
    [
        "schedule: {until: 2026-11-23 12:01}, set: {cap: 1}",
        "schedule: {from: 2026-11-24}, set: {cap: 1}",
        "schedule: {weekdays: [sun], hours: 10:00-11:00}, set: {cap: 1}",
        "set: {hold: until 2026-11-23 12:01}",
        "set: {hold: yes}",
    ],
)
def test_what_may_come_or_come_back_is_left_alone(tmp_path: Path, rule: str) -> None:
    assert found(tmp_path, rule) == []


# --- at odds -------------------------------------------------------------------------------------


def test_a_floor_above_the_cap_of_the_same_rule_is_an_error(tmp_path: Path) -> None:
    assert found(tmp_path, "set: {floor: 5, cap: 4}") == [
        (
            "error a: floor 5 is above its own cap of 4, and cap wins; lower the floor, or raise "
            "the cap"
        )
    ]


def test_a_floor_above_a_cap_that_a_later_rule_may_raise_is_a_warning(tmp_path: Path) -> None:
    remark = found(tmp_path, "set: {floor: 5, cap: 4}", "match: {store: web}, set: {cap: 9}")
    assert remark == [
        (
            "warning a: floor 5 is above its own cap of 4, and cap wins unless a later rule sets "
            "another; lower the floor, or raise the cap"
        )
    ]


@pytest.mark.parametrize(
    "rules",
    [
        ("set: {floor: 5}", "set: {cap: 4}"),
        ("set: {cap: 4}", "match: {sku: MUG-*, store: shop}, set: {floor: 5}"),
        (
            "match: {store: web}, set: {cap: 9}",
            "set: {cap: 4}",
            "match: {store: web}, set: {floor: 5}",
        ),
    ],
)
def test_a_floor_above_the_cap_of_another_rule_is_a_warning(
    tmp_path: Path, rules: tuple[str, ...]
) -> None:
    [remark] = [at for at in found(tmp_path, *rules) if "does nothing" not in at]
    assert remark.startswith("warning ")
    assert "floor 5 is above the cap that holds there of 4, and cap wins" in remark


@pytest.mark.parametrize(
    "rules",
    [
        ("set: {floor: 5, cap: 5}",),
        ("set: {floor: 0, cap: 0}",),
        ("set: {cap: 4}", "set: {floor: 5, cap: null}"),
        ("match: {store: web}, set: {cap: 4}", "set: {floor: 5}"),
        ("match: {store: web}, set: {cap: 4}", "match: {store: shop}, set: {floor: 5}"),
        (f"{AT_TEN}, set: {{cap: 4}}", "set: {floor: 5}"),
        ("set: {cap: 4}", "match: {sku: M-*}, set: {cap: 9}", "match: {sku: M*}, set: {floor: 5}"),
        ("set: {floor: 5, fixed: 3}",),
    ],
)
def test_a_floor_that_no_cap_surely_defeats_is_left_alone(
    tmp_path: Path, rules: tuple[str, ...]
) -> None:
    assert not [remark for remark in found(tmp_path, *rules) if "floor" in remark]


def test_a_floor_does_nothing_where_each_unit_has_its_store(tmp_path: Path) -> None:
    assert found(tmp_path, "set: {mode: allocated}", "match: {sku: X}, set: {floor: 2}") == [
        (
            "warning b: floor does nothing where mode is allocated: each unit has its store; take "
            "it out, or use another mode"
        )
    ]


@pytest.mark.parametrize("mode", ["auto", "shared"])
def test_a_floor_works_in_the_other_modes(tmp_path: Path, mode: str) -> None:
    assert found(tmp_path, f"set: {{mode: {mode}, floor: 2}}") == []


# --- last units ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rules",
    [
        ("set: {last_units: 3}",),
        ("set: {last_units: 3, priority: 7}",),
        ("match: {store: shop}, set: {last_units: 3}", "match: {store: shop}, set: {priority: 7}"),
        ("match: {store: print}, set: {priority: 7}", "set: {last_units: 3}"),
    ],
)
def test_last_units_that_are_kept_for_nobody_do_nothing(
    tmp_path: Path, rules: tuple[str, ...]
) -> None:
    [remark] = found(tmp_path, *rules)
    assert "last_units does nothing: no store has a higher priority than its own" in remark


@pytest.mark.parametrize(
    "rules",
    [
        ("set: {last_units: 3}", "match: {store: shop}, set: {priority: 7}"),
        ("match: {store: web}, set: {last_units: 3}", "match: {store: shop}, set: {priority: 1}"),
        ("set: {last_units: 3}", "match: {sku: M*, store: shop}, set: {priority: 7}"),
        ("set: {last_units: 3}", f"match: {{store: shop}}, {AT_TEN}, set: {{priority: 7}}"),
        ("set: {last_units: 0}",),
    ],
)
def test_last_units_that_may_be_kept_for_somebody_are_left_alone(
    tmp_path: Path, rules: tuple[str, ...]
) -> None:
    assert found(tmp_path, *rules) == []


# --- shares --------------------------------------------------------------------------------------

SIXTY = "match: {store: shop}, set: {share: 60%}"
FIFTY = "match: {store: web}, set: {share: 50%}"


@pytest.mark.parametrize(
    "rules",
    [
        ("set: {share: 30%}",),
        (SIXTY, "match: {store: web, sku: X}, set: {share: 50%}"),
        (f"{SIXTY}, {AT_TEN}", f"{FIFTY}, {AT_TEN}"),
        (SIXTY, f"{FIFTY}, {AT_TEN}"),
    ],
)
def test_shares_that_are_surely_more_than_all_are_found(
    tmp_path: Path, rules: tuple[str, ...]
) -> None:
    assert any("shares add up to 1" in remark for remark in found(tmp_path, *rules))


@pytest.mark.parametrize(
    "rules",
    [
        (SIXTY, f"{FIFTY}, {AT_TEN}", f"match: {{store: shop}}, set: {{share: 40%}}, {AT_TEN}"),
        (SIXTY, FIFTY, "match: {store: web}, set: {share: null}"),
        (f"{SIXTY}, {AT_TEN}", f"{FIFTY}, {AT_NOON}"),
    ],
)
def test_shares_that_are_never_more_than_all_are_left_alone(
    tmp_path: Path, rules: tuple[str, ...]
) -> None:
    assert not [remark for remark in found(tmp_path, *rules) if "shares add up" in remark]
