"""What a file in the rules folder may say: its keys, their forms, their limits and what they mean.

The descriptions are what editors show (`files.ruleschema`): a merchant's words, with boundaries.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.config import JsonDict

from stocksync.domain.identifiers import SKU_LENGTH_MAX, LocationId, StoreId
from stocksync.domain.rules import Condition, Match, Wishes
from stocksync.files.complaints import Entry, why_not_text
from stocksync.files.expressions import condition_from
from stocksync.files.timewords import HoldWish, ScheduleEntry, VelocityWish
from stocksync.files.wishwords import UNITS_MAX, BufferWish, IncreasesWish, ModeWish, ShareWish

LOCATION_WISHES: Final = ("buffer", "hold")


def text_from(given: str) -> str:
    """Let a name or SKU through, exactly as it stands."""
    if not given.strip():
        raise ValueError("is empty")
    if len(given) > SKU_LENGTH_MAX:
        raise ValueError(f"must have at most {SKU_LENGTH_MAX} letters")
    return given


def _condition(given: object) -> Condition:
    """Compile an expression in CEL."""
    if not isinstance(given, str):
        raise ValueError(why_not_text(given))  # noqa: TRY004 - what pydantic turns into a refusal
    return condition_from(text_from(given))


def _all_different(given: list[str]) -> list[str]:
    if len(set(given)) < len(given):
        raise ValueError("names one thing twice")
    return given


_TEXT_FORM: Final = {"type": "string", "pattern": r"\S", "maxLength": SKU_LENGTH_MAX}

Text = Annotated[str, AfterValidator(text_from), WithJsonSchema(_TEXT_FORM)]
Texts = Annotated[
    list[Text],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_all_different),
]
Units = Annotated[int | None, Field(ge=0, le=UNITS_MAX)]
Pieces = Annotated[int | None, Field(ge=1, le=UNITS_MAX)]
When = Annotated[Condition | None, PlainValidator(_condition), WithJsonSchema(_TEXT_FORM)]


class MatchEntry(Entry):
    """Where a rule applies: all that is named must fit; what is not named fits everything."""

    sku: Text | None = Field(
        None,
        description="A SKU exactly as written, or a pattern: * is any letters, ? is one, [ab] is a "
        "or b. Put it in quotes.",
    )
    store: Text | None = Field(None, description="One of your stores, by its id.")
    platform: Text | None = Field(None, description="All stores of one platform, such as recplus.")
    group: Text | None = Field(None, description="A group of SKUs, named under groups.")
    location: Text | None = Field(
        None,
        description="One place where units are; such a rule may set buffer and hold only, and they "
        "are about the units there.",
    )

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
    """What a rule sets. A key left out stays as it is, 0 means zero, null takes it back."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    buffer: BufferWish = Field(
        None,
        description="Units kept back and not shown: a number (2), a part of what is free (10%, "
        "rounded up), or both (2 + 10%).",
    )
    velocity_buffer: VelocityWish = Field(
        None,
        description="Keep back as many units as were sold, in all stores, in the last stretch of "
        "time: 60m (s, m, h or d; at most 30d). 60m cover 5m keeps those that sell in 5 minutes "
        "at that speed, rounded up; 60m cover measured takes the time that our corrections need "
        "to reach this store. A sale counts until exactly that long after it.",
    )
    share: ShareWish = Field(
        None,
        description="The part of what is available that this store shows, from 0% to 100%, rounded "
        "down; what rounding leaves over goes to the store with the highest priority.",
    )
    floor: Units = Field(
        None,
        description="Show at least this many while at least that many are available; with fewer "
        "available, what the rest of the rules leaves. cap comes after it and wins. Does nothing "
        "where mode gives each unit to one store.",
    )
    cap: Units = Field(
        None, description="Show at most this many, exactly this many included; 0 shows none."
    )
    last_units: Units = Field(
        None,
        description="When this many are available, or fewer, only the stores with the highest "
        "priority show any. 0: never.",
    )
    zero_at_or_below: Units = Field(
        None,
        description="Show 0 when it would be this many, or fewer: with 2, two become 0 and three "
        "stay 3.",
    )
    fixed: Units = Field(
        None, description="Always show this many, whatever the stock; it may oversell."
    )
    pack: Pieces = Field(
        None,
        description="Units in one piece of the listing: 6 for a six-pack. Whole packs are shown, "
        "rounded down.",
    )
    round_to: Pieces = Field(
        None, description="Show whole multiples of this number only, rounded down."
    )
    hold: HoldWish = Field(
        None,
        description="yes: write nothing there. until 2026-12-24 18:00: nothing before that moment "
        "(UTC); from then on as if it were not said. no: write.",
    )
    locations: Texts | None = Field(
        None,
        description="The only locations this store sells from, in the order in which its sales are "
        "taken from them.",
    )
    accept_increases: IncreasesWish = Field(
        None,
        description="When a store's number goes up by itself: yes, it is believed; no, it is put "
        "back; hold, a person is asked; twice, it is believed when the next look shows it too.",
    )
    priority: Units = Field(
        None,
        description="Who shows the unit that shares leave over, and who keeps the last_units: the "
        "highest number. 0 if not said.",
    )
    mode: ModeWish = Field(
        None,
        description="shared: every store shows what is available. allocated: each unit is shown in "
        "one store only. auto: that, once 3 or fewer are left for each store.",
    )

    def wishes(self, resets: frozenset[str] = frozenset()) -> Wishes:
        """Return the domain's own wishes; `resets` are those taken back with `null`."""
        given: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        if self.locations is not None:
            given["locations"] = tuple(LocationId(name) for name in self.locations)
        return Wishes(**given, resets=resets)


_ABOUT_A_LOCATION: Final[JsonDict] = {
    "if": {"properties": {"match": {"required": ["location"]}}, "required": ["match"]},
    "then": {
        "properties": {
            "set": {
                "propertyNames": {"enum": [*LOCATION_WISHES]},
                "additionalProperties": {"not": {"type": "null"}},
            }
        }
    },
}


class RuleEntry(Entry):
    """One rule. For each thing that can be set, the last rule that matches wins."""

    model_config = ConfigDict(json_schema_extra=_ABOUT_A_LOCATION)

    name: Text = Field(description="What you call it; explanations name it. Each name once.")
    match: MatchEntry = Field(
        MatchEntry(), description="Where it applies; everywhere, if not said."
    )
    schedule: ScheduleEntry | None = Field(None, description="When it holds; always, if not said.")
    when: When = Field(
        None,
        description="An expression in CEL about sku, store, platform and groups that must be true, "
        'such as sku.startsWith("TEE-") && store != "web". One without an answer holds the SKU.',
    )
    set: WishesEntry = Field(description="What it sets.")


class GroupEntry(Entry):
    """The SKU globs of one group."""

    globs: Texts
