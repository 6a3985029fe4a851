"""What listings may still sell is not told too low while a write is just being confirmed."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from stocksync.contracts.ledger import Intent, IntentState, StoreRecord
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.intake import Seat
from stocksync.domain.merge import FirstContact, Role
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.stock import Counted, ListingRecord
from stocksync.engine.context import Context, Store
from stocksync.engine.picture import exposures

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A, MUG = StoreId("a"), Sku("MUG")
LISTING = ListingId("MUG")


class Books:
    """Books in which 0 -> 4 is confirmed after the listings were asked for, before the writes."""

    def __init__(self) -> None:
        self.confirmed = False

    async def records_of(self, _: Collection[Sku]) -> list[ListingRecord]:
        shown = 4 if self.confirmed else 0
        reading = Counted(shown, NOON)
        record = ListingRecord(store=A, listing=LISTING, sku=MUG, reading=reading, baseline=shown)
        return [record]

    async def writes(self, *_: object) -> list[Intent]:
        self.confirmed = True
        return [
            Intent(
                id="1", run="r", store=A, listing=LISTING, sku="MUG", before=0, target=4,
                state=IntentState.CONFIRMED, created_at=NOON,
                resolved_at=NOON + timedelta(seconds=1),
            )
        ]  # fmt: skip

    async def store(self, store: StoreId) -> StoreRecord:
        return StoreRecord(store=store, feed_at=NOON)


async def test_a_write_that_is_confirmed_between_two_questions_still_counts() -> None:
    seat = Seat(store=A, role=Role.CHANNEL, first_contact=FirstContact.PUSH, feed=True)
    context = Context(
        ledger=cast("Any", Books()),
        book=Rulebook(rules=(), aliases={}, bundles={}, platforms={}, fingerprint=""),
        stores={A: Store(seat=seat, connector=cast("Any", None))},
        now=lambda: NOON,
        new_id=lambda: "id",
        holder="here",
    )
    assert await exposures(context, {MUG}) == {MUG: {(A, LISTING): 4}}
