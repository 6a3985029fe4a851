"""Everything the rules folder says, as one value: rules, groups, links between codes and SKUs."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from stocksync.domain.identifiers import ListingId, Sku, StoreId, sku_from
from stocksync.domain.matching import Matcher
from stocksync.domain.rules import Policy, Rule


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """The rules in force.

    `aliases` link a store's code to a SKU on purpose. `bundles` say how many of each part one kit
    needs. `availability` links listings of a store without quantities to the SKUs behind them.
    `platforms` names the platform of each store.
    """

    rules: Sequence[Rule] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    aliases: Mapping[tuple[StoreId, str], Sku] = field(default_factory=dict)
    bundles: Mapping[Sku, Mapping[Sku, int]] = field(default_factory=dict)
    availability: Mapping[tuple[StoreId, ListingId], tuple[Sku, ...]] = field(default_factory=dict)
    platforms: Mapping[StoreId, str] = field(default_factory=dict)
    fingerprint: str = ""

    def sku_for(self, store: StoreId, code: str | None) -> Sku | None:
        """Match a store's code to a SKU: by alias first, else exactly as it stands."""
        if code is None:
            return None
        return self.aliases.get((store, code)) or sku_from(code)

    def policy(self, sku: Sku, store: StoreId) -> Policy:
        """Return the wishes that hold for one SKU in one store."""
        matcher = self._matchers.get(store)
        if matcher is None:
            platform = self.platforms.get(store, "")
            matcher = self._matchers[store] = Matcher(self.rules, store, platform, self.groups)
        return matcher.policy(sku)

    def at(self, now: datetime) -> "Rulebook":
        """Return the rules in force at a moment, with a fingerprint of their own.

        Rules outside their hours are left out, and holds that are over. Whoever works with rules
        for a while takes those of one moment, so that all of it goes by the same.
        """
        if not self._timed:
            return self
        then = {number: self.rules[number].at(now) for number in self._timed}
        differs = {number: at for number, at in then.items() if at != self.rules[number]}
        moment = tuple((number, at is None) for number, at in differs.items())
        book = self._moments.get(moment)
        if book is None:
            rules = [differs.get(number, rule) for number, rule in enumerate(self.rules)]
            kept = tuple(rule for rule in rules if rule is not None)
            seal = hashlib.sha256(f"{self.fingerprint} {moment}".encode()).hexdigest()
            book = self._moments[moment] = replace(self, rules=kept, fingerprint=seal)
        return book

    @cached_property
    def _timed(self) -> tuple[int, ...]:
        return tuple(number for number, rule in enumerate(self.rules) if rule.is_timed)

    @cached_property
    def _moments(self) -> dict[tuple[tuple[int, bool], ...], "Rulebook"]:
        return {}

    @cached_property
    def _matchers(self) -> dict[StoreId, Matcher]:
        return {}

    def parts(self, sku: Sku) -> dict[Sku, int]:
        """Return the units of each stocked SKU that one unit of `sku` is made of.

        A SKU that is no bundle is made of one of itself. Kits of kits are followed to the end;
        the rulebook is free of cycles once loaded.
        """
        recipe = self.bundles.get(sku)
        if recipe is None:
            return {sku: 1}
        needed: dict[Sku, int] = {}
        for part, units in recipe.items():
            for stocked, times in self.parts(part).items():
                needed[stocked] = needed.get(stocked, 0) + units * times
        return needed

    def stocked(self, skus: Iterable[Sku]) -> set[Sku]:
        """Return the stocked SKUs that any of these is made of."""
        return {part for sku in skus for part in self.parts(sku)}

    def affected(self, skus: set[Sku]) -> set[Sku]:
        """Return `skus` and every kit that holds one of them."""
        kits = {kit for kit in self.bundles if not skus.isdisjoint(self.parts(kit))}
        return skus | kits

    def switches(self, skus: set[Sku]) -> set[tuple[StoreId, ListingId]]:
        """Return the listings whose being offered depends on one of `skus`."""
        return {key for key, behind in self.availability.items() if not skus.isdisjoint(behind)}
