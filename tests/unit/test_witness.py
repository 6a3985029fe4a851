"""The witness of the books: a number outside the database that only ever rises."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from stocksync.contracts.ledger import Commit, Intent, IntentState, RunRecord, StoreRecord
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.orders import KnownLine
from stocksync.domain.stock import ListingRecord
from stocksync.ledger.witness import Witness, changes_books

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A = StoreId("a")
INTENT = Intent(
    id="1",
    run="r",
    store=A,
    listing=ListingId("x"),
    sku="x",
    before=1,
    target=2,
    state=IntentState.OPEN,
    created_at=NOON,
)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "books.db.witness")


def test_no_file_is_no_number_and_reading_makes_none(witness: Witness) -> None:
    assert witness.read() is None
    assert not witness.path.exists()


def test_it_remembers_the_highest_number_whatever_order_they_come_in(witness: Witness) -> None:
    for generation in (5, 12, 7, 1):
        witness.keep(generation)
    assert witness.read() == 12
    assert witness.seen == 12


def test_two_processes_raise_one_file_together(witness: Witness) -> None:
    other = Witness(witness.path)
    witness.keep(8)
    other.keep(5)
    assert (witness.read(), other.seen) == (8, 8)


def test_a_shorter_number_leaves_nothing_of_a_longer_one(witness: Witness) -> None:
    witness.keep(987_654_321)
    witness.keep(3, lower=True)
    assert witness.read() == 3
    assert witness.seen == 3


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0", b"hello", b"-5", b"\xff\xfe"])
def test_a_file_that_says_nothing_counts_as_none_and_is_written_over(
    witness: Witness, content: bytes
) -> None:
    witness.path.write_bytes(content)
    assert witness.read() is None
    witness.keep(9)
    assert Witness(witness.path).read() == 9


def test_the_file_is_for_its_owner_only(witness: Witness) -> None:
    witness.keep(1)
    assert witness.path.stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_is_said_once_and_stops_nothing(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "no such folder" / "witness")
    with capture_logs() as lines:
        witness.keep(4)
        witness.keep(5)
    assert witness.seen == 5
    assert len(lines) == 1
    assert "would go unnoticed" in lines[0]["event"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("commit", "counts"),
    [
        (Commit(), False),
        (Commit(run=RunRecord(id="r", kind="sync", trigger="t", started_at=NOON)), False),
        (Commit(store=StoreRecord(store=A)), False),
        (Commit(intents=[INTENT]), True),
        (Commit(records=[ListingRecord(store=A, listing=ListingId("x"))]), True),
        (Commit(due_skus={Sku("x")}, due_since=NOON), True),
        (Commit(due_listings={(A, ListingId("x"))}, due_since=NOON), True),
        (Commit(lines=[KnownLine(store=A, order="1", line="1", units=1)]), True),
    ],
)
def test_what_must_not_be_forgotten_counts_and_the_rest_does_not(
    commit: Commit, *, counts: bool
) -> None:
    assert changes_books(commit) is counts
