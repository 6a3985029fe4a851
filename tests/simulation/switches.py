"""A store without quantities: what it offers and what not, and who turns its switches by hand."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.sandbox.items import Item
from stocksync.sandbox.shop import Shop

PRINT = "print"
IN_STOCK, OUT_OF_STOCK = "in-stock", "out-of-stock"

#: Which SKUs a listing of the store depends on, as the rules have it.
Availability = dict[tuple[StoreId, ListingId], tuple[Sku, ...]]


def draw_switches(
    skus: Sequence[str], chance: random.Random, now: Callable[[], datetime]
) -> tuple[Shop, Availability]:
    """Draw a store of printed goods: products that need one of some SKUs, variants of one each."""
    shop, availability = Shop("idealfactory", now=now), Availability()
    for number in range(1, chance.randint(2, 4)):
        behind = chance.sample(list(skus), chance.randint(1, min(3, len(skus))))
        shop.add(f"PRINT-{number}", None, product_id=number, active=chance.random() < 0.7)
        availability[StoreId(PRINT), ListingId(f"product:{number}")] = tuple(map(Sku, behind))
    for number, sku in enumerate(chance.sample(list(skus), min(3, len(skus))), start=7):
        tags = ["print", chance.choice([IN_STOCK, OUT_OF_STOCK])][: chance.randint(1, 2)]
        shop.add(None, None, product_id=100 + number, variant_id=number, tags=tags)
        availability[StoreId(PRINT), ListingId(f"variant:{number}")] = (Sku(sku),)
    return shop, availability


def offered(shop: Shop) -> dict[str, bool]:
    """Read the switches past the product: what a buyer can order, by our name for it."""
    return {name_of(item): is_offered(item) for item in shop.items}


def name_of(item: Item) -> str:
    if item.variant_id is None:
        return f"product:{item.product_id}"
    return f"variant:{item.variant_id}"


def is_offered(item: Item) -> bool:
    return item.active if item.variant_id is None else OUT_OF_STOCK not in item.tags


def turn(shop: Shop, chance: random.Random) -> str:
    """Let an admin turn a switch the other way, and say which."""
    item = chance.choice(shop.items)
    if item.variant_id is None:
        item.active = not item.active
    else:
        tag = OUT_OF_STOCK if is_offered(item) else IN_STOCK
        item.tags = [at for at in item.tags if at not in (IN_STOCK, OUT_OF_STOCK)] + [tag]
    return name_of(item)


def not_switched(
    shop: Shop, availability: Availability, sellable: Callable[[str], int]
) -> Iterator[tuple[str, str]]:
    """I5: what is offered is what can be sold, and nothing else."""
    shown: Mapping[str, bool] = offered(shop)
    for (store, listing), behind in availability.items():
        wanted = any(sellable(str(sku)) > 0 for sku in behind)
        if shown[listing] is not wanted:
            words = ", ".join(f"{sellable(str(sku))} of {sku}" for sku in behind)
            yield "I5", f"{store}/{listing} is offered: {shown[listing]}, and there are {words}"
