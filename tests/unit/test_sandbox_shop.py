"""A fake store's own state: what buyers see, what they can buy, what is put down about it."""

import ast
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from stocksync import sandbox
from stocksync.sandbox.items import Location
from stocksync.sandbox.shop import Shop, UnknownCode, Write


def ticking() -> Iterator[datetime]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return (start + timedelta(seconds=seconds) for seconds in count())


def test_the_sandbox_knows_nothing_of_the_rest_of_the_house() -> None:
    folder = Path(str(sandbox.__file__)).parent
    imported = {
        name
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    allowed = sys.stdlib_module_names | {"starlette", "uvicorn"}
    foreign = {name for name in imported if name.split(".")[0] not in allowed}
    assert foreign
    assert {name for name in foreign if not name.startswith("stocksync.sandbox")} == set()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (5, 5),
        ("5.0", 5),
        ("-3", -3),
        (4.0, 4),
        ("2.5", None),
        (2.5, None),
        ("", None),
        (None, None),
        (True, None),
        (" 5 ", None),
    ],
)
def test_a_buyer_sees_only_whole_numbers(raw: object, shown: int | None) -> None:
    shop = Shop("b2bwave")
    shop.add("A", raw)

    assert shop.quantity("A") == shown


def test_what_is_not_tracked_shows_no_quantity() -> None:
    shop = Shop("b2bwave")
    shop.add("A", 5, quantity_monitor=False)
    shop.add("B", 5, is_option_stock=True)
    shop.add("C", 5, is_digital=True)
    shop.add("D", 5, product_type="service")

    assert [shop.quantity(code) for code in "ABCD"] == [None] * 4


def test_an_unknown_code_is_an_error_and_not_zero() -> None:
    with pytest.raises(UnknownCode):
        Shop("b2bwave").quantity("A")


def test_buyers_get_what_is_there_and_no_more() -> None:
    shop = Shop("recplus")
    shop.add("A", 2)

    assert [shop.sell("A", 3), shop.sell("A", 1)] == [2, 0]
    assert shop.quantity("A") == 0
    assert shop.sold["A"] == 2


def test_a_backorder_goes_below_zero() -> None:
    shop = Shop("b2bwave")
    shop.add("A", 2, can_backorder=True)

    assert shop.sell("A", 5) == 5
    assert shop.quantity("A") == -3


def test_an_untracked_thing_sells_without_a_number_and_a_number_that_is_none_does_not() -> None:
    shop = Shop("b2bwave")
    shop.add("ENDLESS", 0, quantity_monitor=False)
    shop.add("FRACTION", "2.5")

    assert shop.sell("ENDLESS", 4) == 4
    assert shop.sell("FRACTION", 1) == 0
    assert shop.sold.total() == 0
    assert len(shop.orders) == 1


def test_a_sale_keeps_the_way_the_store_writes_its_numbers() -> None:
    shop = Shop("b2bwave")
    shop.add("A", "5.0")

    shop.sell("A", 2)

    assert shop.item("A").quantity == "3.0"


def test_a_sale_becomes_an_order_with_the_injected_time_and_the_next_number() -> None:
    times = ticking()
    shop = Shop("simvoly", now=lambda: next(times), first_order_id=500)
    shop.add("A", 5)

    shop.sell("A", 2)
    shop.sell("A", 1)

    assert [(order.order_id, order.units) for order in shop.orders] == [(500, 2), (501, 1)]
    assert shop.orders[0].placed_at < shop.orders[1].placed_at


def test_a_cancelled_order_puts_its_units_back_once() -> None:
    shop = Shop("simvoly")
    shop.add("A", 5)
    shop.sell("A", 2)

    for _ in range(2):
        shop.cancel(shop.orders[0].order_id)

    assert shop.quantity("A") == 5
    assert shop.returned["A"] == 2


def test_an_edit_in_the_admin_is_neither_a_sale_nor_an_api_write() -> None:
    shop = Shop("recplus")
    shop.add("A", 5)

    shop.set_quantity("A", 40)

    assert shop.quantity("A") == 40
    assert shop.orders == []
    assert shop.writes == []


def test_a_sale_is_taken_from_a_place_so_that_the_total_stays_their_sum() -> None:
    shop = Shop("b2bwave")
    places = [Location(location_id=n, code=f"P{n}", quantity=10) for n in (1, 2)]
    item = shop.add("A", 20, locations=places)

    shop.sell("A", 3)

    assert item.quantity == 17
    assert [place.quantity for place in places] == [7, 10]


def test_duplicates_are_all_found_and_the_first_one_is_meant() -> None:
    shop = Shop("b2bwave")
    first, second = shop.add("A", 1), shop.add("A", 9)

    shop.set_quantity("A", 4)

    assert shop.find("A") == [first, second]
    assert (first.quantity, second.quantity) == (4, 9)


def test_changes_inside_untouched_are_undone() -> None:
    shop = Shop("recplus")
    item = shop.add("A", 5)

    with shop.untouched():
        shop.write(item, 99)
        shop.add("B", 1)
        assert shop.quantity("A") == 99

    assert shop.on_hand() == {"A": 5}
    assert shop.writes == []


def test_a_write_is_put_down_with_what_was_there_before() -> None:
    shop = Shop("recplus")

    shop.write(shop.add("A", 5), 7)

    assert shop.writes == [Write("A", 5, 7)]


def test_listings_notice_what_is_added_removed_and_renamed() -> None:
    shop = Shop("recplus")
    shop.add("A", 1)
    shop.add("B", 2)
    assert [item.code for group in shop.products() for item in group] == ["A", "B"]

    shop.add("C", 3, at=0)
    shop.remove("A")
    shop.rename("B", "D")

    assert [item.code for group in shop.products() for item in group] == ["C", "D"]
    assert shop.find("A") == []
