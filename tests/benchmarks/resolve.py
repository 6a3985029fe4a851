"""Measure how fast targets are worked out, beside a loop that was written for these rules by hand.

`python -m tests.benchmarks.resolve --skus 100000`: five stores, ten rules of the usual kinds.
"""

import argparse
import gc
import time
from collections.abc import Callable
from fractions import Fraction

from stocksync.domain.identifiers import MAIN_LOCATION, Sku, StoreId
from stocksync.domain.plan import target_for
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer, Match, Rule, Wishes
from stocksync.domain.stock import Levels, StockLevel

STORES = tuple(StoreId(name) for name in ("shop", "trade", "web", "site", "print"))
ROUNDS = 5
GOAL_SECONDS = 2.0


def rules() -> list[Rule]:
    """Ten rules as merchants have them: for all, for stores, for patterns, a group and one SKU."""

    def rule(name: str, match: Match, wishes: Wishes) -> Rule:
        return Rule(name=name, place=f"bench.yaml:{name}", match=match, wishes=wishes)

    return [
        rule("1", Match(), Wishes(buffer=Buffer(units=1))),
        rule("2", Match(store=STORES[1]), Wishes(buffer=Buffer(units=2, percent=Fraction(1, 10)))),
        rule("3", Match(store=STORES[2]), Wishes(cap=100)),
        rule("4", Match(platform="simvoly"), Wishes(zero_at_or_below=2)),
        rule("5", Match(sku="SKU-1*"), Wishes(cap=20)),
        rule("6", Match(sku="*7", store=STORES[0]), Wishes(pack=6)),
        rule("7", Match(group="fragile"), Wishes(buffer=Buffer(units=3))),
        rule("8", Match(sku="SKU-00042"), Wishes(fixed=50)),
        rule("9", Match(sku="SKU-2*", store=STORES[4]), Wishes(hold=True)),
        rule("10", Match(sku="SKU-?5*"), Wishes(round_to=5)),
    ]


def book() -> Rulebook:
    platforms = ("recplus", "b2bwave", "freewebstore", "simvoly", "idealfactory")
    return Rulebook(
        rules=rules(),
        groups={"fragile": ["SKU-3*", "SKU-00099"]},
        platforms=dict(zip(STORES, platforms, strict=True)),
    )


def stock(skus: int) -> dict[Sku, Levels]:
    """Every SKU at one place, some of it reserved."""
    return {
        Sku(f"SKU-{number:05}"): {
            MAIN_LOCATION: StockLevel(on_hand=number * 7919 % 240, reserved=number % 3)
        }
        for number in range(skus)
    }


def resolved(levels: dict[Sku, Levels]) -> list[int | None]:
    """Work out every target by the rules, each from nothing."""
    fresh = book()
    return [
        target_for(sku, store, stores=STORES, levels=levels, rulebook=fresh)
        for sku in levels
        for store in STORES
    ]


def by_hand(  # noqa: C901 - one loop is the point of it
    levels: dict[Sku, Levels],
) -> list[int | None]:
    """Work out the same targets in one loop that knows the ten rules by heart."""
    shop, trade, web, site, last = STORES
    found: list[int | None] = []
    for sku, places in levels.items():
        free = 0
        for level in places.values():
            free += level.on_hand - level.reserved
        fragile = sku.startswith("SKU-3") or sku == "SKU-00099"
        few = sku.startswith("SKU-1")
        fives = len(sku) > 5 and sku[5] == "5"
        for store in STORES:
            if store == last and sku.startswith("SKU-2"):
                found.append(None)
                continue
            if sku == "SKU-00042":
                found.append(50)
                continue
            kept = 1
            if fragile:
                kept = 3
            elif store == trade:
                kept = 2 - (-max(0, free) // 10)
            units = max(0, free - kept)
            if store == shop and sku.endswith("7"):
                units //= 6
            if fives:
                units = units // 5 * 5
            if few:
                units = min(units, 20)
            elif store == web:
                units = min(units, 100)
            if store == site and units <= 2:
                units = 0
            found.append(units)
    return found


def quickest(work: Callable[[dict[Sku, Levels]], list[int | None]], skus: int) -> float:
    """Return the seconds of the quickest of several rounds."""
    levels = stock(skus)
    taken = []
    for _ in range(ROUNDS):
        gc.collect()
        started = time.perf_counter()
        work(levels)
        taken.append(time.perf_counter() - started)
    return min(taken)


def main() -> None:
    """Run both side by side and print the ratio."""
    words = argparse.ArgumentParser(prog="python -m tests.benchmarks.resolve", description=__doc__)
    words.add_argument("--skus", type=int, default=100_000)
    skus = words.parse_args().skus
    levels = stock(skus)
    if resolved(levels) != by_hand(levels):
        raise SystemExit("the rules and the loop disagree")
    floor, ours = quickest(by_hand, skus), quickest(resolved, skus)
    pairs = skus * len(STORES)
    print(f"{pairs:,} pairs of SKU and store, {len(rules())} rules, one core, best of {ROUNDS}")
    print(f"by hand   {floor:6.2f} s   {floor / pairs * 1e6:5.2f} us each")
    print(f"by rules  {ours:6.2f} s   {ours / pairs * 1e6:5.2f} us each   {ours / floor:.2f}x")
    verdict = "reached" if ours <= GOAL_SECONDS * pairs / 500_000 else "NOT reached"
    print(f"goal: {GOAL_SECONDS} s for 500,000 pairs: {verdict}")


if __name__ == "__main__":
    main()
