"""The demo as a person runs it, and its proof held to being able to fail."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from stocksync import bootstrap
from stocksync.cli.demo_proof import StoreProof, all_wrong, compare
from stocksync.cli.demo_story import Story
from stocksync.cli.demo_world import Clock, World, fake_world
from stocksync.domain.identifiers import StoreId
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.shoppers import Shoppers

SHORT = ("--skus", "40", "--seconds", "0.3")
STORES = ("shop", "trade", "web", "site", "print")


def run_demo(*words: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    """Run the real command; whatever it keeps is kept in `temporary`."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "stocksync", "demo", *SHORT, *words],
        env={**os.environ, "TMPDIR": str(temporary), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
        check=False,
    )


@dataclass
class Stage:
    """A world whose stores all agree with the books, and the story that brought them there."""

    world: World
    story: Story

    async def compare(self) -> dict[StoreId, StoreProof]:
        return await compare(self.story.context, self.world)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock = Clock()
    async with (
        fake_world(tmp_path, skus=40, seed=3, port=0) as world,
        bootstrap.opened(world.plan) as context,
    ):
        story = Story(
            world=world,
            context=replace(context, now=clock),
            clock=clock,
            shoppers=Shoppers(world.catalogue.shops, Random(3)),
            seconds=0.1,
            tell=lambda _title, _text: None,
            busy=lambda _doing: None,
        )
        await story.count_the_shelves()
        await story.meet_the_stores()
        yield Stage(world, story)


@pytest.mark.slow
def test_the_demo_ends_by_itself_with_a_proof_that_holds(tmp_path: Path) -> None:
    done = run_demo(temporary=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the proof holds" in done.stdout
    assert "sums, balances and seals are sound" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_demo_answers_with_one_document_that_counts_every_unit(tmp_path: Path) -> None:
    done = run_demo("--json", "--keep", temporary=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["ok"] is True
    assert document["ledger"]["sound"] is True
    assert document["differing"] == []
    assert tuple(store["store"] for store in document["stores"]) == STORES
    assert document["quiet_sync"]["corrections"] == document["quiet_sync"]["movements"] == 0
    for store in document["stores"]:
        raced = sum(at["shows"] - at["wanted"] for at in store["raced"])
        assert store["sold"] - store["returned"] == store["booked"] + raced
        assert store["wrong"]["now"] == 0
    assert sum(store["sold"] for store in document["stores"]) > 0
    assert sum(store["wrong"]["at first"] for store in document["stores"]) > 0
    assert (Path(document["folder"]) / "stocksync.db").is_file()


async def test_after_the_first_sync_every_listing_shows_its_target(stage: Stage) -> None:
    proofs = await stage.compare()
    assert all_wrong(proofs) == []
    assert {str(store) for store in proofs} == set(STORES)
    assert all(proof.matched for proof in proofs.values())


async def test_the_proof_names_a_listing_that_somebody_changed(stage: Stage) -> None:
    sku, shop = next(iter(stage.world.catalogue.opening)), stage.world.catalogue.shops["trade"]
    shown = shop.quantity(sku) or 0
    shop.set_quantity(sku, shown + 7)
    [wrong] = all_wrong(await stage.compare())
    assert (wrong.store, wrong.sku, wrong.shows, wrong.wanted) == ("trade", sku, shown + 7, shown)


async def test_the_proof_names_a_switch_that_somebody_turned(stage: Stage) -> None:
    item = stage.world.catalogue.shops["print"].item("PRINT-2")
    item.active = False
    [wrong] = all_wrong(await stage.compare())
    assert (wrong.store, wrong.listing, wrong.shows, wrong.wanted) == ("print", "product:2", 0, 1)


async def test_the_proof_misses_a_sale_that_the_books_never_heard_of(stage: Stage) -> None:
    sku, shop = next(iter(stage.world.catalogue.opening)), stage.world.catalogue.shops["site"]
    shown = shop.quantity(sku) or 0
    shop.sell(sku, 2)
    shop.set_quantity(sku, shown)
    proof = (await stage.compare())[StoreId("site")]
    assert not proof.wrong
    assert not proof.raced
    [missed] = proof.missed
    assert (missed.sku, missed.shows, missed.wanted) == (sku, 2, 0)
    assert not proof.holds


async def test_a_sale_overwritten_by_our_own_write_is_told_apart(stage: Stage) -> None:
    sku = next(iter(stage.world.catalogue.opening))
    shops = stage.world.catalogue.shops
    shops["shop"].sell(sku, 1)
    web = shops["web"]
    write = web.write

    def sell_first(item: object, value: object) -> None:
        # The store sells in the instant between our last look and our write.
        web.sell(sku, 1)
        write(web.item(sku), value)

    web.write = sell_first  # type: ignore[method-assign]
    await stage.story.sync("test")
    web.write = write  # type: ignore[method-assign]
    proof = (await stage.compare())[StoreId("web")]
    assert not proof.missed
    [raced] = proof.raced
    assert (raced.sku, raced.shows, raced.wanted) == (sku, 1, 0)


async def test_a_write_that_was_refused_once_is_carried_out_before_the_end(stage: Stage) -> None:
    sku = next(iter(stage.world.catalogue.opening))
    shops = stage.world.catalogue.shops
    shops["shop"].sell(sku, 1)
    shops["site"].faults.next(Fault.NOT_TAKEN, method="PUT")
    await stage.story.settle()
    assert shops["site"].faults.met == [Fault.NOT_TAKEN]
    assert all_wrong(await stage.compare()) == []
