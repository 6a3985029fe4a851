"""What is claimed of two patterns holds for every SKU there could be; no claim is a guess."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.globs import apart, covers
from stocksync.domain.identifiers import Sku
from stocksync.domain.matching import glob_matches

LETTERS = "AB[*"
SKUS = [Sku("".join(word)) for length in range(1, 5) for word in product(LETTERS, repeat=length)]
globs = st.text("AB*?[]!", min_size=1, max_size=4)


def fitting(glob: str) -> set[Sku]:
    return {sku for sku in SKUS if glob_matches(glob, sku)}


@given(wide=globs, narrow=globs)
def test_a_pattern_that_covers_another_fits_whatever_that_one_fits(wide: str, narrow: str) -> None:
    if covers(wide, narrow):
        assert fitting(narrow) <= fitting(wide)


@given(one=globs, other=globs)
def test_no_sku_fits_two_patterns_that_are_apart(one: str, other: str) -> None:
    assert apart(one, other) == apart(other, one)
    if apart(one, other):
        assert not fitting(one) & fitting(other)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("MUG-*", "MUG-*", True),
        ("*", "MUG-?", True),
        ("**", "X", True),
        ("MUG-*", "MUG-RED", True),
        ("M?G-[RB]ED", "MUG-RED", True),
        ("MUG-*", "MUG-RED-*", True),
        ("MUG-*", "MUG-R??-[LM]", True),
        ("*-RED", "MUG-*-RED", True),
        ("MUG-RED", "MUG-*", False),
        ("MUG-RED-*", "MUG-*", False),
        ("MUG-*", "M*", False),
        ("MUG-*", "*-RED", False),
        ("*-RED", "*[-]RED", False),
        ("MUG-?", "MUG-*", False),
        ("mug-*", "MUG-RED", False),
    ],
)
def test_what_covers_what_is_proved_where_it_is_plain(
    wide: str, narrow: str, expected: bool
) -> None:
    assert covers(wide, narrow) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("MUG", "TEE", True),
        ("MUG-*", "TEE-RED", True),
        ("MUG-*", "TEE-*", True),
        ("*-RED", "*-BLUE", True),
        ("MUG-*", "MUG-RED", False),
        ("MUG-*", "MUG-R*", False),
        ("MUG-*", "*-RED", False),
        ("*-[RB]ED", "*-BLUE", False),
    ],
)
def test_what_is_apart_is_proved_where_it_is_plain(one: str, other: str, expected: bool) -> None:
    assert apart(one, other) is expected
