"""What a file in the rules folder may say: its keys, their forms and their limits."""

from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, PlainValidator

from stocksync.domain.identifiers import SKU_LENGTH_MAX, ListingId, LocationId, Sku, StoreId
from stocksync.domain.rules import Buffer, Increases, Match, Mode, Velocity, Wishes
from stocksync.files.complaints import Entry
from stocksync.files.timewords import ScheduleEntry, hold_from, velocity_from
from stocksync.files.wishwords import (
    UNITS_MAX,
    buffer_from,
    increases_from,
    mode_from,
    share_from,
)

SECTIONS: Final = ("rules", "groups", "aliases", "bundles", "availability")
LOCATION_WISHES: Final = ("buffer", "hold")


def text_from(given: str) -> str:
    """Let a name or SKU through, exactly as it stands."""
    if not given.strip():
        raise ValueError("is empty")
    if len(given) > SKU_LENGTH_MAX:
        raise ValueError(f"must have at most {SKU_LENGTH_MAX} letters")
    return given


def _all_different(given: list[str]) -> list[str]:
    if len(set(given)) < len(given):
        raise ValueError("names one thing twice")
    return given


Text = Annotated[str, AfterValidator(text_from)]
Texts = Annotated[list[Text], Field(min_length=1), AfterValidator(_all_different)]
Units = Annotated[int | None, Field(ge=0, le=UNITS_MAX)]
Pieces = Annotated[int | None, Field(ge=1, le=UNITS_MAX)]
Number = Annotated[int | None, Field(ge=1)]


class MatchEntry(Entry):
    """Where a rule applies."""

    sku: Text | None = None
    store: Text | None = None
    platform: Text | None = None
    group: Text | None = None
    location: Text | None = None

    def match(self) -> Match:
        """Return the domain's own match."""
        return Match(
            sku=self.sku or "",
            store=None if self.store is None else StoreId(self.store),
            platform=self.platform or "",
            group=self.group or "",
            location=None if self.location is None else LocationId(self.location),
        )


class WishesEntry(Entry):
    """What a rule sets; a key left out inherits, zero means zero."""

    buffer: Annotated[Buffer | None, PlainValidator(buffer_from)] = None
    velocity_buffer: Annotated[Velocity | None, PlainValidator(velocity_from)] = None
    share: Annotated[Fraction | None, PlainValidator(share_from)] = None
    floor: Units = None
    cap: Units = None
    last_units: Units = None
    zero_at_or_below: Units = None
    fixed: Units = None
    pack: Pieces = None
    round_to: Pieces = None
    hold: Annotated[bool | datetime | None, PlainValidator(hold_from)] = None
    locations: Texts | None = None
    accept_increases: Annotated[Increases | None, PlainValidator(increases_from)] = None
    priority: Units = None
    mode: Annotated[Mode | None, PlainValidator(mode_from)] = None

    def wishes(self, resets: frozenset[str] = frozenset()) -> Wishes:
        """Return the domain's own wishes; `resets` are those taken back with `null`."""
        given: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        if self.locations is not None:
            given["locations"] = tuple(LocationId(name) for name in self.locations)
        return Wishes(**given, resets=resets)


class RuleEntry(Entry):
    """One rule."""

    name: Text
    match: MatchEntry = MatchEntry()
    schedule: ScheduleEntry | None = None
    when: Text | None = None
    set: WishesEntry


class GroupEntry(Entry):
    """The SKU globs of one group."""

    globs: Texts


class PartEntry(Entry):
    """How many units of one part a kit needs."""

    units: Annotated[int, Field(ge=1, le=UNITS_MAX)]


class AliasEntry(Entry):
    """A store's code that means a SKU of another spelling."""

    store: Text
    code: Text
    sku: Text


class AvailabilityEntry(Entry):
    """A product or variant to offer while the SKUs behind it are in stock."""

    store: Text
    product: Number = None
    variant: Number = None
    skus: Texts | None = None
    sku: Text | None = None

    def listing(self) -> ListingId | None:
        """Return the id of the listing meant; None when not exactly one is named."""
        if (self.product is None) == (self.variant is None):
            return None
        if self.product is not None:
            return ListingId(f"product:{self.product}")
        return ListingId(f"variant:{self.variant}")

    def behind(self) -> tuple[Sku, ...]:
        """Return the SKUs; empty when not exactly one of `sku` and `skus` is given."""
        if (self.sku is None) == (self.skus is None):
            return ()
        return tuple(Sku(sku) for sku in self.skus or [str(self.sku)])
