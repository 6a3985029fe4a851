"""The real process is killed under load, and not one sale is lost, doubled or made up."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from stocksync.contracts.ledger import IntentState
from stocksync.domain.identifiers import Sku
from stocksync.domain.movements import Account
from stocksync.ledger.sql import SqlLedger
from tests.contract.postgres import migrated_database
from tests.e2e.kill_kit import FOLLOWERS, Massacre, Night, Unknowable, massacre, unknowable
from tests.e2e.nursery_kit import nursery_of

KILLS = int(os.environ.get("KILLS", "30"))
SEED = int(os.environ.get("SEED", "4"))
DATABASE = os.environ.get("DATABASE", "sqlite")
#: Stores are read longer the more was sold: many nights show more than a long one.
NIGHT = 50
#: Other kinds of nights get so many kills altogether.
FEWER = max(5, KILLS // 6)
QUIET_SECONDS = 60.0


def nights(kills: int) -> list[tuple[int, int]]:
    """Cut so many kills into nights: a seed for each, and its kills."""
    starts = range(0, kills, NIGHT)
    return [(SEED + number, min(NIGHT, kills - at)) for number, at in enumerate(starts)]


LONG = pytest.mark.parametrize(("seed", "kills"), nights(KILLS))
SHORT = pytest.mark.parametrize(("seed", "kills"), nights(FEWER))


async def agree(subject: Massacre) -> None:
    """Run the service over quiet stores until books, stores and truth agree."""
    ends_at = time.monotonic() + QUIET_SECONDS
    async with subject.service.running() as process:
        while not await subject.settled():
            assert time.monotonic() < ends_at, await subject.story()
            await asyncio.sleep(0.2)
        process.terminate()
        _, errors = await process.communicate()
    assert b"Traceback" not in errors


async def night_of(subject: Massacre, kills: int) -> int:
    """Let a night pass: agree, kill the program while people buy, agree again; return the sales."""
    folder = subject.service.folder
    async with nursery_of(folder) as nursery:
        await subject.agree(nursery)
        done = asyncio.Event()
        people = asyncio.create_task(subject.shop_until(done))
        began = time.monotonic()
        subject.slow_down()
        await subject.reap(nursery, kills)
        subject.speed_up()
        each = (time.monotonic() - began) / kills
        done.set()
        sold = await people
        await subject.agree(nursery)
    assert subject.faults == []
    assert subject.kills["killed"] >= kills * 0.6
    assert "Traceback" not in (folder / "killed.log").read_text()
    took = sum(at.before != at.after for at in subject.taken)
    print(f"{dict(subject.kills)}, {sold} sold, {took} numbers written, {each:.2f} s a kill")
    return sold


async def withheld_of(books: SqlLedger, sku: Sku) -> int:
    """Return how many units of a SKU wait for an explanation."""
    waiting = {Account(f"suspense:{name}") for name in FOLLOWERS}
    history = [each.movement for each in await books.history(sku)]
    return sum(
        ((each.destination in waiting) - (each.source in waiting)) * each.units for each in history
    )


@pytest.fixture
def database() -> Iterator[str]:
    """Give the url of migrated books; SQLite's are made by whoever wants them."""
    with migrated_database() if DATABASE == "postgres" else nullcontext("") as url:
        yield url


@LONG
@pytest.mark.timeout(180 + 4 * NIGHT)
async def test_killed_again_and_again_under_load_it_loses_and_invents_nothing(
    tmp_path: Path, database: str, seed: int, kills: int
) -> None:
    async with massacre(tmp_path, seed, database=database) as subject:
        await agree(subject)
        assert await night_of(subject, kills) > kills
        await agree(subject)
        print("0 wrong")


@SHORT
@pytest.mark.timeout(180 + 4 * NIGHT)
async def test_killed_over_postgresql_it_loses_and_invents_nothing(
    tmp_path: Path, seed: int, kills: int
) -> None:
    with migrated_database() as url:
        async with massacre(tmp_path, seed, database=url) as subject:
            assert await night_of(subject, kills) > kills


@SHORT
@pytest.mark.timeout(180 + 4 * NIGHT)
async def test_killed_while_the_last_units_sell_it_owes_what_was_sold_twice_and_no_more(
    tmp_path: Path, database: str, seed: int, kills: int
) -> None:
    night = Night(on_hand=6, delivered=5)
    async with massacre(tmp_path, seed, night, database=database) as subject:
        await night_of(subject, kills)
        left = subject.truth().values()
        print(f"{sum(units <= 0 for units in left)} of {len(left)} sold out, {min(left)} at worst")
        assert min(left) <= 0, "nothing was sold out in this night"


@SHORT
@pytest.mark.timeout(180 + 4 * NIGHT)
async def test_killed_while_each_unit_is_in_one_store_only_it_sells_none_twice(
    tmp_path: Path, database: str, seed: int, kills: int
) -> None:
    night = Night(on_hand=8, delivered=2, mode="allocated")
    async with massacre(tmp_path, seed, night, database=database) as subject:
        await night_of(subject, kills)
        left = subject.truth().values()
        print(f"{sum(units == 0 for units in left)} of {len(left)} sold out, {min(left)} at worst")
        assert min(left) >= 0


@SHORT
@pytest.mark.timeout(180 + 4 * NIGHT)
async def test_killed_without_orders_it_loses_only_what_was_sold_between_look_and_write(
    tmp_path: Path, database: str, seed: int, kills: int
) -> None:
    """A level can not tell more: what our write replaced, and what it means when none answered."""
    async with massacre(tmp_path, seed, Night(orders=False), database=database) as subject:
        assert await night_of(subject, kills) > kills
        async with subject.books() as books:
            intents = await books.intents(None, tuple(IntentState))
            withheld = {sku: await withheld_of(books, sku) for sku in await books.skus()}
        missing, believed = unknowable(subject.taken, intents), await subject.believed()
        off = Counter[str]()
        for sku, waiting in withheld.items():
            blind = missing.get(sku, Unknowable())
            there = subject.truth()[sku] + blind.lost
            least, most = believed[sku] - blind.doubtful, believed[sku] + waiting + blind.doubtful
            assert least <= there <= most, (sku, there, believed[sku], waiting, blind)
            sold = subject.opening[sku] - subject.truth()[sku]
            assert waiting <= 2 * sold + blind.doubtful, "a doubt must not feed itself"
            off.update(
                {"lost": blind.lost, "withheld": waiting, "wrong": abs(there - believed[sku])}
            )
        print(f"units {dict(off)}")


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
        assert set(subject.shown()[code]) == {subject.opening[code] - 10}
