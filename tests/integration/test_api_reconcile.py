"""Start runs by hand over the API: which stores and SKUs, dry or not, one at a time, watched."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import Observation
from stocksync.errors import StoreUnavailable
from tests.integration.api_kit import STORES, Api, events_in, serving


@pytest.fixture
async def api(tmp_path: Path, blank_books: Path) -> AsyncIterator[Api]:
    """A merchant whose two stores agree with the books."""
    async with serving(tmp_path, blank_books) as at:
        await at.merchant.count(MUG=10, CAP=3)
        await at.merchant.sync()
        yield at


def outcomes(run: dict[str, Any]) -> dict[str, str]:
    return {at["store"]: at["outcome"] for at in run["stores"]}


@pytest.mark.parametrize("content", [b"", b"{}", b'{"stores": [], "skus": []}'])
async def test_a_run_reads_every_store_and_corrects_the_others(api: Api, content: bytes) -> None:
    api.merchant.sell("shop", "MUG", 2)
    headers = {"Content-Type": "application/json"} if content else {}

    answer = await api.ask("POST", "/reconcile", content=content, headers=headers)
    assert (answer.status_code, list(answer.json())) == (202, ["run"])
    name = answer.json()["run"]
    [*_, last] = [event async for event in api.dispatcher.events(name)]
    run = await api.get(f"/runs/{name}")

    assert last.stage == "ended"
    assert (run["id"], run["kind"], run["trigger"], run["outcome"]) == (name, "sync", "api", "ok")
    assert outcomes(run) == {"shop": "ok", "trade": "ok"}
    assert {at["store"]: (at["movements"], at["confirmed"]) for at in run["stores"]} == {
        "shop": (1, 0),
        "trade": (0, 1),
    }
    assert api.merchant.shows("trade")["MUG"] == 8
    assert await api.merchant.on_hand("MUG") == 8
    assert run["started_at"] <= run["finished_at"]


async def test_a_run_over_one_store_leaves_the_others_alone(api: Api) -> None:
    api.merchant.sell("shop", "MUG", 2)
    api.merchant.sell("trade", "CAP", 1)

    run = await api.run(stores=["trade"])

    assert outcomes(run) == {"trade": "ok"}
    assert await api.merchant.on_hand("CAP") == 2
    assert await api.merchant.on_hand("MUG") == 10, "nobody looked at the shop"
    assert api.merchant.shows("shop") == {"MUG": 8, "CAP": 3}


async def test_a_run_over_one_sku_leaves_the_others_alone(api: Api) -> None:
    api.merchant.sell("shop", "MUG", 2)
    api.merchant.sell("shop", "CAP", 1)

    await api.run(skus=["MUG"])

    assert (await api.merchant.on_hand("MUG"), await api.merchant.on_hand("CAP")) == (8, 3)
    assert api.merchant.shows("trade") == {"MUG": 8, "CAP": 3}


async def test_names_that_are_said_twice_count_once(api: Api) -> None:
    run = await api.run(stores=["shop", "shop"], skus=["MUG", "MUG"])

    assert [at["store"] for at in run["stores"]] == ["shop"]
    assert run["stores"][0]["readings"] == 1


async def test_a_dry_run_shows_line_by_line_what_it_would_do_and_does_nothing(
    api: Api, tmp_path: Path
) -> None:
    api.merchant.sell("shop", "MUG", 2)
    before = await api.merchant.ledger.verify()
    listed = await api.get("/stock/MUG")
    api.merchant.shops[StoreId("trade")].written.clear()

    run = await api.run(dry_run=True)

    assert (run["kind"], run["outcome"]) == ("plan", "ok")
    lines = {at["store"]: at["lines"] for at in run["stores"]}
    [booked], [written] = lines["shop"], lines["trade"]
    assert (booked["sku"], booked["before"], booked["after"]) == ("MUG", 10, 8)
    assert (written["sku"], written["before"], written["after"]) == ("MUG", 10, 8)
    assert not booked["held"]
    assert not written["held"]
    assert await api.merchant.ledger.verify() == before
    assert await api.get("/stock/MUG") == listed
    assert api.merchant.shops[StoreId("trade")].written == []
    assert api.merchant.shows("trade")["MUG"] == 10


async def test_the_list_of_runs_names_the_last_ones_first_and_leaves_lines_out(api: Api) -> None:
    api.merchant.sell("shop", "MUG", 2)
    dry = await api.run(dry_run=True)
    api.merchant.clock.pass_(1)
    wet = await api.run()

    runs = (await api.get("/runs"))["runs"]
    assert [at["id"] for at in runs[:2]] == [wet["id"], dry["id"]]
    assert all("lines" not in store for run in runs for store in run["stores"])
    assert all("lines" in store for store in dry["stores"])
    assert [at["id"] for at in (await api.get("/runs?limit=1"))["runs"]] == [wet["id"]]


async def test_a_store_that_fails_is_told_and_the_other_is_right_all_the_same(api: Api) -> None:
    api.merchant.sell("shop", "MUG", 2)
    api.merchant.shops[StoreId("trade")].census_errors = [StoreUnavailable("trade is asleep")] * 9

    run = await api.run(expect="failed")

    assert outcomes(run) == {"shop": "ok", "trade": "failed"}
    assert "asleep" in next(at["error"] for at in run["stores"] if at["store"] == "trade")
    assert await api.merchant.on_hand("MUG") == 8


async def test_a_plan_that_a_gate_stops_is_told_with_its_hold(
    tmp_path: Path, blank_books: Path
) -> None:
    stores = {"shop": {f"S{at:02}": 5 for at in range(30)}}
    async with serving(tmp_path, blank_books, stores) as api:
        await api.merchant.count(**{sku: 5 for sku in stores["shop"]})  # noqa: C420 - **
        await api.merchant.sync()
        for sku in stores["shop"]:
            api.merchant.sell("shop", sku, 5)
        dry = await api.run(expect="held", dry_run=True)
        run = await api.run(expect="held")

        assert outcomes(run) == {"shop": "held"}
        [held] = run["stores"][0]["holds"]
        assert [at["hash"] for at in (await api.get("/holds"))["holds"]] == [held]
        lines = dry["stores"][0]["lines"]
        assert sorted(line["sku"] for line in lines) == list(stores["shop"]), "each once"
        assert {line["held"] for line in lines} == {True}
        assert await api.merchant.on_hand("S00") == 5


def slowed(api: Api, store: str) -> asyncio.Event:
    """Let a store answer only once the event is set."""
    gate, shop = asyncio.Event(), api.merchant.shops[StoreId(store)]
    honest = shop.census

    async def census() -> AsyncIterator[Sequence[Observation]]:
        await gate.wait()
        async for page in honest():
            yield page

    shop.census = census  # type: ignore[method-assign]
    return gate


async def test_while_a_run_goes_on_another_is_refused_and_told_its_name(api: Api) -> None:
    gate = slowed(api, "trade")
    first = (await api.post("/reconcile", expect=202))["run"]

    for body in ({}, {"dry_run": True}, {"stores": ["shop"]}):
        refused = await api.post("/reconcile", body, expect=409)
        assert (refused["run"], refused["error"]) == (first, f"run {first} is in progress")
    gate.set()
    assert [event async for event in api.dispatcher.events(first)][-1].outcome == "ok"

    await api.run()
    assert len([run for run in (await api.get("/runs"))["runs"] if run["trigger"] == "api"]) == 2


async def test_of_two_that_start_at_once_one_is_refused_and_told_the_other(api: Api) -> None:
    gate = slowed(api, "trade")
    found = await asyncio.gather(*(api.ask("POST", "/reconcile") for _ in range(5)))
    gate.set()

    assert sorted(answer.status_code for answer in found) == [202, 409, 409, 409, 409]
    assert len({answer.json()["run"] for answer in found}) == 1


async def test_a_run_under_way_is_told_as_running(api: Api) -> None:
    gate = slowed(api, "trade")
    name = (await api.post("/reconcile", expect=202))["run"]
    first = await anext(api.dispatcher.events(name))

    run = await api.get(f"/runs/{name}")

    assert (first.store, run["outcome"], run["finished_at"]) == ("shop", "running", None)
    gate.set()


async def test_a_run_is_watched_from_its_beginning_to_its_end(api: Api) -> None:
    api.merchant.sell("shop", "MUG", 2)
    name = (await api.post("/reconcile", expect=202))["run"]

    answer = await api.ask("GET", f"/runs/{name}/events", scope="read")

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    found = list(events_in(answer.text))
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    assert {name for _, _, data in found for name in data} == {
        "run",
        "at",
        "stage",
        "store",
        "outcome",
    }
    stages = [(stage, data["store"]) for _, stage, data in found]
    assert sorted(stages[:2]) == [("read", "shop"), ("read", "trade")]
    assert stages[-1] == ("ended", "")
    assert found[-1][2]["outcome"] == "ok"
    rest = await api.ask("GET", f"/runs/{name}/events", headers={"Last-Event-ID": "2"})
    assert list(events_in(rest.text)) == found[2:]


async def test_after_a_restart_the_end_of_a_run_is_remembered(
    tmp_path: Path, blank_books: Path
) -> None:
    async with serving(tmp_path, blank_books) as api:
        name = (await api.run())["id"]
    shutil.copy(tmp_path / "books.db", tmp_path / "kept.db")
    async with serving(tmp_path, blank_books, STORES) as api:
        run = await api.get(f"/runs/{name}")
        answer = await api.ask("GET", f"/runs/{name}/events", headers={"Last-Event-ID": "4"})

    [(_, stage, data)] = events_in(answer.text)
    assert (run["outcome"], stage, data["outcome"]) == ("ok", "ended", "ok")
