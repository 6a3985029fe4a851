"""Accepting restored books: what was withheld comes back, and nothing comes out of nowhere."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from stocksync.contracts.ledger import Commit
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import ListingRecord
from stocksync.engine import restore
from stocksync.errors import LedgerFrozen
from stocksync.ledger.migrations import migrate
from stocksync.ledger.sql import SqlLedger, open_ledger
from tests.unit.feed_kit import MUG, A, FeedShop, feed_of, with_feed
from tests.world import Clock, World


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    migrate(f"sqlite:///{tmp_path}/books.db")
    ledger = await open_ledger(f"sqlite:///{tmp_path}/books.db", now=Clock())
    yield ledger
    await ledger.aclose()


def selling(books: SqlLedger) -> tuple[World, FeedShop]:
    """Stand one store that tells its orders over books in a file."""
    at = World(stores={"a": {"MUG": 10}}, ledger=books)
    for shop in at.shops.values():
        shop.__class__ = FeedShop
        feed_of(at, shop.store).open_orders()
    with_feed(at)
    [name] = at.shops
    return at, feed_of(at, name)


async def test_units_that_waited_for_an_order_are_for_sale_again(books: SqlLedger) -> None:
    at, shop = selling(books)
    await at.count(MUG=10)
    await at.sync()
    shop.buy("MUG", 2, told=False)
    await at.sync()
    assert await at.on_hand("MUG") == 8
    await restore.accept(at.context)
    assert await at.on_hand("MUG") == 10
    shop.tell()
    await at.sync()
    assert await at.on_hand("MUG") == 8


async def test_a_sku_that_the_ledger_never_opened_gets_nothing_back(books: SqlLedger) -> None:
    at, shop = selling(books)
    await at.sync()
    shop.buy("MUG", 2, told=False)
    await at.sync()
    [record] = await books.unexplained(shop.store)
    assert record.suspended == 2
    await restore.accept(at.context)
    assert await at.movements() == 0
    assert await books.levels([MUG]) == {}


async def test_a_runner_notices_what_another_told_the_witness_before_the_books_went_back(
    books: SqlLedger,
) -> None:
    url = f"sqlite:///{books._database.url.database}"
    async with aclosing(await open_ledger(url, now=Clock())) as other:
        await books.commit(listing("x"))
        for name in "abc":
            await other.commit(listing(name))
    with books._database.writing() as connection:
        connection.exec_driver_sql("UPDATE installation SET generation = 2")
    with pytest.raises(LedgerFrozen, match="number 2, but 4"):
        await books.commit(listing("y"))
    assert ListingId("y") not in await books.records(A)


def listing(name: str) -> Commit:
    return Commit(records=[ListingRecord(store=A, listing=ListingId(name))])
