"""Writes to REC+ are one batch, sent once, and never guessed at."""

import pytest

from stocksync.contracts.connector import WriteOutcome
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import Correction
from stocksync.errors import (
    OutcomeUnknown,
    StoreRejected,
)
from tests.unit.recplus_kit import connector, correction, sample
from tests.unit.scripted_store import Said


async def test_a_batch_is_one_bare_array_sent_once_to_stock() -> None:
    one, store = connector([Said(status=204)])
    results = await one.write([correction("xyz"), correction("A/B,C", 0)])
    assert [(r.listing, r.outcome) for r in results] == [
        ("xyz", WriteOutcome.APPLIED),
        ("A/B,C", WriteOutcome.APPLIED),
    ]
    (asked,) = store.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/api/v1/stock", {})
    assert asked.sent == [{"code": "xyz", "stock": 84}, {"code": "A/B,C", "stock": 0}]
    assert asked.headers["content-type"] == "application/json"
    documented = {key: type(value) for key, value in sample("stock_update_request.json")[0].items()}
    assert {"code": str, "stock": int}.items() <= documented.items()


BATCH = [correction("B"), correction("A"), correction("C")]
GOOD, UNSURE = WriteOutcome.APPLIED, WriteOutcome.UNKNOWN
BAD, MISSING = WriteOutcome.REJECTED, WriteOutcome.NOT_FOUND


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", [UNSURE, UNSURE, UNSURE]),
        ({"success": True}, [GOOD, GOOD, GOOD]),
        ([{"code": c, "stock": 84} for c in "ABC"], [GOOD, GOOD, GOOD]),
        ({"stock": [{"code": c, "stock": "84"} for c in "CAB"]}, [GOOD, GOOD, GOOD]),
        ({c: {"stock": 84} for c in "ABC"}, [GOOD, GOOD, GOOD]),
        ([{"code": "A", "status": 200}], [UNSURE, GOOD, UNSURE]),
        ({"code": "B", "stock": 84}, [GOOD, UNSURE, UNSURE]),
        (
            [{"code": "A", "status": 404}, {"code": "B", "error": "no"}, {"code": "C"}],
            [BAD, MISSING, GOOD],
        ),
        (
            {
                "stock": [{"code": "A", "stock": 84}],
                "errors": [{"code": "B", "status": 404, "message": "Stock not found"}],
            },
            [MISSING, GOOD, UNSURE],
        ),
        ({"errors": [{"code": "C", "message": "locked"}]}, [UNSURE, UNSURE, BAD]),
        ([{"code": "A", "stock": 90}, {"code": "B", "stock": 83}], [UNSURE, BAD, UNSURE]),
        ({}, [UNSURE, UNSURE, UNSURE]),
        ([], [UNSURE, UNSURE, UNSURE]),
        ({"stock": []}, [UNSURE, UNSURE, UNSURE]),
        ({"message": "hello"}, [UNSURE, UNSURE, UNSURE]),
        ("ok", [UNSURE, UNSURE, UNSURE]),
    ],
)
async def test_each_correction_gets_the_outcome_the_reply_proves(
    body: object, expected: list[WriteOutcome]
) -> None:
    one, store = connector([Said(body)])
    results = await one.write(BATCH)
    assert [result.listing for result in results] == ["B", "A", "C"]
    assert [result.outcome for result in results] == expected
    assert len(store.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"errors": [{"status": 400, "message": "stock canary-7f3a is required"}]}),
        (200, {"errors": [{"status": 400, "message": "stock is required"}]}),
        (200, {"success": False, "message": "stock is required"}),
    ],
)
async def test_a_refused_batch_is_rejected_as_a_whole_in_the_words_of_the_store(
    status: int, body: object
) -> None:
    one, store = connector([Said(body, status)])
    with pytest.raises(StoreRejected, match="is required") as caught:
        await one.write(BATCH)
    assert "canary" not in str(caught.value)
    assert len(store.asked) == 1


@pytest.mark.parametrize("said", [Said(status=500), Said(b"<html>", 200), Said(status=429)])
async def test_a_write_without_an_answer_is_unknown_and_never_sent_again(said: Said) -> None:
    one, store = connector(lambda _: said)
    with pytest.raises(OutcomeUnknown):
        await one.write(BATCH)
    assert len(store.asked) == 1


async def test_a_listing_without_a_code_is_never_written() -> None:
    one, store = connector([Said(status=204)])
    codeless = Correction(listing=ListingId("no-code:7"), quantity=1, expected=2)
    results = await one.write([codeless, correction("A")])
    assert [r.outcome for r in results] == [BAD, GOOD]
    assert store.asked[0].sent == [{"code": "A", "stock": 84}]
    assert [r.outcome for r in await one.write([codeless])] == [BAD]
    assert len(store.asked) == 1


async def test_a_batch_over_the_limit_is_a_mistake_of_ours() -> None:
    one, store = connector([])
    with pytest.raises(ValueError, match="100"):
        await one.write([correction(f"C{n}") for n in range(101)])
    assert store.asked == []


async def test_a_dry_run_asks_for_the_difference_only() -> None:
    one, store = connector([Said([{"code": "A", "stock": 84}])])
    assert await one.dry_run([correction("A")]) == [{"code": "A", "stock": 84}]
    assert store.asked[0].query == {"diffOnly": "true"}
