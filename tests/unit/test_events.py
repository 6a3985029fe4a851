"""Watch a run: its events in order, signs of life between them, and nothing left behind."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI

from stocksync.contracts.dispatch import Wish
from stocksync.contracts.ledger import Commit, RunRecord
from stocksync.dispatch.embedded import Embedded
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import Observation
from stocksync.ops import answers, events
from stocksync.ops.access import Access
from stocksync.ops.desk import Desk, ServiceView
from stocksync.ops.envelope import Envelope
from tests.unit.asgi_kit import Listener, ask
from tests.world import NOON, World, world


@dataclass
class Stage:
    """A merchant whose store `a` is read only when the gate opens, and who watches its runs."""

    merchant: World = field(default_factory=lambda: world({"a": {"MUG": 1}, "b": {"MUG": 1}}))
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.jobs = Embedded(lambda: self.merchant.context)
        shop = self.merchant.shops[StoreId("a")]
        honest = shop.census

        async def census() -> AsyncIterator[Sequence[Observation]]:
            await self.gate.wait()
            async for page in honest():
                yield page

        shop.census = census  # type: ignore[method-assign]

    def app(self, heartbeat_seconds: float = 3600) -> FastAPI:
        desk = Desk(
            context=lambda: self.merchant.context,
            dispatcher=self.jobs,
            access=Access([], now=self.merchant.clock),
            view=lambda: ServiceView(stores=()),
            started_at=NOON,
        )
        self.streams = events.Streams(desk, heartbeat_seconds=heartbeat_seconds)
        app = FastAPI()
        answers.install(app)
        app.add_middleware(Envelope)
        app.add_api_route("/runs/{run}/events", self.streams.events, response_model=None)
        return app

    async def start(self) -> str:
        return await self.jobs.reconcile(Wish())

    async def end(self) -> None:
        self.gate.set()
        assert await self.jobs.drain(5)


def told(text: bytes) -> list[tuple[str, str, dict[str, Any]]]:
    """Take a stream apart: id, event and data of each."""
    found = []
    for block in text.decode().split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith(":")]
        if lines:
            fields = dict(line.split(": ", 1) for line in lines)
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


async def test_a_run_is_told_from_its_beginning_to_its_end_in_order() -> None:
    stage = Stage()
    app, run = stage.app(), await stage.start()
    listener = Listener(app, f"/runs/{run}/events")
    early = await listener.until("event: read")
    assert '"store": "b"' in early, "b does not wait for a"
    stage.gate.set()
    heard = await listener.end()
    await stage.end()

    assert (heard.status, heard.headers["content-type"].partition(";")[0]) == (
        200,
        "text/event-stream",
    )
    assert (heard.headers["cache-control"], heard.headers["x-accel-buffering"]) == (
        "no-store",
        "no",
    )
    found = told(heard.body)
    assert [number for number, _, _ in found] == [str(at + 1) for at in range(len(found))]
    steps = [(name, data["store"]) for name, _, data in ((at[1], at[0], at[2]) for at in found)]
    assert steps[:2] == [("read", "b"), ("read", "a")]
    assert sorted(steps[2:4]) == [("written", "a"), ("written", "b")]
    assert steps[4:] == [("ended", "")]
    assert {data["run"] for _, _, data in found} == {run}
    assert all(name == data["stage"] for _, name, data in found)
    assert found[-1][2]["outcome"] == "ok"
    assert found[0][2]["at"].startswith("2030-01-01T12:")


async def test_who_comes_late_is_told_everything_and_who_comes_back_only_the_rest() -> None:
    stage = Stage()
    app, run = stage.app(), await stage.start()
    await stage.end()
    path = f"/runs/{run}/events"
    whole = told((await ask(app, path)).body)
    assert len(whole) == 5

    for seen, rest in [("0", whole), ("3", whole[3:]), ("4", whole[4:]), ("5", [])]:
        heard = await ask(app, path, headers={"Last-Event-ID": seen})
        assert (heard.status, told(heard.body)) == (200, rest)


@pytest.mark.parametrize("seen", ["", "x", "-1", "1.5", "²", "9" * 40, "0x2"])
async def test_a_last_event_id_that_is_none_of_ours_is_the_beginning(seen: str) -> None:
    stage = Stage()
    app, run = stage.app(), await stage.start()
    await stage.end()

    heard = await ask(app, f"/runs/{run}/events", headers={"Last-Event-ID": seen})

    assert [number for number, _, _ in told(heard.body)] == ["1", "2", "3", "4", "5"]


async def test_while_nothing_happens_a_sign_of_life_keeps_the_connection() -> None:
    stage = Stage()
    app, run = stage.app(heartbeat_seconds=0.01), await stage.start()
    listener = Listener(app, f"/runs/{run}/events")

    text = await listener.until(": still here\n\n", times=3)

    assert "ended" not in text
    await stage.end()
    heard = await listener.end()
    assert told(heard.body)[-1][1] == "ended"


async def test_where_something_happens_no_sign_of_life_is_needed() -> None:
    stage = Stage()
    app, run = stage.app(heartbeat_seconds=3600), await stage.start()
    await stage.end()

    assert b"still here" not in (await ask(app, f"/runs/{run}/events")).body


async def test_the_answer_begins_before_the_first_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "FIRST_SECONDS", 0.01)
    stage = Stage(merchant=world({"a": {"MUG": 1}}))
    app, run = stage.app(heartbeat_seconds=0.01), await stage.start()
    listener = Listener(app, f"/runs/{run}/events")

    assert told((await listener.until("still here")).encode()) == []
    assert listener.heard.status == 200
    await stage.end()
    assert told((await listener.end()).body)[-1][1] == "ended"


async def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    stage = Stage()
    app, run = stage.app(), await stage.start()
    first = await anext(stage.jobs.events(run))
    assert first.stage == "read"
    await settled(set())
    before = asyncio.all_tasks()
    listeners = [Listener(app, f"/runs/{run}/events") for _ in range(5)]
    for listener in listeners:
        await listener.until("event: read")
    assert stage.streams.open == 5

    for listener in listeners:
        await listener.leave()

    assert stage.streams.open == 0
    await settled(before)
    assert asyncio.all_tasks() == before
    assert all("ended" not in listener.heard.body.decode() for listener in listeners)
    await stage.end()


async def settled(before: set["asyncio.Task[Any]"]) -> None:
    """Let tasks that were cancelled end."""
    for _ in range(10):
        if asyncio.all_tasks() <= before:
            return
        await asyncio.sleep(0)


async def test_a_client_that_goes_away_before_the_first_word_leaves_nothing_behind() -> None:
    stage = Stage()
    app, run = stage.app(), await stage.start()
    task = asyncio.create_task(ask(app, f"/runs/{run}/events"))
    while stage.streams.open == 0:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert stage.streams.open == 0
    await stage.end()


async def test_the_run_goes_on_when_nobody_watches_it_any_more() -> None:
    stage = Stage()
    app, run = stage.app(), await stage.start()
    listener = Listener(app, f"/runs/{run}/events")
    await listener.until("event: read")
    await listener.leave()
    await stage.end()

    record = await stage.merchant.ledger.run(run)
    assert record is not None
    assert record.outcome == "ok"


async def test_too_many_watchers_are_told_to_come_later_and_those_who_watch_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "STREAMS_MAX", 2)
    stage = Stage()
    app, run = stage.app(), await stage.start()
    path = f"/runs/{run}/events"
    listeners = [Listener(app, path) for _ in range(2)]
    for listener in listeners:
        await listener.until("event: read")

    refused = await ask(app, path)
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    await listeners[0].leave()
    await stage.end()
    assert (await ask(app, path)).status == 200
    assert told((await listeners[1].end()).body)[-1][1] == "ended"
    assert stage.streams.open == 0


async def test_a_run_of_another_process_is_told_to_have_ended_whatever_was_seen_of_it() -> None:
    stage = Stage()
    app = stage.app()
    for outcome in ("ok", "interrupted"):
        record = RunRecord(
            id=outcome, kind="sync", trigger="api", started_at=NOON, finished_at=NOON,
            outcome=outcome,
        )  # fmt: skip
        await stage.merchant.ledger.commit(Commit(run=record))

    for outcome in ("ok", "interrupted"):
        path = f"/runs/{outcome}/events"
        heard = await ask(app, path, headers={"Last-Event-ID": "4"})
        [(_, name, data)] = told(heard.body)
        assert (name, data["run"], data["outcome"]) == ("ended", outcome, outcome)
    assert stage.streams.open == 0


async def test_a_run_that_nobody_here_can_tell_of_is_not_found() -> None:
    stage = Stage()
    app = stage.app()
    record = RunRecord(id="elsewhere", kind="sync", trigger="command", started_at=NOON)
    await stage.merchant.ledger.commit(Commit(run=record))

    for run, text in (("nothing", "no run is called"), ("elsewhere", "not one that this process")):
        heard = await ask(app, f"/runs/{run}/events")
        assert heard.status == 404
        assert text in json.loads(heard.body)["error"]
    assert stage.streams.open == 0
