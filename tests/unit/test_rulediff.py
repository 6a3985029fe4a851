"""What made a target differ, how much a plan may change, and how other rules would link."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.availability import Step
from stocksync.domain.gates import Gate, Limits, check
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.linking import as_linked, follows_rules
from stocksync.domain.plan import Line
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rulediff import Cause, cause_of, most_allowed
from stocksync.domain.rules import Buffer
from stocksync.domain.stock import Counted, Gap, ListingRecord, NotCounted, Presence
from stocksync.engine.explain import step_json
from tests.unit.backtest_kit import NOON
from tests.world import rule

SHOP = StoreId("shop")
KEEP, CAP, FIXED = rule("keep", buffer=Buffer(units=2)), rule("cap", cap=5), rule("many", fixed=9)


def step(name: str, before: int, after: int, by: object = None) -> Step:
    return Step(name=name, before=before, after=after, rule=by)  # type: ignore[arg-type]


SUM = step("sum of locations", 10, 10)


def test_the_first_step_that_parts_says_which_new_rule_did_it() -> None:
    old = [SUM, step("buffer", 10, 10), step("cap", 10, 5, CAP)]
    new = [SUM, step("buffer", 10, 8, KEEP), step("cap", 8, 5, CAP)]
    assert cause_of(old, new) == Cause(rule=KEEP)


def test_a_step_that_only_the_new_rules_take_is_theirs() -> None:
    old = [SUM, step("buffer", 10, 10)]
    assert cause_of(old, [*old, step("cap", 10, 5, CAP)]) == Cause(rule=CAP)
    between = [SUM, step("share", 10, 4, KEEP), step("buffer", 4, 4)]
    assert cause_of([SUM, step("buffer", 10, 10)], between) == Cause(rule=KEEP)


def test_a_rule_that_is_no_more_is_named_as_gone() -> None:
    capped = [SUM, step("buffer", 10, 10), step("cap", 10, 5, CAP)]
    assert cause_of(capped, capped[:2]) == Cause(rule=CAP, gone=True)
    kept = [SUM, step("buffer", 10, 8, KEEP)]
    assert cause_of(kept, [SUM, step("buffer", 10, 10)]) == Cause(rule=KEEP, gone=True)
    capped_and_fixed = [*capped, step("fixed", 5, 9, FIXED)]
    assert cause_of(capped_and_fixed, [*capped[:2], step("fixed", 10, 9, FIXED)]) == Cause(
        rule=CAP, gone=True
    )


def test_ways_that_part_without_a_rule_have_no_cause() -> None:
    assert cause_of([SUM], [SUM]) == cause_of([], []) == Cause()
    assert cause_of([SUM], [step("sum of locations", 10, 7)]) == Cause()
    assert step_json(SUM)["rule"] is None


@given(
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(0, 400),
    st.builds(
        Limits,
        changed_part=st.integers(1, 100).map(lambda part: Fraction(part, 100)),
        changed_floor=st.integers(1, 40),
        zeroed_part=st.integers(1, 100).map(lambda part: Fraction(part, 100)),
        zeroed_floor=st.integers(1, 40),
        all_zero_floor=st.integers(1, 9),
    ),
)
def test_what_may_change_is_just_what_the_gate_lets_through(
    listings: int, in_stock: int, lines: int, limits: Limits
) -> None:
    changed, zeroed = most_allowed(listings=listings, in_stock=in_stock, limits=limits)

    def held(before: int, after: int) -> bool:
        plan = [
            Line(store=SHOP, listing=ListingId(str(at)), sku="", before=before, after=after)
            for at in range(lines)
        ]
        trip = check(
            plan, listings=listings, in_stock=in_stock, limits=limits, change=Gate.MASS_PUSH
        )
        return trip is not None

    assert held(1, 2) is (lines > changed)
    assert held(1, 0) is (lines > min(changed, zeroed))


def record(listing: str, code: str | None, **other: object) -> ListingRecord:
    values: dict[str, object] = {"sku": None if code is None else Sku(code), "baseline": 3}
    return ListingRecord(
        store=SHOP,
        listing=ListingId(listing),
        code=code,
        **values | other,  # type: ignore[arg-type]
    )


def test_other_rules_link_by_their_own_aliases_and_find_their_own_twins() -> None:
    seat = Seat(store=SHOP)
    mug, old_mug, small = record("1", "MUG"), record("2", "OLD-MUG"), record("3", "mug")
    alias = Rulebook(aliases={(SHOP, "OLD-MUG"): Sku("CUP"), (SHOP, "mug"): Sku("mug")})

    plain = as_linked([mug, old_mug, small, record("4", None)], seat, Rulebook())
    linked = as_linked(plain, seat, alias)

    assert [at.sku for at in plain] == ["MUG", "OLD-MUG", "mug", None]
    assert [bool(at.quarantine) for at in plain] == [True, False, True, False]
    assert [at.sku for at in linked] == ["MUG", "CUP", "mug", None]
    gone = as_linked([mug, record("3", "mug", presence=Presence.GONE)], seat, Rulebook())
    assert not any(at.quarantine for at in gone)


def test_rules_decide_about_listings_that_are_linked_counted_and_there() -> None:
    seat, book = Seat(store=SHOP), Rulebook()
    untracked = NotCounted(Gap.UNTRACKED, "", NOON)
    for follows, listing in (
        (True, record("1", "MUG", reading=Counted(3, NOON))),
        (True, record("1", "MUG", presence=Presence.ABSENT)),
        (False, record("1", "MUG", presence=Presence.GONE)),
        (False, record("1", "MUG", quarantine="twins")),
        (False, record("1", "MUG", baseline=None)),
        (False, record("1", "MUG", reading=untracked)),
        (False, record("1", None)),
    ):
        assert follows_rules(listing, seat, book) is follows, listing
    switch = Seat(store=SHOP, switches=True)
    offered = Rulebook(availability={(SHOP, ListingId("1")): (Sku("MUG"),)})
    assert follows_rules(record("1", None), switch, offered)
    assert not follows_rules(record("2", None), switch, offered)
    assert as_linked([record("1", None)], switch, offered)[0].sku is None
