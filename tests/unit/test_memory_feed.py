"""The feed held in a list: by when an order was placed, and by its change if it can see one."""

from dataclasses import replace
from datetime import timedelta

from stocksync.connectors.memory import MemoryConnector, MemoryFeed
from stocksync.contracts.connector import OrderFeed
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.orders import OrderLine
from tests.unit.orders_kit import told
from tests.unit.scripted_store import NOW, now

MUG = ListingId("MUG")
LINE = OrderLine(order="1", line="a", units=2, placed_at=NOW, listing=MUG)


def feed(*sold: OrderLine, sees_changes: bool = False) -> MemoryFeed:
    stock: dict[ListingId, object] = {MUG: 5}
    return MemoryFeed(StoreId("m"), stock, sold=list(sold), now=now, sees_changes=sees_changes)


def test_a_plain_store_in_memory_tells_of_no_orders() -> None:
    plain = MemoryConnector(StoreId("m"), {}, now=now)
    assert not isinstance(plain, OrderFeed)
    assert isinstance(feed(), OrderFeed)


async def test_orders_placed_since_are_told_and_older_ones_are_not() -> None:
    older = replace(LINE, order="0", placed_at=NOW - timedelta(seconds=1))
    connector = feed(older, LINE)
    assert await told(connector, NOW) == [LINE]
    connector.sold.append(replace(LINE, line="b"))
    assert len(await told(connector, NOW)) == 2


async def test_a_change_of_an_old_order_is_found_only_by_a_feed_that_sees_changes() -> None:
    later = NOW + timedelta(hours=1)
    for sees_changes, found in ((True, [LINE]), (False, [])):
        connector = feed(LINE, sees_changes=sees_changes)
        connector.changed_at["1"] = later
        assert connector.sees_changes is sees_changes
        assert await told(connector, later) == found
        assert await told(connector, later + timedelta(seconds=1)) == []


async def test_every_page_is_a_call_and_a_quiet_feed_costs_one() -> None:
    connector = feed(*(replace(LINE, order=str(number)) for number in range(101)))
    assert len(await told(connector, NOW)) == 101
    assert connector.api_calls == 2
    quiet = feed()
    assert await told(quiet, NOW) == []
    assert quiet.api_calls == 1
