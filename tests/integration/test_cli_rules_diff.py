"""`rules diff`: which targets change, which rule did it, and what a gate would say."""

import shutil
from pathlib import Path

import pytest

from tests.integration.cli_kit import Merchant, keys, merchant, table_under, widest

OLD = """\
- {name: keep one, set: {buffer: 1}}
- {name: no more than five mugs, match: {sku: MUG}, set: {cap: 5}}
"""
NEW = """\
- {name: keep one, set: {buffer: 1}}

- name: keep three from the web
  match: {store: web}
  set: {buffer: 3}
"""


@pytest.fixture
def ruled(two_stores: Merchant) -> Merchant:
    """Two stores that show what the old rules allow, with new rules beside them."""
    two_stores.write("rules/10.yaml", OLD)
    two_stores.write("new/10.yaml", NEW)
    two_stores.opened()
    two_stores.run("apply", two_stores.answer("plan", expect=3)["plan"]["hash"])
    return two_stores


def folders(subject: Merchant, *names: str) -> list[str]:
    return [str(subject.folder / name) for name in names]


def test_every_target_that_changes_is_told_with_the_rule_that_did_it(ruled: Merchant) -> None:
    document = ruled.answer("rules", "diff", *folders(ruled, "rules", "new"))

    assert list(document) == ["old", "new", "stores", "total"]
    shop, web = document["stores"]
    told = [(at["sku"], at["before"], at["after"], at["change"]) for at in shop["lines"]]
    assert told == [("MUG", 5, 9, 4)]
    cap = shop["lines"][0]
    assert (cap["rule"], cap["gone"]) == ("no more than five mugs", True)
    assert cap["place"].endswith("rules/10.yaml:2")
    told = [(at["sku"], at["before"], at["after"], at["change"]) for at in web["lines"]]
    assert sorted(told) == [("CAP", 29, 27, -2), ("MUG", 5, 7, 2), ("TEE", 19, 17, -2)]
    keep = next(at for at in web["lines"] if at["sku"] == "TEE")
    assert (keep["rule"], keep["gone"]) == ("keep three from the web", False)
    assert keep["place"].endswith("new/10.yaml:3")
    assert (web["listings"], web["changed"], web["units_up"], web["units_down"]) == (3, 3, 2, 4)
    assert document["total"] == {
        "listings": 6, "changed": 4, "units_up": 6, "units_down": 4, "would_be_held": [],
    }  # fmt: skip
    assert keys(web["lines"][:1]) == [
        [
            "store", "listing", "sku", "before", "after", "why", "change", "rule", "place", "gone",
            "note",
        ]
    ]  # fmt: skip


def test_the_difference_is_what_a_sync_under_the_new_rules_would_write(ruled: Merchant) -> None:
    document = ruled.answer("rules", "diff", *folders(ruled, "rules", "new"))
    shutil.copy(ruled.folder / "new" / "10.yaml", ruled.folder / "rules" / "10.yaml")
    planned = ruled.answer("plan")["plan"]["lines"]

    def told(lines: list[dict[str, object]]) -> set[tuple[object, ...]]:
        return {(at["store"], at["listing"], at["before"], at["after"]) for at in lines}

    assert told([line for at in document["stores"] for line in at["lines"]]) == told(planned)


def test_nothing_is_asked_of_a_store_and_nothing_booked(ruled: Merchant) -> None:
    for shop in ruled.shops.values():
        shop.requests.clear()
    before = ruled.answer("ledger", "verify")
    ruled.run("rules", "diff", *folders(ruled, "rules", "new"))
    assert [shop.requests for shop in ruled.shops.values()] == [[], []]
    assert ruled.answer("ledger", "verify") == before


def test_a_plan_that_a_gate_would_hold_is_told_before_anybody_makes_it(ruled: Merchant) -> None:
    ruled.write("none/10.yaml", "- {name: sold out, match: {store: web}, set: {fixed: 0}}\n")

    document = ruled.answer("rules", "diff", *folders(ruled, "rules", "none"), expect=3)
    text = ruled.run("rules", "diff", *folders(ruled, "rules", "none"), expect=3).stdout

    shop, web = document["stores"]
    assert shop["would_be_held"] is None
    reason = "3 of 3 listings in stock would fall to 0 at once"
    assert web["would_be_held"] == reason
    assert (web["changes_max"], web["zeroed_max"]) == (19, 2)
    assert document["total"]["would_be_held"] == ["web"]
    limits = "at most 19 may change, 2 fall to 0"
    assert f"web: would be held: {reason} ({limits})" in " ".join(text.split())
    assert "the plans of 1 store would wait for you" in text
    shutil.copy(ruled.folder / "none" / "10.yaml", ruled.folder / "rules" / "10.yaml")
    held = {at["store"]: at["error"] for at in ruled.answer("plan", expect=3)["stores"]}
    assert held["web"] == reason


def test_the_tables_fit_a_terminal(ruled: Merchant) -> None:
    text = ruled.run("rules", "diff", *folders(ruled, "rules", "new")).stdout

    assert widest(text) <= 80
    assert "shop: 1 of 3 listings would change: +4 and 0 units" in text
    assert "web: 3 of 3 listings would change: +2 and -4 units" in text
    rows = table_under(text, "listing")
    assert rows[0] == ["listing", "SKU", "before", "after", "change", "rule"]
    assert rows[1][1:5] == ["MUG", "5", "9", "+4"]
    assert rows[1][5:8] == ["no", "more:", "no"]
    assert "4 targets in 2 stores would change" in text
    short = ruled.run("rules", "diff", *folders(ruled, "rules", "new"), "--limit", "1").stdout
    assert "… and 2 more (--limit 0 or --json shows all)" in short


def test_the_same_rules_differ_in_nothing(ruled: Merchant) -> None:
    document = ruled.answer("rules", "diff", *folders(ruled, "rules", "rules"))
    assert document["total"]["changed"] == 0
    assert all(at["lines"] == [] for at in document["stores"])


def test_a_listing_that_new_rules_link_elsewhere_or_set_aside_is_named(ruled: Merchant) -> None:
    alias = "rules: []\naliases: [{store: shop, code: MUG, sku: TEE}]\n"
    ruled.write("linked/10.yaml", alias)

    document = ruled.answer("rules", "diff", *folders(ruled, "rules", "linked"))

    lines = {at["listing"]: at for at in document["stores"][0]["lines"]}
    mug = next(at for at in lines.values() if "not to MUG" in at["note"])
    assert (mug["sku"], mug["before"], mug["after"]) == ("TEE", 5, 20)
    assert mug["note"] == "linked to TEE, not to MUG"


def test_a_listing_that_rules_let_go_of_has_no_number(ruled: Merchant) -> None:
    ruled.write("held/10.yaml", OLD + "- {name: hands off, match: {sku: TEE}, set: {hold: yes}}\n")
    document = ruled.answer("rules", "diff", *folders(ruled, "rules", "held"))
    line = document["stores"][0]["lines"][0]
    assert (line["sku"], line["before"], line["after"], line["change"]) == ("TEE", 19, None, None)
    assert line["rule"] == "hands off"


def test_a_store_whose_products_are_switched_on_and_off_is_compared_too(
    tmp_path: Path, blank_books: Path
) -> None:
    switch = "availability: [{store: print, product: 1, sku: MUG}]\n"
    with merchant(tmp_path, blank_books, {"shop": "recplus", "print": "idealfactory"}) as subject:
        subject.write("rules/10.yaml", switch)
        subject.write("new/10.yaml", switch + "rules: [{name: keep ten, set: {buffer: 10}}]\n")
        subject.agreed()
        document = subject.answer("rules", "diff", *folders(subject, "rules", "new"), expect=0)
        text = subject.run("rules", "diff", *folders(subject, "rules", "new")).stdout
    offered = next(at for at in document["stores"] if at["store"] == "print")
    line = offered["lines"][0]
    assert (line["before"], line["after"], line["change"]) == (1, 0, None)
    assert (line["rule"], offered["units_down"]) == ("keep ten", 0)
    assert table_under(text[text.index("print:") :], "listing")[1][1:4] == ["on", "off", "-"]


def test_everything_that_is_wrong_is_told_at_once(ruled: Merchant) -> None:
    ruled.write("bad/10.yaml", "- {name: a, set: {bufer: 2}}\n- {name: b, set: {cap: -1}}\n")
    result = ruled.run("rules", "diff", *folders(ruled, "nowhere", "bad"), expect=2)
    problems = result.stderr.splitlines()
    assert len(problems) == 3
    assert "OLD" in problems[0]
    assert "there is no such folder; name one that holds rules" in problems[0]
    assert "bad/10.yaml:1" in problems[1]
    assert "bad/10.yaml:2" in problems[2]
