"""Freewebstore orders: looked up one by one, without baskets, by older and newer documents."""

from datetime import UTC, datetime

import pytest

from stocksync.domain.identifiers import ListingId
from stocksync.domain.orders import OrderLine
from stocksync.errors import UnexpectedResponse
from tests.unit.orders_kit import LONG_AGO, Json, changed, feed, sample, told, units
from tests.unit.scripted_store import Asked, Said

ROW: Json = sample("freewebstore/orders")["orders"][0]
DETAILS: Json = sample("freewebstore/order")
SOLD: Json = DETAILS["order_details"][0]
PLACED = datetime(2013, 8, 15, 13, 40, 6, 997_000, tzinfo=UTC)
NAME = "12345:PROD1:12345"


class Web:
    """A store with orders by status, newer if it can list what was cancelled."""

    def __init__(self, *orders: tuple[Json, Json], newer: bool = False) -> None:
        self.orders = dict(enumerate(orders))
        self.carts: set[str] = set()
        self.cancelled: set[str] = set()
        self.newer = newer
        self.singular = False
        self.asked: list[tuple[str, str]] = []

    def __call__(self, asked: Asked) -> Said:
        self.asked.append((asked.path, asked.query.get("status", "")))
        if asked.path == "/orders/":
            return self._listed(asked)
        found = [each for _, each in self.orders.values() if asked.path == self._path(each)]
        return Said(found[0]) if found else Said({"message": "Order not found"}, status=404)

    @property
    def look_ups(self) -> list[str]:
        return [path for path, status in self.asked if not status]

    def _path(self, details: Json) -> str:
        return f"/{'order' if self.singular else 'orders'}/{details['id']}"

    def _listed(self, asked: Asked) -> Said:
        rows = [row for row, _ in self.orders.values()]
        chosen = {"cart": self.carts}
        if self.newer:
            chosen["cancelled"] = self.cancelled
        if asked.query["status"] in chosen:
            rows = [row for row in rows if row["id"] in chosen[asked.query["status"]]]
        start, most = int(asked.query["offset"]), int(asked.query["limit"])
        page = rows[start : start + most]
        return Said({"orders": {"found": len(rows), "items": page} if self.newer else page})


def pair(number: int = 12345, **fields: object) -> tuple[Json, Json]:
    details = changed(DETAILS, id=str(number), **fields)
    return changed(ROW, id=str(number)), details


async def test_the_order_of_the_manual_is_one_line_of_a_product() -> None:
    connector, _ = feed("freewebstore", Web((ROW, DETAILS)))
    assert await told(connector) == [
        OrderLine(
            order="12345",
            line=NAME,
            units=1,
            placed_at=PLACED,
            listing=ListingId("12345"),
            code="PROD1",
        )
    ]


async def test_the_question_is_asked_in_zulu_time_oldest_first() -> None:
    connector, store = feed("freewebstore", Web())
    east = datetime.fromisoformat("2026-03-02T09:30:15.750+02:00")
    assert await told(connector, east) == []
    assert [dict(asked.query) for asked in store.asked] == [
        {
            "status": "all",
            "sort": "created",
            "startdate": "2026-03-02T07:30:15.000Z",
            "limit": "100",
            "offset": "0",
        }
    ]


async def test_ids_may_be_numbers_in_one_place_and_text_in_another() -> None:
    sold = changed(SOLD, productId=12345, sku=7, quantity="3")
    script = Web((changed(ROW, id=12345), changed(DETAILS, order_details=[sold])))
    connector, _ = feed("freewebstore", script)
    [line] = await told(connector)
    assert (line.order, line.listing, line.code, line.units) == ("12345", "12345", "7", 3)


@pytest.mark.parametrize(
    ("shown", "moment"),
    [
        ("2013-08-15T13:40:06.997+00:00", PLACED),
        ("2010-03-31T15:18:47.78Z", datetime(2010, 3, 31, 15, 18, 47, 780_000, tzinfo=UTC)),
        ("2020-01-27T16:39:33.7412157", datetime(2020, 1, 27, 16, 39, 33, 741_215, tzinfo=UTC)),
        # No time of its own: that of the list, which is the same order.
        ("0001-01-01T00:00:00+00:00", PLACED),
        (None, PLACED),
    ],
)
async def test_every_form_of_a_date_is_read(shown: object, moment: datetime) -> None:
    connector, _ = feed("freewebstore", Web((ROW, changed(DETAILS, created=shown))))
    assert [line.placed_at for line in await told(connector)] == [moment]


async def test_a_basket_is_no_order() -> None:
    web = Web(pair(1), pair(2), pair(3))
    web.carts = {"2"}
    connector, _ = feed("freewebstore", web)
    assert [line.order for line in await told(connector)] == ["1", "3"]
    assert web.look_ups == ["/orders/1", "/orders/3"]


async def test_baskets_are_listed_after_orders_so_that_a_new_order_is_never_taken_for_one() -> None:
    web = Web(pair(1))
    connector, _ = feed("freewebstore", web)
    await told(connector)
    statuses = [status for _, status in web.asked if status]
    assert statuses.index("cart") > max(n for n, status in enumerate(statuses) if status == "all")


async def test_only_the_newer_documents_can_list_what_was_cancelled() -> None:
    for newer, sold in ((True, [1, 0]), (False, [1, 1])):
        web = Web(pair(1), pair(2), newer=newer)
        web.cancelled = {"2"}
        options = {"write_shape": "core"} if newer else {}
        connector, _ = feed("freewebstore", web, **options)
        assert [line.units for line in await told(connector)] == sold


@pytest.mark.parametrize("status", ["canceled", "Cancelled"])
@pytest.mark.parametrize("place", ["list", "details"])
async def test_a_status_in_words_is_understood_wherever_it_stands(status: str, place: str) -> None:
    row = changed(ROW, status=status) if place == "list" else ROW
    details = changed(DETAILS, order_status=status) if place == "details" else DETAILS
    connector, _ = feed("freewebstore", Web((row, details)))
    assert units(await told(connector)) == {NAME: 0}


@pytest.mark.parametrize("status", [0, 9, -1, "problem", None])
async def test_any_other_status_is_a_sale(status: object) -> None:
    row, details = changed(ROW, status=status), changed(DETAILS, order_status=status)
    connector, _ = feed("freewebstore", Web((row, details)))
    assert units(await told(connector)) == {NAME: 1}


@pytest.mark.parametrize("shown", ["", None, "1.5", True, -1, ...])
async def test_a_quantity_that_cannot_be_read_raises(shown: object) -> None:
    script = Web(pair(order_details=[changed(SOLD, quantity=shown)]))
    connector, _ = feed("freewebstore", script)
    with pytest.raises(UnexpectedResponse, match="order 12345 has a quantity"):
        await told(connector)


async def test_an_order_whose_row_has_not_changed_is_not_looked_up_again() -> None:
    web = Web(pair(1), pair(2))
    connector, _ = feed("freewebstore", web)
    first = await told(connector)
    assert await told(connector) == first
    assert web.look_ups == ["/orders/1", "/orders/2"]
    row, _ = web.orders[1]
    web.orders[1] = (changed(row, total="9.99"), pair(2, order_details=[])[1])
    assert await told(connector) == first[:1]
    assert web.look_ups == ["/orders/1", "/orders/2", "/orders/2"]


async def test_an_order_that_is_no_longer_listed_is_forgotten() -> None:
    web = Web(pair(1), pair(2))
    connector, _ = feed("freewebstore", web)
    await told(connector)
    gone = web.orders.pop(1)
    await told(connector)
    web.orders[1] = gone
    assert [line.order for line in await told(connector)] == ["1", "2"]
    assert web.look_ups == ["/orders/1", "/orders/2", "/orders/2"]


async def test_a_cancellation_needs_no_change_in_the_row_to_be_seen() -> None:
    web = Web(pair(1), newer=True)
    connector, _ = feed("freewebstore", web, write_shape="core")
    assert units(await told(connector)) == {NAME: 1}
    web.cancelled = {"1"}
    assert units(await told(connector)) == {NAME: 0}


async def test_what_was_looked_up_before_a_failure_is_kept() -> None:
    web = Web(pair(1), pair(2, order_details=None))
    connector, _ = feed("freewebstore", web)
    for _ in range(2):
        with pytest.raises(UnexpectedResponse, match="order 2 shows no list of lines"):
            await told(connector)
    assert web.look_ups == ["/orders/1", "/orders/2", "/orders/2"]


async def test_the_path_of_the_appendix_is_tried_where_the_other_leads_nowhere() -> None:
    web = Web(pair(7))
    web.singular = True
    connector, _ = feed("freewebstore", web)
    assert units(await told(connector)) == {NAME: 1}
    assert web.look_ups == ["/orders/7", "/order/7"]


async def test_an_order_that_is_listed_and_not_found_raises() -> None:
    connector, _ = feed("freewebstore", Web((ROW, changed(DETAILS, id="9"))))
    with pytest.raises(UnexpectedResponse, match="order 12345 is listed and cannot be looked up"):
        await told(connector)


async def test_another_order_than_the_one_asked_for_raises() -> None:
    def script(asked: Asked) -> Said:
        rows = (
            []
            if asked.query.get("status") == "cart"
            else [ROW][int(asked.query.get("offset", 0)) :]
        )
        return Said({"orders": rows} if asked.path == "/orders/" else changed(DETAILS, id="9"))

    connector, _ = feed("freewebstore", script)
    with pytest.raises(UnexpectedResponse, match="answered with another one"):
        await told(connector)


async def test_equal_lines_are_told_apart_by_position_and_choices_by_their_ids() -> None:
    other = [{"choiceId": "9"}, {"choiceId": 10}]
    sold = [
        changed(SOLD, quantity=1),
        changed(SOLD, quantity=2, options=other),
        changed(SOLD, quantity=3),
        changed(SOLD, quantity=4, options=list(reversed(other))),
        changed(SOLD, quantity=5, options=None),
    ]
    connector, _ = feed("freewebstore", Web(pair(order_details=sold)))
    assert units(await told(connector)) == {
        NAME: 1,
        "12345:PROD1:10,9": 2,
        f"{NAME}#2": 3,
        "12345:PROD1:10,9#2": 4,
        "12345:PROD1:": 5,
    }


@pytest.mark.parametrize(
    ("updatedon", "kept"),
    [(None, False), ("2026-02-01T00:00:00.000Z", False), ("2026-03-02T09:30:15.100Z", True)],
)
async def test_an_old_order_counts_only_if_the_store_says_it_changed(
    updatedon: object, kept: bool
) -> None:
    web = Web((changed(ROW, updatedon=updatedon), DETAILS))
    connector, _ = feed("freewebstore", web)
    lines = await told(connector, datetime(2026, 3, 2, 9, 30, 15, 500_000, tzinfo=UTC))
    assert bool(lines) is kept


async def test_a_long_list_is_walked_to_its_end() -> None:
    for newer in (False, True):
        web = Web(*(pair(number) for number in range(1, 251)), newer=newer)
        connector, _ = feed("freewebstore", web)
        assert {int(line.order) for line in await told(connector)} == set(range(1, 251))


async def test_a_list_that_says_nothing_of_rows_raises() -> None:
    connector, _ = feed("freewebstore", [Said({"orders": {"found": 3}})])
    with pytest.raises(UnexpectedResponse, match="the list of orders does not show"):
        await told(connector, LONG_AGO)


async def test_no_change_of_an_order_is_promised() -> None:
    connector, _ = feed("freewebstore", [])
    assert not connector.sees_changes
