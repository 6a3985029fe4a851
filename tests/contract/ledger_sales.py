"""The ledger's clauses about orders: known lines, units that wait, and the past of numbers."""

from dataclasses import replace

import pytest

from stocksync.contracts.ledger import Commit
from stocksync.contracts.sales import Shown
from stocksync.domain.identifiers import ListingId, Sku
from stocksync.domain.movements import MovementKind
from stocksync.domain.orders import KnownLine
from stocksync.domain.stock import Presence
from stocksync.domain.stories import Story
from stocksync.domain.velocity import SoldUnits
from tests.contract.ledger_clauses import clause
from tests.contract.ledger_examples import (
    BOWL,
    HERE,
    MUG,
    NOON,
    SHOP,
    SOLD,
    TRADE,
    after,
    listing,
    opening,
    sale,
)
from tests.contract.ledger_rigs import Rig


def line(order: str, name: str, units: int, **other: object) -> KnownLine:
    values: dict[str, object] = {"store": SHOP, "order": order, "line": name, "units": units}
    return KnownLine(**(values | other))  # type: ignore[arg-type]


@clause("L90", "an order line is known by store, order and line, as it was last committed")
async def knows_lines(rig: Rig) -> None:
    first = [
        line("1", "a", 2),
        line("1", "b", 1),
        line("2", "a", 5),
        line("1", "a", 9, store=TRADE),
    ]
    await rig.ledger.commit(Commit(lines=first))
    changed = line("1", "a", 0, revision=2, listing=ListingId("x"))
    await rig.ledger.commit(Commit(lines=[changed]))
    assert await rig.ledger.known_lines(SHOP, ["1", "3"]) == {
        ("1", "a"): changed,
        ("1", "b"): first[1],
    }
    assert await rig.ledger.known_lines(TRADE, ["1"]) == {("1", "a"): first[3]}
    with pytest.raises(ValueError, match="half a character"):
        await rig.ledger.commit(Commit(lines=[line("1\0", "a", 1)]))


@clause("L91", "what of a listing waits for an explanation is found, the oldest first")
async def finds_what_waits(rig: Rig) -> None:
    kept = [
        listing(
            "a",
            baseline=3,
            unexplained=frozenset({Story(2), Story(-1)}),
            unexplained_since=after(5),
        ),
        listing("b", baseline=3),
        listing(
            "c", baseline=3, unexplained=frozenset({Story(1)}), unexplained_since=NOON, missed=1
        ),
        listing("d", store=TRADE, unexplained=frozenset({Story(1)}), unexplained_since=NOON),
    ]
    await rig.ledger.commit(Commit(records=kept))
    found = await rig.ledger.unexplained(SHOP)
    assert found == [replace(kept[2], version=1), replace(kept[0], version=1)]


@clause("L93", "what a census did not show is found by id; what is gone, and elsewhere, is not")
async def finds_what_is_absent(rig: Rig) -> None:
    kept = [
        listing("b", presence=Presence.ABSENT, missed=1, baseline=4),
        listing("a", presence=Presence.ABSENT, missed=2),
        listing("c"),
        listing("d", presence=Presence.GONE, missed=2),
        listing("e", store=TRADE, presence=Presence.ABSENT, missed=1),
    ]
    await rig.ledger.commit(Commit(records=kept))
    assert await rig.ledger.absent(SHOP) == [replace(at, version=1) for at in (kept[1], kept[0])]


@clause("L92", "the past of a listing's number is kept, once for each time it changed")
async def remembers_numbers(rig: Rig) -> None:
    first = [listing("a", baseline=5), listing("b"), listing("c", baseline=1)]
    await rig.ledger.commit(Commit(records=first))
    steps = ((10, 5, "seen again"), (20, 3, "sold"), (30, 8, "found"))
    for version, (seconds, number, title) in enumerate(steps, start=1):
        rig.clock.time = after(seconds)
        record = listing("a", baseline=number, title=title, version=version)
        await rig.ledger.commit(Commit(records=[record]))
    a, b, c = (ListingId(name) for name in "abc")
    past = [Shown(NOON, 5), Shown(after(20), 3), Shown(after(30), 8)]
    assert await rig.ledger.numbers(SHOP, [a, b], NOON) == {a: past}
    assert await rig.ledger.numbers(SHOP, [a, c], after(25)) == {
        a: past[1:],
        c: [Shown(NOON, 1)],
    }
    assert await rig.ledger.numbers(SHOP, [a], after(30)) == {a: past[2:]}
    assert await rig.ledger.numbers(TRADE, [a], NOON) == {}


@clause("L94", "what sold of late is found by SKU, after a moment, each sale when it took place")
async def finds_what_sold(rig: Rig) -> None:
    rig.clock.time = after(100)
    booked = [
        opening("o1", 50),
        sale("s1", 1, occurred_at=after(10)),
        sale("s2", 2, occurred_at=after(50)),
        sale("s3", 3, sku=BOWL, occurred_at=after(60)),
        sale("s4", 4, occurred_at=after(999)),  # a store whose clock is fast
        sale("r1", 5, kind=MovementKind.RETURN, source=SOLD, destination=HERE),
        sale("s5", 6, sku=Sku("OTHER"), occurred_at=after(60)),
    ]
    await rig.ledger.commit(Commit(movements=booked))
    late = [SoldUnits(after(50), 2), SoldUnits(after(100), 4)]
    assert await rig.ledger.sold([MUG, BOWL], after(10)) == {
        MUG: late,
        BOWL: [SoldUnits(after(60), 3)],
    }
    assert await rig.ledger.sold([MUG], after(50)) == {MUG: late[1:]}
    assert await rig.ledger.sold([BOWL], after(60)) == {}
    assert await rig.ledger.sold([], NOON) == {}
