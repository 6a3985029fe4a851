"""B2B Wave orders: carts among them, days by an unknown clock, and pages that may be ignored."""

from datetime import UTC, datetime, timedelta

import pytest

from stocksync.domain.identifiers import ListingId
from stocksync.domain.orders import OrderLine
from stocksync.errors import UnexpectedResponse
from tests.unit.orders_kit import Json, changed, feed, told, units
from tests.unit.scripted_store import Asked, Said

LINE: Json = {"product_code": "00001", "product_name": "Bag", "quantity": "2.0", "price": "9.50"}
ORDER: Json = {
    "id": 31,
    "submitted_at": "2026-03-02T09:30:15.250Z",
    "status_order_id": 2,
    "status_order_name": "Submitted",
    "order_products": [{"order_product": LINE}],
}
STATUSES = [
    {"order_status": {"id": 1, "name": "Temporary", "is_temp": True}},
    {"order_status": {"id": 2, "name": "Submitted", "is_temp": False}},
    {"order_status": {"id": 9, "name": "Basket of the rep", "is_temp": True}},
]
PLACED = datetime(2026, 3, 2, 9, 30, 15, 250_000, tzinfo=UTC)


class Orders:
    """A shop that pages its orders, wrapped or not, and lists its statuses if it has any."""

    def __init__(self, *orders: Json, statuses: Said | None = None, most: int = 500) -> None:
        self.orders = [{"order": order} for order in orders]
        self.statuses = statuses or Said(STATUSES)
        self.most = most

    def __call__(self, asked: Asked) -> Said:
        if asked.path.endswith("/order_statuses"):
            return self.statuses
        start = (int(asked.query["page"]) - 1) * self.most
        return Said(self.orders[start : start + self.most])


def order(*lines: Json, **fields: object) -> Json:
    wrapped = [{"order_product": line} for line in lines] or ORDER["order_products"]
    return changed(ORDER, **{"order_products": wrapped, **fields})


async def test_a_wrapped_order_is_read_to_the_millisecond() -> None:
    connector, _ = feed("b2bwave", Orders(ORDER))
    assert await told(connector) == [
        OrderLine(order="31", line="code:00001", units=2, placed_at=PLACED, code="00001")
    ]


async def test_a_plain_order_is_read_as_well() -> None:
    plain = changed(ORDER, order_products=[LINE])
    connector, _ = feed("b2bwave", [Said([plain]), Said(STATUSES), Said([])])
    assert units(await told(connector)) == {"code:00001": 2}


async def test_ids_of_lines_and_products_are_used_where_they_are_shown() -> None:
    connector, _ = feed("b2bwave", Orders(order(changed(LINE, id=5, product_id=12))))
    [line] = await told(connector)
    assert (line.line, line.listing, line.code) == ("5", ListingId("12"), "00001")


async def test_a_day_more_is_asked_for_because_nobody_knows_whose_day_it_is() -> None:
    connector, store = feed("b2bwave", Orders())
    await told(connector, datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
    assert [(asked.path, dict(asked.query)) for asked in store.asked] == [
        (
            "/api/orders",
            {
                "paginated": "1",
                "per_page": "500",
                "page": "1",
                "submitted_at_gteq": "2026-03-01",
            },
        )
    ]


async def test_what_was_placed_before_since_is_left_out_to_the_second() -> None:
    rows = [
        order(id=number, submitted_at=f"2026-03-02T09:30:{14 + number}.000Z")
        for number in (2, 1, 0)
    ]
    connector, _ = feed("b2bwave", Orders(*rows))
    lines = await told(connector, datetime(2026, 3, 2, 9, 30, 15, 999_999, tzinfo=UTC))
    assert {line.order for line in lines} == {"2", "1"}


@pytest.mark.parametrize(
    ("shown", "hours"), [("2026-03-02T09:30:15", 5), ("2026-07-02T09:30:15", 4)]
)
async def test_a_time_without_a_zone_is_by_the_clock_of_the_store(shown: str, hours: int) -> None:
    connector, _ = feed("b2bwave", Orders(order(submitted_at=shown)), time_zone="America/New_York")
    [line] = await told(connector)
    as_utc = datetime.fromisoformat(shown).replace(tzinfo=UTC)
    assert line.placed_at == as_utc + timedelta(hours=hours)


@pytest.mark.parametrize(
    "fields",
    [
        {"status_order_id": 1, "status_order_name": "Temporary"},
        {"status_order_id": "9", "status_order_name": "Basket of the rep"},
        {"is_temp": True},
        {"is_temp": "true", "submitted_at": None},
    ],
)
async def test_a_cart_is_no_order_whatever_the_merchant_calls_it(fields: Json) -> None:
    connector, _ = feed("b2bwave", Orders(order(id=30, **fields), ORDER))
    assert {line.order for line in await told(connector)} == {"31"}


@pytest.mark.parametrize("status", [404, 405])
async def test_without_a_list_of_statuses_the_first_is_that_of_carts(status: int) -> None:
    script = Orders(order(id=30, status_order_id=1), ORDER, statuses=Said(status=status))
    connector, _ = feed("b2bwave", script)
    assert {line.order for line in await told(connector)} == {"31"}


@pytest.mark.parametrize(
    ("status", "sold"), [("Cancelled", 0), ("canceled", 0), ("Sent", 2), ("Storno", 2), (None, 2)]
)
async def test_only_the_plain_word_takes_an_order_back(status: object, sold: int) -> None:
    connector, _ = feed("b2bwave", Orders(order(status_order_name=status)))
    assert units(await told(connector)) == {"code:00001": sold}


@pytest.mark.parametrize(("shown", "sold"), [("2.0", 2), ("3", 3), (4, 4), (5.0, 5), ("0.0", 0)])
async def test_a_decimal_quantity_that_is_whole_is_a_number(shown: object, sold: int) -> None:
    connector, _ = feed("b2bwave", Orders(order(changed(LINE, quantity=shown))))
    assert units(await told(connector)) == {"code:00001": sold}


@pytest.mark.parametrize("shown", ["2.5", "", None, "two", -1, "-1.0", True, ...])
async def test_any_other_quantity_raises(shown: object) -> None:
    connector, _ = feed("b2bwave", Orders(order(changed(LINE, quantity=shown))))
    with pytest.raises(UnexpectedResponse, match="order 31 has a quantity"):
        await told(connector)


async def test_equal_lines_are_told_apart_by_position_and_nothing_else_is() -> None:
    lines = [
        changed(LINE, quantity=1),
        changed(LINE, quantity=2, product_code="00001#2"),
        changed(LINE, quantity=3),
        changed(LINE, quantity=4, product_code=None),
    ]
    connector, _ = feed("b2bwave", Orders(order(*lines)))
    assert units(await told(connector)) == {
        "code:00001": 1,
        "code:00001%232": 2,
        "code:00001#2": 3,
        "code:None": 4,
    }


async def test_pages_are_read_to_an_empty_one_however_short_they_are() -> None:
    rows = [order(id=number) for number in range(50, 0, -1)]
    connector, store = feed("b2bwave", Orders(*rows, most=20))
    assert {int(line.order) for line in await told(connector)} == set(range(1, 51))
    assert [asked.query.get("page") for asked in store.asked] == ["1", None, "2", "3", "4"]


async def test_an_order_that_comes_in_between_pages_doubles_none() -> None:
    shop = Orders(*(order(id=number) for number in range(50, 0, -1)), most=20)

    def script(asked: Asked) -> Said:
        if asked.query.get("page") == "2":
            shop.orders.insert(0, {"order": order(id=len(shop.orders) + 1)})
        return shop(asked)

    connector, _ = feed("b2bwave", script)
    lines = await told(connector)
    assert sorted(int(line.order) for line in lines) == list(range(1, 51))


async def test_a_shop_that_ignores_pages_raises() -> None:
    connector, _ = feed("b2bwave", lambda asked: Orders(ORDER)(first_page(asked)))
    with pytest.raises(UnexpectedResponse, match="page 2 of the orders repeats the page before"):
        await told(connector)


def first_page(asked: Asked) -> Asked:
    return Asked(asked.method, asked.path, asked.raw_path, {"page": "1"}, asked.headers, asked.body)


async def test_pages_that_never_end_raise() -> None:
    def script(asked: Asked) -> Said:
        if asked.path.endswith("/order_statuses"):
            return Said(STATUSES)
        return Said([order(id=int(asked.query["page"]))])

    connector, store = feed("b2bwave", script)
    with pytest.raises(UnexpectedResponse, match="do not end"):
        await told(connector)
    assert len(store.asked) == 1_001


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"order": {"id": 31}}, "order 31 does not say when it was placed"),
        ({"order": changed(ORDER, order_products=...)}, "order 31 shows no list of lines"),
        ({"order": changed(ORDER, id=None)}, "an order has no id"),
        ({"order": [1]}, "a row of orders is not an object"),
        (7, "a row of orders is not an object"),
    ],
)
async def test_a_row_that_is_no_order_raises(row: object, said: str) -> None:
    connector, _ = feed("b2bwave", [Said([row]), Said(STATUSES)])
    with pytest.raises(UnexpectedResponse, match=said):
        await told(connector)


async def test_no_change_of_an_order_is_seen() -> None:
    connector, _ = feed("b2bwave", [])
    assert not connector.sees_changes
