"""The real process is killed under load, and not one sale is lost, doubled or made up."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from tests.e2e.kill_kit import Massacre, massacre, nursery_of

KILLS = int(os.environ.get("KILLS", "30"))
SEED = int(os.environ.get("SEED", "4"))
QUIET_SECONDS = 60.0


async def agree(subject: Massacre) -> None:
    """Run the service over quiet stores until books, stores and truth agree."""
    ends_at = time.monotonic() + QUIET_SECONDS
    async with subject.service.running() as process:
        while not await subject.settled():
            assert time.monotonic() < ends_at, subject.story()
            await asyncio.sleep(0.2)
        process.terminate()
        _, errors = await process.communicate()
    assert b"Traceback" not in errors


@pytest.mark.timeout(180 + 4 * KILLS)
async def test_killed_again_and_again_under_load_it_loses_and_invents_nothing(
    tmp_path: Path,
) -> None:
    async with massacre(tmp_path, SEED) as subject:
        await agree(subject)
        done = asyncio.Event()
        people = asyncio.create_task(subject.shop_until(done))
        async with nursery_of(tmp_path) as nursery:
            await subject.reap(nursery, KILLS)
        done.set()
        sold = await people
        await agree(subject)
        assert subject.faults == []
        assert subject.kills["killed"] >= KILLS * 0.7
        assert sold > KILLS
        assert "Traceback" not in (tmp_path / "killed.log").read_text()
        print(f"{dict(subject.kills)}, {sold} units sold, 0 wrong")


async def test_two_sales_around_a_kill_are_both_shown_by_every_store(tmp_path: Path) -> None:
    """The second sale is booked while the first is being written: its mark was once lost there."""
    async with massacre(tmp_path, SEED) as subject:
        await agree(subject)
        code = next(iter(subject.opening))
        shops = subject.service.sandbox.shops
        for sold in (1, 3):
            async with subject.service.running() as process:
                shops["trade"].sell(code, sold)
                process.kill()
                await process.wait()
            shops["web"].sell(code, sold + 1)
            await agree(subject)
        assert subject.truth()[code] == subject.opening[code] - 10
        assert subject.shown()[code] == {subject.opening[code] - 10}
