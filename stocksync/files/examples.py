"""Read the `examples` of a rule file: stock as given, and what each store is to show then."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Annotated, Any, Final

from pydantic import Field, PlainValidator, WithJsonSchema

from stocksync.domain.examples import SOME_TIME, Example, Expected
from stocksync.domain.identifiers import MAIN_LOCATION, LocationId, Sku, StoreId
from stocksync.domain.reach import SWITCHED_PLATFORM
from stocksync.domain.stock import Levels, StockLevel
from stocksync.files.complaints import Entry
from stocksync.files.notes import Notes
from stocksync.files.rulefile import Text, Texts
from stocksync.files.timewords import Moment, moment_from, span_from, words_of
from stocksync.files.wishwords import UNITS_MAX
from stocksync.files.yamlfile import Document, Keys

HOLD: Final = "hold"

Count = Annotated[int, Field(ge=-UNITS_MAX, le=UNITS_MAX)]
Some = Annotated[int, Field(ge=1, le=UNITS_MAX)]


def expected_from(given: object) -> int | bool | str:
    """Read a number, `hold`, or yes and no for what is offered or not."""
    if isinstance(given, int) and 0 <= given <= UNITS_MAX:
        return given
    if given == HOLD:
        return HOLD
    raise ValueError(f"must be a number from 0 to {UNITS_MAX}, hold, or yes or no")


def _span(given: object) -> str:
    text = words_of(given) or ""
    if span_from(text) is None:
        raise ValueError("must be a time such as 10m, 2h or 1d")
    return text


Expect = Annotated[
    Any,
    PlainValidator(expected_from),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"enum": [HOLD, "yes", "no", True, False]}]}
    ),
]
Span = Annotated[
    str,
    PlainValidator(_span),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[1-9][0-9]{0,5}[smhd]\s*$"}),
]


class SoldEntry(Entry):
    """Units sold some time before."""

    ago: Span = Field(description="How long before: 10m, 2h or 1d.")
    units: Some = Field(description="Units that were sold then.")
    sku: Text | None = Field(None, description="Of which SKU; that of the example unless told.")


class GivenEntry(Entry):
    """The stock of an example, its moment, and the stores that list the SKU."""

    sku: Text = Field(description="The SKU that the stores show.")
    on_hand: Count | dict[Text, Count] | None = Field(
        None, description="Units that are there, or the units at each location."
    )
    reserved: Annotated[int, Field(ge=0, le=UNITS_MAX)] = Field(
        0, description="Units of them that are promised already, at the first location."
    )
    parts: dict[Text, Count] | None = Field(
        None, description="For a kit: the units that are there of each part, in place of on_hand."
    )
    sold: list[SoldEntry] = Field([], description="What sold of late, for velocity_buffer.")
    at: Moment | None = Field(
        None,
        description="The moment in UTC, for schedule and hold; a Monday noon of 2000 unless told.",
    )
    listed_in: Texts | None = Field(
        None, description="Stores that list the SKU; all with quantities unless told."
    )


class ExampleEntry(Entry):
    """One example of what the rules are to do."""

    name: Text = Field(description="What it is an example of.")
    given: GivenEntry = Field(description="What there is.")
    expect: Annotated[dict[Text, Expect], Field(min_length=1)] = Field(
        description="What each store shows then: a number; hold, when nothing is to be written; "
        "yes or no, where it is offered or not."
    )

    def example(self, place: str, platforms: Mapping[StoreId, str]) -> Example:
        """Return the domain's own example; `platforms` names that of each store there is.

        Raises:
            ValueError: It is not said what there is of the SKU.
        """
        given, sku = self.given, Sku(self.given.sku)
        at = None if given.at is None else moment_from(given.at, UTC)
        counting = [store for store, name in platforms.items() if name != SWITCHED_PLATFORM]
        listed = counting if given.listed_in is None else map(StoreId, given.listed_in)
        return Example(
            name=self.name,
            place=place,
            sku=sku,
            levels=_levels(given),
            at=at or SOME_TIME,
            sold=[
                (span_from(each.ago) or timedelta(0), Sku(each.sku or sku), each.units)
                for each in given.sold
            ],
            stores=sorted({*listed, *map(StoreId, self.expect)}),
            expected={StoreId(at): _meant(value) for at, value in self.expect.items()},
        )


def _meant(value: int | bool | str) -> Expected:
    return None if isinstance(value, str) else value


def _levels(given: GivenEntry) -> Mapping[Sku, Levels]:
    """Return the stock that an example gives: of its SKU, or of the parts of a kit."""
    if (given.on_hand is None) == (given.parts is None):
        raise ValueError("give either on_hand, or for a kit the units of its parts")
    if given.parts is not None:
        return {
            Sku(part): {MAIN_LOCATION: StockLevel(on_hand=units)}
            for part, units in given.parts.items()
        }
    places = given.on_hand if isinstance(given.on_hand, dict) else {MAIN_LOCATION: given.on_hand}
    levels = {LocationId(at): StockLevel(on_hand=units or 0) for at, units in places.items()}
    first = next(iter(levels), LocationId(MAIN_LOCATION))
    there = levels.get(first, StockLevel())
    promised = StockLevel(on_hand=there.on_hand, reserved=given.reserved)
    return {Sku(given.sku): levels | {first: promised}}


class ExampleReader:
    """Gathers examples, in the order in which they are read."""

    def __init__(self, notes: Notes) -> None:
        self.examples: list[Example] = []
        self._notes = notes

    def example(self, document: Document, keys: Keys, item: Any) -> None:
        """Take in one example."""
        entry = self._notes.entry(document, keys, item, ExampleEntry)
        if entry is None:
            return
        for store in entry.expect:
            self._notes.check_store(document, (*keys, "expect", store), store)
        for number, store in enumerate(entry.given.listed_in or ()):
            self._notes.check_store(document, (*keys, "given", "listed_in", number), store)
        called = f"an example called '{entry.name}'"
        self._notes.take(document, (*keys, "name"), ("example", entry.name), called)
        try:
            example = entry.example(document.place((*keys, "name")), self._notes.platforms)
        except ValueError as error:
            self._notes.complaints.add(document, (*keys, "given"), str(error))
        else:
            self.examples.append(example)
