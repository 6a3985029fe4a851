"""One runner at a time: nothing is sent that may arrive late, or committed without a lease."""

import ast
import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from stocksync.connectors.pacing import HttpLimits
from stocksync.contracts.connector import WriteResult
from stocksync.contracts.ledger import IntentState, Lease
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction
from stocksync.engine import work
from stocksync.engine.context import Store
from stocksync.engine.report import StoreReport
from stocksync.engine.tenure import (
    LEASE_SECONDS,
    REQUEST_SECONDS,
    SPARE_SECONDS,
    Tenure,
)
from stocksync.errors import LedgerUnavailable
from tests.world import World, world

ENGINE = Path(__file__).parents[2] / "stocksync" / "engine"
A = StoreId("a")

#: Commits that are about no one store: the row of a run, a person's decision, a person's count,
#: and books that a person accepts.
WITHOUT_LEASE = {
    "sync.py": 3,
    "stocktake.py": 1,
    "decisions.py": 1,
    "restore.py": 1,
}


class Seconds:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 500.0

    def __call__(self) -> float:
        return self.now


def test_every_commit_of_the_engine_carries_a_lease_except_the_named_ones() -> None:
    bare: dict[str, int] = {}
    for file in sorted(ENGINE.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) != "Commit":
                continue
            if "lease" not in {keyword.arg for keyword in node.keywords}:
                bare[file.name] = bare.get(file.name, 0) + 1
    assert bare == WITHOUT_LEASE


def test_no_connector_lets_a_request_take_longer_than_the_lease_reckons_with() -> None:
    assert HttpLimits().deadline_seconds <= REQUEST_SECONDS
    for file in (ENGINE.parent / "connectors").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "deadline_seconds=" not in text, f"{file.name} sets another deadline"


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        (0.0, True),
        (LEASE_SECONDS - REQUEST_SECONDS - SPARE_SECONDS, True),
        (LEASE_SECONDS - REQUEST_SECONDS - SPARE_SECONDS + 0.001, False),
        (LEASE_SECONDS, False),
    ],
)
def test_a_request_begins_only_if_it_must_end_before_the_lease(at: float, *, allowed: bool) -> None:
    tenure = Tenure()
    tenure.renewed(0.0)
    assert tenure.may_begin(at) is allowed


def test_a_lease_that_was_lost_or_never_had_allows_nothing() -> None:
    tenure = Tenure()
    assert not tenure.may_begin(-1e9)
    tenure.renewed(0.0)
    tenure.lost()
    assert not tenure.may_begin(0.0)
    assert tenure.left(0.0) == 0.0


async def due() -> tuple[World, Seconds]:
    """A store that has to be written, under a clock that stands still."""
    at = world({"a": {"MUG": 7}, "b": {"MUG": 9}})
    await at.count(MUG=9)
    seconds = Seconds()
    object.__setattr__(at.context, "monotonic", seconds)
    return at, seconds


async def test_a_write_that_would_be_too_late_is_not_sent_and_stays_due() -> None:
    at, seconds = await due()
    shop = at.shops[A]
    honest = shop.read

    async def slow(listings: Sequence[ListingId]) -> object:
        seconds.now += 29
        return await honest(listings)

    shop.read = slow  # type: ignore[assignment,method-assign]
    run = await at.sync()
    assert shop.written == []
    report = at.report(run, "a")
    assert report["outcome"] == "failed"
    assert "not sent" in str(report["error"])
    [intent] = await at.ledger.writes(A, ListingId("MUG"), 9)
    assert (intent.state, "not sent" in intent.detail) == (IntentState.SUPERSEDED, True)
    assert [record.listing for record in await at.ledger.due(A)] == ["MUG"]
    del shop.read
    await at.sync()
    assert shop.written == [("MUG", 9)]


async def test_a_write_in_time_is_sent() -> None:
    at, seconds = await due()
    seconds.now += 1e6
    await at.sync()
    assert at.shops[A].written == [("MUG", 9)]


async def test_a_write_that_outlasts_the_lease_is_cut_off_and_questioned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Tenure, "left", lambda _self, _at: 0.0)
    at, _ = await due()

    async def hangs(corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        await asyncio.Event().wait()
        raise AssertionError(corrections)

    at.shops[A].write = hangs  # type: ignore[method-assign]
    run = await at.sync("a")
    assert at.report(run, "a")["unknown"] != 0
    [intent, *_] = await at.ledger.intents(A, (IntentState.UNKNOWN,))
    assert "cut off" in intent.detail


class Renewing:
    """What a job sees of its lease while the clocks do as told."""

    def __init__(self, at: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = at
        self.store: Store = at.context.stores[A]
        self.until: list[object] = []
        self.answers: list[object] = []
        monkeypatch.setattr(at.ledger, "renew", self.renew)
        monkeypatch.setattr(work, "RENEW_SECONDS", 0.0)
        monkeypatch.setattr(work, "RETRY_SECONDS", 0.0)

    async def renew(self, lease: Lease, *, until: object) -> bool:
        self.until.append(until)
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    async def job(self, times: int) -> StoreReport:
        report = StoreReport(store=A)

        async def wait(_lease: Lease) -> None:
            while len(self.until) < times:
                await asyncio.sleep(0)

        await work.at_store(self.at.context, self.store, report, "pull", wait)
        return report


async def test_a_clock_that_is_set_meanwhile_neither_gives_the_lease_away_nor_keeps_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for jump in (-3600, 3600):
        at, seconds = await due()
        began = at.clock.moment
        renewing = Renewing(at, monkeypatch)
        job = asyncio.create_task(renewing.job(2))
        while not renewing.until:
            await asyncio.sleep(0)
        at.clock.pass_(jump)
        seconds.now += 20
        report = await job
        assert report.outcome == "ok"
        assert renewing.until[0] == began + timedelta(seconds=LEASE_SECONDS)
        last = began + timedelta(seconds=LEASE_SECONDS + 20)
        assert renewing.until[-1] in (renewing.until[0], last)


async def test_a_database_that_is_away_for_a_moment_costs_no_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at, _ = await due()
    renewing = Renewing(at, monkeypatch)
    renewing.answers = [LedgerUnavailable("locked"), LedgerUnavailable("locked")]
    assert (await renewing.job(4)).outcome == "ok"


async def test_a_lease_that_somebody_took_lets_nothing_be_sent_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at, _ = await due()
    renewing = Renewing(at, monkeypatch)
    renewing.answers = [False]
    seen: list[bool] = []

    async def wait(_lease: Lease) -> None:
        seen.append(renewing.store.tenure.may_begin(at.context.monotonic()))
        while not renewing.until:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append(renewing.store.tenure.may_begin(at.context.monotonic()))

    await work.at_store(at.context, renewing.store, StoreReport(store=A), "push", wait)
    assert seen == [True, False]


@pytest.mark.parametrize("jump", [-3600, 3600])
async def test_a_clock_that_jumps_in_the_middle_of_a_write_loses_and_invents_nothing(
    jump: int,
) -> None:
    at = world({"a": {"MUG": 10}, "b": {"MUG": 10}})
    await at.count(MUG=10)
    await at.sync()
    shop = at.shops[A]
    honest = shop.write

    async def jumping(corrections: Sequence[Correction]) -> Sequence[WriteResult]:
        at.clock.pass_(jump)
        return await honest(corrections)

    shop.write = jumping  # type: ignore[method-assign]
    at.sell("b", "MUG", 3)
    run = await at.sync()
    assert run.outcome == "ok"
    assert (at.shows("a"), at.shows("b")) == ({"MUG": 7}, {"MUG": 7})
    assert await at.on_hand("MUG") == 7
    before = len(shop.written)
    assert (await at.sync()).outcome == "ok"
    assert len(shop.written) == before
