"""Draw one merchant: goods, kits and packs, and stores of the five platforms that list them."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.merge import Role
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer, Increases, Match, Mode, Rule, Wishes
from stocksync.sandbox.serve import APPS, CREDENTIALS
from stocksync.sandbox.shop import Shop
from tests.simulation.options import Options
from tests.simulation.switches import PRINT, Availability, draw_switches

PLATFORMS = ("recplus", "b2bwave", "freewebstore", "simvoly")
SIZES = ("S", "M", "L")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a listing should show, in words of our own: the rules as the merchant meant them."""

    pack: int = 1
    buffer: int = 0
    cap: int | None = None
    increases: str = "yes"

    def target(self, units: int) -> int:
        """Work the number out again, without the product's formula."""
        packs = max(0, max(0, units) - self.buffer) // self.pack
        return packs if self.cap is None else min(packs, self.cap)


@dataclass(kw_only=True)
class Merchant:
    """Goods and stores. `codes` is what a store calls a SKU, `wanted` what each listing shows."""

    opening: dict[str, int]
    kits: dict[str, dict[str, int]]
    shops: dict[str, Shop]
    apps: dict[str, Callable[..., object]]
    roles: dict[str, Role]
    codes: dict[tuple[str, str], str]
    wanted: dict[tuple[str, str], Wanted]
    book: Rulebook
    mode: str = "shared"
    fed: frozenset[str] = frozenset()

    def parts(self, sku: str) -> Mapping[str, int]:
        return self.kits.get(sku, {sku: 1})

    def sellable(self, sku: str, on_hand: Mapping[str, int]) -> int:
        """Count what can be sold of a SKU: of a kit, as many as its scarcest part allows."""
        return min(on_hand[part] // units for part, units in self.parts(sku).items())


def draw_merchant(options: Options, now: Callable[[], datetime]) -> Merchant:
    """Draw the merchant of a seed."""
    chance = random.Random(f"merchant {options.seed}")
    opening = {f"SKU-{n:02}": chance.randint(0, options.opening_max) for n in range(options.skus)}
    names = list(opening)
    kits = {"KIT-00": {names[0]: 2, names[1]: 1}} if chance.random() < 0.4 else {}
    shops, roles, codes = {}, {}, {}
    wanted: dict[tuple[str, str], Wanted] = {}
    rules = [_mode(options)]
    for number in range(options.stores):
        store = f"store{number}"
        platform = PLATFORMS[number % 4] if chance.random() < 0.5 else chance.choice(PLATFORMS)
        roles[store] = _role(chance, number) if options.mode == "shared" else Role.CHANNEL
        shops[store] = Shop(platform, now=now)
        listed = sorted(chance.sample(names, chance.randint(min(3, len(names)), len(names))))
        listed += [kit for kit in kits if chance.random() < 0.7]
        for sku in listed:
            codes[store, sku] = f"AL-{number}-{sku}" if chance.random() < 0.1 else sku
            wanted[store, sku] = _wish(chance, sku, kits)
            rules += _rules(store, sku, wanted[store, sku])
        _fill(shops[store], [codes[store, sku] for sku in listed], chance, options)
    switches = Availability()
    if options.switches:
        shops[PRINT], switches = draw_switches([*names, *kits], chance, now)
        roles[PRINT] = Role.CHANNEL
    book = _book(rules, kits, codes, shops)
    merchant = Merchant(
        opening=opening, kits=kits, shops=shops, apps={}, roles=roles, codes=codes, wanted=wanted,
        book=replace(book, availability=switches), mode=options.mode,
        fed=frozenset(
            at for at, role in roles.items()
            if options.feed and role is Role.CHANNEL and at != PRINT
        ),
    )  # fmt: skip
    merchant.apps = {store: _app(shop) for store, shop in shops.items()}
    return merchant


def _role(chance: random.Random, number: int) -> Role:
    if number < 2:
        return Role.CHANNEL
    return chance.choice([Role.CHANNEL, Role.CHANNEL, Role.MASTER, Role.MIRROR, Role.OBSERVE])


def _wish(chance: random.Random, sku: str, kits: Mapping[str, object]) -> Wanted:
    if chance.random() < 0.6:
        return Wanted()
    return Wanted(
        pack=chance.choice([1, 1, 1, 2]) if sku not in kits else 1,
        buffer=chance.choice([0, 0, 1, 2]),
        cap=chance.choice([None, None, 5]),
        increases=chance.choice(["yes", "yes", "yes", "no", "hold"]),
    )


def _rules(store: str, sku: str, wish: Wanted) -> list[Rule]:
    if wish == Wanted():
        return []
    wishes = Wishes(
        pack=wish.pack,
        buffer=Buffer(units=wish.buffer, percent=Fraction(0)),
        cap=wish.cap,
        accept_increases=Increases(wish.increases),
    )
    name = f"{store} {sku}"
    match = Match(sku=sku, store=StoreId(store))
    return [Rule(name=name, place=f"sim.yaml:{name}", match=match, wishes=wishes)]


def _mode(options: Options) -> Rule:
    wishes = Wishes(mode=Mode(options.mode))
    return Rule(name="mode", place="sim.yaml:mode", match=Match(), wishes=wishes)


def _fill(shop: Shop, codes: list[str], chance: random.Random, options: Options) -> None:
    """Put goods on sale, near what is there: some products of the platforms have variations."""
    left, product = list(codes), chance.choice([12, 111, 58000])
    # REC+ lists a product with variations too, as their sum: adopted, it would be a SKU of its own.
    families = ("simvoly",) if options.first_contact == "adopt" else ("recplus", "simvoly")
    while left:
        size = chance.choice([1, 2, 2, 3]) if shop.platform in families else 1
        family, left = left[:size], left[size:]
        for code, letter in zip(family, SIZES, strict=False):
            facts = {}
            if len(family) > 1:
                facts = {"parent_code": f"{family[0]}-ALL", "options": {"Size": letter}}
            shop.add(code, chance.randint(0, options.opening_max), product_id=product, **facts)  # type: ignore[arg-type]
        product += 1


def _app(shop: Shop) -> Callable[..., object]:
    return APPS[shop.platform](shop, **CREDENTIALS[shop.platform])


def _book(
    rules: list[Rule],
    kits: Mapping[str, Mapping[str, int]],
    codes: Mapping[tuple[str, str], str],
    shops: Mapping[str, Shop],
) -> Rulebook:
    return Rulebook(
        rules=tuple(rules),
        aliases={(StoreId(at), code): Sku(sku) for (at, sku), code in codes.items() if code != sku},
        bundles={
            Sku(kit): {Sku(part): units for part, units in parts.items()}
            for kit, parts in kits.items()
        },
        platforms={StoreId(store): shop.platform for store, shop in shops.items()},
        fingerprint="simulated",
    )
