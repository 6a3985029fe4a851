"""Simvoly orders: seconds since 1970, and variants found by the options that a line names."""

from datetime import UTC, datetime

import pytest

from stocksync.domain.identifiers import ListingId
from stocksync.domain.orders import OrderLine
from stocksync.errors import StoreRejected, UnexpectedResponse
from tests.unit.orders_kit import Json, changed, feed, sample, told, units
from tests.unit.scripted_store import Asked, Said

ORDER: Json = sample("simvoly/orders")["items"][0]
ITEM: Json = ORDER["items"][0]
PLACED = datetime(2019, 11, 10, 14, 46, 57, tzinfo=UTC)


def listed(*orders: Json, total: int | None = None) -> Said:
    count = len(orders) if total is None else total
    return Said({"totalCount": count, "limit": 50, "skip": 0, "items": list(orders)})


def item(**fields: object) -> Json:
    return changed(ITEM, **fields)


def chosen(**options: str) -> list[Json]:
    return [{"name": name, "value": value} for name, value in options.items()]


def door(*variants: tuple[list[str], str], options: object = ...) -> Json:
    named = [{"name": "Material"}, {"name": "Leaf"}] if options is ... else options
    shown = [{"options": values, "sku": sku, "quantity": 1} for values, sku in variants]
    return {"id": 24, "type": "physical", "options": named, "variants": shown}


async def test_the_order_of_the_manual_is_one_line_at_its_second() -> None:
    connector, _ = feed("simvoly", [listed(ORDER)])
    assert await told(connector) == [
        OrderLine(
            order="1234",
            line="123",
            units=1,
            placed_at=PLACED,
            listing=ListingId("24:string"),
            code="string",
        )
    ]


async def test_the_question_is_asked_in_whole_seconds_so_that_none_is_missed() -> None:
    connector, store = feed("simvoly", [listed()])
    assert await told(connector, PLACED.replace(microsecond=999_999)) == []
    assert store.asked[0].path == "/api/site/orders"
    query = {"created_at_min": "1573397217", "limit": "50", "skip": "0"}
    assert dict(store.asked[0].query) == query


async def test_an_order_of_the_very_second_counts_and_an_older_one_was_not_asked_for() -> None:
    older = changed(ORDER, id=7, created=ORDER["created"] - 1)
    connector, _ = feed("simvoly", [listed(older, ORDER)])
    lines = await told(connector, PLACED.replace(microsecond=500_000))
    assert [line.order for line in lines] == ["1234"]


@pytest.mark.parametrize(
    ("status", "sold"),
    [
        ("canceled", 0),
        ("CANCELED", 0),
        ("cancelled", 0),
        ("pending", 1),
        ("shipped", 1),
        ("completed", 1),
        ("archived", 1),
        ("something new", 1),
        (None, 1),
    ],
)
async def test_only_a_cancelled_order_sells_nothing(status: object, sold: int) -> None:
    connector, _ = feed("simvoly", [listed(changed(ORDER, status=status))])
    assert units(await told(connector)) == {"123": sold}


@pytest.mark.parametrize("shown", ["", None, 0.5, True, -1, ...])
async def test_a_quantity_that_cannot_be_read_raises(shown: object) -> None:
    connector, _ = feed("simvoly", [listed(changed(ORDER, items=[item(quantity=shown)]))])
    with pytest.raises(UnexpectedResponse, match="order 1234 has a quantity"):
        await told(connector)


@pytest.mark.parametrize("shown", [None, "", "soon", -1, 1.5, True, 10**12, ...])
async def test_an_order_without_a_second_raises(shown: object) -> None:
    connector, _ = feed("simvoly", [listed(changed(ORDER, created=shown))])
    with pytest.raises(UnexpectedResponse, match="order 1234 does not say when"):
        await told(connector)


@pytest.mark.parametrize(
    ("variation", "listing"),
    [
        ([], "24:"),
        (None, "24:"),
        (chosen(Size="1/2 inch"), "24:1%2F2%20inch"),
        ("Size: S", None),
        ([{"name": "Size", "value": 7}], None),
        (["S"], None),
    ],
)
async def test_one_option_names_a_variant_without_another_call(
    variation: object, listing: str | None
) -> None:
    connector, store = feed("simvoly", [listed(changed(ORDER, items=[item(variation=variation)]))])
    assert [line.listing for line in await told(connector)] == [listing]
    assert len(store.asked) == 1


@pytest.mark.parametrize(
    ("product", "listing"),
    [
        # By the names of the options, in the order of the product.
        (door((["Wood", "Single"], ""), (["Single", "Wood"], "")), "24:Wood/Single"),
        # By their values, where the product names too few options, or none.
        (door((["Wood", "Single"], ""), options=[{"name": "Material"}]), "24:Wood/Single"),
        (door((["Single", "Wood"], ""), options=None), "24:Single/Wood"),
        # By the SKU, where the options were renamed since.
        (door((["Oak", "Single"], "D-1"), (["Oak", "Double"], "D-2")), "24:Oak/Double"),
        # By nothing: two variants with the same SKU, or none that fits.
        (door((["Oak", "Single"], "D-2"), (["Oak", "Double"], "D-2")), None),
        (door((["Oak", "Single"], "")), None),
    ],
)
async def test_several_options_are_put_in_the_order_of_their_product(
    product: Json, listing: str | None
) -> None:
    row = item(sku="D-2", variation=chosen(Leaf="Single", Material="Wood"))
    orders = [changed(ORDER, items=[row]), changed(ORDER, id=2, items=[row])]
    connector, store = feed("simvoly", [listed(*orders), Said(product)])
    assert [line.listing for line in await told(connector)] == [listing, listing]
    assert [asked.path for asked in store.asked][1:] == ["/api/site/products/24"]


async def test_a_line_of_a_product_that_is_gone_is_known_by_its_code() -> None:
    row = item(sku="D-2", variation=chosen(Leaf="Single", Material="Wood"))
    script = [listed(changed(ORDER, items=[row])), Said({"success": False}, status=404)]
    connector, _ = feed("simvoly", script)
    [line] = await told(connector)
    assert (line.listing, line.code, line.units) == (None, "D-2", 1)


@pytest.mark.parametrize("shown", [None, "", True, "a:b"])
async def test_a_line_without_a_product_is_known_by_its_code(shown: object) -> None:
    connector, _ = feed("simvoly", [listed(changed(ORDER, items=[item(productId=shown)]))])
    assert [(line.listing, line.code) for line in await told(connector)] == [(None, "string")]


async def test_lines_without_ids_are_named_by_what_they_sold() -> None:
    rows = [item(id=..., quantity=1), item(id=..., quantity=2), item(id=None, sku="", quantity=3)]
    connector, _ = feed("simvoly", [listed(changed(ORDER, items=rows))])
    assert units(await told(connector)) == {
        "product:24:string:string": 1,
        "product:24:string:string#2": 2,
        "product:24:string:None": 3,
    }


async def test_an_order_that_comes_in_while_reading_moves_nothing_out_of_sight() -> None:
    shelf = [changed(ORDER, id=number) for number in range(120, 0, -1)]

    def script(asked: Asked) -> Said:
        start = int(asked.query["skip"])
        if start == 50:
            shelf.insert(0, changed(ORDER, id=len(shelf) + 1))
        return listed(*shelf[start : start + 50], total=len(shelf))

    connector, _ = feed("simvoly", script)
    lines = await told(connector)
    assert {int(line.order) for line in lines} >= set(range(1, 121))
    assert len({line.order for line in lines}) == len(lines)


@pytest.mark.parametrize("envelope", [{"items": [ORDER]}, {"totalCount": 1}, {"totalCount": "?"}])
async def test_a_list_without_its_total_or_its_items_raises(envelope: Json) -> None:
    connector, _ = feed("simvoly", [Said(envelope)])
    with pytest.raises(UnexpectedResponse, match="lacks its items or its total"):
        await told(connector)


async def test_a_failure_that_is_called_a_success_is_a_refusal() -> None:
    connector, _ = feed("simvoly", [Said({"success": False, "message": "no orders for you"})])
    with pytest.raises(StoreRejected, match="no orders for you"):
        await told(connector)


async def test_a_page_that_comes_again_raises() -> None:
    connector, _ = feed("simvoly", lambda _: listed(ORDER, total=3))
    with pytest.raises(UnexpectedResponse, match="the list repeats itself"):
        await told(connector)


async def test_no_change_of_an_order_is_seen() -> None:
    connector, _ = feed("simvoly", [])
    assert not connector.sees_changes
