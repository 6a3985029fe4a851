"""Units found or lost over the API: booked exactly once, whoever asks how often."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api_kit import Api, adjust, adjustments, serving


@pytest.fixture
async def api(tmp_path: Path, blank_books: Path) -> AsyncIterator[Api]:
    """A merchant whose two stores agree with the books."""
    async with serving(tmp_path, blank_books) as at:
        await at.merchant.count(MUG=10, CAP=3)
        await at.merchant.sync()
        yield at


async def test_units_that_were_lost_are_booked_and_both_stores_follow(api: Api) -> None:
    told = await adjust(api, -2, reason="  damaged in transit ")
    await api.quiet()

    movement = told["movement"]
    assert (told["sku"], movement["kind"], movement["units"]) == ("MUG", "adjustment", 2)
    assert (movement["from"], movement["reason"]) == ("loc:main", "damaged in transit")
    assert await api.merchant.on_hand("MUG") == 8
    assert [api.merchant.shows(store)["MUG"] for store in ("shop", "trade")] == [8, 8]
    assert await adjustments(api) == [movement]


async def test_the_same_key_books_once_and_is_answered_the_same(api: Api) -> None:
    headers = {"Idempotency-Key": "k1"}
    body = {"units": 5, "reason": "found"}
    path = "/stock/MUG/adjustments"
    first = await api.ask("POST", path, json=body, headers=headers)
    api.merchant.clock.pass_(3600)
    again = await api.ask("POST", path, json=body, headers=headers)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await api.merchant.on_hand("MUG") == 15
    assert len(await adjustments(api)) == 1


OTHERS: list[dict[str, Any]] = [
    {"units": -5},
    {"units": 6},
    {"reason": "stolen"},
    {"sku": "CAP"},
    {"location": "north"},
]


async def test_the_same_key_with_another_body_is_refused_and_books_nothing(api: Api) -> None:
    await adjust(api, 5, reason="found")
    for other in OTHERS:
        refused = await adjust(api, **{"units": 5, "reason": "found", **other}, expect=409)
        assert "Idempotency-Key" in refused["error"]
        assert await api.merchant.on_hand("MUG") == 15
        assert await api.merchant.on_hand("CAP") == 3


async def test_two_who_use_the_same_key_are_two(api: Api) -> None:
    body, headers = {"units": 1, "reason": "found"}, {"Idempotency-Key": "k1"}
    for scope in ("operate", "approve"):
        path = "/stock/MUG/adjustments"
        answer = await api.ask("POST", path, json=body, headers=headers, scope=scope)
        assert answer.status_code == 201

    assert await api.merchant.on_hand("MUG") == 12


async def test_many_at_once_with_one_key_book_once(api: Api) -> None:
    body, headers = {"units": -1, "reason": "lost"}, {"Idempotency-Key": "k1"}
    asked = [
        api.ask("POST", "/stock/MUG/adjustments", json=body, headers=headers) for _ in range(8)
    ]
    found = await asyncio.gather(*asked)

    assert sorted(answer.status_code for answer in found) == [200] * 7 + [201]
    assert len({answer.text for answer in found}) == 1
    assert await api.merchant.on_hand("MUG") == 9


async def test_two_at_once_with_one_key_and_two_bodies_book_one_of_them(api: Api) -> None:
    headers = {"Idempotency-Key": "k1"}
    asked = [
        api.ask(
            "POST",
            "/stock/MUG/adjustments",
            json={"units": units, "reason": "found"},
            headers=headers,
        )
        for units in (1, 5)
    ]
    found = await asyncio.gather(*asked)

    assert sorted(answer.status_code for answer in found) == [201, 409]
    [booked] = [answer.json()["movement"]["units"] for answer in found if answer.status_code == 201]
    assert await api.merchant.on_hand("MUG") == 10 + booked


async def test_a_key_is_remembered_by_the_books_and_not_by_the_process(
    tmp_path: Path, blank_books: Path
) -> None:
    async with serving(tmp_path, blank_books) as api:
        await api.merchant.count(MUG=10)
        first = await adjust(api)
    async with serving(tmp_path, blank_books) as api:
        assert await adjust(api, expect=200) == first
        await adjust(api, -3, expect=409)
        assert await api.merchant.on_hand("MUG") == 8


KEYS = ["", "a b", "a\tb", "x" * 129, "a\x7f", '"a"', "\xe9"]


async def test_a_key_that_is_none_is_refused_by_name(api: Api) -> None:
    for key in KEYS:
        headers = [
            (b"authorization", b"Bearer canary-approve-0123456789abcdef"),
            (b"idempotency-key", key.encode("latin-1")),
        ]
        body = {"units": 1, "reason": "found"}
        path = "/api/v1/stock/MUG/adjustments"
        answer = await api.client.post(path, json=body, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["error"].startswith("Idempotency-Key: ")
        assert await adjustments(api) == []


async def test_without_a_key_nothing_is_booked(api: Api) -> None:
    body = {"units": 1, "reason": "found"}
    refused = await api.post("/stock/MUG/adjustments", body, expect=422)

    assert refused["error"] == "Idempotency-Key: Field required"
    assert await adjustments(api) == []


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"units": 0}, "units"),
    ({"units": 1.5}, "units"),
    ({"units": 2.0}, "units"),
    ({"units": "2"}, "units"),
    ({"units": True}, "units"),
    ({"units": None}, "units"),
    ({"units": 1_000_001}, "units"),
    ({"units": -1_000_001}, "units"),
    ({"units": 10**30}, "units"),
    ({"reason": ""}, "reason"),
    ({"reason": "   "}, "reason"),
    ({"reason": "a\nb"}, "reason"),
    ({"reason": "a\x1b[2J"}, "reason"),
    ({"reason": "x" * 501}, "reason"),
    ({"reason": 5}, "reason"),
    ({"location": ""}, "location"),
    ({"location": " "}, "location"),
    ({"location": "a\0"}, "location"),
    ({"unit": 5}, "unit"),
]


async def test_an_adjustment_that_cannot_be_meant_is_refused_by_the_name_of_its_field(
    api: Api,
) -> None:
    for change, field in MISTAKES:
        refused = await adjust(api, **{"units": 1, "reason": "found", **change}, expect=422)
        assert refused["error"].startswith(f"{field}: "), change
    assert await adjustments(api) == []
    await adjust(api, 1, reason="found")


async def test_units_are_taken_only_from_where_some_are_and_found_anywhere(api: Api) -> None:
    refused = await adjust(api, -1, location="north", expect=422)
    assert refused["error"] == "location: 'MUG' is at main"

    found = await adjust(api, 4, location="north")
    assert found["movement"]["to"] == "loc:north"
    assert (await api.get("/stock/MUG"))["locations"] == {"main": 10, "north": 4}
    unnamed = await adjust(api, -1, key="k2", expect=422)
    assert "name a location" in unnamed["error"]
    await adjust(api, -1, key="k3", location="north")
    assert (await api.get("/stock/MUG"))["locations"] == {"main": 10, "north": 3}
