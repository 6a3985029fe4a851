"""`history`, `explain` and `rules`: where numbers come from, told to people and to scripts."""

import re
import unicodedata

import pytest

from stocksync.cli.stockfile import as_csv
from stocksync.sandbox.faults import Fault
from tests.integration.cli_kit import UNITS, Merchant, table_under, widest
from tests.integration.test_cli_stock import HOSTILE

RULES = """\
rules:
  - name: keep two
    set: {buffer: 2}
  - name: half for the web
    match: {store: web}
    set: {share: 50%, cap: 3}
"""


@pytest.fixture
def ruled(two_stores: Merchant) -> Merchant:
    """Two stores under rules, whose plans were carried out."""
    two_stores.write("rules/10-defaults.yaml", RULES)
    two_stores.opened()
    two_stores.run("apply", two_stores.answer("plan", expect=3)["plan"]["hash"])
    return two_stores


def listing(document: dict[str, object], store: str) -> dict[str, object]:
    listings = document["listings"]
    assert isinstance(listings, list)
    found: dict[str, object] = next(at for at in listings if at["store"] == store)
    return found


def test_history_is_told_newest_first_with_signs(ruled: Merchant) -> None:
    ruled.shops["shop"].sell("MUG", 1)
    ruled.run("sync")

    documents = ruled.answer("history", "MUG")
    rows = table_under(ruled.run("history", "MUG").stdout.lstrip(), "when")

    assert [(at["kind"], at["units"]) for at in documents] == [("sale", 1), ("opening", 10)]
    assert list(documents[0]) == [
        "number", "occurred_at", "recorded_at", "kind", "units", "from", "to", "store", "listing",
        "document", "reason", "run",
    ]  # fmt: skip
    signs = [row[3] for row in rows if re.match(r"\d{4}-", row[0])]
    assert signs == ["-1", "+10"]
    assert len(ruled.answer("history", "MUG", "--limit", "1")) == 1


def test_history_of_a_sku_nobody_moved_is_empty_and_of_an_unknown_one_an_error(
    two_stores: Merchant,
) -> None:
    two_stores.run("sync")
    assert two_stores.answer("history", "MUG") == []
    assert "does not know SKU 'MUGG'" in two_stores.run("history", "MUGG", expect=2).stderr


def test_every_step_to_a_target_is_told_with_its_rule_and_place(ruled: Merchant) -> None:
    document = ruled.answer("explain", "MUG")

    web = listing(document, "web")
    steps = web["steps"]
    assert isinstance(steps, list)
    place = ruled.folder / "rules" / "10-defaults.yaml"
    assert [(at["name"], at["before"], at["after"], at["rule"], at["place"]) for at in steps] == [
        ("sum of locations", 10, 10, None, None),
        ("buffer", 10, 8, "keep two", f"{place}:2"),
        ("share", 8, 4, "half for the web", f"{place}:4"),
        ("cap", 4, 3, "half for the web", f"{place}:4"),
    ]
    assert (web["reading"], web["baseline"], web["target"]) == (3, 3, 3)
    assert web["next"] == "agrees: the store shows its target"
    assert listing(document, "shop")["target"] == 8


def test_explain_reads_as_a_story_within_eighty_columns(ruled: Merchant) -> None:
    ruled.run("stock", "set", "MUG", "4")

    text = ruled.run("explain", "MUG", "--store", "web").stdout

    assert "reading   3, " in text
    assert "baseline  3" in text
    assert "target    1" in text
    assert "will be written by the next sync: 3 → 1" in text
    assert "shop: listing" not in text
    assert widest("\n".join(line for line in text.splitlines() if "next" not in line)) <= 80


def test_what_happens_next_is_told_for_a_first_plan_a_hold_and_a_rejection(
    two_stores: Merchant,
) -> None:
    two_stores.run("sync")
    unknown = listing(two_stores.answer("explain", "MUG"), "web")["next"]
    two_stores.opened({**UNITS, "MUG": 8})
    planned = listing(two_stores.answer("explain", "MUG"), "web")["next"]
    two_stores.run("sync", expect=3)
    hold = two_stores.answer("holds", "list")[0]
    held = listing(two_stores.answer("explain", "MUG"), hold["store"])
    two_stores.run("holds", "reject", hold["hash"])
    rejected = listing(two_stores.answer("explain", "MUG"), hold["store"])["next"]

    assert "the books do not know this SKU" in str(unknown)
    assert "10 → 8 is its first plan" in str(planned)
    assert f"stocksync holds approve {hold['hash']}" in str(held["next"])
    assert held["holds"] == [
        {
            "hash": hold["hash"],
            "gate": "first_contact",
            "state": "open",
            "reason": hold["reason"],
        }
    ]
    assert rejected == "held by first_contact, rejected by anna"


def test_a_listing_left_alone_names_the_rule_or_the_reason(two_stores: Merchant) -> None:
    two_stores.write(
        "rules/10-defaults.yaml",
        "- {name: leave it, match: {store: web, sku: MUG}, set: {hold: yes}}\n",
    )
    two_stores.shops["shop"].add("mug", 4)
    two_stores.opened()
    two_stores.run("sync")

    document = two_stores.answer("explain", "MUG")

    assert "the rule leave it leaves it alone" in str(listing(document, "web")["next"])
    assert "10-defaults.yaml:1" in str(listing(document, "web")["next"])
    assert "set aside as near-twin of 'mug'" in str(listing(document, "shop")["next"])


def test_a_write_without_an_answer_is_told(two_stores: Merchant) -> None:
    two_stores.agreed()
    two_stores.run("stock", "set", "MUG", "4")
    two_stores.shops["shop"].faults.next(Fault.LATE_APPLY, 5, method="POST")
    two_stores.run("sync", expect=1)

    shop = listing(two_stores.answer("explain", "MUG"), "shop")

    intents = shop["intents"]
    assert isinstance(intents, list)
    assert {(at["state"], at["before"], at["target"]) for at in intents} == {("unknown", 10, 4)}
    assert "a write of 4 is not proved yet" in str(shop["next"])


def test_rules_are_counted_and_warned_about(ruled: Merchant) -> None:
    document = ruled.answer("rules", "check")
    assert document == {
        "rules": 2, "groups": 0, "aliases": 0, "bundles": 0, "availability": 0, "warnings": [],
        "findings": [], "unchecked": [],
    }  # fmt: skip
    ruled.config.chmod(0o644)
    assert "warning: " in ruled.run("rules", "check").stderr


def test_every_mistake_in_the_rules_is_told_at_once_with_its_line(two_stores: Merchant) -> None:
    two_stores.write("rules/10-a.yaml", "- {name: a, set: {bufer: 2}}\n- {name: b, set: {cap: -1}}")
    two_stores.write("rules/20-b.yaml", "- {name: c, match: {store: shup}, set: {cap: 1}}\n")

    result = two_stores.run("rules", "check", expect=2)

    lines = result.stderr.splitlines()
    assert [re.search(r"\d\d-.\.yaml:\d", line)[0] for line in lines] == [  # type: ignore[index]
        "10-a.yaml:1",
        "10-a.yaml:2",
        "20-b.yaml:1",
    ]
    assert "did you mean 'buffer'?" in lines[0]
    assert "did you mean 'shop'?" in lines[2]
    problems = two_stores.answer("sync", expect=2)["problems"]
    assert [f"error: {problem}" for problem in problems] == lines


def test_each_wish_is_told_with_the_rule_that_set_it(ruled: Merchant) -> None:
    document = ruled.answer("rules", "explain", "MUG", "--store", "web")

    [web] = document["stores"]
    place = ruled.folder / "rules" / "10-defaults.yaml"
    always = {"taken_back": False, "schedule": None, "when": None}
    half = {"rule": "half for the web", "place": f"{place}:4", **always}
    assert web["wishes"] == [
        {"name": "buffer", "value": "2", "rule": "keep two", "place": f"{place}:2", **always},
        {"name": "share", "value": "50%", **half},
        {"name": "cap", "value": 3, **half},
    ]
    assert (web["store"], web["target"]) == ("web", 3)
    text = ruled.run("rules", "explain", "MUG", COLUMNS="200").stdout
    assert ["share", "50%", "half", "for", "the", "web", f"({place}:4)"] in table_under(
        text[text.index("in web") :], "wish"
    )


def test_rules_can_be_tried_on_a_sku_that_is_not_there_yet(ruled: Merchant) -> None:
    result = ruled.run("rules", "explain", "NEW", "--json")
    assert "does not know SKU 'NEW'" in result.stderr
    assert '"target": null' in result.stdout


def test_no_name_can_harm_the_terminal_or_look_like_another(two_stores: Merchant) -> None:
    rows = [{"sku": sku, "on_hand": 5, "location": ""} for sku in HOSTILE]
    two_stores.shops["shop"].add("[red]sku[/red]", 1, title="\x1b[2J[bold]title[/bold]\u202e")
    two_stores.run("stock", "import", str(two_stores.write("all.csv", as_csv(rows))))
    two_stores.run("sync")
    outputs = [
        two_stores.run("stock", "list").output,
        two_stores.run("stock", "list", "--json").output,
    ]
    for sku in [*HOSTILE, "[red]sku[/red]"]:
        outputs += [
            two_stores.run(*words, "--", sku).output
            for words in (("explain",), ("rules", "explain"), ("stock", "show"))
        ]
        outputs.append(two_stores.run("history", "--", f"{sku}?", expect=2).output)

    text = "\n".join(outputs)
    harmful = {
        letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf") and letter != "\n"
    }
    assert harmful == set()
    listed = outputs[0]
    for shown in ("[bold]markup[/bold]", ":smile:", r"\u202eabc", r"two\nlines", r"back\\nslash"):
        assert shown in listed
    assert '" blanks around "' in listed
    assert "[red]sku[/red]" in text
