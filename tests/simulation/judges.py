"""The invariants of `reliability §2.6` that are judged at a moment, each by its name."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from stocksync import metrics
from stocksync.domain.merge import Role
from tests.simulation.guards import judge_secrets
from tests.simulation.process import Process
from tests.simulation.switches import PRINT, not_switched
from tests.simulation.world import World


def judge_books(world: World) -> None:
    """I1, I27: every SKU's accounts sum to zero, and balances are what the movements say."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    asked = "SELECT sku, source, destination, units FROM movements"
    for sku, source, destination, units in world.rows(asked):
        if not isinstance(units, int) or units < 0:
            world.trace.broken("I27", f"a movement of {units!r}")
        sums[sku, source] -= units
        sums[sku, destination] += units
    kept = {(sku, at): units for sku, at, units in world.rows("SELECT * FROM balances")}
    if {key: units for key, units in sums.items() if units} != {
        key: units for key, units in kept.items() if units
    }:
        world.trace.broken("I1", "balances are not the sum of the movements")
    totals: dict[str, int] = defaultdict(int)
    for (name, _), units in kept.items():
        totals[name] += units
    for name, units in totals.items():
        if units:
            world.trace.broken("I1", f"{name} is out of balance by {units}")


def judge_suspense(world: World) -> None:
    """I4: what is in suspense is what listings wait for, and nothing is left behind."""
    merchant = world.merchant
    waiting: dict[tuple[str, str], int] = defaultdict(int)
    asked = "SELECT store, sku, unexplained FROM listings WHERE unexplained <> ''"
    for store, sku, unexplained in world.rows(asked):
        missing = [int(story.split("|")[0]) for story in str(unexplained).split(",")]
        units = max(0, min(missing, key=lambda left: (abs(left), -left)))
        if (store, sku) in merchant.wanted:
            for part, needed in merchant.parts(sku).items():
                waiting[store, part] += units * needed * merchant.wanted[store, sku].pack
    asked = "SELECT account, sku, units FROM balances WHERE account LIKE 'suspense:%'"
    for account, sku, units in world.rows(asked):
        store = str(account).removeprefix("suspense:")
        if sku in merchant.opening and units != waiting[store, sku]:
            said = f"{units} of {sku} are withheld, and listings wait for {waiting[store, sku]}"
            world.trace.broken("I4", f"{store}: {said}")


def judge_kept(world: World) -> None:
    """I22: what is kept of all that was said and answered holds no secret, nor do the metrics."""
    for file in world.file.parent.iterdir():
        judge_secrets(world.trace, file.read_bytes().decode("latin-1"), file.name)
    judge_secrets(world.trace, metrics.exposition().decode(), "the metrics")


async def judge_calm(world: World, when: str) -> None:
    """I5, I14: every listing that may be written shows its target, and nothing is open."""
    judge_books(world)
    judge_suspense(world)
    for invariant, said in not_calm(world):
        world.trace.broken(invariant, f"{said}, at {when}")


def not_calm(world: World) -> Iterator[tuple[str, str]]:
    """Yield what is not as it should be when nothing is left to do."""
    on_hand = world.on_hand()
    for (store, code), story in world.truth.stories.items():
        shop = world.merchant.shops[store]
        if not shop.find(code) and (store, code) not in world.truth.deleted:
            yield "I7", f"{story.name} vanished by our own hand"
        if world.merchant.roles[store] is Role.OBSERVE or not shop.find(code):
            continue
        if world.merchant.mode != "shared":
            continue
        wanted = world.merchant.wanted[store, story.sku]
        target = wanted.target(world.merchant.sellable(story.sku, on_hand))
        if shop.quantity(code) != target:
            shown = shop.quantity(code)
            yield "I5", f"{story.name} shows {shown}, not {target} ({wanted}, {on_hand})"
    if world.options.switches:
        merchant = world.merchant
        yield from not_switched(
            merchant.shops[PRINT],
            dict(merchant.book.availability),
            lambda sku: merchant.sellable(sku, on_hand),
        )
    if world.merchant.mode == "allocated":
        yield from _beyond_stock(world, on_hand)
    asked = "SELECT store, listing, state FROM intents WHERE state IN ('open', 'unknown')"
    for row in world.rows(asked):
        yield "I5", f"an intent is left: {row}"


def _beyond_stock(world: World, on_hand: dict[str, int]) -> Iterator[tuple[str, str]]:
    """I14: stores together show no more than there is."""
    merchant = world.merchant
    shown: dict[str, int] = defaultdict(int)
    for store, code in world.truth.stories:
        sku = world.truth.stories[store, code].sku
        units = merchant.shops[store].quantity(code) or 0
        for part, needed in merchant.parts(sku).items():
            shown[part] += units * needed * merchant.wanted[store, sku].pack
    for sku, units in shown.items():
        if units > max(0, on_hand[sku]):
            yield "I14", f"{units} of {sku} are shown, and {on_hand[sku]} are there"


def judge_truth(world: World) -> None:
    """I3, I4: the ledger is what people did, but for what windows and lost answers took."""
    merchant, truth = world.merchant, world.truth
    expected = {sku: units + truth.adjusted[sku] for sku, units in merchant.opening.items()}
    for story in truth.stories.values():
        if truth.counts(story) and not story.agrees(story.outside):
            invariant = "I3" if story.booked > story.outside else "I4"
            world.trace.broken(
                invariant,
                f"{story.name}: ledger says {story.booked}, truth {story.outside} "
                f"(-{story.low} +{story.high})",
            )
        if story.store in merchant.fed:
            continue
        pack = merchant.wanted[story.store, story.sku].pack
        for part, needed in merchant.parts(story.sku).items():
            expected[part] += (story.booked - story.suspended) * pack * needed
    truth.sales.judge()
    sold = truth.sales.sold()
    on_hand = world.on_hand()
    for sku in expected:
        expected[sku] -= sold[sku]
    for sku, units in expected.items():
        if on_hand[sku] != units:
            world.trace.broken("I1", f"{sku}: {on_hand[sku]} on hand, {units} by its movements")


async def judge_quiet(world: World, process: Process) -> None:
    """I6: when nothing happens nothing is written, neither to a store nor to the books."""
    before = _counts(world), _writes(world)
    await world.cycle(process)
    after = _counts(world), _writes(world)
    if before != after:
        world.trace.broken("I6", f"a quiet cycle wrote: {before} -> {after}")
    assert process.context is not None
    verdict = await process.context.ledger.verify()
    if not verdict.sound:
        world.trace.broken("I21", str(verdict))


def _writes(world: World) -> int:
    return sum(len(shop.writes) for shop in world.merchant.shops.values())


def _counts(world: World) -> list[Any]:
    asked = (
        "SELECT (SELECT COUNT(*) FROM movements), (SELECT COUNT(*) FROM intents), "
        "(SELECT COUNT(*) FROM holds), (SELECT SUM(version) FROM listings), "
        "(SELECT COUNT(*) FROM runs)"
    )
    return world.rows(asked)


def rest_of_pause(process: Process) -> float:
    """Return the seconds for which stores that kept failing are left alone."""
    desks: Any = process.dispatcher
    now = float(process.world.loop.time())
    rests: list[float] = [until for desk in desks._desks.values() for until in desk.rests.values()]
    return max([now, *rests]) - now + 1.0


def rest_of_back_off(world: World) -> float:
    """Return the seconds until every listing may be written again."""
    rows = world.rows("SELECT MAX(retry_at) FROM listings WHERE retry_at IS NOT NULL")
    if not rows or rows[0][0] is None:
        return 1.0
    return max(1.0, (_moment(rows[0][0]) - world.our_now()).total_seconds() + 1)


def _moment(text: Any) -> datetime:
    if isinstance(text, int | float):
        return datetime.fromtimestamp(text / 1_000_000, UTC)
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
