"""A merchant's own examples: how they are read, and what comes of them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.examples import Finding, findings
from tests.unit.rulebook_kit import book_of, problems

RULES = """\
rules:
  - {name: two back, set: {buffer: 2}}
  - {name: none at night, match: {store: trade}, schedule: {hours: 18:00-08:00}, set: {cap: 0}}
  - {name: what sells, match: {store: site}, set: {velocity_buffer: 60m}}
  - {name: web rests, match: {store: web}, set: {hold: until 2026-12-24}}
  - {name: half for the shop, match: {store: shop}, set: {share: 50%}}
bundles: {SET: {MUG: 2, CAP: 1}}
"""


def tried(folder: Path, given: str, expect: str) -> dict[str, tuple[Any, Any, bool]]:
    """Try one example: what is expected, what is found, and whether it holds, by store."""
    text = f"{RULES}examples:\n  - {{name: e, given: {given}, expect: {expect}}}\n"
    rules = book_of(folder, rules=text)
    found: list[Finding] = list(findings(rules.examples, rules.book))
    return {at.store: (at.expected, at.found, at.holds) for at in found}


@pytest.mark.parametrize(
    ("given_", "expect", "found"),
    [
        ("{sku: MUG, on_hand: 5}", "{trade: 3, site: 3}", (3, 3)),
        ("{sku: MUG, on_hand: {main: 4, outlet: 3}, reserved: 1}", "{trade: 4}", (4,)),
        ("{sku: MUG, on_hand: 0}", "{trade: 0}", (0,)),
        ("{sku: MUG, on_hand: -3}", "{trade: 0}", (0,)),
        ("{sku: MUG, on_hand: 7, at: 2026-11-27 19:00}", "{trade: 0, site: 5}", (0, 5)),
        ("{sku: MUG, on_hand: 7, at: 2026-11-27 08:00}", "{trade: 5}", (5,)),
        ("{sku: MUG, on_hand: 7, at: 2026-12-24}", "{web: 5}", (5,)),
        ("{sku: MUG, on_hand: 7, at: 2026-12-23 23:59}", "{web: hold}", (None,)),
        ("{sku: MUG, on_hand: 9, sold: [{ago: 59m, units: 3}]}", "{site: 4, trade: 7}", (4, 7)),
        ("{sku: MUG, on_hand: 9, sold: [{ago: 60m, units: 3}]}", "{site: 7}", (7,)),
        ("{sku: SET, parts: {MUG: 9, CAP: 9}}", "{trade: 2}", (2,)),
        ("{sku: SET, parts: {MUG: 9}}", "{trade: hold}", (None,)),
        ("{sku: MUG, on_hand: 7}", "{shop: 2}", (2,)),
        ("{sku: MUG, on_hand: 3}", "{print: yes}", (True,)),
        ("{sku: MUG, on_hand: 2}", "{print: no}", (False,)),
    ],
)
def test_an_example_shows_what_the_rules_of_its_moment_make_of_its_stock(
    tmp_path: Path, given_: str, expect: str, found: tuple[Any, ...]
) -> None:
    tried_ = tried(tmp_path, given_, expect)
    assert tuple(at for _, at, _ in tried_.values()) == found
    assert all(holds for _, _, holds in tried_.values())


@pytest.mark.parametrize("wrong", ["{trade: 4}", "{trade: hold}", "{print: no}", "{web: 3}"])
def test_an_example_that_does_not_hold_is_found(tmp_path: Path, wrong: str) -> None:
    [(_, _, holds)] = tried(tmp_path, "{sku: MUG, on_hand: 5}", wrong).values()
    assert not holds


@given(st.integers(0, 30), st.integers(0, 30))
def test_just_one_number_holds_for_a_store_that_is_written(
    tmp_path_factory: pytest.TempPathFactory, on_hand: int, expected: int
) -> None:
    folder = tmp_path_factory.mktemp("rules")
    [(_, found, holds)] = tried(
        folder, f"{{sku: MUG, on_hand: {on_hand}}}", f"{{trade: {expected}}}"
    ).values()
    assert holds == (expected == max(0, on_hand - 2))
    assert found == max(0, on_hand - 2)


def test_every_mistake_in_examples_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
examples:
  - {name: a, given: {sku: MUG, on_hand: 1}, expect: {shopp: 1}}
  - {name: a, given: {sku: MUG, on_hand: 1, listed_in: [webb]}, expect: {shop: 1}}
  - {name: b, given: {sku: MUG}, expect: {shop: 1}}
  - {name: c, given: {sku: MUG, on_hand: 1, parts: {CAP: 1}}, expect: {shop: 1}}
  - {name: d, given: {sku: MUG, on_hand: 1}, expect: {shop: many}}
  - {name: e, given: {sku: MUG, onhand: 1}, expect: {shop: -1}}
  - {name: f, given: {sku: MUG, on_hand: 1, sold: [{ago: soon, units: 1}]}, expect: {shop: 1}}
  - {name: g, given: {sku: MUG, on_hand: 1, at: tomorrow}, expect: {}}
"""
    told = problems(tmp_path, {"1.yaml": text})
    assert [problem.partition(": ")[0] for problem in told] == [
        "rules/1.yaml:2",
        "rules/1.yaml:3",
        "rules/1.yaml:3",
        "rules/1.yaml:4",
        "rules/1.yaml:5",
        "rules/1.yaml:6",
        "rules/1.yaml:7",
        "rules/1.yaml:7",
        "rules/1.yaml:8",
        "rules/1.yaml:9",
        "rules/1.yaml:9",
    ]
    assert any("no store is called 'shopp'; did you mean 'shop'?" in problem for problem in told)
    assert any("give either on_hand, or for a kit the units of its parts" in at for at in told)
    assert any("did you mean 'on_hand'?" in problem for problem in told)
