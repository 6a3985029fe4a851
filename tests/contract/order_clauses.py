"""The connector contract: what a store tells of its orders, without anything going wrong."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from stocksync.contracts.connector import OrderFeed
from stocksync.domain.identifiers import ListingId
from stocksync.domain.orders import OrderLine
from tests.contract.contract import Needs, census, clause
from tests.contract.kinds import NEW_YORK
from tests.contract.rigs import NOON, Rig
from tests.world import Clock

PLENTY = 9_000
HOUR = 3_600
#: A winter night and a summer night: UTC has another date than New York, and DST is on or off.
NIGHTS = (datetime(2030, 1, 15, 3, 30, tzinfo=UTC), datetime(2030, 7, 15, 3, 30, tzinfo=UTC))


def feed(rig: Rig) -> OrderFeed:
    """Take the connector as the feed that it promised to be."""
    connector = rig.connector
    assert isinstance(connector, OrderFeed)
    return connector


async def told(
    rig: Rig, since: datetime = NOON, *, after_page: Callable[[int], None] | None = None
) -> list[OrderLine]:
    """Read the feed to its end; a line that is told twice breaks every clause."""
    lines: list[OrderLine] = []
    pages = 0
    async for page in feed(rig).orders(since):
        lines += page
        pages += 1
        if after_page:
            after_page(pages)
    times = Counter(line.key for line in lines)
    twice = [key for key, count in times.items() if count > 1]
    assert not twice, f"told twice: {twice[:3]}"
    return lines


def by_listing(rig: Rig, lines: list[OrderLine]) -> dict[ListingId, int]:
    """Add up units by listing, found by its id or, where the store names none, by its code."""
    coded = {item.code: listing for listing, item in rig.items.items()} if rig.over_http else {}
    units: Counter[ListingId] = Counter()
    for line in lines:
        units[line.listing or coded[line.code]] += line.units
    return dict(units)


def open_shop(rig: Rig) -> tuple[Rig, Clock, ListingId]:
    """Stand up a fresh rig with a clock of its own and plenty of one thing."""
    clock = Clock()
    stood = rig.another(now=clock)
    return stood, clock, stood.add(PLENTY)


@clause("C30", "tells of every order, from the first page to the last", Needs.ORDERS)
async def tells_all(rig: Rig) -> None:
    page = rig.kind.orders_page
    for count in (0, 1, page, 2 * page + 2):
        stood, clock, listing = open_shop(rig)
        placed = []
        for _ in range(count):
            clock.pass_(1)
            placed.append(stood.sell((listing, 1)))
        lines = await told(stood)
        assert len(lines) == count, f"{len(lines)} of {count} orders were told"
        assert {line.order for line in lines} == set(placed)
        assert by_listing(stood, lines) == ({listing: count} if count else {})
        await stood.aclose()


@clause("C31", "an order that comes in between hides none and doubles none", Needs.ORDERS)
async def survives_new_orders(rig: Rig) -> None:
    stood, clock, listing = open_shop(rig)
    placed = [stood.sell((listing, 1)) for _ in range(rig.kind.orders_page + 2)]

    def one_more(pages: int) -> None:
        if pages == 1:
            clock.pass_(1)
            stood.sell((listing, 1))

    lines = await told(stood, after_page=one_more)
    hidden = set(placed) - {line.order for line in lines}
    assert not hidden, f"{len(hidden)} orders were hidden"
    await stood.aclose()


@clause("C32", "a cancelled order has 0 units, any other status is a sale", Needs.ORDERS)
async def cancelled_sells_nothing(rig: Rig) -> None:
    stood, _, listing = open_shop(rig)
    kept, other = stood.sell((listing, 3)), stood.sell((listing, 2))
    before = await told(stood)
    assert by_listing(stood, before) == {listing: 5}
    stood.cancel(other)
    for order in stood.shop.orders:
        order.status = "" if order.is_cancelled else "Cancellation refused"
    after = {line.key: line.units for line in await told(stood)}
    assert after.keys() == {line.key for line in before}, "the lines are not those of before"
    by_order = {order: units for (order, _), units in after.items()}
    left = 0 if stood.shape.tells_cancelled else 2
    assert by_order[other] == left, "a cancelled order still sells"
    assert by_order[kept] == 3, "an order with a status nobody knows sells nothing"
    await stood.aclose()


@clause("C33", "a cart is no order before somebody checks it out", Needs.ORDERS)
async def carts_are_no_orders(rig: Rig) -> None:
    stood, clock, listing = open_shop(rig)
    cart = stood.fill_cart((listing, 4))
    assert await told(stood) == [], "a cart was told as an order"
    bought = stood.sell((listing, 1))
    lines = await told(stood)
    assert {line.order for line in lines} == {bought}, "a cart was told as an order"
    clock.pass_(60)
    stood.check_out(cart)
    assert by_listing(stood, await told(stood)) == {listing: 5}
    await stood.aclose()


@clause("C34", "options do not double what was sold, and lead to its listing", Needs.ORDERS)
async def options_do_not_double(rig: Rig) -> None:
    stood = rig.another()
    shared = {"product_id": 77} if rig.name in ("recplus", "simvoly") else {}
    listings = [
        stood.add(20, parent_code="ALL", options={"Size": size, "Colour": colour}, **shared)
        for size, colour in (("S", "Red"), ("L", "Red"), ("L", "S"), ("S", "L"))
    ]
    stood.sell(*[(listing, units) for units, listing in enumerate(listings, start=2)])
    expected = {listing: units for units, listing in enumerate(listings, start=2)}
    sold = by_listing(stood, await told(stood))
    assert sold == expected, f"sold {sum(expected.values())}, told {sum(sold.values())}"
    known = {each.listing for each in await census(stood)}
    assert set(sold) <= known, "an order names a listing that the census does not know"
    await stood.aclose()


@clause("C35", "since is inclusive, and what was placed before is left out", Needs.ORDERS)
async def since_is_respected(rig: Rig) -> None:
    stood, clock, listing = open_shop(rig)
    placed = {}
    for _ in range(4):
        clock.pass_(HOUR)
        placed[clock()] = stood.sell((listing, 1))
    for since in placed:
        wanted = {order for at, order in placed.items() if at >= since}
        orders = {line.order for line in await told(stood, since)}
        assert wanted <= orders, "an order placed at since, or after it, is missing"
        assert orders <= wanted, "an order was told that was placed before since"
    # The same moment by another clock is the same question.
    assert len(await told(stood, NOON.astimezone(NEW_YORK))) == len(placed)
    await stood.aclose()


@clause("C36", "a line has the same name whenever it is read, and one of its own", Needs.ORDERS)
async def line_names_are_stable(rig: Rig) -> None:
    stood, clock, listing = open_shop(rig)
    other = stood.add(PLENTY)
    stood.sell((listing, 2), (other, 1), (listing, 3))
    first = {line.key: line.units for line in await told(stood)}
    assert sorted(first.values()) == [1, 2, 3], "lines of one order share a name"
    clock.pass_(1)
    late = stood.sell((other, 1))
    again = {line.key: line.units for line in await told(stood) if line.order != late}
    assert again == first, "a line is called otherwise when it is read again"
    await stood.aclose()


@clause("C39", "the moment of a sale is right, whatever clock the store writes", Needs.ORDERS)
async def moments_are_right(rig: Rig) -> None:
    for night in NIGHTS:
        clock = Clock(night)
        stood = rig.another(now=clock)
        listing = stood.add(PLENTY)
        stood.sell((listing, 1))
        [line] = await told(stood, night - timedelta(hours=1))
        assert line.placed_at == night, f"placed at {line.placed_at}, not at {night}"
        await stood.aclose()
