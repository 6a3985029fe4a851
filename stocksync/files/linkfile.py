"""What rule files may say of what belongs together: codes, kits, and switches with their stock."""

from typing import Annotated

from pydantic import ConfigDict, Field

from stocksync.domain.identifiers import ListingId, Sku
from stocksync.files.complaints import Entry
from stocksync.files.rulefile import Text, Texts
from stocksync.files.wishwords import UNITS_MAX

PartUnits = Annotated[int, Field(ge=1, le=UNITS_MAX)]
Number = Annotated[int | None, Field(ge=1)]


class PartEntry(Entry):
    """How many units of one part a kit needs."""

    units: PartUnits


class KitRow(Entry):
    """One row of a CSV file of kits."""

    kit: Text
    part: Text
    units: PartUnits


class AliasEntry(Entry):
    """A store's code that means a SKU of another spelling."""

    store: Text = Field(description="The store, by its id.")
    code: Text = Field(description="The code as that store writes it, in quotes.")
    sku: Text = Field(description="The SKU it means, in quotes.")


class AvailabilityEntry(Entry):
    """A product or variant to offer while the SKUs behind it are in stock."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"oneOf": [{"required": ["product"]}, {"required": ["variant"]}]},
                {"oneOf": [{"required": ["sku"]}, {"required": ["skus"]}]},
            ]
        }
    )

    store: Text = Field(description="A store without quantities (Ideal Factory), by its id.")
    product: Number = Field(None, description="Its product, by number.")
    variant: Number = Field(None, description="Its variant, by number.")
    skus: Texts | None = Field(
        None, description="It is offered while at least one of these can be sold."
    )
    sku: Text | None = Field(None, description="It is offered while this can be sold.")

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
