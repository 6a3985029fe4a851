"""What a file in the rules folder may say: its keys, their forms and their limits."""

import re
from fractions import Fraction
from typing import Annotated, Any, Final, NoReturn

from pydantic import AfterValidator, Field, PlainValidator

from stocksync.domain.identifiers import SKU_LENGTH_MAX, ListingId, LocationId, Sku, StoreId
from stocksync.domain.rules import Buffer, Increases, Match, Mode, Wishes
from stocksync.files.complaints import Entry, did_you_mean

SECTIONS: Final = ("rules", "groups", "aliases", "bundles", "availability")
LOCATION_WISHES: Final = ("buffer", "hold")
UNITS_MAX: Final = 1_000_000

_UNITS: Final = re.compile(r"[0-9]{1,7}", re.ASCII)
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", re.ASCII)


def text_from(given: str) -> str:
    """Let a name or SKU through, exactly as it stands."""
    if not given.strip():
        raise ValueError("is empty")
    if len(given) > SKU_LENGTH_MAX:
        raise ValueError(f"must have at most {SKU_LENGTH_MAX} letters")
    return given


def percent_from(text: str) -> Fraction | None:
    """Read `12.5%` as a fraction of one; None when it is not written like that."""
    matched = _PERCENT.fullmatch(text.strip())
    if matched is None:
        return None
    part = Fraction(matched[1]) / 100
    if part > 1:
        raise ValueError("must be from 0% to 100%")
    return part


def share_from(given: object) -> Fraction:
    """Read a share; a bare number is refused, as 50 may mean units and 0.5 a half."""
    part = percent_from(given) if isinstance(given, str) else None
    if part is None:
        raise ValueError("must be a part of what is available, from 0% to 100%, such as 50%")
    return part


def buffer_from(given: object) -> Buffer:
    """Read units kept back (`3`), a part (`10%`), or both (`3 + 10%`)."""
    if isinstance(given, int) and not isinstance(given, bool):
        if not 0 <= given <= UNITS_MAX:
            raise ValueError(f"must be from 0 to {UNITS_MAX} units")
        return Buffer(units=given)
    units: list[int] = []
    parts: list[Fraction] = []
    for piece in given.split("+") if isinstance(given, str) else []:
        part = percent_from(piece)
        if part is not None:
            parts.append(part)
        elif _UNITS.fullmatch(piece.strip()):
            units.append(int(piece))
        else:
            _no_buffer()
    if not (units or parts) or len(units) > 1 or len(parts) > 1 or sum(units) > UNITS_MAX:
        _no_buffer()
    return Buffer(units=sum(units), percent=sum(parts, Fraction(0)))


def _no_buffer() -> NoReturn:
    raise ValueError("must be units, a part, or both, none of them negative: 3, 10%, 3 + 10%")


def increases_from(given: object) -> Increases:
    """Read yes, no or hold; YAML reads the first two as true and false."""
    if isinstance(given, bool):
        return Increases.YES if given else Increases.NO
    if isinstance(given, str) and given in tuple(Increases):
        return Increases(given)
    hint = did_you_mean(given, Increases) if isinstance(given, str) else ""
    raise ValueError(f"must be yes, no or hold{hint}")


def mode_from(given: object) -> Mode:
    """Read shared, allocated or auto."""
    if isinstance(given, str) and given in tuple(Mode):
        return Mode(given)
    hint = did_you_mean(given, Mode) if isinstance(given, str) else ""
    raise ValueError(f"must be shared, allocated or auto{hint}")


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
    share: Annotated[Fraction | None, PlainValidator(share_from)] = None
    cap: Units = None
    zero_at_or_below: Units = None
    fixed: Units = None
    pack: Pieces = None
    round_to: Pieces = None
    hold: bool | None = None
    locations: Texts | None = None
    accept_increases: Annotated[Increases | None, PlainValidator(increases_from)] = None
    priority: Units = None
    mode: Annotated[Mode | None, PlainValidator(mode_from)] = None

    def wishes(self) -> Wishes:
        """Return the domain's own wishes."""
        given: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        if self.locations is not None:
            given["locations"] = tuple(LocationId(name) for name in self.locations)
        return Wishes(**given)


def _something(given: WishesEntry) -> WishesEntry:
    if not given.model_fields_set:
        raise ValueError("sets nothing; name at least one wish, such as buffer")
    return given


class RuleEntry(Entry):
    """One rule."""

    name: Text
    match: MatchEntry = MatchEntry()
    set: Annotated[WishesEntry, AfterValidator(_something)]


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
