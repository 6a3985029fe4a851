"""The awkward goods: each kind is something that a real store of that platform may hold."""

import unicodedata
from collections.abc import Mapping
from random import Random
from typing import Final

from stocksync.sandbox.items import Location
from stocksync.sandbox.shop import Shop

#: Codes that look strange and still mean exactly one thing each.
ODD_CODES: Final = (
    "00123",
    "123",
    "APN 1020",
    "RED,XL",
    "1/2 INCH",
    "50%25OFF",
    "A?x=1&y#z",
    "PLUS+ONE",
    "Ærø-7",
)
#: Codes that differ only in case: two products of one store, and nobody can tell why.
CASE_TWINS: Final = ("abc-1", "ABC-1")
#: Codes that look the same and are not: composed and decomposed letters.
UNICODE_TWINS: Final = (
    unicodedata.normalize("NFC", "CAFÉ-1"),
    unicodedata.normalize("NFD", "CAFÉ-1"),
)
DUPLICATE_CODE: Final = "DUP-1"
STOCK_STORES: Final = ("shop", "trade", "web", "site")


def add_odd_codes(shops: Mapping[str, Shop], random: Random) -> dict[str, int]:
    """Add odd codes, twins, duplicates and empty codes to every store that shows stock.

    Returns the on-hand units of the codes that are odd and unambiguous.
    """
    on_hand = {code: random.randint(12, 90) for code in ODD_CODES}
    for store in STOCK_STORES:
        shop = shops[store]
        for code, units in on_hand.items():
            shop.add(code, units)
        for number, code in enumerate((*CASE_TWINS, *UNICODE_TWINS), start=1):
            shop.add(code, 10 + number)
        shop.add(DUPLICATE_CODE, 4, title="The first of two")
        shop.add(DUPLICATE_CODE, 9, title="The second of two")
        shop.add("", 3, title="No code")
        shop.add("", 6, title="No code either")
        shop.add("NULL-STOCK", None)
        shop.add("EMPTY-STOCK", "")
    return on_hand


def add_recplus(shop: Shop) -> None:
    """Add what only REC+ has: bundles, digital goods, unused and text quantities."""
    shop.add("BUNDLE-1", 5, is_bundle_synced=True)
    shop.add("DOWNLOAD-1", 999, is_digital=True)
    shop.add("TEXT-STOCK", "17")
    shop.add("DRAFT-1", 8, active=False)
    sauce = "Traeger Texas Spicy BBQ Sauce 16oz"
    product_id = None
    for units, answer in ((981, "Yes"), (999, "No")):
        product_id = shop.add(
            f"Sauce-1105410-{answer.lower()}-yes",
            units,
            product_id=product_id,
            title=sauce,
            parent_code="Sauce-1105410",
            options={"Multi Pack": answer, "Saver Discount": "Yes"},
        ).product_id


def add_b2bwave(shop: Shop) -> None:
    """Add what only B2B Wave has: unmonitored goods, backorders, places, decimal text."""
    shop.add(None, 7, title="A null code")
    shop.add("DECIMAL-TEXT", "5.0")
    shop.add("FRACTION", "2.5")
    shop.add("UNMONITORED", 0, quantity_monitor=False)
    shop.add("BACKORDER", -4, can_backorder=True)
    shop.add(
        "TWO-PLACES",
        30,
        locations=[
            Location(location_id=1, code="MAIN", quantity=20),
            Location(location_id=2, code="SHOP", quantity=10),
        ],
    )
    shop.add(
        "BAG-SIZES",
        12,
        variant_codes={"largebgb": {"Size": "Large"}, "mediumbgb": {"Size": "Medium"}},
    )


def add_freewebstore(shop: Shop) -> None:
    """Add what only Freewebstore has: stock kept by option, hidden products, oversold ones."""
    shop.add("BY-OPTION", 14, is_option_stock=True)
    shop.add("DISABLED-1", 6, active=False)
    shop.add("OVERSOLD", -2)
    shop.add("FRACTION", 2.5)


def add_simvoly(shop: Shop) -> None:
    """Add what only Simvoly has: other product types, variants without SKU or sharing one."""
    shop.add("EBOOK-1", 0, product_type="digital")
    shop.add("HOUR-1", 0, product_type="service")
    door = shop.add(
        "D-001",
        3,
        title="Interior Door",
        options={"Material": "Wood", "Leaf": "Single"},
        price=199,
        on_sale=True,
    )
    for code, units, material, leaf in (
        ("", 5, "Wood", "Double"),
        ("", 7, "Glass", "Single"),
        ("D-004", 0, "Glass", "Double"),
    ):
        shop.add(
            code,
            units,
            product_id=door.product_id,
            title=door.title,
            options={"Material": material, "Leaf": leaf},
            price=249,
        )
