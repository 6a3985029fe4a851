"""REC+ orders: statuses in free text, options that repeat quantities, a clock without a name."""

from datetime import UTC, datetime, timedelta

import pytest

from stocksync.domain.identifiers import ListingId
from stocksync.domain.orders import OrderLine
from stocksync.errors import ConfigurationError, UnexpectedResponse
from tests.unit.orders_kit import Json, changed, feed, sample, told, units
from tests.unit.scripted_store import Asked, Said

ORDER: Json = sample("recplus/order")
PRODUCT: Json = next(line for line in ORDER["lines"] if line["line_type"] == "PRODUCT")
#: 00:03:07 on a summer's night in London.
PLACED = datetime(2023, 7, 25, 23, 3, 7, tzinfo=UTC)


def listed(*orders: Json, total: int | None = None) -> Said:
    count = len(orders) if total is None else total
    return Said({"orders": list(orders), "count": len(orders), "total_count": count})


def line(**fields: object) -> Json:
    return changed(PRODUCT, **fields)


async def test_the_order_of_the_manual_is_two_lines_at_the_time_of_its_shop() -> None:
    connector, _ = feed("recplus", [listed(ORDER)], time_zone="Europe/London")
    assert await told(connector) == [
        OrderLine(
            order="112312",
            line="19988",
            units=1,
            placed_at=PLACED,
            listing=ListingId("Sauce-1105410-yes-yes"),
            code="Sauce-1105410-yes-yes",
        ),
        OrderLine(
            order="112312",
            line="19991",
            units=2,
            placed_at=PLACED,
            listing=ListingId("Sauce-997706"),
            code="Sauce-997706",
        ),
    ]


async def test_the_question_is_asked_in_seconds_which_no_clock_can_mistake() -> None:
    connector, store = feed("recplus", [listed()], time_zone="Europe/London")
    summer = datetime(2020, 6, 12, 14, 58, 29, 900_000, tzinfo=UTC)
    assert await told(connector, summer) == []
    assert store.asked[0].path == "/api/v1/orders"
    assert dict(store.asked[0].query) == {
        "since_timestamp": "1591973909",
        "fields": "*",
        "limit": "100",
        "offset": "0",
    }


@pytest.mark.parametrize(
    ("shown", "moment"),
    [
        ("2026-10-25T01:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # shown twice
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
        ("2026-03-29T01:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # never shown
        ("2026-01-15T12:00:00", datetime(2026, 1, 15, 12, 0, tzinfo=UTC)),
        ("2026-07-15T12:00:00", datetime(2026, 7, 15, 11, 0, tzinfo=UTC)),
        ("2026-07-15 12:00:00", datetime(2026, 7, 15, 11, 0, tzinfo=UTC)),
        ("2026-07-15T12:00:00Z", datetime(2026, 7, 15, 12, 0, tzinfo=UTC)),
    ],
)
async def test_a_time_is_read_by_the_clock_of_the_shop(shown: str, moment: datetime) -> None:
    order = changed(ORDER, start_date=shown)
    connector, _ = feed("recplus", [listed(order)], time_zone="Europe/London")
    assert {at.placed_at for at in await told(connector)} == {moment}


@pytest.mark.parametrize("shown", ["0000-00-00 00:00:00", "", None, "soon"])
async def test_without_a_start_an_order_was_placed_when_it_was_paid(shown: object) -> None:
    connector, _ = feed("recplus", [listed(changed(ORDER, start_date=shown))])
    moments = {at.placed_at for at in await told(connector)}
    assert moments == {datetime(2023, 7, 26, 0, 3, 59, tzinfo=UTC)}


async def test_an_order_without_any_time_raises_and_is_named() -> None:
    order = changed(ORDER, start_date=None, payment_date="0000-00-00 00:00:00")
    connector, _ = feed("recplus", [listed(order)])
    with pytest.raises(UnexpectedResponse, match="order 112312 does not say when"):
        await told(connector)


@pytest.mark.parametrize(
    ("status", "sold"),
    [
        ("Cancelled", 0),
        ("canceled", 0),
        (" Order  CANCELLED ", 0),
        ("Payment Received", 1),
        ("Partially Cancelled", 1),
        ("Cancellation Requested", 1),
        ("Not cancelled", 1),
        ("Refunded", 1),
        ("Awaiting Stock", 1),
        ("", 1),
        (None, 1),
        (7, 1),
    ],
)
async def test_only_the_plain_word_takes_an_order_back(status: object, sold: int) -> None:
    order = changed(ORDER, status=status, lines=[line(status="Payment Received")])
    connector, _ = feed("recplus", [listed(order)])
    assert units(await told(connector)) == {"19988": sold}


async def test_a_line_can_be_cancelled_by_itself() -> None:
    lines = [line(id=1, status="Cancelled", qty=4), line(id=2, qty=3)]
    connector, _ = feed("recplus", [listed(changed(ORDER, lines=lines))])
    assert units(await told(connector)) == {"1": 0, "2": 3}


@pytest.mark.parametrize("shown", ["", None, "1.5", 1.5, True, -1, "many", [], ...])
@pytest.mark.parametrize("status", ["Payment Received", "Cancelled"])
async def test_a_quantity_that_cannot_be_read_raises(shown: object, status: str) -> None:
    order = changed(ORDER, status=status, lines=[line(qty=shown)])
    connector, _ = feed("recplus", [listed(order)])
    with pytest.raises(UnexpectedResponse, match="order 112312 has a quantity"):
        await told(connector)


@pytest.mark.parametrize("shown", [2, "2", 2.0, "2.0"])
async def test_a_quantity_may_be_written_in_many_ways(shown: object) -> None:
    connector, _ = feed("recplus", [listed(changed(ORDER, lines=[line(qty=shown)]))])
    assert units(await told(connector)) == {"19988": 2}


async def test_lines_that_sell_nothing_are_left_out_whatever_their_quantity() -> None:
    others = [line(line_type=kind, qty="?") for kind in ("OPTION", "DELIVERY", "COUPON", "NOTE")]
    connector, _ = feed("recplus", [listed(changed(ORDER, lines=[*others, line()]))])
    assert units(await told(connector)) == {"19988": 1}


async def test_lines_that_share_an_id_are_told_apart_by_their_position() -> None:
    lines = [line(id=5, qty=1), line(id=5, qty=2), line(id=None, qty=3), line(id="5#2", qty=4)]
    connector, _ = feed("recplus", [listed(changed(ORDER, lines=lines))])
    assert units(await told(connector)) == {
        "5": 1,
        "5#2": 2,
        "code:Sauce-1105410-yes-yes": 3,
        "5%232": 4,
    }


@pytest.mark.parametrize("related", [{}, None, {"product": {"id": 1, "code": ""}}, "x"])
async def test_what_has_no_code_was_sold_all_the_same(related: object) -> None:
    connector, _ = feed("recplus", [listed(changed(ORDER, lines=[line(rel_data=related)]))])
    [sold] = await told(connector)
    assert (sold.listing, sold.code, sold.units) == (None, None, 1)


@pytest.mark.parametrize("shown", [None, "none", [3], {"0": {}}])
async def test_an_order_whose_lines_cannot_be_read_raises(shown: object) -> None:
    connector, _ = feed("recplus", [listed(changed(ORDER, lines=shown))])
    with pytest.raises(UnexpectedResponse, match="order 112312 shows no list of lines"):
        await told(connector)


async def test_an_order_that_is_listed_without_lines_is_looked_up() -> None:
    basic = changed(ORDER, lines=...)
    connector, store = feed("recplus", [listed(basic), Said(ORDER)])
    assert units(await told(connector)) == {"19988": 1, "19991": 2}
    assert [asked.path for asked in store.asked][1:] == ["/api/v1/orders/112312"]


async def test_another_order_than_the_one_asked_for_raises() -> None:
    basic = changed(ORDER, lines=...)
    connector, _ = feed("recplus", [listed(basic), Said(changed(ORDER, id=7))])
    with pytest.raises(UnexpectedResponse, match="answered with another one"):
        await told(connector)


async def test_orders_of_long_before_were_not_asked_for() -> None:
    since = datetime(2023, 7, 26, 12, tzinfo=UTC)
    old = changed(ORDER, id=1, start_date="2023-07-01T10:00:00", payment_date="")
    paid = changed(ORDER, id=2, start_date="2023-07-01T10:00:00")
    connector, _ = feed("recplus", [listed(old, paid, ORDER)])
    assert {at.order for at in await told(connector, since)} == {"2", "112312"}


async def test_pages_are_walked_by_rows_and_every_order_comes_once() -> None:
    shelf = [changed(ORDER, id=number) for number in range(1, 251)]

    def script(asked: Asked) -> Said:
        start, most = int(asked.query["offset"]), min(60, int(asked.query["limit"]))
        return listed(*shelf[start : start + most], total=len(shelf))

    connector, store = feed("recplus", script)
    lines = await told(connector)
    assert len(lines) == 2 * 250
    assert {at.order for at in lines} == {str(number) for number in range(1, 251)}
    assert len(store.asked) == 5


async def test_a_page_that_comes_again_raises() -> None:
    connector, _ = feed("recplus", lambda _: listed(ORDER, total=3))
    with pytest.raises(UnexpectedResponse, match="the list repeats itself at row 1"):
        await told(connector)


async def test_a_list_that_is_shorter_than_it_says_raises() -> None:
    connector, _ = feed("recplus", [listed(ORDER, total=3), listed(total=3)])
    with pytest.raises(UnexpectedResponse, match="1 of 3 orders"):
        await told(connector)


async def test_a_bare_list_is_walked_to_its_proven_end() -> None:
    connector, _ = feed("recplus", [Said([ORDER]), Said([])])
    assert units(await told(connector)) == {"19988": 1, "19991": 2}


async def test_since_needs_a_time_zone() -> None:
    connector, store = feed("recplus", [])
    with pytest.raises(ValueError, match="time zone"):
        await told(connector, datetime(2026, 1, 1))  # noqa: DTZ001
    assert store.asked == []


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "London"])
def test_a_clock_that_does_not_exist_is_a_mistake_in_the_configuration(name: str) -> None:
    with pytest.raises(ConfigurationError, match="time_zone is not a time zone"):
        feed("recplus", [], time_zone=name)


async def test_a_later_cancellation_is_found_by_reading_again_and_only_so() -> None:
    connector, _ = feed("recplus", [listed(ORDER), listed(changed(ORDER, status="Cancelled"))])
    assert not connector.sees_changes
    before = await told(connector, PLACED - timedelta(hours=1))
    after = await told(connector, PLACED - timedelta(hours=1))
    assert [at.key for at in after] == [at.key for at in before]
    assert [at.units for at in after] == [0, 0]
