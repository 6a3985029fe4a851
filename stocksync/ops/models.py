"""What requests to the API may say, strictly, and what its answers hold."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stocksync.domain.identifiers import SKU_LENGTH_MAX
from stocksync.domain.stocktake import UNITS_MAX

STORES_MAX: Final = 100
SKUS_MAX: Final = 1000
REASON_LENGTH_MAX: Final = 500
LOCATION_LENGTH_MAX: Final = 100
#: Texts that every database keeps and every terminal shows; not blank from end to end.
PLAIN: Final = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
#: No database keeps a NUL (`domain/identifiers.py`).
WITHOUT_NUL: Final = r"^[^\x00]*$"
NAMES_SOMETHING: Final = r"^[^\x00]*[^\s\x00][^\x00]*$"

StoreName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
SkuName = Annotated[str, Field(min_length=1, max_length=SKU_LENGTH_MAX, pattern=NAMES_SOMETHING)]


def _some(units: int) -> int:
    """Refuse zero: an adjustment by nothing is a mistake."""
    if units == 0:
        raise ValueError("must not be 0")
    return units


Units = Annotated[
    int,
    Field(ge=-UNITS_MAX, le=UNITS_MAX, json_schema_extra={"not": {"const": 0}}),
    AfterValidator(_some),
]


class Asked(BaseModel):
    """A request body: nothing unknown in it, and nothing taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Reconcile(Asked):
    """A run to start: which stores and SKUs, all when none is named; `dry_run` only looks."""

    stores: list[StoreName] = Field(default_factory=list, max_length=STORES_MAX)
    skus: list[SkuName] = Field(default_factory=list, max_length=SKUS_MAX)
    dry_run: bool = False


class Adjust(Asked):
    """Units found (above zero) or lost (below), why, and where if the SKU is in several places."""

    units: Units
    reason: str = Field(min_length=1, max_length=REASON_LENGTH_MAX, pattern=PLAIN)
    location: str | None = Field(
        default=None, min_length=1, max_length=LOCATION_LENGTH_MAX, pattern=PLAIN
    )


class Started(BaseModel):
    run: str


class StoreReport(BaseModel):
    """What a run did to one store: the object of `sync --json`; a plan has its lines too."""

    model_config = ConfigDict(extra="allow")

    store: str
    outcome: str
    readings: int = 0
    movements: int = 0
    corrections: int = 0
    confirmed: int = 0
    unknown: int = 0
    failed: int = 0
    api_calls: int = 0
    error: str = ""
    holds: list[str] = Field(default_factory=list)
    lines: list[dict[str, Any]] = Field(
        default_factory=list, description="Only of a dry run: what would be booked and written."
    )


class Run(BaseModel):
    id: str
    kind: str
    trigger: str
    started_at: str
    finished_at: str | None
    outcome: str
    error: str
    stores: list[StoreReport]


class Runs(BaseModel):
    runs: list[Run]


class ListingRow(BaseModel):
    store: str
    listing: str
    reading: bool | int | None
    baseline: bool | int | None
    target: bool | int | None
    state: str


class Stock(BaseModel):
    """The object of `stock show --json`."""

    sku: str
    on_hand: int
    reserved: int
    available: int
    locations: dict[str, int]
    listings: list[ListingRow]


class StockRow(BaseModel):
    """A SKU that moved or that a store lists; null where the books do not know it: not zero."""

    sku: str
    on_hand: int | None
    reserved: int | None
    available: int | None


class StockPage(BaseModel):
    """Some SKUs in order; `next` is what `after` asks for, null on the last page."""

    stock: list[StockRow]
    next: str | None


class Source(BaseModel):
    """A rule, the place where it stands, and when it holds if that is not always."""

    rule: str
    place: str
    schedule: str | None
    when: str | None


class WishRow(Source):
    """A wish with its value as the rules write it, and the rule that decided it.

    Where a rule took back what others set, the value is the one without any rule.
    """

    name: str
    value: bool | int | str | list[str] | None
    taken_back: bool


class LocationRule(Source):
    """A rule about the units at one location."""

    sets: dict[str, bool | int | str]


class StepRow(BaseModel):
    """One step on the way to a target."""

    name: str
    before: int | None
    after: int | None
    note: str
    rule: str | None
    place: str | None


class RulingRow(BaseModel):
    """What the rules say of a SKU in one store; `failed`: which expression had no answer."""

    store: str
    target: bool | int | None
    wishes: list[WishRow]
    locations: dict[str, list[LocationRule]]
    steps: list[StepRow]
    failed: str


class Rulings(BaseModel):
    """The object of `rules explain --json`."""

    sku: str
    stores: list[RulingRow]


class MovementRow(BaseModel):
    """A row of `history --json`."""

    number: int
    occurred_at: str
    recorded_at: str
    kind: str
    units: int
    source: str = Field(alias="from")
    destination: str = Field(alias="to")
    store: str | None
    listing: str | None
    document: str
    reason: str
    run: str


class History(BaseModel):
    sku: str
    movements: list[MovementRow]


class Adjusted(BaseModel):
    """What was booked; the same again for the same key."""

    sku: str
    movement: MovementRow


class HoldLine(BaseModel):
    store: str
    listing: str
    sku: str
    before: int | None
    after: int | None
    why: str


class HoldRow(BaseModel):
    hash: str
    store: str
    gate: str
    reason: str
    state: Literal["open", "approved", "rejected", "withdrawn", "applied"]
    created_at: str
    decided_at: str | None
    decided_by: str
    lines: list[HoldLine]


class Holds(BaseModel):
    holds: list[HoldRow]


class StoreRow(BaseModel):
    """How a store is: its last and running jobs, its listings, and what waits for it."""

    store: str
    platform: str
    role: str
    outcome: str
    error: str
    failures: int = Field(description="Failed jobs in a row; from three on it is asked less often.")
    working: str | None
    next_pull_at: str | None
    last_pull_at: str | None
    last_push_at: str | None
    last_sweep_at: str | None
    listings: dict[str, int]
    open_intents: int
    holds: int


class Stores(BaseModel):
    stores: list[StoreRow]
