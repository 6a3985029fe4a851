"""The rules folder becomes a rulebook, in the order of files and lines."""

import re
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.identifiers import ListingId, LocationId, Sku, StoreId
from stocksync.domain.remarks import remarks_on_rules
from stocksync.domain.rules import WISH_NAMES, Buffer, Increases, Match, Wishes
from stocksync.files.rulefile import WishesEntry
from stocksync.files.ruleschema import SECTIONS
from stocksync.files.wishwords import buffer_from, share_from
from stocksync.rulebook import load_rulebook
from tests.unit.rulebook_kit import PLATFORMS, book_of

STARTER_RULES = Path(__file__).parents[2] / "rules"


def wishes_of(folder: Path, wishes: str) -> Wishes:
    [rule] = book_of(folder, a=f"- {{name: a, set: {{{wishes}}}}}").book.rules
    return rule.wishes


def test_rules_come_in_the_order_of_file_names_then_lines(tmp_path: Path) -> None:
    rules = book_of(
        tmp_path,
        b="- {name: third, set: {cap: 3}}\n- {name: fourth, set: {cap: 4}}\n",
        a="# first come the defaults\nrules:\n"
        "  - {name: first, set: {cap: 1}}\n"
        "  - match: {store: shop}\n    name: second\n    set: {cap: 2}\n",
        c="rules:\n",
    ).book.rules
    folder = tmp_path / "rules"
    assert [(rule.name, rule.place) for rule in rules] == [
        ("first", f"{folder}/a.yaml:3"),
        ("second", f"{folder}/a.yaml:5"),
        ("third", f"{folder}/b.yaml:1"),
        ("fourth", f"{folder}/b.yaml:2"),
    ]


def test_the_last_rule_that_matches_wins_field_by_field(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        a="- {name: all, set: {cap: 10, buffer: 2}}",
        b='- {name: mugs, match: {sku: "MUG-*", store: shop}, set: {cap: 0}}',
    ).book
    policy = book.policy(Sku("MUG-RED"), StoreId("shop"))
    assert (policy.cap, policy.buffer) == (0, Buffer(units=2))
    assert book.policy(Sku("MUG-RED"), StoreId("web")).cap == 10


def test_a_rule_says_where_it_applies(tmp_path: Path) -> None:
    text = (
        "rules:\n"
        '  - {name: a, match: {sku: "A*", store: shop, platform: recplus, group: g},'
        " set: {cap: 1}}\n"
        "  - {name: b, match: {location: outlet}, set: {buffer: 1, hold: yes}}\n"
        "groups: {g: ['A*']}\n"
    )
    first, second = book_of(tmp_path, a=text).book.rules
    assert first.match == Match(sku="A*", store=StoreId("shop"), platform="recplus", group="g")
    assert second.match == Match(location=LocationId("outlet"))


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ("buffer: 3", Wishes(buffer=Buffer(units=3))),
        ("buffer: 0", Wishes(buffer=Buffer())),
        ("buffer: 10%", Wishes(buffer=Buffer(percent=Fraction(1, 10)))),
        ("buffer: 3 + 10%", Wishes(buffer=Buffer(units=3, percent=Fraction(1, 10)))),
        ("buffer: '2.5 %+3'", Wishes(buffer=Buffer(units=3, percent=Fraction(1, 40)))),
        ("share: 50%", Wishes(share=Fraction(1, 2))),
        ("share: 0%", Wishes(share=Fraction(0))),
        ("share: 100%", Wishes(share=Fraction(1))),
        ("cap: 0", Wishes(cap=0)),
        ("zero_at_or_below: 2", Wishes(zero_at_or_below=2)),
        ("fixed: 7", Wishes(fixed=7)),
        ("pack: 6", Wishes(pack=6)),
        ("round_to: 10", Wishes(round_to=10)),
        ("hold: true", Wishes(hold=True)),
        ("hold: no", Wishes(hold=False)),
        ("locations: [b, a]", Wishes(locations=(LocationId("b"), LocationId("a")))),
        ("accept_increases: yes", Wishes(accept_increases=Increases.YES)),
        ("accept_increases: 'yes'", Wishes(accept_increases=Increases.YES)),
        ("accept_increases: no", Wishes(accept_increases=Increases.NO)),
        ('accept_increases: "no"', Wishes(accept_increases=Increases.NO)),
        ("accept_increases: hold", Wishes(accept_increases=Increases.HOLD)),
        ("priority: 5", Wishes(priority=5)),
    ],
)
def test_a_wish_is_read(tmp_path: Path, wishes: str, expected: Wishes) -> None:
    assert wishes_of(tmp_path, wishes) == expected


def test_every_wish_of_the_domain_can_be_written() -> None:
    assert tuple(WishesEntry.model_fields) == WISH_NAMES


def test_groups_aliases_bundles_and_availability_are_gathered_from_all_files(
    tmp_path: Path,
) -> None:
    book = book_of(
        tmp_path,
        a="groups: {red: ['*-RED']}\n"
        "bundles: {'KIT': {'A': 2, 'B': 1}}\n"
        "rules: [{name: r, match: {group: blue}, set: {cap: 1}}]\n",
        b="groups: {blue: ['*-BLUE', NAVY]}\n"
        "bundles: {BOX: {KIT: 3}}\n"
        "aliases:\n  - {store: web, code: '00123', sku: A}\n  - {store: shop, code: a, sku: A}\n"
        "availability:\n"
        "  - {store: print, product: 1, skus: [A, B]}\n"
        "  - {store: print, variant: 7, sku: '00123'}\n",
    ).book
    assert book.groups == {"red": ("*-RED",), "blue": ("*-BLUE", "NAVY")}
    assert book.parts(Sku("BOX")) == {"A": 6, "B": 3}
    assert book.sku_for(StoreId("web"), "00123") == "A"
    assert book.sku_for(StoreId("shop"), "00123") == "00123"
    assert book.availability == {
        (StoreId("print"), ListingId("product:1")): ("A", "B"),
        (StoreId("print"), ListingId("variant:7")): ("00123",),
    }
    assert book.platforms == PLATFORMS


def test_an_empty_folder_holds_no_rules(tmp_path: Path) -> None:
    rules = book_of(tmp_path)
    assert rules.book.rules == ()
    assert rules.warnings == ()


def test_only_visible_yaml_files_are_read(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / ".hidden.yaml").write_text("no rules: [")
    (rules / "notes.txt").write_text("no rules: [")
    (rules / "old").mkdir()
    assert load_rulebook(rules, PLATFORMS).book.rules == ()


# --- forms -------------------------------------------------------------------------------------


@given(units=st.integers(0, 1_000_000), percent=st.integers(0, 100))
def test_a_buffer_is_what_it_says(units: int, percent: int) -> None:
    both = Buffer(units=units, percent=Fraction(percent, 100))
    assert buffer_from(f"{units} + {percent}%") == both
    assert buffer_from(f"{percent}%+{units}") == both
    assert buffer_from(units) == Buffer(units=units)


@given(st.text("0123456789.%+- ,e", max_size=8))
def test_a_buffer_or_share_is_never_negative_nor_more_than_all(text: str) -> None:
    for read in (buffer_from, share_from):
        try:
            value = read(text)
        except ValueError:
            continue
        if isinstance(value, Buffer):
            assert value.units >= 0
            assert 0 <= value.percent <= 1
        else:
            assert isinstance(value, Fraction)
            assert 0 <= value <= 1


# --- the starter rules -------------------------------------------------------------------------


def examples_in_use(folder: Path) -> Path:
    """Copy the starter rules with all that stands behind a # put in force, and their tables."""
    example = r'- (?:name:|\{)|  (?:match|schedule|when|set|given|expect):|fragile:|"GIFT'
    for path in STARTER_RULES.glob("*.yaml"):
        text = re.sub(rf"(?m)^  # (?={example})", "  ", path.read_text())
        text = re.sub(r"(?m)^# (?=(?:aliases|bundles)_file:)", "", text)
        (folder / path.name).write_text(text)
    (folder / "codes.csv").write_text("store,code,sku\ntrade,00123,MUG-RED\n")
    (folder / "kits.csv").write_text("kit,part,units\nTEA-SET,MUG-RED,4\nTEA-SET,TEA-100,1\n")
    return folder


def test_the_starter_rules_fit_the_starter_stores_and_keep_nothing_back() -> None:
    rules = load_rulebook(STARTER_RULES, PLATFORMS)
    assert rules.warnings == ()
    policy = rules.book.policy(Sku("ANY"), StoreId("trade"))
    assert policy.buffer == Buffer()
    assert policy.accept_increases is Increases.YES
    assert not policy.hold


def test_the_starter_rules_name_no_store_that_a_merchant_may_not_have() -> None:
    assert load_rulebook(STARTER_RULES, {}).book.rules


def test_every_example_in_the_starter_rules_can_be_used_as_it_stands(tmp_path: Path) -> None:
    rules = load_rulebook(examples_in_use(tmp_path), PLATFORMS)
    book = rules.book
    assert rules.warnings == ()
    used = {
        name for rule in book.rules for name in WISH_NAMES if getattr(rule.wishes, name) is not None
    }
    assert used == set(WISH_NAMES) - {"round_to", "locations", "mode"}
    assert all([book.groups, book.aliases, book.bundles, book.availability])
    assert sum(rule.schedule is not None for rule in book.rules) == 2
    assert any(rule.when is not None for rule in book.rules)
    assert any(rule.wishes.resets == {"buffer", "floor"} for rule in book.rules)
    assert book.sku_for(StoreId("trade"), "00123") == "MUG-RED"
    assert book.parts(Sku("TEA-SET")) == {"MUG-RED": 4, "TEA-100": 1}


def test_the_examples_in_the_starter_rules_do_not_contradict_each_other(tmp_path: Path) -> None:
    book = load_rulebook(examples_in_use(tmp_path), PLATFORMS).book
    remarks = remarks_on_rules(book, datetime(2026, 11, 23, tzinfo=UTC))
    assert [str(remark) for remark in remarks] == []


def test_the_starter_rules_explain_every_key() -> None:
    text = "\n".join(path.read_text() for path in STARTER_RULES.glob("*.yaml"))
    missing = [name for name in (*WISH_NAMES, *SECTIONS) if name not in text]
    assert missing == []
