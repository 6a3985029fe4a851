"""Names in rules that nobody knows are told, with what was probably meant; known ones are not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from stocksync.domain.identifiers import LocationId, Sku, StoreId
from stocksync.domain.merge import Role
from stocksync.domain.remarks import Remark
from stocksync.files import stockchecks
from stocksync.files.stockchecks import Stock, remarks_on_stock, several_masters
from tests.unit.rulebook_kit import book_of

SHOP, WEB, SITE = StoreId("shop"), StoreId("web"), StoreId("site")


def skus(*names: str) -> frozenset[Sku]:
    return frozenset(map(Sku, names))


STOCK = Stock(
    moved=skus("MUG-RED", "TEA"),
    listed={WEB: skus("VASE", "mug")},
    linked={WEB: skus("VASE", "mug")},
    locations=frozenset({LocationId("main"), LocationId("outlet")}),
)


def found(folder: Path, text: str, stock: Stock = STOCK) -> list[str]:
    rules = book_of(folder, a=text)
    return told(remarks_on_stock(rules.book, rules.places, stock), folder)


def told(remarks: Sequence[Remark], folder: Path) -> list[str]:
    return [
        f"{'error' if at.is_error else 'warning'} {at}".replace(f"{folder}/rules/", "")
        for at in remarks
    ]


def test_parts_of_kits_that_nobody_knows_are_told(tmp_path: Path) -> None:
    text = "bundles:\n  KIT: {MUG-RED: 1, MUG-RDE: 2}\n  BOX:\n    KIT: 1\n    VASE: 1\n    X: 1\n"
    assert found(tmp_path, text) == [
        ("warning a.yaml:2: kit 'KIT': neither the books nor a store know its part 'MUG-RDE', so "
        "it has no number and is left alone; did you mean 'MUG-RED'?"),
        ("warning a.yaml:6: kit 'BOX': neither the books nor a store know its part 'X', so it has "
        "no number and is left alone"),
    ]  # fmt: skip


def test_parts_that_only_other_codes_stand_for_are_known(tmp_path: Path) -> None:
    text = "aliases: [{store: web, code: mug, sku: TEA}]\nbundles: {KIT: {TEA: 1}}\n"
    assert found(tmp_path, text, Stock(moved=skus("TEA"))) == []


def test_aliases_to_skus_that_nobody_knows_are_told(tmp_path: Path) -> None:
    text = (
        "bundles: {KIT: {TEA: 1}}\naliases:\n"
        "  - {store: web, code: a, sku: 'tea '}\n"
        "  - {store: web, code: b, sku: TEA}\n"
        "  - {store: web, code: c, sku: KIT}\n"
        "  - {store: web, code: d, sku: VASE}\n"
    )
    assert found(tmp_path, text) == [
        ("warning a.yaml:3: alias 'a' in web: neither the books nor a store know the SKU 'tea '; "
        "did you mean 'TEA'?")
    ]  # fmt: skip


def test_an_alias_does_not_make_its_own_sku_known(tmp_path: Path) -> None:
    text = "aliases:\n  - {store: web, code: mug, sku: MUGG}\n"
    linked = Stock(moved=skus("TEA"), listed={WEB: skus()}, linked={WEB: skus("MUGG")})
    assert len(found(tmp_path, text, linked)) == 1


def test_skus_behind_switches_that_nobody_knows_are_told(tmp_path: Path) -> None:
    text = (
        "availability:\n  - {store: print, product: 1, skus: [TEA, TAE]}\n"
        "  - {store: print, variant: 2, sku: VASE}\n"
    )
    assert found(tmp_path, text) == [
        ("warning a.yaml:2: product 1 of print: neither the books nor a store know the SKU 'TAE'; "
        "did you mean 'TEA'?")
    ]  # fmt: skip


def test_rules_about_one_sku_that_nobody_knows_are_told_and_patterns_never(tmp_path: Path) -> None:
    text = (
        "- {name: gone, match: {sku: VASE-BIG}, set: {cap: 1}}\n"
        "- {name: here, match: {sku: VASE}, set: {cap: 1}}\n"
        "- {name: may come, match: {sku: 'NEW-*'}, set: {cap: 1}}\n"
    )
    assert found(tmp_path, text, Stock(moved=skus("VASE"))) == [
        ("warning a.yaml:1: gone: matches nothing now: nobody knows the SKU 'VASE-BIG'; "
        "did you mean 'VASE'?")
    ]  # fmt: skip


def test_locations_where_nothing_ever_was_are_told(tmp_path: Path) -> None:
    text = (
        "- {name: a, match: {location: outlett}, set: {buffer: 1}}\n"
        "- {name: b, set: {locations: [main, attic]}}\n"
        "- {name: c, set: {locations: [attic]}}\n"
        "- {name: d, match: {location: outlet}, set: {buffer: 1}}\n"
        "- {name: e, set: {locations: [outlet, main]}}\n"
    )
    nowhere = "no units were ever at the location"
    assert found(tmp_path, text) == [
        f"warning a.yaml:1: a: {nowhere} 'outlett', and no store maps it; did you mean 'outlet'?",
        f"warning a.yaml:2: b: {nowhere} 'attic', and no store maps it",
        (f"warning a.yaml:3: c: {nowhere} 'attic', and no store maps it, so nothing is counted and "
        "0 is shown"),
    ]  # fmt: skip


def test_many_unknown_names_are_all_told_though_few_are_compared_with_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stockchecks, "COMPARISONS_MAX", 2 * 4 + 1)  # four SKUs are known
    rows = "".join(f"  - {{store: web, code: c{at}, sku: TEAS{at}}}\n" for at in range(5))
    remarks = found(tmp_path, f"aliases:\n{rows}  - {{store: web, code: x, sku: vase}}\n")
    assert len(remarks) == 6
    assert sum("did you mean 'TEA'?" in remark for remark in remarks) == 2
    assert remarks[-1].endswith("did you mean 'VASE'?")


# --- two truths ----------------------------------------------------------------------------------


def masters(roles: dict[StoreId, Role], linked: dict[StoreId, frozenset[Sku]] | None) -> list[str]:
    stock = None if linked is None else Stock(linked=linked)
    return told(list(several_masters(roles, "stocksync.yaml", stock)), Path())


TWO = {SHOP: Role.MASTER, WEB: Role.MASTER, SITE: Role.CHANNEL}


def test_two_masters_of_the_same_units_are_an_error(tmp_path: Path) -> None:
    linked = {SHOP: skus("A", "B", "C", "D", "E"), WEB: skus("A", "B", "C", "D", "X")}
    assert masters(TWO, linked) == [
        ("error stocksync.yaml: shop and web: both are master of 4 SKUs ('A', 'B', 'C', …): what "
        "one sells is undone by the count of the other; leave one master, and make the other a "
        "channel")
    ]  # fmt: skip


@pytest.mark.parametrize("linked", [None, {SHOP: skus("A")}, {SHOP: skus("A"), WEB: skus()}])
def test_two_masters_that_may_share_units_are_a_warning(
    linked: dict[StoreId, frozenset[Sku]] | None,
) -> None:
    assert masters(TWO, linked) == [
        ("warning stocksync.yaml: shop and web: both are master; of one SKU only one store can be "
        "the truth")
    ]  # fmt: skip


@pytest.mark.parametrize("other", [Role.CHANNEL, Role.MIRROR, Role.OBSERVE])
def test_a_master_beside_stores_that_report_no_truth_is_fine(other: Role) -> None:
    assert masters({SHOP: Role.MASTER, WEB: other}, {SHOP: skus("A"), WEB: skus("A")}) == []


def test_masters_of_different_goods_are_fine() -> None:
    assert masters(TWO, {SHOP: skus("A"), WEB: skus("B")}) == []
