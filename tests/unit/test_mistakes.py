"""Which step of a number was the mistake that a person rejected, and which came after it."""

import pytest

from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.merge import Change, ChangeKind, Terms, merge
from stocksync.domain.mistakes import disbelieved, mistakes_of
from stocksync.domain.orders import NOTHING_SOLD, Sold
from stocksync.domain.stock import Counted, ListingRecord, Observation
from tests.world import NOON

SHOP, MUG = StoreId("shop"), ListingId("mug")
LEVELS, ORDERS = Terms(), Terms(feed=True)


def read_anew(
    number: int,
    *steps: tuple[int, int],
    terms: Terms = LEVELS,
    sold: Sold = NOTHING_SOLD,
    store: StoreId = SHOP,
) -> Change:
    """Show a number where 10 was agreed on, after these steps were rejected."""
    record = ListingRecord(store=SHOP, listing=MUG, sku=Sku("MUG"), baseline=10, settled=True)
    seen = Observation(MUG, "MUG", Counted(number, NOON))
    change = merge(record, seen, terms, sold)
    assert change is not None
    mistakes = mistakes_of(SHOP, [(store, MUG, before, after) for before, after in steps])
    return disbelieved(change, record, seen, terms=terms, sold=sold, mistakes=mistakes)


@pytest.mark.parametrize(
    ("number", "steps", "units"),
    [
        (5, [(10, 5)], 0),
        (4, [(10, 5)], -1),
        (6, [(10, 5)], -4),  # sold from the 10 that it mended itself to, rather than one came back
        (9, [(10, 5)], -1),
        (5, [(9, 5)], -5),  # that was rejected of another number
        (700, [(10, 700)], 0),
        (697, [(10, 700)], -3),
        (703, [(10, 700)], 3),
        (9, [(10, 700)], -1),
        (680, [(10, 700)], 670),  # 20 cannot be sold of 10: the gate has to ask about this one
        (900, [(10, 700)], 890),
        (699, [(10, 700), (700, 699)], 0),
        (698, [(10, 700), (700, 699)], -1),
        (5, [(10, 5), (10, 700)], 0),
        (700, [(10, 5), (10, 700)], 0),
        (5, [(10, 5), (5, 10), (10, 5)], 0),
    ],
)
def test_only_the_step_that_was_rejected_moves_nothing(
    number: int, steps: list[tuple[int, int]], units: int
) -> None:
    change = read_anew(number, *steps)
    assert change.units == units
    assert change.record.baseline == number
    assert (change.kind is ChangeKind.DRIFT) == (units == 0)


def test_what_was_rejected_of_another_store_is_no_mistake_of_this_one() -> None:
    assert read_anew(5, (10, 5), store=StoreId("trade")).units == -5


@pytest.mark.parametrize(
    ("number", "told", "missing"),
    [(5, 0, 0), (5, 3, 0), (5, 5, 0), (4, 1, 0), (4, 0, 1), (2, 1, 2), (7, 3, 0)],
)
def test_beside_a_mistake_only_what_no_order_explains_is_missing(
    number: int, told: int, missing: int
) -> None:
    change = read_anew(number, (10, 5), terms=ORDERS, sold=Sold(units=told))
    assert (change.record.suspended, change.suspended, change.units) == (missing, missing, 0)
    assert change.record.baseline == number


def test_a_change_that_orders_alone_explain_asks_no_gate_once_more() -> None:
    rejected = read_anew(5, (10, 5), terms=ORDERS, sold=Sold(units=5))
    assert rejected.before == rejected.after == 5
    other = read_anew(5, (10, 4), terms=ORDERS, sold=Sold(units=5))
    assert (other.before, other.after) == (10, 5)
