"""The metrics: all there from the beginning, and as many for 100,000 SKUs as for ten."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from stocksync import metrics
from stocksync.contracts.ledger import Commit, Verdict
from stocksync.domain.gates import Gate
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.stocktake import Count, count_movements
from stocksync.engine import stocktake
from stocksync.ledger.memory import MemoryLedger
from stocksync.ops import gauges
from tests.house.test_house_rules import DESIGNED
from tests.world import NOON, World, world

#: Unknown until it happened once: zero would say 1970, or just now.
NOT_YET = {"last_success_timestamp_seconds", "sweep_age_seconds"}
MANY = 100_000


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    for store in ("new", "few", "many", "other"):
        metrics.forget(store)


def series(store: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return every series of a store, named without it."""
    return {
        (
            sample.name,
            tuple(sorted((key, at) for key, at in sample.labels.items() if key != "store")),
        )
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
        if sample.labels.get("store") == store
    }


def families(store: str) -> set[str]:
    """Return the names of the metrics that have a series of a store."""
    names = {name for name, _ in series(store)}
    return {
        name.removeprefix("stocksync_").removesuffix("_bucket").removesuffix("_total")
        for name in names
        if not name.endswith(("_sum", "_count"))
    }


def value(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(f"stocksync_{name}", labels)


async def test_every_series_of_a_store_is_there_before_anything_happened() -> None:
    subject = world({"new": {}})
    metrics.begin(["new"])
    await gauges.refresh(subject.context)

    with_store = {name for name, labels in DESIGNED.items() if "store" in labels}
    assert families("new") == with_store - NOT_YET
    for gate in Gate:
        assert value("gate_trips_total", store="new", gate=gate.value) == 0
        assert value("holds", store="new", gate=gate.value) == 0
    assert value("propagation_seconds_count", store="new") == 0
    assert value("drift_listings", store="new") == 0
    assert value("http_requests_total", store="new", operation="read", status="none") == 0


def test_a_store_that_began_before_keeps_what_it_shows() -> None:
    metrics.begin(["new"])
    metrics.show_state("new", "paused")
    metrics.MOVEMENTS.labels("new", "sale").inc(3)

    metrics.begin(["new", "other"])

    assert value("store_state", store="new", state="paused") == 1
    assert value("store_state", store="new", state="healthy") == 0
    assert value("store_state", store="other", state="healthy") == 1
    assert value("movements_total", store="new", kind="sale") == 3


def test_a_store_that_is_forgotten_leaves_no_series_and_its_neighbour_all() -> None:
    metrics.begin(["new", "other"])
    metrics.SWEEP_AGE.labels("new").set(1)
    before = series("other")

    metrics.forget("new")

    assert series("new") == set()
    assert series("other") == before != set()


async def a_settled_store(store: str, skus: int) -> World:
    """Return a merchant whose store has agreed on so many SKUs; the first ten by real rounds."""
    few = {f"S{at:06}": 5 for at in range(10)}
    subject = world({store: dict(few)})
    counts = [Count(sku=Sku(sku), on_hand=5) for sku in few]
    await stocktake.count(subject.context, counts, document="opening")
    assert (await subject.sync()).outcome == "ok"
    [example, *_] = (await subject.ledger.records(StoreId(store))).values()
    more = [Sku(f"S{at:06}") for at in range(10, skus)]
    names = {sku: ListingId(sku) for sku in more}
    await subject.ledger.commit(
        Commit(
            movements=count_movements(
                [Count(sku=sku, on_hand=5) for sku in more], {}, at=NOON, document="", run="r"
            ),
            records=[
                replace(example, listing=at, code=sku, sku=sku, version=0)
                for sku, at in names.items()
            ],
        )
    )
    subject.shops[StoreId(store)].stock |= dict.fromkeys(names.values(), 5)
    return subject


async def work(store: str, skus: int) -> None:
    """Let a store with so many SKUs be read, sold from, written to and held."""
    metrics.begin([store])
    subject = await a_settled_store(store, skus)
    subject.sell(store, "S000001", 2)
    await stocktake.adjust(subject.context, Sku("S000002"), -1, reason="broken", location="")
    assert (await subject.sync()).outcome == "ok"
    subject.shops[StoreId(store)].stock.clear()
    assert (await subject.sync()).outcome == "held"
    await gauges.refresh(subject.context)


async def test_the_number_of_series_does_not_grow_with_the_catalogue() -> None:
    await work("few", 10)
    await work("many", MANY)

    assert value("listings", store="many", state="linked") == MANY
    assert value("listings", store="few", state="linked") == 10
    assert value("on_hand_units") == 5 * MANY - 3
    assert value("gate_trips_total", store="many", gate="empty_census") == 1
    assert value("movements_total", store="many", kind="sale") == 1
    assert value("corrections_total", store="many", outcome="confirmed") == 1
    assert series("few") == series("many")
    assert len(series("many")) > len(DESIGNED)


class Books(MemoryLedger):
    """Books whose proofs take as long as they are told, and find what they are told."""

    def __init__(self) -> None:
        super().__init__(now=lambda: NOON)
        self.seconds = 0.0
        self.takes = 2.0
        self.verdict = Verdict(movements=1, skus=1)
        self.proofs = 0

    async def verify(self) -> Verdict:
        self.proofs += 1
        self.seconds += self.takes
        return self.verdict


async def test_proofs_take_no_more_than_a_hundredth_of_the_time() -> None:
    books = Books()
    prover = gauges.Prover(monotonic=lambda: books.seconds)
    while books.seconds < 10_000:
        await prover.prove(books)
        books.seconds += 1
    assert 0.008 <= books.proofs * books.takes / books.seconds <= 0.0102

    books.takes, before = 0.01, books.proofs
    books.seconds += 1_000
    for _ in range(5):
        await prover.prove(books)
        books.seconds += 3600
    assert books.proofs == before + 5, "short books are proved whenever that is asked for"


async def test_books_that_break_are_told_once_and_shown_until_they_are_whole() -> None:
    books = Books()
    prover = gauges.Prover(monotonic=lambda: books.seconds)
    broken = Verdict(
        movements=1, skus=1, imbalances=("MUG",), mismatches=("a", "b"), broken_seals=(4, 5)
    )
    shown = []
    with capture_logs() as lines:
        for verdict in (Verdict(movements=1, skus=1), broken, broken, Verdict(movements=1, skus=1)):
            books.verdict = verdict
            assert await prover.prove(books)
            assert not await prover.prove(books)
            books.seconds += 3600
            shown.append((value("ledger_imbalance"), value("projection_mismatch")))
    assert shown == [(0, 0), (3, 2), (3, 2), (0, 0)]
    assert [(at["log_level"], at["event"]) for at in lines] == [
        ("critical", "the books do not add up"),
        ("info", "the books add up again"),
    ]
    assert (lines[0]["imbalances"], lines[0]["broken_seals"]) == (1, 2)


async def test_a_proof_that_cannot_be_made_is_tried_again() -> None:
    books = Books()
    prover = gauges.Prover(monotonic=lambda: books.seconds)

    class Away(Books):
        async def verify(self) -> Verdict:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await prover.prove(Away())
    assert await prover.prove(books)
