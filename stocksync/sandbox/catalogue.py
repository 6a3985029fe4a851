"""One merchant's goods in five fake stores, ordinary or with every awkward kind among them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from stocksync.sandbox import awkward
from stocksync.sandbox.shop import Shop

#: The merchant's stores: id in the configuration, platform, first product id.
STORES: Final = (
    ("shop", "recplus", 58000),
    ("trade", "b2bwave", 12),
    ("web", "freewebstore", 11111111),
    ("site", "simvoly", 111),
    ("print", "idealfactory", 1),
)
KINDS: Final = ("MUG", "TEE", "CAP", "BAG", "PIN", "PEN")
SIZES: Final = ("S", "M", "L")
ON_HAND_MIN: Final = 12
ON_HAND_MAX: Final = 90
#: Ideal Factory prints a few things only: this many SKUs, this many per product.
PRINTED_MAX: Final = 40
PRINTED_PER_PRODUCT: Final = 4


@dataclass(kw_only=True)
class Catalogue:
    """Five stores and what a stock take of the merchant's shelves would say.

    `shops` by store id; `opening` has the on-hand units of the ordinary SKUs, `odd_opening`
    those of SKUs with strange letters that still mean one thing; `availability` is the
    mapping for Ideal Factory as the rules write it.
    """

    shops: dict[str, Shop]
    opening: dict[str, int]
    odd_opening: dict[str, int] = field(default_factory=dict)
    availability: list[dict[str, object]] = field(default_factory=list)

    def rules(self) -> str:
        """Write the `availability` rules as the text of a rules file."""
        lines = [f"  - {json.dumps(entry)}" for entry in self.availability]
        return "\n".join(["availability:", *lines, ""]) if lines else ""

    def stock_take(self) -> str:
        """Write `opening` as the text of a CSV file with the header `sku,on_hand`."""
        lines = [f"{sku},{on_hand}" for sku, on_hand in self.opening.items()]
        return "\n".join(["sku,on_hand", *lines, ""])


def plain_catalogue(
    skus: int = 240, seed: int = 0, *, spread: int = 3, now: Callable[[], datetime] | None = None
) -> Catalogue:
    """Fill five stores with ordinary SKUs, one simple product each.

    Each store's number lies at most `spread` units from what is on hand; 0 makes all agree.
    """
    random = Random(seed)
    shops = _empty_shops(now)
    opening = _ordinary_skus(skus, random)
    for store in ("shop", "trade", "web", "site"):
        for sku, on_hand in opening.items():
            shops[store].add(sku, _near(on_hand, spread, random), product_id=_next_id(shops, store))
    return Catalogue(
        shops=shops, opening=opening, availability=_printed(shops["print"], list(opening))
    )


def awkward_catalogue(
    seed: int = 0, skus: int = 240, *, spread: int = 3, now: Callable[[], datetime] | None = None
) -> Catalogue:
    """Fill five stores with ordinary SKUs and every awkward kind that the platforms allow.

    Every sixth to eighth SKU of REC+ and Simvoly belongs to a product with three variations.
    """
    random = Random(seed)
    shops = _empty_shops(now)
    opening = _ordinary_skus(skus, random)
    for store in ("trade", "web"):
        for sku, on_hand in opening.items():
            shops[store].add(sku, _near(on_hand, spread, random), product_id=_next_id(shops, store))
    for store in ("shop", "site"):
        for family in _families(list(opening)):
            shown = {sku: _near(opening[sku], spread, random) for sku in family}
            _add_family(shops[store], shown, product_id=_next_id(shops, store))
    odd_opening = awkward.add_odd_codes(shops, random)
    awkward.add_recplus(shops["shop"])
    awkward.add_b2bwave(shops["trade"])
    awkward.add_freewebstore(shops["web"])
    awkward.add_simvoly(shops["site"])
    return Catalogue(
        shops=shops,
        opening=opening,
        odd_opening=odd_opening,
        availability=_printed(shops["print"], list(opening)),
    )


def _empty_shops(now: Callable[[], datetime] | None) -> dict[str, Shop]:
    return {
        store: Shop(platform) if now is None else Shop(platform, now=now)
        for store, platform, _ in STORES
    }


def _ordinary_skus(skus: int, random: Random) -> dict[str, int]:
    return {
        f"{KINDS[number % len(KINDS)]}-{number:05d}": random.randint(ON_HAND_MIN, ON_HAND_MAX)
        for number in range(1, skus + 1)
    }


def _near(on_hand: int, spread: int, random: Random) -> int:
    return max(0, on_hand + random.randint(-spread, spread))


def _next_id(shops: Mapping[str, Shop], store: str) -> int:
    """Start each store's product ids where its platform's examples do, then count on."""
    items = shops[store].items
    if items:
        return items[-1].product_id + 1
    return next(first for name, _, first in STORES if name == store)


def _families(skus: Sequence[str]) -> list[list[str]]:
    """Group SKUs into products: five simple ones, then one with three variations, and so on."""
    families: list[list[str]] = []
    for start in range(0, len(skus), 8):
        eight = skus[start : start + 8]
        families += [[sku] for sku in eight[:5]]
        if eight[5:]:
            families.append(list(eight[5:]))
    return families


def _add_family(shop: Shop, shown: Mapping[str, int], *, product_id: int) -> None:
    """Add one product, with one variation per SKU when there are several."""
    for (sku, quantity), size in zip(shown.items(), SIZES, strict=False):
        if len(shown) == 1:
            shop.add(sku, quantity, product_id=product_id)
            continue
        shop.add(
            sku,
            quantity,
            product_id=product_id,
            title=f"Item {next(iter(shown))}",
            parent_code=f"{next(iter(shown))}-ALL",
            options={"Size": size},
        )


def _printed(shop: Shop, skus: Sequence[str]) -> list[dict[str, object]]:
    """Let Ideal Factory print the first SKUs: some by product, some by variant."""
    availability: list[dict[str, object]] = []
    variant_id = 0
    for start in range(0, min(len(skus), PRINTED_MAX), PRINTED_PER_PRODUCT):
        printed = list(skus[start : start + PRINTED_PER_PRODUCT])
        product_id = start // PRINTED_PER_PRODUCT + 1
        shop.add(f"PRINT-{product_id}", None, product_id=product_id)
        availability.append({"store": "print", "product": product_id, "skus": printed})
        for sku in printed[:2]:
            variant_id += 1
            shop.add(sku, None, product_id=product_id, variant_id=variant_id, tags=["print"])
            availability.append({"store": "print", "variant": variant_id, "sku": sku})
    return availability
