"""`rules test`: a merchant's own examples, tried beside the rules."""

import pytest

from tests.integration.cli_kit import Merchant, widest

RULES = "rules:\n  - {name: two back, set: {buffer: 2}}\n"
GOOD = """\
examples:
  - name: two mugs stay on the counter
    given: {sku: MUG, on_hand: 5}
    expect: {shop: 3, web: 3}
"""
WRONG = """\
examples:
  - name: the last one is shown
    given: {sku: MUG, on_hand: 1}
    expect: {shop: 1}
"""


@pytest.fixture
def ruled(two_stores: Merchant) -> Merchant:
    rules = two_stores.folder / "rules"
    (rules / "90-own.yaml").write_text(RULES, encoding="utf-8")
    (rules / "91-good.yaml").write_text(GOOD, encoding="utf-8")
    return two_stores


def test_examples_that_hold_are_listed_and_counted(ruled: Merchant) -> None:
    result = ruled.run("rules", "test")
    assert result.stdout.splitlines()[-1] == "2 examples tried, 0 failed"
    assert widest(result.stdout) <= 80
    found = ruled.answer("rules", "test")
    assert (found["examples"], found["held"], found["failed"]) == (1, 2, 0)
    assert [(at["store"], at["expected"], at["found"]) for at in found["findings"]] == [
        ("shop", "3", "3"),
        ("web", "3", "3"),
    ]


def test_an_example_that_does_not_hold_is_told_with_its_line_and_its_steps(
    ruled: Merchant,
) -> None:
    (ruled.folder / "rules" / "92-wrong.yaml").write_text(WRONG, encoding="utf-8")
    result = ruled.run("rules", "test", expect=2)
    assert "92-wrong.yaml:2" in result.stdout
    assert "shop shows 0, not 1" in result.stdout.replace("\n", " ")
    assert "two back" in result.stdout
    assert result.stdout.splitlines()[-1] == "3 examples tried, 1 failed"
    [failed] = [at for at in ruled.answer("rules", "test", expect=2)["findings"] if not at["holds"]]
    assert failed["steps"][-1]["name"] == "buffer"
    assert failed["steps"][-1]["after"] == 0


def test_only_the_examples_of_one_file_are_tried_when_it_is_named(ruled: Merchant) -> None:
    wrong = ruled.folder / "rules" / "92-wrong.yaml"
    wrong.write_text(WRONG, encoding="utf-8")
    good = ruled.folder / "rules" / "91-good.yaml"
    assert ruled.answer("rules", "test", str(good))["failed"] == 0
    assert ruled.answer("rules", "test", str(wrong), expect=2)["examples"] == 1


def test_a_file_without_examples_is_a_mistake_of_whoever_named_it(ruled: Merchant) -> None:
    result = ruled.run("rules", "test", "nowhere.yaml", expect=2)
    assert "nowhere.yaml: holds no examples; the rule files are in" in result.stderr.replace(
        "\n", " "
    )


def test_rules_without_examples_say_where_to_put_some(two_stores: Merchant) -> None:
    result = two_stores.run("rules", "test")
    assert "no file holds examples" in result.stderr
    assert result.stdout.splitlines()[-1] == "0 examples tried, 0 failed"
