"""No remark on rules is a false alarm: what it claims holds for every SKU, store and moment."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, time
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stocksync.domain.availability import last_units_of
from stocksync.domain.identifiers import LocationId, Sku, StoreId
from stocksync.domain.remarks import Remark, remarks_on_rules
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer, Match, Mode, Policy, Rule, Wishes
from stocksync.domain.schedule import Schedule

PLATFORMS = {StoreId("shop"): "recplus", StoreId("web"): "freewebstore", StoreId("b"): "recplus"}
GROUPS = {"reds": ("*-R",), "some": ("A-R", "B*"), "as": ("A-*",)}
SKUS = [Sku(at) for at in ("A", "A-R", "A-B", "B", "B-R", "C-R")]
MOMENTS = [datetime(2030, 1, 1, hour, tzinfo=UTC) for hour in (9, 11, 13)]
NOW = MOMENTS[1]
UNITS = range(12)

matches = st.builds(
    Match,
    sku=st.sampled_from(["", "", "A", "A-*", "*-R", "A*", "B*", "C-?", "*"]),
    store=st.sampled_from([None, None, *PLATFORMS]),
    platform=st.sampled_from(["", "", "recplus", "freewebstore"]),
    group=st.sampled_from(["", "", *GROUPS]),
    location=st.sampled_from([None, None, None, LocationId("main")]),
)
holds = st.sampled_from([None, None, True, False, MOMENTS[1], MOMENTS[2]])
schedules = st.sampled_from(
    [
        None,
        None,
        Schedule(zone=UTC, hours=(time(10), time(12)), text="at 10:00-12:00"),
        Schedule(zone=UTC, closes=MOMENTS[1], text="until 11:00"),
    ]
)


@st.composite
def wishes(draw: st.DrawFn) -> Wishes:
    """Draw wishes of which few are set; some of the others are taken back."""
    few = st.sampled_from([None, None, 0, 1, 3])
    found = Wishes(
        cap=draw(few),
        floor=draw(few),
        last_units=draw(few),
        priority=draw(few),
        hold=draw(holds),
        share=draw(st.sampled_from([None, None, None, Fraction(1, 3), Fraction(3, 5)])),
        mode=draw(st.sampled_from([None, None, None, Mode.ALLOCATED, Mode.SHARED])),
    )
    unset = [each.name for each in fields(found) if getattr(found, each.name) is None]
    resets = draw(st.sets(st.sampled_from(unset), max_size=1)) if unset else set()
    return replace(found, resets=frozenset(resets))


@st.composite
def books(draw: st.DrawFn) -> Rulebook:
    """Draw a few rules that often speak about the same; those about places set buffers only."""
    rules = []
    for number in range(draw(st.integers(1, 5))):
        match, wanted = draw(matches), draw(wishes())
        if match.location is not None:
            wanted = Wishes(buffer=Buffer(units=number), hold=draw(st.sampled_from([None, True])))
        assume(wanted != Wishes())
        schedule = draw(schedules)
        rules.append(
            Rule(name=f"r{number}", place=f"f:{number}", match=match, wishes=wanted,
                 schedule=schedule)
        )  # fmt: skip
    return Rulebook(rules=tuple(rules), groups=GROUPS, platforms=PLATFORMS)


def decided(policy: Policy) -> Policy:
    """Return what a policy wants, whoever wanted it; of rules about places the last one counts."""
    places = {at: [rules[-1].wishes] for at, rules in policy.location_rules.items()}
    return replace(policy, reasons={}, location_rules=places)  # type: ignore[arg-type]


def everywhere(book: Rulebook) -> Iterator[tuple[Sku, StoreId, Rulebook]]:
    for moment in MOMENTS:
        then = book.at(moment)
        for sku in SKUS:
            for store in PLATFORMS:
                yield sku, store, then


def nothing_changes_without(book: Rulebook, rule: Rule) -> bool:
    without = replace(book, rules=tuple(at for at in book.rules if at is not rule))
    return all(
        decided(then.policy(sku, store)) == decided(other.policy(sku, store))
        for (sku, store, then), (_, _, other) in zip(
            everywhere(book), everywhere(without), strict=True
        )
    )


def decides(name: str, rule: Rule, book: Rulebook, sku: Sku, store: StoreId) -> bool:
    reason = book.policy(sku, store).reasons.get(name)
    return reason is not None and reason.name == rule.name


def floor_is_above_cap(rule: Rule, book: Rulebook, sku: Sku, store: StoreId) -> bool:
    policy = book.policy(sku, store)
    above = policy.cap is not None and policy.cap < (policy.floor or 0)
    return above or not decides("floor", rule, book, sku, store)


def floor_is_above_own_cap(rule: Rule, book: Rulebook, sku: Sku, store: StoreId) -> bool:
    overridden = not decides("cap", rule, book, sku, store)
    return overridden or floor_is_above_cap(rule, book, sku, store)


def units_are_allocated(rule: Rule, book: Rulebook, sku: Sku, store: StoreId) -> bool:
    concerned = any(decides(at, rule, book, sku, store) for at in ("floor", "last_units"))
    return not concerned or book.policy(sku, store).mode is Mode.ALLOCATED


def nothing_is_kept(rule: Rule, book: Rulebook, sku: Sku, store: StoreId) -> bool:
    policies = {at: book.policy(sku, at) for at in PLATFORMS}
    all_shown = all(last_units_of(units, store, policies) == units for units in UNITS)
    return all_shown or not decides("last_units", rule, book, sku, store)


def shares_are_more_than_all(rule: Rule, book: Rulebook, sku: Sku, store: StoreId) -> bool:
    shares = [book.policy(sku, at).share or 0 for at in PLATFORMS]
    return sum(shares) > 1 or not decides("share", rule, book, sku, store)


CLAIMS = {
    "unless a later rule": floor_is_above_own_cap,
    "is above": floor_is_above_cap,
    "where mode is allocated": units_are_allocated,
    "last_units does nothing": nothing_is_kept,
    "shares add up to": shares_are_more_than_all,
}


def claim_holds(book: Rulebook, remark: Remark) -> bool:
    """Tell whether nothing anywhere contradicts a remark."""
    [rule] = [at for at in book.rules if at.name == remark.about]
    if remark.text.startswith(("can never match", "does nothing")):
        return nothing_changes_without(book, rule)
    if "is over since" in remark.text:
        later = rule.at(MOMENTS[2])
        return later is None or later.wishes.hold is None
    claim = next(claim for words, claim in CLAIMS.items() if words in remark.text)
    return all(claim(rule, then, sku, store) for sku, store, then in everywhere(book))


@settings(max_examples=200)
@given(books())
def test_nothing_anywhere_contradicts_a_remark(book: Rulebook) -> None:
    for remark in remarks_on_rules(book, NOW):
        assert claim_holds(book, remark), (str(remark), book.rules)


@settings(max_examples=50)
@given(books(), st.integers(0, 4))
def test_a_rule_repeated_at_the_end_makes_the_first_one_do_nothing(
    book: Rulebook, number: int
) -> None:
    rule = book.rules[number % len(book.rules)]
    plain = rule.schedule is None and not isinstance(rule.wishes.hold, datetime)
    assume(plain)
    twice = replace(book, rules=(*book.rules, replace(rule, name="again", place="f:9")))
    remarks = [at.text for at in remarks_on_rules(twice, NOW) if at.about == rule.name]
    assert any(text.startswith(("does nothing", "can never match")) for text in remarks)
