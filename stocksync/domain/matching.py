"""Find the rules that speak about a SKU in one store: prepared once, asked for every SKU.

A merchant's pattern is a glob (`*`, `?`, `[abc]`, case and all) and never a regular expression.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Final

from stocksync.domain.identifiers import Sku, StoreId
from stocksync.domain.rules import ConditionFailed, Policy, Rule, held_for, merged

Test = Callable[[str], object]
_WILD: Final = "*?["


@lru_cache(maxsize=4096)
def test_of(glob: str) -> Test:
    """Return what tells whether a SKU fits a glob."""
    if not _is_wild(glob):
        return glob.__eq__
    start, end = glob[:-1], glob[1:]
    if glob.endswith("*") and not _is_wild(start):
        return lambda sku: sku.startswith(start)
    if glob.startswith("*") and not _is_wild(end):
        return lambda sku: sku.endswith(end)
    return re.compile(translate(glob)).match


def glob_matches(glob: str, sku: Sku) -> bool:
    """Tell whether a SKU fits a glob."""
    return bool(test_of(glob)(sku))


def any_of(globs: Collection[str]) -> Test:
    """Return what tells whether a SKU fits one of many globs."""
    plain = frozenset(glob for glob in globs if not _is_wild(glob))
    begin = {glob for glob in globs if glob.endswith("*") and not _is_wild(glob[:-1])}
    starts = tuple(glob[:-1] for glob in begin)
    others = [test_of(glob) for glob in globs if glob not in plain | begin]
    if not others:
        return lambda sku: sku in plain or sku.startswith(starts)
    return lambda sku: sku in plain or sku.startswith(starts) or any(test(sku) for test in others)


def _is_wild(glob: str) -> bool:
    return any(letter in glob for letter in _WILD)


class Matcher:
    """The rules of one store, ready to be asked which of them hold for a SKU.

    SKUs for which the same rules hold share one policy.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        store: StoreId,
        platform: str,
        groups: Mapping[str, Sequence[str]],
    ) -> None:
        self._store, self._platform, self._groups = store, platform, groups
        self._always: list[int] = []
        self._plain: dict[str, list[int]] = {}
        self._tested: list[tuple[Test, int]] = []
        self._policies: dict[tuple[int, ...], Policy] = {}
        self._rules = rules
        self._conditions: list[int] = []
        for number, rule in enumerate(rules):
            if rule.match.store not in (None, store) or rule.match.platform not in ("", platform):
                continue
            self._file(number, rule)
            if rule.when is not None:
                self._conditions.append(number)

    def _file(self, number: int, rule: Rule) -> None:
        """Put a rule where it is found fastest."""
        glob, group = rule.match.sku, rule.match.group
        if group:
            within = any_of(self._groups.get(group, ()))
            test = test_of(glob) if glob else None
            both: Test = within if test is None else lambda sku: within(sku) and test(sku)
            self._tested.append((both, number))
        elif not glob:
            self._always.append(number)
        elif _is_wild(glob):
            self._tested.append((test_of(glob), number))
        else:
            self._plain.setdefault(glob, []).append(number)

    def policy(self, sku: Sku) -> Policy:
        """Return the wishes that hold for a SKU."""
        found = [number for test, number in self._tested if test(sku)]
        plain = self._plain.get(sku)
        if plain is not None:
            found += plain
        if self._conditions:
            return self._conditional(sku, {*self._always, *found})
        return self._policy_of(tuple(found))

    def _policy_of(self, found: tuple[int, ...]) -> Policy:
        policy = self._policies.get(found)
        if policy is None:
            numbers = sorted({*self._always, *found})
            policy = self._policies[found] = merged(self._rules[number] for number in numbers)
        return policy

    def _conditional(self, sku: Sku, found: set[int]) -> Policy:
        """Ask the expressions of the rules found; one without an answer holds the SKU back."""
        within = [name for name, globs in self._groups.items() if any_of(globs)(sku)]
        failed: tuple[Rule, str] | None = None
        for number in self._conditions:
            rule = self._rules[number]
            if number not in found or rule.when is None:
                continue
            try:
                if rule.when.holds(sku, self._store, self._platform, within):
                    continue
            except ConditionFailed as error:
                failed = (rule, str(error))
            found.discard(number)
        policy = merged(self._rules[number] for number in sorted(found))
        return policy if failed is None else held_for(policy, *failed)
