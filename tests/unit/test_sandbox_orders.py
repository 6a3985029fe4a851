"""Fake stores serve orders as their manuals and clients describe them: traps and all."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from stocksync.sandbox.shop import Shop
from tests.unit.sandbox_kit import caller
from tests.world import Clock

NEW_YORK = ZoneInfo("America/New_York")


def shop_of(platform: str) -> tuple[Shop, Clock]:
    clock = Clock()
    shop = Shop(platform, now=clock)
    shop.add("MUG", 20)
    shop.add("TEE", 5)
    return shop, clock


def test_an_order_of_several_codes_takes_what_is_there_of_each() -> None:
    shop, _ = shop_of("recplus")
    order = shop.sell_together([("MUG", 3), ("TEE", 9), ("MUG", 2)])
    assert order is not None
    assert [(line.code, line.units) for line in order.lines] == [("MUG", 3), ("TEE", 5), ("MUG", 2)]
    assert (shop.quantity("MUG"), shop.quantity("TEE")) == (15, 0)
    assert shop.sold == {"MUG": 5, "TEE": 5}
    assert shop.sell_together([("TEE", 1)]) is None
    assert len({line.line_id for line in order.lines}) == 3


def test_a_cart_moves_no_stock_and_tells_nobody_until_it_is_checked_out() -> None:
    shop, clock = shop_of("freewebstore")
    heard: list[int] = []
    shop.order_listeners.append(lambda order: heard.append(order.order_id))
    cart = shop.fill_cart([("MUG", 4)])
    assert (shop.quantity("MUG"), shop.orders, heard) == (20, [], [])
    clock.pass_(60)
    assert shop.check_out(cart.order_id) is cart
    assert (shop.quantity("MUG"), shop.orders, heard) == (16, [cart], [cart.order_id])
    assert cart.placed_at == clock()
    assert not cart.is_cart


@pytest.mark.parametrize("platform", ["recplus", "simvoly"])
async def test_carts_are_nowhere_where_the_manual_has_none(platform: str) -> None:
    shop, _ = shop_of(platform)
    shop.fill_cart([("MUG", 4)])
    path = {"recplus": "/api/v1/orders", "simvoly": "/api/site/orders"}[platform]
    async with caller(shop) as client:
        shown = (await client.get(path)).json()
    assert (shown.get("orders"), shown.get("items")) in (([], None), (None, []))


async def test_rec_orders_are_written_by_the_clock_of_the_shop_and_filtered_by_either() -> None:
    shop, clock = shop_of("recplus")
    clock.moment = datetime(2030, 7, 1, 12, tzinfo=UTC)
    shop.sell("MUG", 1)
    async with caller(shop, time_zone=NEW_YORK) as client:
        seconds = int(clock().timestamp())
        for since, count in (
            (str(seconds), 1),
            (str(seconds + 1), 0),
            ("2030-07-01T08:00:00", 1),
            ("2030-07-01T08:00:01", 0),
        ):
            shown = (await client.get(f"/api/v1/orders?since_timestamp={since}")).json()
            assert shown["total_count"] == len(shown["orders"]) == count
        [order] = (await client.get("/api/v1/orders")).json()["orders"]
    assert order["start_date"] == "2030-07-01T08:00:00"
    assert "lines" not in order


async def test_a_rec_list_shows_lines_if_asked_and_if_it_can() -> None:
    shop, _ = shop_of("recplus")
    shop.sell_together([("MUG", 2), ("TEE", 1)])
    for full in (True, False):
        async with caller(shop, full_lists=full) as client:
            [order] = (await client.get("/api/v1/orders?fields=*")).json()["orders"]
        assert ("lines" in order) is full
        if full:
            kinds = [line["line_type"] for line in order["lines"]]
            assert kinds == ["PRODUCT", "DELIVERY", "PRODUCT", "DELIVERY", "COUPON"]
            assert len({line["id"] for line in order["lines"]}) == len(kinds)


async def test_b2b_orders_begin_at_the_days_of_the_shop_and_hold_its_carts() -> None:
    shop, clock = shop_of("b2bwave")
    clock.moment = datetime(2030, 7, 2, 3, tzinfo=UTC)  # still the first of July in New York
    order = shop.sell_together([("MUG", 1)])
    assert order is not None
    clock.pass_(1)
    cart = shop.fill_cart([("TEE", 2)])
    async with caller(shop, time_zone=NEW_YORK) as client:
        for day, count in (("2030-07-01", 2), ("2030-07-02", 0)):
            shown = (await client.get(f"/api/orders?submitted_at_gteq={day}")).json()
            assert len(shown) == count
        rows = [row["order"] for row in (await client.get("/api/orders")).json()]
        statuses = (await client.get("/api/order_statuses")).json()
    temporary = {row["order_status"]["id"] for row in statuses if row["order_status"]["is_temp"]}
    assert [row["id"] for row in rows if row["status_order_id"] in temporary] == [cart.order_id]
    lines = [row["order_product"] for row in rows[1]["order_products"]]
    assert [line["quantity"] for line in lines] == ["1.0"]


async def test_freewebstore_carts_are_among_all_orders_or_not_and_cannot_be_told_there() -> None:
    shop, _ = shop_of("freewebstore")
    shop.sell("MUG", 1)
    cart = shop.fill_cart([("TEE", 2)])
    for held, count in ((True, 2), (False, 1)):
        async with caller(shop, all_holds_carts=held) as client:
            every = (await client.get("/orders/?status=all")).json()["orders"]
            carts = (await client.get("/orders/?status=cart")).json()["orders"]
            details = (await client.get(f"/order/{cart.order_id}")).json()
        assert len(every) == count
        assert [row["id"] for row in carts] == [str(cart.order_id)] == [details["id"]]


async def test_an_older_freewebstore_answers_an_unknown_status_with_everything() -> None:
    shop, clock = shop_of("freewebstore")
    kept = shop.sell_together([("MUG", 1)])
    clock.pass_(1)
    gone = shop.sell_together([("MUG", 1)])
    assert kept is not None
    assert gone is not None
    shop.cancel(gone.order_id)
    async with caller(shop) as client:
        older = (await client.get("/orders/?status=cancelled")).json()["orders"]
    async with caller(shop, write_shape="core") as client:
        newer = (await client.get("/orders/?status=canceled")).json()["orders"]
    assert {row["id"] for row in older} == {str(kept.order_id), str(gone.order_id)}
    assert newer["found"] == 1
    assert [row["id"] for row in newer["items"]] == [str(gone.order_id)]


async def test_simvoly_orders_are_filtered_by_whole_seconds_at_both_ends() -> None:
    shop, clock = shop_of("simvoly")
    clock.moment += timedelta(milliseconds=900)
    shop.sell("MUG", 1)
    second = int(clock().timestamp())
    async with caller(shop) as client:
        for least, most, count in (
            (second, second, 1),
            (second + 1, second + 9, 0),
            (second - 9, second - 1, 0),
        ):
            url = f"/api/site/orders?created_at_min={least}&created_at_max={most}"
            assert (await client.get(url)).json()["totalCount"] == count


async def test_a_merchant_may_choose_words_of_their_own_for_a_status() -> None:
    shop, _ = shop_of("recplus")
    shop.sell("MUG", 1)
    shop.orders[0].status = "Awaiting Stock"
    async with caller(shop) as client:
        [order] = (await client.get("/api/v1/orders?fields=*")).json()["orders"]
    assert order["status"] == "Awaiting Stock"
    assert {line["status"] for line in order["lines"]} == {"Awaiting Stock"}
