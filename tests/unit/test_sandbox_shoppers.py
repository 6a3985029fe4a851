"""Shoppers are the same for the same seed and never lose or invent a unit; catalogues too."""

import json
import unicodedata
from random import Random

import yaml

from stocksync.sandbox.awkward import CASE_TWINS, DUPLICATE_CODE, ODD_CODES, UNICODE_TWINS
from stocksync.sandbox.catalogue import Catalogue, awkward_catalogue, plain_catalogue
from stocksync.sandbox.shop import Shop
from stocksync.sandbox.shoppers import Shoppers
from tests.unit.sandbox_kit import caller

STOCK_STORES = ("shop", "trade", "web", "site")


def numbers(catalogue: Catalogue) -> dict[str, list[tuple[str | None, object]]]:
    return {
        store: [(item.code, item.quantity) for item in shop.items]
        for store, shop in catalogue.shops.items()
    }


def test_the_same_seed_sends_the_same_shoppers() -> None:
    def visits(seed: int) -> list[tuple[object, ...]]:
        shoppers = Shoppers(awkward_catalogue(1, 24).shops, Random(seed))
        for _ in range(200):
            shoppers.step()
        return list(shoppers.visits)

    assert visits(3) == visits(3) != visits(4)


def test_shoppers_conserve_units_in_every_store() -> None:
    catalogue = awkward_catalogue(7, 24)
    opening = {store: shop.on_hand() for store, shop in catalogue.shops.items()}
    shoppers = Shoppers(catalogue.shops, Random(7), return_rate=0.2)

    for _ in range(3000):
        shoppers.step()

    for store, shop in catalogue.shops.items():
        expected = {
            code: units - shop.sold[code] + shop.returned[code]
            for code, units in opening[store].items()
        }
        assert shop.on_hand() == expected, store
    kinds = {(visit.kind, visit.units > 0) for visit in shoppers.visits}
    assert kinds == {("sale", True), ("sale", False), ("return", True)}


def test_what_shoppers_did_is_what_the_stores_put_down() -> None:
    catalogue = plain_catalogue(12, seed=2)
    shoppers = Shoppers(catalogue.shops, Random(2), return_rate=0.2)
    for _ in range(500):
        shoppers.step()

    for kind, counter in (("sale", "sold"), ("return", "returned")):
        said = sum(visit.units for visit in shoppers.visits if visit.kind == kind)
        kept = sum(getattr(shop, counter).total() for shop in catalogue.shops.values())
        assert said == kept > 0


async def test_shoppers_pause_between_visits_and_stop_when_told() -> None:
    shoppers = Shoppers(plain_catalogue(4).shops, Random(1))
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    await shoppers.run(lambda: len(shoppers.visits) == 3, lambda: 0.25, sleep=sleep)

    assert pauses == [0.25] * 3


def test_nobody_shops_where_nothing_is_counted() -> None:
    print_shop = Shop("idealfactory")
    print_shop.add("P", None)

    assert Shoppers({"print": print_shop}, Random(1)).step() is None


def test_catalogues_are_the_same_for_the_same_seed() -> None:
    for make in (plain_catalogue, awkward_catalogue):
        same, again, other = (make(skus=30, seed=seed) for seed in (1, 1, 2))
        assert numbers(same) == numbers(again) != numbers(other)


def test_a_plain_catalogue_has_every_sku_once_in_every_store_that_counts() -> None:
    catalogue = plain_catalogue(50, seed=4)

    for store in STOCK_STORES:
        shown = catalogue.shops[store].on_hand()
        assert shown.keys() == catalogue.opening.keys()
        assert all(abs(shown[sku] - units) <= 3 for sku, units in catalogue.opening.items())
    shown_everywhere = [catalogue.shops[store].on_hand() for store in STOCK_STORES]
    assert any(shown != shown_everywhere[0] for shown in shown_everywhere)


def test_stores_can_agree_from_the_start() -> None:
    catalogue = plain_catalogue(50, seed=4, spread=0)

    for store in STOCK_STORES:
        assert catalogue.shops[store].on_hand() == catalogue.opening


def test_an_awkward_catalogue_holds_every_awkward_kind() -> None:
    catalogue = awkward_catalogue(1, 40)
    everything = {store: catalogue.shops[store].items for store in STOCK_STORES}

    for store, items in everything.items():
        codes = [item.code for item in items]
        assert {*ODD_CODES, *CASE_TWINS, *UNICODE_TWINS, ""} <= set(codes), store
        assert codes.count(DUPLICATE_CODE) == 2
        assert {"", None} <= {item.quantity for item in items}
    assert UNICODE_TWINS[0] != UNICODE_TWINS[1]
    assert len({unicodedata.normalize("NFC", code) for code in UNICODE_TWINS}) == 1
    rec, b2b, free, simvoly = (everything[store] for store in STOCK_STORES)
    assert any(item.is_bundle_synced for item in rec)
    assert any(item.is_digital for item in rec)
    assert {"5.0", "2.5", -4} <= {item.quantity for item in b2b}
    assert any(item.code is None for item in b2b)
    assert any(not item.quantity_monitor for item in b2b)
    assert any(item.locations for item in b2b)
    assert any(item.is_option_stock for item in free)
    assert {"digital", "service"} < {item.product_type for item in simvoly}
    assert any(item.code == "" and item.options for item in simvoly)
    assert catalogue.opening.keys() <= catalogue.shops["shop"].on_hand().keys()


async def test_an_awkward_catalogue_can_be_listed_whole_everywhere() -> None:
    shops = awkward_catalogue(1, 40).shops
    async with (
        caller(shops["shop"]) as rec,
        caller(shops["trade"]) as b2b,
        caller(shops["web"]) as free,
        caller(shops["site"]) as simvoly,
    ):
        stock = (await rec.get("/api/v1/stock?limit=1000")).json()["stock"]
        full = (await rec.get("/api/v1/products?limit=1000&fields=*")).json()["products"]
        listed = (await b2b.get("/api/products")).json()
        products = (await free.get("/product/")).json()["products"]
        pages = [
            (await simvoly.get(f"/api/site/products?limit=50&skip={skip}")).json()["items"]
            for skip in (0, 50)
        ]

    families = {item.parent_code for item in shops["shop"].items} - {None}
    assert len(stock) == len(shops["shop"].items) + len(families)
    assert len(full) == len(shops["shop"].products())
    assert len(listed) == len(shops["trade"].items)
    assert len(products) == len(shops["web"].items)
    variants = sum(len(product["variants"]) for page in pages for product in page)
    assert variants == len(shops["site"].items)


def test_the_availability_rules_name_known_things_only() -> None:
    catalogue = awkward_catalogue(1, 40)
    rules = yaml.safe_load(catalogue.rules())["availability"]
    items = catalogue.shops["print"].items

    assert json.loads(json.dumps(rules)) == catalogue.availability
    assert {rule["store"] for rule in rules} == {"print"}
    products = [rule for rule in rules if "product" in rule]
    variants = [rule for rule in rules if "variant" in rule]
    assert {rule["product"] for rule in products} == {item.product_id for item in items}
    assert {rule["variant"] for rule in variants} == {item.variant_id for item in items} - {None}
    mapped = {sku for rule in products for sku in rule["skus"]} | {r["sku"] for r in variants}
    assert mapped <= catalogue.opening.keys()


def test_a_stock_take_is_the_opening_as_csv() -> None:
    catalogue = plain_catalogue(3, seed=1)

    header, *lines = catalogue.stock_take().splitlines()

    assert header == "sku,on_hand"
    assert dict(line.split(",") for line in lines) == {
        sku: str(units) for sku, units in catalogue.opening.items()
    }
