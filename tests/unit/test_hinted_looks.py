"""What hints lead to: one look per window at what was named, nothing twice, nothing lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from stocksync.contracts.dispatch import Wish
from stocksync.dispatch.embedded import Embedded
from stocksync.dispatch.reminders import CENSUS_SECONDS, Pace
from stocksync.domain.gates import Gate
from stocksync.domain.hints import WHOLE_STORE, Hint
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import Observation
from stocksync.errors import LedgerUnavailable, StoreUnavailable
from tests.unit.webhook_kit import SECRET, A, Answer, B, Service, Time, about, service
from tests.world import NOON

REPLAYS = 10_000
AT_ONCE = 250


async def waiting(at: Service) -> list[str]:
    return [hint.key for hint in await at.world.ledger.hints()]


def censuses(at: Service) -> list[int]:
    """Count the censuses of store a from now on."""
    walked: list[int] = []
    shop = at.world.shops[A]
    honest = shop.census

    async def census() -> AsyncIterator[Sequence[Observation]]:
        walked.append(1)
        async for page in honest():
            yield page

    shop.census = census  # type: ignore[method-assign]
    return walked


async def test_a_sale_is_followed_without_a_poll_and_only_what_was_named_is_read() -> None:
    at = await service()
    walked = censuses(at)
    at.world.sell("a", "MUG", 3)
    at.world.sell("a", "BOWL", 1)
    await at.post(body=about("MUG", event="new.order"))
    assert await at.looks() == [["MUG"]]
    assert at.world.shows("b") == {"MUG": 7, "BOWL": 10}
    assert await at.world.on_hand("BOWL") == 10, "nobody named it; the next pull finds it"
    assert walked == []
    assert await waiting(at) == []


async def test_ten_thousand_replays_book_nothing_and_are_one_look_per_window() -> None:
    at = await service()
    at.world.sell("a", "MUG", 3)
    await at.post(body=about("MUG", event="new.order"))
    await at.looks()
    booked, rows = await at.world.movements(), len(await at.world.ledger.runs())
    at.reads.clear()
    for _ in range(0, REPLAYS, AT_ONCE):
        sent = (at.post(body=about("MUG", event="new.order")) for _ in range(AT_ONCE))
        assert {answer.status for answer in await asyncio.gather(*sent)} == {204}
        assert len(await waiting(at)) <= 1
        await at.time.pass_(0.1)
    await at.time.pass_(2)
    await at.jobs.idle()
    windows = REPLAYS / AT_ONCE * 0.1 / 2 + 1
    assert 1 <= len(at.reads) <= windows
    assert await at.world.movements() == booked
    assert len(await at.world.ledger.runs()) == rows
    assert at.world.shops[A].written == []
    assert at.world.shows("b") == {"MUG": 7, "BOWL": 10}


async def test_a_steady_stream_of_hints_postpones_no_look() -> None:
    at = await service()
    for _ in range(100):
        await at.post(body=about("MUG"))
        await at.time.pass_(0.1)
    await at.jobs.idle()
    assert 4 <= len(at.reads) <= 5, "ten seconds hold five windows"


async def test_hints_of_one_window_are_one_look_at_each_listing() -> None:
    at = await service()
    for codes in (("MUG",), ("BOWL",), ("MUG", "BOWL"), ("UNKNOWN",)):
        await at.post(body=about(*codes))
    assert await at.looks() == [["BOWL", "MUG"]]
    assert await at.looks() == []


async def test_a_name_that_no_listing_has_is_let_go_without_a_request() -> None:
    at = await service()
    calls = at.world.shops[A].api_calls
    pulled = (await at.world.ledger.store(A)).last_pull_at
    await at.post(body=about("999999"))
    assert await waiting(at) == ["999999"]
    await at.looks()
    assert await waiting(at) == []
    assert at.world.shops[A].api_calls == calls
    assert (await at.world.ledger.store(A)).last_pull_at == pulled, "nothing was read"


async def test_our_own_write_comes_back_as_a_hint_and_leads_to_no_other_write() -> None:
    at = await service()
    at.world.sell("b", "MUG", 4)
    at.jobs.request(B, "pull")
    await at.jobs.idle()
    assert at.world.shows("a")["MUG"] == 6
    booked, written = await at.world.movements(), list(at.world.shops[A].written)
    at.reads.clear()
    for _ in range(3):
        await at.post(body=about("MUG"))
    assert await at.looks() == [["MUG"]]
    assert at.world.shops[A].written == written
    assert at.world.shops[B].written == []
    assert await at.world.movements() == booked


async def test_a_hint_at_the_whole_store_is_one_census_and_they_keep_their_distance() -> None:
    at = await service()
    walked = censuses(at)
    at.world.sell("a", "BOWL", 2)
    for _ in range(5):
        await at.post(body=b"<xml/>")
    await at.looks()
    assert (len(walked), at.world.shows("b")["BOWL"]) == (1, 8)
    for _ in range(int(CENSUS_SECONDS) * 3):
        await at.post(body=b"<xml/>")
        await at.time.pass_(1)
    await at.jobs.idle()
    assert 3 <= len(walked) <= 4


async def test_a_hint_that_comes_while_its_listing_is_looked_at_is_looked_at_again() -> None:
    at = await service()
    shop = at.world.shops[A]
    during: list[Answer] = []
    honest = shop.read

    async def read(listings: Sequence[object]) -> object:
        seen = await honest(listings)  # type: ignore[arg-type]
        if not during:
            at.world.sell("a", "MUG", 1)
            during.append(await at.post(body=about("MUG")))
        return seen

    shop.read = read  # type: ignore[method-assign, assignment]
    await at.post(body=about("MUG"))
    await at.looks()
    assert await waiting(at) == ["MUG"]
    assert await at.world.on_hand("MUG") == 10
    await at.looks()
    assert await at.world.on_hand("MUG") == 9
    assert await waiting(at) == []


async def test_hints_outlive_the_process_that_took_them() -> None:
    at = await service()
    at.world.sell("a", "MUG", 2)
    await at.post(body=about("MUG"))
    assert await at.jobs.drain(0)
    await at.time.pass_(60)
    assert at.reads == []
    time = Time()
    again = Embedded(lambda: at.world.context, pace=Pace(monotonic=time, pause=time.pause))
    await again.recall()
    await time.pass_(2)
    await again.idle()
    assert at.reads[0] == ["MUG"]
    assert at.world.shows("b")["MUG"] == 8
    assert await waiting(at) == []


async def test_a_pull_answers_what_was_hinted_before_it_and_saves_the_look() -> None:
    at = await service()
    await at.post(body=about("MUG"))
    at.jobs.request(A, "pull")
    await at.jobs.idle()
    assert await waiting(at) == []
    assert await at.looks() == []


async def test_a_run_by_hand_for_one_sku_answers_no_hint() -> None:
    at = await service()
    await at.post(body=about("MUG", "BOWL"))
    await at.world.sync(skus=["MUG"])
    assert await waiting(at) == ["BOWL", "MUG"]
    run = await at.jobs.reconcile(Wish())
    async for _event in at.jobs.events(run):
        pass
    assert await waiting(at) == []


async def test_a_store_that_does_not_answer_keeps_its_hints_and_is_left_to_its_poll() -> None:
    at = await service()
    shop = at.world.shops[A]
    shop.read_errors = [StoreUnavailable("down")]
    at.world.sell("a", "MUG", 1)
    await at.post(body=about("MUG"))
    assert len(await at.looks()) == 1
    assert await waiting(at) == ["MUG"]
    for _ in range(5):
        await at.post(body=about("MUG"))
        assert await at.looks() == [], "a sick store is not asked again for each event"
    at.jobs.request(A, "pull")
    await at.jobs.idle()
    assert await waiting(at) == []
    assert at.world.shows("b")["MUG"] == 9
    await at.post(body=about("MUG"))
    assert await at.looks() == [["MUG"]]


async def test_a_look_that_a_gate_stops_books_nothing_and_lets_the_hints_go() -> None:
    skus = [f"S{number}" for number in range(30)]
    at = await service(skus=skus)
    for sku in skus[:12]:
        at.world.sell("a", sku, 10)
    before = await at.world.movements()
    await at.post(body=about(*skus[:12]))
    await at.looks()
    assert [hold.gate for hold in await at.world.ledger.holds(A)] == [Gate.MASS_ZERO]
    assert await at.world.movements() == before
    assert await waiting(at) == []
    await at.post(body=about("S29"))
    assert await at.looks() == [], "a held store is looked at by its poll only"


async def test_a_mass_change_cannot_slip_past_the_gates_in_small_looks() -> None:
    skus = [f"S{number}" for number in range(40)]
    at = await service(skus=skus)
    for sku in skus:
        at.world.sell("a", sku, 10)
    for start in range(0, 40, 4):
        await at.post(body=about(*skus[start : start + 4]))
        await at.looks()
    await at.time.pass_(CENSUS_SECONDS)
    await at.jobs.idle()
    assert [hold.gate for hold in await at.world.ledger.holds(A)] == [Gate.MASS_ZERO]
    emptied = [sku for sku in skus if await at.world.on_hand(sku) == 0]
    assert len(emptied) == 12, "what a gate lets one pull change, and the look that goes beyond"


async def test_books_that_fail_for_a_moment_lose_no_hint() -> None:
    at = await service()
    honest = at.world.ledger.hints

    async def unreadable(_store: StoreId | None = None) -> list[Hint]:
        raise LedgerUnavailable("locked")

    at.world.sell("a", "MUG", 1)
    await at.post(body=about("MUG"))
    at.world.ledger.hints = unreadable  # type: ignore[method-assign, assignment]
    assert await at.looks() == []
    at.world.ledger.hints = honest  # type: ignore[method-assign]
    await at.post(body=about("BOWL"))
    assert await at.looks() == [["BOWL", "MUG"]]
    assert at.world.shows("b")["MUG"] == 9


async def test_stores_do_not_wait_for_each_others_windows() -> None:
    at = await service()
    at.doors[B] = replace(at.doors[A])
    await at.post(body=about("MUG"))
    await at.time.pass_(1.5)
    at.world.sell("b", "BOWL", 5)
    await at.post(f"/webhooks/b/{SECRET}", about("BOWL"))
    await at.time.pass_(0.5)
    await at.jobs.idle()
    assert at.reads == [["MUG"]]
    assert await waiting(at) == ["BOWL"]
    await at.time.pass_(1.5)
    await at.jobs.idle()
    assert at.world.shows("a")["BOWL"] == 5


async def test_a_store_that_is_gone_is_not_reminded_of() -> None:
    at = await service()
    gone = StoreId("gone")
    hint = Hint(store=gone, key=WHOLE_STORE, received_at=NOON)
    await at.world.ledger.hint([hint])
    await at.jobs.recall()
    at.jobs.hinted(gone)
    await at.time.pass_(5)
    await at.jobs.idle()
    assert [status.store for status in at.jobs.statuses()] == [A, B]
    assert await at.world.ledger.hints() == [hint]
