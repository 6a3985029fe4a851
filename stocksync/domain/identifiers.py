"""Names of things: strings that must never be swapped, and when two of them look alike."""

import unicodedata
from typing import Final, NewType

Sku = NewType("Sku", str)
LocationId = NewType("LocationId", str)
StoreId = NewType("StoreId", str)
ListingId = NewType("ListingId", str)

MAIN_LOCATION: Final = LocationId("main")
SKU_LENGTH_MAX: Final = 255


def sku_from(code: object) -> Sku | None:
    """Take a store's code as a SKU, exactly as it stands; None when it cannot name anything.

    A JSON number becomes its digits. Empty, blank, over-long and non-text codes name nothing,
    and two of them are never the same thing (`reliability §4.5 K07-K11, K26`); nor do codes with a
    NUL, which no database keeps.
    """
    if isinstance(code, bool) or not isinstance(code, str | int):
        return None
    text = str(code)
    if not text.strip() or len(text) > SKU_LENGTH_MAX or "\0" in text:
        return None
    return Sku(text)


def near_key(sku: str) -> str:
    """Fold case, Unicode form and white space, so that codes a person may confuse meet.

    Used only to find near-twins and to quarantine them; never to match (`DESIGN §3.9`).
    """
    if sku.isascii():
        return " ".join(sku.lower().split())
    return " ".join(unicodedata.normalize("NFKC", sku).casefold().split())
