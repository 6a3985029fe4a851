"""The judges of what leaves a process see what they are there for, and nothing else."""

import asyncio
from types import SimpleNamespace
from typing import Any

from stocksync.contracts.ledger import Commit, Intent, IntentState
from stocksync.domain.identifiers import ListingId, LocationId, Sku, StoreId
from stocksync.domain.movements import Movement, MovementKind, sides
from stocksync.domain.stock import ListingRecord
from tests.simulation.guards import LONG_AGO, SECRETS, Echoes, Sockets, judge_secrets
from tests.simulation.trace import Trace
from tests.world import NOON

KEY = (StoreId("a"), ListingId("1"))
CODES: dict[tuple[str, str], str] = {KEY: "MUG"}


class Clock:
    """Seconds of a world."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def intent(target: int, state: IntentState) -> Intent:
    return Intent(
        id=str(target), run="r", store=KEY[0], listing=KEY[1], sku="MUG", before=9, target=target,
        state=state, created_at=NOON,
    )  # fmt: skip


def sale() -> Movement:
    source, destination, units = sides(MovementKind.SALE, -1, LocationId("main"), KEY[0])
    return Movement(
        key="k", sku=Sku("MUG"), kind=MovementKind.SALE, source=source, destination=destination,
        units=units, occurred_at=NOON,
    )  # fmt: skip


def written(echoes: Echoes, target: int) -> None:
    """Announce a write, and confirm it."""
    echoes.committed(Commit(intents=[intent(target, IntentState.OPEN)]), CODES, {})
    done = ListingRecord(store=KEY[0], listing=KEY[1], code="MUG", baseline=target)
    confirmed = Commit(records=[done], intents=[intent(target, IntentState.CONFIRMED)])
    echoes.committed(confirmed, CODES, {str(target): IntentState.OPEN.value})


def echoes(clock: Clock) -> tuple[Echoes, Trace]:
    merchant: Any = SimpleNamespace(
        codes={("a", "MUG"): "MUG"}, mode="shared", parts=lambda sku: {sku: 1}
    )
    trace = Trace(clock)
    return Echoes(merchant, trace), trace


def test_a_second_write_of_which_nothing_was_the_cause_is_an_echo() -> None:
    clock = Clock()
    judge, trace = echoes(clock)
    for target in (8, 7):
        clock.seconds += 2 * LONG_AGO
        written(judge, target)
    assert [at.invariant for at in trace.violations] == ["I20"]


def test_a_write_after_a_sale_or_a_new_number_is_none() -> None:
    clock = Clock()
    shown = ListingRecord(store=KEY[0], listing=KEY[1], code="MUG", baseline=3)
    for cause in (Commit(movements=[sale()]), Commit(records=[shown])):
        judge, trace = echoes(clock)
        for target in (8, 7):
            clock.seconds += 2 * LONG_AGO
            judge.committed(cause, CODES, {})
            written(judge, target)
        assert trace.violations == []


async def test_one_request_more_than_a_store_allows_is_found() -> None:
    trace = Trace(Clock())
    judge, life = Sockets(trace), SimpleNamespace(number=0, places={"a": 2})
    answers = [asyncio.get_running_loop().create_future() for _ in range(4)]
    for answer in answers[:2]:
        judge.sent(SimpleNamespace(life=life, store="a", answer=answer, name="GET"))
    answers[0].set_result(None)
    judge.sent(SimpleNamespace(life=life, store="a", answer=answers[2], name="GET"))
    assert trace.violations == []
    judge.sent(SimpleNamespace(life=life, store="a", answer=answers[3], name="GET"))
    assert [at.invariant for at in trace.violations] == ["I24"]


def test_a_secret_is_found_in_whatever_form_it_is_sent() -> None:
    assert len(SECRETS) == 7, "five secrets, two of them with a user's name beside"
    for secret in SECRETS:
        trace = Trace(Clock())
        judge_secrets(trace, f"Basic {secret}=", "a page")
        assert [at.invariant for at in trace.violations] == ["I22"]
