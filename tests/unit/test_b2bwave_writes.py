"""Writes to B2B Wave go by id, one product each, and never by guess."""

import pytest

from stocksync.connectors.b2bwave import quantities_body
from stocksync.contracts.connector import WriteOutcome
from stocksync.domain.identifiers import ListingId
from stocksync.errors import (
    ConfigurationError,
    OutcomeUnknown,
    StoreRejected,
)
from tests.unit.b2bwave_kit import connector, correction, sample
from tests.unit.scripted_store import Said


async def test_a_write_goes_by_id_with_text_as_documented_and_is_sent_once() -> None:
    reply = sample("product_created.json") | {"id": 912398, "quantity": 99}
    one, store = connector([Said(reply)])
    (result,) = await one.write([correction("912398", code="APN 1020")])
    assert (result.listing, result.outcome) == ("912398", WriteOutcome.APPLIED)
    (asked,) = store.asked
    assert (asked.method, asked.path) == ("POST", "/api/products/update_quantity")
    assert asked.sent == sample("update_quantity_by_id_request.json")


GOOD, BAD, UNSURE = WriteOutcome.APPLIED, WriteOutcome.REJECTED, WriteOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"id": 12, "quantity": 99}, GOOD),
        ({"id": "12", "quantity": "99.0"}, GOOD),
        ({"product": {"id": 12, "quantity": 99}}, GOOD),
        ({"id": 12, "code": "A"}, GOOD),
        ({"id": 12, "quantity": 50}, BAD),
        ({"id": 12, "quantity": 98}, UNSURE),
        ({"id": 12, "quantity": "lots"}, UNSURE),
        ({"id": 13, "quantity": 99}, UNSURE),
        ({"status": "ok"}, UNSURE),
        ([], UNSURE),
        (b"", UNSURE),
    ],
)
async def test_the_reply_is_the_product_and_must_show_our_number(
    body: object, outcome: WriteOutcome
) -> None:
    one, _ = connector([Said(body)])
    (result,) = await one.write([correction("12")])
    assert result.outcome is outcome


async def test_a_number_that_was_kept_is_told_with_both_numbers() -> None:
    one, _ = connector([Said({"id": 12, "quantity": 50})])
    (result,) = await one.write([correction("12")])
    assert "99" in result.detail
    assert "50" in result.detail


async def test_a_product_that_is_gone_is_not_found() -> None:
    one, _ = connector([Said({"error": "no such canary-7f3a"}, 404)])
    (result,) = await one.write([correction("12")])
    assert result.outcome is WriteOutcome.NOT_FOUND
    assert "canary" not in result.detail


@pytest.mark.parametrize("said", [Said({"errors": ["bad"]}), Said({"errors": ["bad"]}, 422)])
async def test_a_refusal_is_rejected_with_the_words_of_the_store(said: Said) -> None:
    one, store = connector([said])
    with pytest.raises(StoreRejected, match="bad"):
        await one.write([correction("12")])
    assert len(store.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 502])
async def test_a_write_without_an_answer_is_unknown_and_never_sent_again(status: int) -> None:
    one, store = connector(lambda _: Said(status=status))
    with pytest.raises(OutcomeUnknown):
        await one.write([correction("12")])
    assert len(store.asked) == 1


async def test_two_products_in_one_request_are_a_mistake_of_ours() -> None:
    one, store = connector([])
    with pytest.raises(ValueError, match="one product"):
        await one.write([correction("1"), correction("2")])
    assert store.asked == []


async def test_the_only_location_gets_the_whole_quantity() -> None:
    one, store = connector([Said({"id": 12, "quantity": 99})], {"location_ids": "main=1"})
    assert one.capabilities.locations
    (result,) = await one.write([correction("12")])
    assert result.outcome is GOOD
    assert store.asked[0].sent == {
        "id": "12",
        "product": {"quantities": [{"warehouse_id": 1, "quantity": 99}]},
    }


async def test_several_locations_are_never_written_by_guess() -> None:
    one, store = connector([], {"location_ids": "main=1, north=2"})
    (result,) = await one.write([correction("12")])
    assert result.outcome is BAD
    assert "several locations" in result.detail
    assert store.asked == []


def test_a_split_over_locations_has_the_documented_shape() -> None:
    documented = sample("update_quantity_quantities_request.json")
    built = quantities_body(ListingId("912398"), {"1": 123, "2": 321})
    assert built == {"id": "912398", "product": documented["product"]}
    assert quantities_body(ListingId("1"), {"north": 5})["product"] == {
        "quantities": [{"warehouse_code": "north", "quantity": 5}]
    }


@pytest.mark.parametrize("option", ["main", "main=", "=1", "main=1,main=2", "main=1,north"])
def test_locations_that_cannot_be_read_stop_at_start(option: str) -> None:
    with pytest.raises(ConfigurationError, match="location_ids"):
        connector([], {"location_ids": option})
