"""Movements put together again: a kit is one sale, two lines of an order are two."""

from dataclasses import replace

from stocksync.domain.happenings import Happening, Teller
from stocksync.domain.movements import MovementKind
from tests.unit.backtest_kit import Told, moved, opened, sold


def told(history: list[Told]) -> list[Happening]:
    teller = Teller()
    happened = [at for when, movement in history for at in teller.tell(when, movement)]
    return [*happened, *teller.end()]


def line(at: Told, number: int) -> Told:
    """Return a movement as another line of the same order."""
    when, movement = at
    return when, replace(movement, key=movement.key.replace(":1:1:", f":{number}:1:"))


def test_the_parts_of_a_kit_are_one_sale() -> None:
    kit = [sold(0, "a", 2, "MUG", listing="SET", order="7")]
    kit += [sold(0, "a", 1, "CAP", listing="SET", order="7")]
    [happened] = told(kit)
    assert (happened.store, happened.listing, happened.document) == ("a", "SET", "order 7")
    assert [(at.sku, at.units) for at in happened.sales] == [("MUG", 2), ("CAP", 1)]
    assert happened.others == []


def test_two_lines_of_an_order_are_two_sales_and_so_are_two_orders() -> None:
    first = sold(0, "a", 2, listing="SET", order="7")
    for second in (line(first, 2), sold(0, "a", 2, listing="SET", order="8")):
        assert [len(at.movements) for at in told([first, second])] == [1, 1]


def test_a_change_of_a_level_keeps_its_sale_and_what_waits_together() -> None:
    sale, waits = sold(0, "a", 2), moved(0, -1, MovementKind.SUSPENSE, store="a")
    [happened] = told([sale, waits])
    assert [at.kind for at in happened.sales] == [MovementKind.SALE]
    assert [at.kind for at in happened.others] == [MovementKind.SUSPENSE]


def test_other_moments_listings_and_stores_are_other_happenings() -> None:
    apart = [sold(0, "a"), sold(1, "a"), sold(1, "b"), sold(1, "b", 1, "CAP")]
    assert [len(at.movements) for at in told(apart)] == [1, 1, 1, 1]


def test_what_no_listing_tells_of_stands_alone() -> None:
    assert len(told([opened(0, 3), opened(0, 4, "CAP"), moved(0, 1), moved(0, 1)])) == 4


def test_a_sale_takes_units_from_a_place() -> None:
    when, movement = sold(0, "a", 3)
    [nowhere] = told([(when, replace(movement, source=opened(0, 1)[1].source))])
    [here] = told([(when, movement)])
    assert (len(nowhere.sales), len(nowhere.others)) == (0, 1)
    assert (len(here.sales), len(here.others)) == (1, 0)
