"""A rulebook has a fingerprint of what it says, and warnings about what is seldom meant."""

import re
from pathlib import Path

import pytest

from tests.unit.rulebook_kit import book_of

SAID = "- {name: a, match: {sku: X}, set: {cap: 1, share: 50%}}\n- {name: b, set: {cap: 2}}\n"
MORE = (
    "groups: {g: [A, B]}\nbundles: {K: {A: 1, B: 2}}\n"
    "aliases: [{store: web, code: x, sku: Y}]\n"
    "availability: [{store: print, product: 1, skus: [A, B]}]\n"
)


def fingerprint(folder: Path, **files: str) -> str:
    for path in (folder / "rules").glob("*.yaml"):
        path.unlink()
    return book_of(folder, **files).book.fingerprint


def test_comments_and_file_names_leave_the_fingerprint_alone(tmp_path: Path) -> None:
    before = fingerprint(tmp_path, a=SAID, b=MORE)
    assert re.fullmatch("[0-9a-f]{64}", before)
    first, second = SAID.splitlines()
    assert fingerprint(tmp_path, a="# new\n\n" + SAID, b=MORE + "# end\n") == before
    assert fingerprint(tmp_path, x=first, y=f"rules:\n  {second}\n", z=MORE) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: a", "name: c"),
        ("sku: X", "sku: Z"),
        ("match: {sku: X}", "match: {store: shop}"),
        ("match: {sku: X}", "match: {group: X}"),
        ("cap: 1", "cap: 0"),
        ("cap: 1, ", ""),
        ("50%", "51%"),
        ("[A, B]}\nb", "[A, C]}\nb"),
        ("B: 2", "B: 3"),
        ("code: x", "code: z"),
        ("product: 1", "variant: 1"),
        ("skus: [A, B]", "skus: [A]"),
    ],
)
def test_whatever_changes_the_rules_changes_the_fingerprint(
    tmp_path: Path, old: str, new: str
) -> None:
    said, more = SAID.replace(old, new, 1), MORE.replace(old, new, 1)
    assert (said, more) != (SAID, MORE)
    more = more.replace("groups: {g", "groups: {X: [Q], g")
    before = fingerprint(tmp_path, a=SAID, b=MORE.replace("groups: {g", "groups: {X: [Q], g"))
    assert fingerprint(tmp_path, a=said, b=more) != before


def test_the_order_of_rules_counts_in_the_fingerprint(tmp_path: Path) -> None:
    first, second = SAID.splitlines(keepends=True)
    assert fingerprint(tmp_path, a=second + first) != fingerprint(tmp_path, a=first + second)


# --- warnings ----------------------------------------------------------------------------------


def test_shares_beyond_the_whole_are_a_warning(tmp_path: Path) -> None:
    rules = book_of(
        tmp_path,
        a="- {name: shop, match: {sku: X, store: shop}, set: {share: 60%}}\n"
        "- {name: web, match: {sku: X, platform: freewebstore}, set: {share: 40.5%}}\n",
    )
    assert rules.warnings == (
        (
            f"{tmp_path}/rules/a.yaml:2: web: shares add up to 100.5% (shop 60%, web 40.5%); "
            "stores may offer more than there is"
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        (
            "- {name: a, match: {sku: X, store: shop}, set: {share: 60%}}\n"
            "- {name: b, match: {sku: X, store: web}, set: {share: 40%}}\n"
        ),
        (
            "- {name: a, match: {sku: X, store: shop}, set: {share: 60%}}\n"
            "- {name: b, match: {sku: Y, store: web}, set: {share: 60%}}\n"
        ),
        (
            "- {name: a, match: {store: shop}, set: {share: 60%}}\n"
            "- {name: b, match: {store: shop}, set: {share: 70%}}\n"
        ),
        "- {name: a, set: {share: 25%}}\n",
    ],
)
def test_shares_within_the_whole_are_fine(tmp_path: Path, text: str) -> None:
    assert book_of(tmp_path, a=text).warnings == ()
