"""Kits, aliases and availability that make no sense are refused, with file, line and fix."""

from pathlib import Path

import pytest

from stocksync.rulebook import load_rulebook
from tests.unit.rulebook_kit import PLATFORMS, problems


def test_a_kit_cannot_contain_itself(tmp_path: Path) -> None:
    text = (
        "bundles:\n"
        "  FINE: {X: 1, A: 1}\n"
        "  C: {A: 1}\n"
        "  A: {B: 2}\n"
        "  B: {C: 1, X: 1}\n"
        "  SELF: {SELF: 1}\n"
        "  ALSO: {X: 1}\n"
    )
    assert problems(tmp_path, {"a.yaml": text}) == [
        "rules/a.yaml:3: bundles.C: a kit cannot contain itself: C > A > B > C",
        "rules/a.yaml:6: bundles.SELF: a kit cannot contain itself: SELF > SELF",
    ]


def test_null_cannot_take_back_what_a_rule_says_of_one_location(tmp_path: Path) -> None:
    text = "- name: a\n  match: {location: main}\n  set:\n    buffer: null\n"
    assert problems(tmp_path, {"a.yaml": text}) == [
        (
            "rules/a.yaml:4: rules[0].set.buffer: takes nothing back in a rule for one location; "
            "write buffer: 0, hold: no"
        )
    ]


def test_kits_within_kits_have_a_limit(tmp_path: Path) -> None:
    kits = [f"  K{depth}: {{K{depth - 1}: 1}}" for depth in range(1, 12)]
    assert problems(tmp_path, {"a.yaml": "\n".join(["bundles:", *kits])}) == [
        "rules/a.yaml:10: bundles.K9: kits within kits go at most 8 deep"
    ]


def test_kits_within_kits_up_to_the_limit_are_fine(tmp_path: Path) -> None:
    kits = [f"  K{depth}: {{K{depth - 1}: 2}}" for depth in range(1, 9)]
    (tmp_path / "a.yaml").write_text("\n".join(["bundles:", *reversed(kits)]))
    parts = load_rulebook(tmp_path, PLATFORMS).book.bundles
    assert len(parts) == 8


@pytest.mark.parametrize(
    ("entry", "where", "why"),
    [
        ("store: web, code: 123, sku: A", "code", 'must be text; put it in quotes: "123"'),
        ("store: web, code: 00123, sku: A", "code", ("YAML does not read 00123 as it stands; "
         'put text in quotes: "00123", or write a plain number')),
        ("store: web, code: a, sku: 5", "sku", 'must be text; put it in quotes: "5"'),
        ("store: wbe, code: a, sku: A", "store", "no store is called 'wbe'; did you mean 'web'?"),
        ("store: web, code: a", "sku", "is missing; give it"),
        ("store: web, code: a, sku: A, skus: [A]", "skus", "unknown key; did you mean 'sku'?"),
    ],
)  # fmt: skip
def test_an_alias_that_makes_no_sense_is_refused(
    tmp_path: Path, entry: str, where: str, why: str
) -> None:
    text = f"aliases:\n  - {{{entry}}}\n"
    expected = f"rules/a.yaml:2: aliases[0].{where}: {why}"
    assert problems(tmp_path, {"a.yaml": text}) == [expected]


@pytest.mark.parametrize(
    ("entry", "where", "why"),
    [
        ("store: shop, product: 1, sku: A", "store",
         "is for stores of idealfactory; shop has quantities of its own"),
        ("store: prnt, product: 1, sku: A", "store",
         "no store is called 'prnt'; did you mean 'print'?"),
        ("store: print, product: 1, variant: 2, sku: A", "product",
         "give either product or variant"),
        ("store: print, sku: A", "product", "give either product or variant"),
        ("store: print, product: 1", "skus", "give either sku or skus"),
        ("store: print, product: 1, sku: A, skus: [B]", "skus", "give either sku or skus"),
        ("store: print, product: 1, skus: []", "skus", "must name at least one"),
        ("store: print, product: 1, skus: [A, A]", "skus", "names one thing twice"),
        ("store: print, product: 1, skus: [1]", "skus[0]",
         'must be text; put it in quotes: "1"'),
        ("store: print, product: 0, sku: A", "product", "must be at least 1"),
        ("store: print, variant: x, sku: A", "variant", "must be a whole number"),
    ],
)  # fmt: skip
def test_an_availability_that_makes_no_sense_is_refused(
    tmp_path: Path, entry: str, where: str, why: str
) -> None:
    text = f"availability:\n  - {{{entry}}}\n"
    expected = f"rules/a.yaml:2: availability[0].{where}: {why}"
    assert problems(tmp_path, {"a.yaml": text}) == [expected]
