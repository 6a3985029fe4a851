"""A quantity is a whole number that a store wrote plainly; anything else is never zero."""

import pytest

from stocksync.connectors.quantity import reading
from stocksync.domain.stock import Counted, Gap, NotCounted
from tests.unit.scripted_store import NOW

DEEP: list[object] = []
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("shown", "quantity"),
    [
        (5, 5),
        (0, 0),
        (5.0, 5),
        (1e3, 1000),
        (-0.0, 0),
        ("5", 5),
        ("99", 99),
        ("5.0", 5),
        ("0.0", 0),
        ("0005", 5),
        ("-0", 0),
        (9999, 9999),
        (1_000_000, 1_000_000),
        ("1000000", 1_000_000),
    ],
)
def test_a_whole_number_is_counted_however_it_is_written(shown: object, quantity: int) -> None:
    assert reading(shown, read_at=NOW) == Counted(quantity, NOW)


@pytest.mark.parametrize(
    "shown",
    [
        2.5,
        "2.5",
        "5.01",
        float("nan"),
        float("inf"),
        True,
        False,
        None,
        "",
        " ",
        " 5 ",
        "5\n",
        "+5",
        "1_000",
        "1,000",
        "1.000,0",
        "\u0665",
        "\u2075",
        "0x10",
        "1e3",
        "5.",
        ".5",
        "--5",
        "five",
        [5],
        {"value": 5},
        DEEP,
        1_000_001,
        "1000001",
        2**31,
        2**53 + 1,
        2**64,
        1e300,
        int("9" * 4000),
        "9" * 5000,
    ],
    ids=lambda shown: type(shown).__name__,
)
def test_anything_else_is_unreadable_and_never_zero(shown: object) -> None:
    found = reading(shown, read_at=NOW, negative_allowed=True)
    assert isinstance(found, NotCounted)
    assert found.gap is Gap.UNREADABLE
    assert len(found.shown) <= 60


@pytest.mark.parametrize("shown", [-3, "-3", "-3.0", -3.0])
def test_below_zero_is_counted_only_where_the_store_documents_it(shown: object) -> None:
    assert reading(shown, read_at=NOW, negative_allowed=True) == Counted(-3, NOW)
    assert isinstance(reading(shown, read_at=NOW), NotCounted)


def test_a_hundred_thousand_below_zero_is_the_limit() -> None:
    assert reading(-100_000, read_at=NOW, negative_allowed=True) == Counted(-100_000, NOW)
    assert isinstance(reading(-100_001, read_at=NOW, negative_allowed=True), NotCounted)


def test_what_was_shown_is_kept_for_people_without_line_breaks() -> None:
    found = reading("lots\nand lots", read_at=NOW)
    assert isinstance(found, NotCounted)
    assert found.shown == r"'lots\nand lots'"
