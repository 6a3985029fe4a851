"""Books that went back in time are noticed, frozen, and taken up again by a person."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stocksync.contracts.ledger import Commit, RunRecord
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.stock import ListingRecord
from stocksync.errors import LedgerFrozen
from stocksync.ledger import witness
from stocksync.ledger.migrations import migrate
from stocksync.ledger.sql import open_ledger
from stocksync.ledger.witness import Witness
from tests.contract.postgres import empty_database
from tests.integration.cli_kit import Merchant

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
FROZEN = "the books are frozen"


def restore(subject: Merchant, copy: Path) -> None:
    """Put a copy in the place of the books, as deploy/README.md says."""
    for name in ("stocksync.db", "stocksync.db-wal", "stocksync.db-shm"):
        (subject.folder / name).unlink(missing_ok=True)
    shutil.copy(copy, subject.folder / "stocksync.db")


def restored(subject: Merchant) -> list[tuple[object, ...]]:
    """Sell and sync after a backup, and restore it; return the books of the backup."""
    subject.agreed()
    copy = subject.folder / "copy.db"
    subject.run("backup", str(copy))
    subject.shops["shop"].sell("MUG", 2)
    subject.run("sync")
    assert {shop.quantity("MUG") for shop in subject.shops.values()} == {8}
    restore(subject, copy)
    return movements(subject)


def movements(subject: Merchant) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(subject.folder / "stocksync.db")) as books:
        return books.execute(
            "SELECT kind, sku, source, destination, units FROM movements ORDER BY number"
        ).fetchall()


class Busy(Witness):
    """A witness beside which another process commits just before this one reads it."""

    def read(self) -> int | None:
        if self.path in _COMMIT:
            _COMMIT.pop(self.path)()
        return super().read()


_COMMIT: dict[Path, Callable[[], object]] = {}


async def test_books_that_another_process_writes_while_they_are_opened_are_not_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "books.db"
    migrate(f"sqlite:///{file}")
    books = await open_ledger(f"sqlite:///{file}", now=lambda: NOON)
    record = ListingRecord(store=StoreId("a"), listing=ListingId("x"))
    await books.commit(Commit(records=[record]))

    def commit() -> None:
        with closing(sqlite3.connect(file)) as other:
            [(number,)] = other.execute(
                "UPDATE installation SET generation = generation + 1 RETURNING generation"
            ).fetchall()
            other.commit()
        Witness(tmp_path / "books.db.witness").keep(number)

    _COMMIT[tmp_path / "books.db.witness"] = commit
    monkeypatch.setattr(witness, "Witness", Busy)
    again = await open_ledger(f"sqlite:///{file}", now=lambda: NOON)
    assert again.frozen == ""
    assert _COMMIT == {}
    await books.aclose()
    await again.aclose()


@pytest.mark.parametrize(
    "words",
    [
        ("sync",),
        ("serve",),
        ("stock", "set", "MUG", "5"),
        ("stock", "adjust", "MUG", "+1", "--reason", "found"),
        ("stock", "import", "stock.csv"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_nothing_is_booked_or_sent_and_the_way_out_is_said(
    two_stores: Merchant, words: tuple[str, ...]
) -> None:
    before = restored(two_stores)
    writes = [len(shop.writes) for shop in two_stores.shops.values()]
    two_stores.write("stock.csv", "sku,on_hand\nMUG,3\n")
    given = [str(two_stores.folder / at) if at.endswith(".csv") else at for at in words]
    result = two_stores.run(*given, expect=2)
    assert FROZEN in result.output
    assert "stocksync ledger accept-restore" in result.output
    assert movements(two_stores) == before
    assert [len(shop.writes) for shop in two_stores.shops.values()] == writes


@pytest.mark.parametrize(
    "words",
    [("stock", "list"), ("history", "MUG"), ("holds", "list"), ("ledger", "verify"), ("runs",)],
    ids=" ".join,
)
def test_reading_goes_on(two_stores: Merchant, words: tuple[str, ...]) -> None:
    restored(two_stores)
    result = two_stores.run(*words)
    assert FROZEN not in result.output


def test_accepted_books_meet_every_listing_anew_and_the_orders_say_what_was_sold(
    two_stores: Merchant,
) -> None:
    before = restored(two_stores)
    refused = two_stores.run("ledger", "accept-restore", expect=2)
    assert "--yes" in refused.output
    two_stores.run("sync", expect=2)
    accepted = two_stores.answer("ledger", "accept-restore", "--yes")
    assert accepted["listings"] == 6
    two_stores.run("sync")
    told = movements(two_stores)
    assert told[: len(before)] == before
    assert told[len(before) :] == [("sale", "MUG", "loc:main", "sold:shop", 2)]
    assert {shop.quantity("MUG") for shop in two_stores.shops.values()} == {8}
    assert two_stores.answer("stock", "show", "MUG")["on_hand"] == 8
    two_stores.run("sync")
    assert movements(two_stores) == told
    assert two_stores.answer("ledger", "verify")["sound"]


def without_orders(subject: Merchant) -> None:
    text = subject.config.read_text()
    subject.config.write_text(text.replace('"platform":', '"orders": false, "platform":'))


def test_without_orders_nothing_is_booked_and_a_person_decides(two_stores: Merchant) -> None:
    without_orders(two_stores)
    before = restored(two_stores)
    two_stores.run("ledger", "accept-restore", "--yes")
    two_stores.run("sync", expect=3)
    assert movements(two_stores) == before
    assert {shop.quantity("MUG") for shop in two_stores.shops.values()} == {8}
    two_stores.run("stock", "set", "MUG", "8")
    two_stores.run("sync")
    two_stores.run("sync")
    assert two_stores.answer("holds", "list") == []
    assert len(movements(two_stores)) == len(before) + 1
    assert {shop.quantity("MUG") for shop in two_stores.shops.values()} == {8}


def test_books_that_lie_where_they_lay_are_never_frozen(two_stores: Merchant) -> None:
    two_stores.agreed()
    copy = two_stores.folder / "copy.db"
    two_stores.run("backup", str(copy))
    restore(two_stores, copy)
    two_stores.run("sync")
    refused = two_stores.run("ledger", "accept-restore", "--yes", expect=2)
    assert "nothing to accept" in refused.output
    two_stores.run("ledger", "accept-restore", "--yes", "--moved")


def test_a_lost_witness_is_said_in_the_log_and_begins_anew(two_stores: Merchant) -> None:
    two_stores.agreed()
    witness = two_stores.folder / "stocksync.db.witness"
    number = int(witness.read_text())
    assert number > 0
    witness.unlink()
    result = two_stores.run("stock", "set", "MUG", "4")
    assert "no witness here yet" in result.output
    assert int(witness.read_text()) == number + 1


def test_empty_books_begin_anew_beside_an_old_witness(two_stores: Merchant) -> None:
    two_stores.agreed()
    blank = two_stores.folder / "blank.db"
    migrate(f"sqlite:///{blank}")
    restore(two_stores, blank)
    two_stores.run("stock", "list")
    two_stores.opened()
    assert int((two_stores.folder / "stocksync.db.witness").read_text()) == 1


def listing(version: int) -> Commit:
    record = ListingRecord(
        store=StoreId("a"), listing=ListingId("x"), sku=Sku("x"), version=version
    )
    return Commit(records=[record])


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_books_that_go_back_while_they_are_open_freeze_before_the_next_commit(
    kind: str, tmp_path: Path
) -> None:
    if kind == "postgres":
        with empty_database() as url:
            await expect_frozen(url, tmp_path)
    else:
        await expect_frozen(f"sqlite:///{tmp_path}/books.db", tmp_path)


async def expect_frozen(url: str, folder: Path) -> None:
    migrate(url)
    witness = folder / "witness"
    ledger = await open_ledger(url, now=lambda: NOON, witness=witness)
    for version in range(3):
        await ledger.commit(listing(version))
    assert int(witness.read_text()) == 3
    with ledger._database.writing() as connection:
        connection.exec_driver_sql("UPDATE installation SET generation = 1")
    with pytest.raises(LedgerFrozen, match="number 1, but 3"):
        await ledger.commit(listing(3))
    run = RunRecord(id="r", kind="sync", trigger="t", started_at=NOON)
    with pytest.raises(LedgerFrozen):
        await ledger.commit(Commit(run=run))
    assert (await ledger.records(StoreId("a")))[ListingId("x")].version == 3
    await ledger.aclose()
    again = await open_ledger(url, now=lambda: NOON, witness=witness)
    assert "frozen" in again.frozen
    assert await again.accept_restore(Commit()) == 1
    assert again.frozen == ""
    await again.commit(listing(4))
    await again.aclose()
    assert int(witness.read_text()) == 5
    assert (await open_reading(url, witness)) == ""


async def open_reading(url: str, witness: Path) -> str:
    ledger = await open_ledger(url, now=lambda: NOON, witness=witness)
    await ledger.aclose()
    return ledger.frozen
