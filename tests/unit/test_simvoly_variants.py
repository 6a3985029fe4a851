"""What a Simvoly variant is called, and why some have no number."""

from datetime import UTC, datetime
from typing import Any

import pytest

from stocksync.connectors.simvoly_variants import observations, product_of
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Counted, Gap, NotCounted, Observation

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Json = dict[str, Any]


def product(number: int, *variants: Json, **fields: Any) -> Json:
    return {"id": number, "type": "physical", "title": "T", "variants": list(variants)} | fields


def variant(*options: str, quantity: object = 5, **fields: Any) -> Json:
    return {"options": list(options), "price": 9.5, "quantity": quantity, "sku": "A"} | fields


def listed(shown: Json) -> dict[str, Observation]:
    return {each.listing: each for each in observations(shown, NOW)}


def test_option_values_cannot_run_into_each_other() -> None:
    shown = [
        variant("a/b"), variant("a", "b"), variant("a%2Fb"), variant("a:b"), variant("Größe 1"),
    ]  # fmt: skip
    assert set(listed(product(7, *shown))) == {
        "7:a%2Fb",
        "7:a/b",
        "7:a%252Fb",
        "7:a%3Ab",
        "7:Gr%C3%B6%C3%9Fe%201",
    }


def test_a_product_without_options_has_one_listing() -> None:
    assert set(listed(product(7, variant()))) == {"7:"}
    assert set(listed(product(8, {"quantity": 1}))) == {"8:"}


@pytest.mark.parametrize(
    ("shown", "gap", "said"),
    [
        (product(7, variant(quantity=None)), Gap.UNREADABLE, "no quantity"),
        (product(7, {"options": []}), Gap.UNREADABLE, "no quantity"),
        (product(7), Gap.UNREADABLE, "no quantity"),
        (product(7, variant(quantity=-1)), Gap.UNREADABLE, "-1"),
        (product(7, variant(quantity=True)), Gap.UNREADABLE, "True"),
        (product(7, variant(), variant()), Gap.UNREADABLE, "ambiguous: 2"),
        (product(7, variant(), type="digital"), Gap.UNTRACKED, "digital"),
        (product(7, variant(), type="service"), Gap.UNTRACKED, "service"),
        (product(7, variant(), type="membership"), Gap.UNTRACKED, "membership"),
        (product(7, variant(), type=None), Gap.UNREADABLE, "type"),
    ],
)
def test_what_has_no_number_says_why(shown: Json, gap: Gap, said: str) -> None:
    reading = listed(shown)["7:"].reading
    assert isinstance(reading, NotCounted)
    assert reading.gap is gap
    assert said in reading.shown


@pytest.mark.parametrize(("sku", "code"), [("", None), ("  ", None), (None, None), (7, "7")])
def test_an_empty_sku_names_nothing(sku: object, code: str | None) -> None:
    assert listed(product(7, variant(sku=sku)))["7:"].code == code


@pytest.mark.parametrize(("listing", "product_id"), [("7:a%3Ab", "7"), ("7:", "7"), ("7", "")])
def test_a_listing_names_its_product(listing: str, product_id: str) -> None:
    assert product_of(ListingId(listing)) == product_id


def test_twins_do_not_hide_their_neighbour() -> None:
    seen = listed(product(7, variant("S"), variant("S", sku="B"), variant("M")))
    assert isinstance(seen["7:S"].reading, NotCounted)
    assert seen["7:S"].code is None
    assert seen["7:M"].reading == Counted(5, NOW)
    assert len(seen) == 2
