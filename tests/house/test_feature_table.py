"""Every row of the README's table of features has a test that shows it, and that exists."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: The row of the table, and the test that would fail if it were not true.
SHOWN_BY = {
    "Buffer in units, in %, or both": "unit/test_rulebook.py::test_a_buffer_is_what_it_says",
    "Buffer by what sells now, over a measured delay": (
        "unit/test_rule_fields.py::test_a_cover_keeps_back_what_sells_in_that_time_and_rounds_up"
    ),
    "Share of what is available, rounding stated": (
        "unit/test_domain_laws.py::test_shares_add_up_to_their_part_of_the_units_and_never_to_more"
    ),
    "Most a store shows": "unit/test_domain_laws.py::test_each_wish_does_what_its_name_says",
    "Floor": (
        "unit/test_rule_fields.py"
        "::test_a_floor_lifts_what_shares_round_away_and_never_above_what_is_available"
    ),
    "Zero at or below N": "unit/test_domain_laws.py::test_each_wish_does_what_its_name_says",
    "Fixed quantity": "unit/test_domain_laws.py::test_each_wish_does_what_its_name_says",
    "Packs and multiples": "unit/test_domain_laws.py::test_each_wish_does_what_its_name_says",
    "Hold one SKU or store": "unit/test_domain_laws.py::test_each_wish_does_what_its_name_says",
    "Hold that ends by itself": (
        "unit/test_rules_at_work.py"
        "::test_a_hold_is_over_at_its_moment_and_the_store_is_brought_to_its_target"
    ),
    "Locations summed, ranked, left out": (
        "unit/test_domain_laws.py::test_a_location_rule_keeps_units_back_there_and_only_there"
    ),
    "Last units to the store of highest priority": (
        "unit/test_rule_fields.py"
        "::test_the_last_units_are_shown_by_the_stores_of_the_highest_priority_only"
    ),
    "Each unit in one store only": (
        "unit/test_allocation.py::test_nothing_is_ever_sold_that_is_not_there"
    ),
    "Increases refused, asked about, or seen twice": (
        "unit/test_rules_at_work.py::test_an_increase_is_believed_when_the_next_look_shows_it_too"
    ),
    "Rules by date, weekday and hour": (
        "unit/test_rules_at_work.py"
        "::test_a_rule_with_hours_writes_when_it_opens_and_again_when_it_closes"
    ),
    "Rules by expression": (
        "unit/test_rules_at_work.py"
        "::test_a_sku_whose_expression_fails_is_left_alone_and_others_go_on"
    ),
    "Inherit, zero and null differ": (
        "unit/test_rule_fields.py::test_null_takes_back_what_rules_before_it_set_and_zero_does_not"
    ),
    "Rules for a SKU, pattern, group, store, platform, location": (
        "unit/test_rule_fields.py"
        "::test_the_index_finds_exactly_the_rules_that_a_plain_reading_finds"
    ),
    "Kits, and kits of kits": (
        "unit/test_domain_laws.py::test_a_kit_is_as_many_as_its_scarcest_part_allows"
    ),
    "A kit's sale books its parts": ("unit/test_domain_laws.py::test_a_kits_sale_moves_its_parts"),
    "Codes mapped to SKUs, from YAML or CSV": (
        "unit/test_rulebook_tables.py::test_codes_are_read_from_a_table_beside_those_in_yaml"
    ),
    "Out of stock: taken off, and put back": (
        "unit/test_engine_on_bad_days.py"
        "::test_an_availability_store_switches_off_when_every_sku_is_out_and_on_again"
    ),
    "Any number explained, step by step, with its rule's line": (
        "integration/test_cli_why.py::test_every_step_to_a_target_is_told_with_its_rule_and_place"
    ),
    "Rules checked before they hold, with the line": (
        "integration/test_cli_why.py::test_every_mistake_in_the_rules_is_told_at_once_with_its_line"
    ),
    "Schema for editors": (
        "unit/test_ruleschema.py::test_what_is_wrong_fits_neither_the_schema_nor_the_reader"
    ),
    "Tests beside the rules": (
        "integration/test_cli_rules_test.py::test_examples_that_hold_are_listed_and_counted"
    ),
    "Rules tried on history": (
        "integration/test_cli_backtest.py"
        "::test_history_is_replayed_under_the_rules_in_force_and_under_new_ones"
    ),
    "What a change of rules would change": (
        "integration/test_cli_rules_diff.py"
        "::test_every_target_that_changes_is_told_with_the_rule_that_did_it"
    ),
    "Plan first, then exactly that": (
        "integration/test_cli_sync.py::test_a_plan_that_is_no_longer_the_plan_is_refused"
    ),
    "Stops a change too big to be true": (
        "unit/test_gates.py::test_a_quarter_of_the_units_may_go_down_and_not_one_more"
    ),
    "Reconcile by hand": (
        "integration/test_cli_reconcile.py::test_a_run_is_started_and_named_at_once"
    ),
    "Notices edits made in the store": (
        "unit/test_domain_laws.py"
        "::test_merging_names_every_unit_once_and_merging_twice_adds_nothing"
    ),
}


def rows() -> list[list[str]]:
    """The cells of the README's table, headings left out."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## Beside others\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_every_row_of_the_feature_table_is_shown_by_a_test() -> None:
    assert [row[0] for row in rows()] == list(SHOWN_BY)


def test_the_feature_table_has_a_yes_of_ours_in_each_row_and_plain_words_for_others() -> None:
    assert all(len(row) == 10 for row in rows())
    assert {cell for row in rows() for cell in row[2:]} <= {"yes", "no", "partly", "?"}
    assert [row[0] for row in rows() if row[1] != "yes"] == [
        "Out of stock: taken off, and put back"
    ]


@pytest.mark.parametrize("name", sorted(set(SHOWN_BY.values())))
def test_a_test_that_shows_a_feature_exists(name: str) -> None:
    file, _, function = name.partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    names = {node.name for node in ast.walk(tree) if isinstance(node, functions)}
    assert function in names
