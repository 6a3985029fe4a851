"""Stores and held plans over the API: how each is, who decided, when, and what came of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stocksync.domain.identifiers import StoreId
from stocksync.domain.merge import FirstContact
from stocksync.errors import StoreUnavailable
from tests.integration.api_kit import Api, serving


@pytest.fixture
async def api(tmp_path: Path, blank_books: Path) -> AsyncIterator[Api]:
    """A merchant who counted two mugs less than both stores show at first contact."""
    async with serving(tmp_path, blank_books, first_contact=FirstContact.HOLD) as at:
        await at.merchant.count(MUG=8, CAP=3)
        await at.merchant.sync()
        yield at


async def holds(api: Api) -> dict[str, dict[str, Any]]:
    return {at["store"]: at for at in (await api.get("/holds", scope="read"))["holds"]}


async def kept(api: Api, name: str) -> tuple[str, str, str]:
    """Return what the books hold about a decision: state, who, and when."""
    hold = await api.merchant.ledger.hold(name)
    assert hold is not None
    return hold.state.value, hold.decided_by, hold.decided_at.isoformat() if hold.decided_at else ""


async def test_what_waits_is_listed_with_each_number_before_and_after(api: Api) -> None:
    found = await holds(api)

    assert sorted(found) == ["shop", "trade"]
    shop = found["shop"]
    assert (shop["gate"], shop["state"]) == ("first_contact", "open")
    assert (shop["decided_by"], shop["decided_at"]) == ("", None)
    [line] = shop["lines"]
    assert (line["store"], line["listing"], line["sku"]) == ("shop", "MUG", "MUG")
    assert (line["before"], line["after"]) == (10, 8)


async def test_an_approved_plan_is_carried_out_at_once_and_the_books_say_who_and_when(
    api: Api,
) -> None:
    name = (await holds(api))["shop"]["hash"]
    api.merchant.clock.pass_(60)
    now = api.merchant.clock().isoformat()

    decided = await api.post(f"/holds/{name}/approve")
    assert (decided["state"], decided["decided_by"], decided["decided_at"]) == (
        "approved",
        "approveer",
        now,
    )
    await api.quiet()

    assert api.merchant.shows("shop")["MUG"] == 8
    assert api.merchant.shows("trade")["MUG"] == 10, "nobody let that one go"
    assert await kept(api, name) == ("applied", "approveer", now)
    assert list(await holds(api)) == ["trade"]


async def test_a_rejected_plan_stays_held_and_the_books_say_who_and_when(api: Api) -> None:
    name = (await holds(api))["shop"]["hash"]
    now = api.merchant.clock().isoformat()

    decided = await api.post(f"/holds/{name}/reject")
    await api.merchant.sync()

    assert (decided["hash"], decided["state"]) == (name, "rejected")
    assert await kept(api, name) == ("rejected", "approveer", now)
    assert api.merchant.shows("shop")["MUG"] == 10
    assert list(await holds(api)) == ["trade"]


async def test_who_decides_the_same_twice_changes_nothing(api: Api) -> None:
    name = (await holds(api))["shop"]["hash"]
    first = await api.post(f"/holds/{name}/reject")
    api.merchant.clock.pass_(60)

    assert await api.post(f"/holds/{name}/reject") == first


async def test_a_rejected_plan_can_be_approved_after_all(api: Api) -> None:
    name = (await holds(api))["shop"]["hash"]
    await api.post(f"/holds/{name}/reject")
    await api.post(f"/holds/{name}/approve")
    await api.quiet()

    assert api.merchant.shows("shop")["MUG"] == 8


@pytest.mark.parametrize("word", ["approve", "reject"])
async def test_a_plan_that_was_carried_out_is_decided_no_more(api: Api, word: str) -> None:
    name = (await holds(api))["shop"]["hash"]
    await api.post(f"/holds/{name}/approve")
    await api.quiet()
    before = await kept(api, name)

    refused = await api.post(f"/holds/{name}/{word}", expect=409)

    assert "is over" in refused["error"]
    assert await kept(api, name) == before


NAMES = ["0" * 8, "nosuch", "%00", "x" * 500, "A%2FB", "*", "deadbeef "]


async def test_a_hold_that_does_not_exist_is_not_found(api: Api) -> None:
    for name in NAMES:
        for word in ("approve", "reject"):
            refused = await api.post(f"/holds/{name}/{word}", expect=404)
            assert "hold" in refused["error"] or refused["error"] == "Not Found"
        assert sorted(await holds(api)) == ["shop", "trade"]


async def test_the_beginning_of_a_name_is_not_the_name(api: Api) -> None:
    name = (await holds(api))["shop"]["hash"]

    refused = await api.post(f"/holds/{name[:4]}/approve", expect=404)

    assert name in refused["error"], "it says what waits"
    assert (await kept(api, name))[0] == "open"


async def test_who_may_only_operate_decides_nothing(api: Api) -> None:
    name = (await holds(api))["shop"]["hash"]

    await api.post(f"/holds/{name}/approve", expect=403, scope="operate")
    await api.quiet()

    assert await kept(api, name) == ("open", "", "")
    assert api.merchant.shows("shop")["MUG"] == 10


async def test_each_store_is_shown_with_what_it_did_and_what_waits_for_it(api: Api) -> None:
    stores = {at["store"]: at for at in (await api.get("/stores", scope="read"))["stores"]}

    assert list(stores) == ["shop", "trade"]
    shop = stores["shop"]
    assert (shop["platform"], shop["role"], shop["holds"]) == ("memory", "channel", 1)
    assert (shop["working"], shop["next_pull_at"], shop["open_intents"]) == (None, None, 0)
    assert shop["last_pull_at"] is not None
    assert sum(shop["listings"].values()) == 2


async def test_a_store_that_cannot_be_read_is_shown_with_its_reason(api: Api) -> None:
    shop = api.merchant.shops[StoreId("shop")]
    shop.census_errors = [StoreUnavailable("shop is asleep")] * 9
    api.dispatcher.request(StoreId("shop"), "pull")
    await api.quiet()

    stores = {at["store"]: at for at in (await api.get("/stores"))["stores"]}

    assert (stores["shop"]["outcome"], stores["trade"]["outcome"]) == ("failed", "ok")
    assert "shop is asleep" in stores["shop"]["error"]
    assert (stores["shop"]["failures"], stores["trade"]["failures"]) == (1, 0)


async def test_of_two_who_decide_at_once_both_are_told_how_it_stands(api: Api) -> None:
    name = (await holds(api))["shop"]["hash"]

    found = await asyncio.gather(
        api.ask("POST", f"/holds/{name}/reject"), api.ask("POST", f"/holds/{name}/reject")
    )

    assert [answer.status_code for answer in found] == [200, 200]
    assert {answer.json()["state"] for answer in found} == {"rejected"}
    assert (await kept(api, name))[0] == "rejected"
