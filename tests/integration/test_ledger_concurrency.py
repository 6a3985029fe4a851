"""Many at one ledger: nothing is lost, nobody who asks waits, and trouble says what to do."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from stocksync.contracts.ledger import Commit
from stocksync.domain.identifiers import Sku
from stocksync.errors import LedgerBroken, LedgerUnavailable, StaleLevel
from stocksync.ledger import engine
from stocksync.ledger.sql import SqlLedger
from tests.contract.ledger_examples import HERE, MUG, SHOP, listing, opening, sale
from tests.contract.ledger_rigs import Rig, postgres_rig, sqlite_rig
from tests.contract.postgres import run_on
from tests.integration.ledger_worker import COUNTER, count_up

EACH = 60


@pytest.fixture
async def file_rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with sqlite_rig(tmp_path) as rig:
        yield rig


def sql(rig: Rig) -> SqlLedger:
    assert isinstance(rig.ledger, SqlLedger)
    return rig.ledger


def address(rig: Rig) -> str:
    return sql(rig)._database.url.render_as_string(hide_password=False)


def tell_writer(rig: Rig, pragma: str) -> None:
    """Say something to the one connection that writes."""
    with sql(rig)._database._writes.connect() as connection:
        connection.execute(text(pragma))


async def worker(rig: Rig, *arguments: str) -> asyncio.subprocess.Process:
    url = address(rig).replace("+pysqlite", "")
    module = "tests.integration.ledger_worker"
    command = (sys.executable, "-m", module, url, *arguments)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)


async def test_two_processes_at_one_file_lose_nothing(file_rig: Rig) -> None:
    await file_rig.ledger.commit(Commit(records=[listing(COUNTER, baseline=0)]))
    workers = [await worker(file_rig, name, str(EACH)) for name in ("one", "two")]
    for process in workers:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(process.communicate(b"go\n") for process in workers))
    assert [process.returncode for process in workers] == [0, 0], ended
    record = (await file_rig.ledger.records(SHOP))[COUNTER]
    assert (record.baseline, record.version) == (2 * EACH, 2 * EACH + 1)
    assert (await file_rig.ledger.totals())[HERE] == -2 * EACH
    verdict = await file_rig.ledger.verify()
    assert (verdict.movements, verdict.sound) == (2 * EACH, True)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_many_writers_make_one_chain_of_seals(kind: str, tmp_path: Path) -> None:
    async with sqlite_rig(tmp_path) if kind == "sqlite" else postgres_rig() as rig:
        await rig.ledger.commit(Commit(records=[listing(COUNTER, baseline=0)]))
        ledgers = [sql(rig), await rig.another(), await rig.another()]
        tasks = [
            count_up(ledger, f"{at}-{number}")  # type: ignore[arg-type] # it is one of ours
            for at, ledger in enumerate(ledgers)
            for number in range(5)
        ]
        await asyncio.gather(*tasks)
        assert (await rig.ledger.records(SHOP))[COUNTER].baseline == 15
        verdict = await rig.ledger.verify()
        assert (verdict.movements, verdict.sound) == (15, True)


async def test_a_process_that_dies_while_it_writes_leaves_nothing(file_rig: Rig) -> None:
    await file_rig.ledger.commit(Commit(movements=[opening("k1", 5)]))
    process = await worker(file_rig, "dying", "1", "die")
    await process.communicate()
    assert process.returncode == 9
    assert [at.movement.key for at in await file_rig.ledger.history(MUG)] == ["k1"]
    assert await file_rig.ledger.runs() == []
    assert await file_rig.ledger.commit(Commit(movements=[sale("k2", 1)])) == 1
    assert (await file_rig.ledger.verify()).sound


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_who_asks_does_not_wait_for_who_writes(kind: str, tmp_path: Path) -> None:
    async with sqlite_rig(tmp_path) if kind == "sqlite" else postgres_rig() as rig:
        await rig.ledger.commit(Commit(movements=[opening("k1", 5)]))
        with rig.locked():
            asked = [rig.ledger.levels([MUG]) for _ in range(20)]
            assert all(MUG in levels for levels in await asyncio.gather(*asked))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_who_asks_cannot_write(kind: str, tmp_path: Path) -> None:
    async with sqlite_rig(tmp_path) if kind == "sqlite" else postgres_rig() as rig:
        insert = text("INSERT INTO balances (sku, account, units) VALUES ('a', 'b', 1)")
        database = sql(rig)._database
        with pytest.raises(LedgerUnavailable, match="read-only"), database.asking() as asker:
            asker.execute(insert)
        assert await rig.ledger.totals() == {}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_ledger_locked_for_too_long_says_so_and_writes_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOCK_WAIT_SECONDS", 1)
    async with sqlite_rig(tmp_path) if kind == "sqlite" else postgres_rig() as rig:
        with rig.locked(), pytest.raises(LedgerUnavailable, match="keeps it locked"):
            await rig.ledger.commit(Commit(movements=[opening("k1", 5)]))
        assert await rig.ledger.commit(Commit(movements=[opening("k1", 5)])) == 1


async def test_a_full_disk_writes_nothing_and_says_what_to_do(file_rig: Rig) -> None:
    tell_writer(file_rig, "PRAGMA max_page_count = 60")
    many = [opening(f"k{at}", 1, sku=Sku(f"SKU-{at}")) for at in range(2_000)]
    with pytest.raises(LedgerUnavailable, match="disk is full: make room"):
        await file_rig.ledger.commit(Commit(movements=many))
    assert await file_rig.ledger.skus() == []
    tell_writer(file_rig, "PRAGMA max_page_count = 4294967294")
    assert await file_rig.ledger.commit(Commit(movements=many)) == 2_000
    assert (await file_rig.ledger.verify()).sound


async def test_a_read_only_ledger_says_what_to_do(file_rig: Rig) -> None:
    tell_writer(file_rig, "PRAGMA query_only = ON")
    with pytest.raises(LedgerUnavailable, match="read-only: check owner and rights"):
        await file_rig.ledger.commit(Commit(movements=[opening("k1", 1)]))


async def test_no_error_tells_what_was_to_be_written(file_rig: Rig) -> None:
    record = listing("a", title="s3cret")
    await file_rig.ledger.commit(Commit(records=[record]))
    with pytest.raises(StaleLevel) as caught:
        await file_rig.ledger.commit(Commit(records=[record]))
    assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__cause__}"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_row_that_breaks_the_rules_is_no_race(kind: str, tmp_path: Path) -> None:
    async with sqlite_rig(tmp_path) if kind == "sqlite" else postgres_rig() as rig:
        database = sql(rig)._database
        with pytest.raises(LedgerBroken, match="breaks its rules"), database.writing() as writer:
            writer.execute(text("INSERT INTO balances (sku, account) VALUES ('a', 'b')"))
        with pytest.raises(ValueError, match="database cannot keep"):
            await rig.ledger.commit(Commit(movements=[opening("k1", 2**63)]))
        with pytest.raises(LedgerUnavailable, match="missing: run"), database.asking() as asker:
            asker.execute(text("SELECT * FROM elsewhere"))
        assert (await rig.ledger.verify()).movements == 0


async def test_a_question_that_gets_no_connection_says_so(file_rig: Rig) -> None:
    database = sql(file_rig)._database
    # As if the 30 seconds had passed that a question waits for a connection.
    database._questions.pool._timeout = 0  # type: ignore[attr-defined]
    with ExitStack() as stack:
        for _ in range(engine.QUESTIONS_AT_ONCE_MAX):
            stack.enter_context(database.asking())
        with pytest.raises(LedgerUnavailable, match="QueuePool limit"):
            await file_rig.ledger.skus()


def test_postgres_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerUnavailable, match=r"pip install 'stocksync\[postgres\]'"):
        engine.Database("postgresql://localhost/books")


async def test_a_commit_nobody_waits_for_any_more_is_still_all_or_nothing(file_rig: Rig) -> None:
    many = [opening(f"k{at}", 1) for at in range(500)]
    task = asyncio.create_task(file_rig.ledger.commit(Commit(movements=many)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await file_rig.ledger.commit(Commit(movements=many)) in (0, 500)
    assert len(await file_rig.ledger.history(MUG)) == 500
    assert (await file_rig.ledger.verify()).sound


async def test_a_server_that_was_restarted_is_used_again() -> None:
    async with postgres_rig() as rig:
        await rig.ledger.commit(Commit(movements=[opening("k1", 5)]))
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        stop = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"  # noqa: S608
        run_on(address(rig).replace("+psycopg", ""), stop)
        assert await rig.ledger.commit(Commit(movements=[sale("k2", 1)])) == 1
        assert len(await rig.ledger.history(MUG)) == 2
