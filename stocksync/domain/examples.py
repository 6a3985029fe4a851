"""A merchant's own examples of the rules: given this stock, a store is to show that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from stocksync.domain.availability import Step, Steps
from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.plan import target_for
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stock import Levels
from stocksync.domain.velocity import RecentSales, SoldUnits

#: A number to show, whether to offer it, or None: nothing is written.
Expected = int | bool | None

#: When an example takes place that does not say: on a Monday at noon, before every season.
SOME_TIME: Final = datetime(2000, 1, 3, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Stock and a moment, and what each store is to show of a SKU then; None: nothing is written.

    `sold` are units sold so long before the moment. `stores` list the SKU.
    """

    name: str
    place: str
    sku: Sku
    levels: Mapping[Sku, Levels]
    at: datetime
    sold: Sequence[tuple[timedelta, Sku, int]]
    stores: Sequence[StoreId]
    expected: Mapping[StoreId, Expected]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the rules make of one example in one store, and the steps that lead there."""

    example: Example
    store: StoreId
    expected: Expected
    found: Expected
    steps: Sequence[Step]

    @property
    def holds(self) -> bool:
        """Tell whether the store shows what the example says; true is not one."""
        return (type(self.found), self.found) == (type(self.expected), self.expected)


def findings(examples: Sequence[Example], book: Rulebook) -> Iterator[Finding]:
    """Try each example with the rules of its moment."""
    for example in examples:
        then = book.at(example.at)
        for store, expected in example.expected.items():
            steps = Steps()
            found: Expected = target_for(
                example.sku,
                store,
                stores=example.stores,
                levels=example.levels,
                rulebook=then,
                steps=steps,
                sales=_sales(example),
            )
            if isinstance(expected, bool) and found is not None:
                found = found > 0
            yield Finding(
                example=example, store=store, expected=expected, found=found, steps=steps.all
            )


def _sales(example: Example) -> RecentSales:
    sold: dict[Sku, list[SoldUnits]] = {}
    for ago, sku, units in example.sold:
        sold.setdefault(sku, []).append(SoldUnits(example.at - ago, units))
    return RecentSales(at=example.at, sold=sold)
