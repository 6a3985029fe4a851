"""The connector contract: what happens when credentials, network or answers go wrong."""

import asyncio
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import pytest

from stocksync.domain.identifiers import ListingId
from stocksync.errors import (
    AuthFailed,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    StoreUnavailable,
    UnexpectedResponse,
)
from stocksync.sandbox.faults import Fault
from tests.contract.contract import ACTS, LOOKS, Act, Needs, clause, numbers, read, two_numbers
from tests.contract.rigs import NOON, Rig

#: What a store asks for in Retry-After, and how many seconds that is by the clock of the rigs.
WAITS: Final = ((77, 77.0), (NOON + timedelta(seconds=90), 90.0))
ATTEMPTS_MAX: Final = 5
TURNS_MAX: Final = 200
LOST_ANSWERS: Final[tuple[tuple[Fault, dict[str, Any]], ...]] = (
    (Fault.DROP_REQUEST, {}),
    (Fault.DROP_REPLY, {}),
    (Fault.LATE_APPLY, {}),
    (Fault.ERROR_BEFORE, {"status": 503}),
    (Fault.ERROR_AFTER, {"status": 502}),
    (Fault.HTML, {"processed": True}),
    (Fault.TRUNCATED, {}),
    (Fault.CONTENT_LENGTH_LIE, {}),
)
NOT_THE_API: Final[tuple[tuple[Fault, dict[str, Any]], ...]] = (
    (Fault.HTML, {}),
    (Fault.TRUNCATED, {}),
    (Fault.EMPTY_BODY, {}),
    (Fault.ANSWER, {"body": b'"fine"'}),
    (Fault.ANSWER, {"body": b"null"}),
    (Fault.ANSWER, {"body": b"[1]"}),
    (Fault.ANSWER, {"body": b"{}"}),
    (Fault.ANSWER, {"body": b"{}", "content_type": "application/xml"}),
)


def stocked(rig: Rig) -> tuple[Rig, ListingId]:
    """Stand up a fresh rig with one listing."""
    stood = rig.another()
    return stood, stood.add(two_numbers(rig)[0])


@clause("C09", "refused credentials: AuthFailed, after exactly one request", Needs.NETWORK)
async def auth_fails_fast(rig: Rig) -> None:
    for fault in (Fault.UNAUTHORISED, Fault.FORBIDDEN):
        for act in ACTS:
            stood, listing = stocked(rig)
            stood.shop.faults.always(fault)
            with pytest.raises(AuthFailed):
                await act(stood, listing)
            assert stood.shop.count() == 1, "refused credentials were tried again"
            await stood.aclose()


@clause("C10", "a rate limit carries the wait the store asked for", Needs.NETWORK)
async def rate_limit_has_wait(rig: Rig) -> None:
    for asked, seconds in WAITS:
        for act in LOOKS:
            stood, listing = stocked(rig)
            stood.shop.faults.always(Fault.RATE_LIMITED, retry_after=asked)
            with pytest.raises(RateLimited) as caught:
                await act(stood, listing)
            waits = caught.value.retry_after_seconds
            assert waits == seconds, f"told to wait {waits}, the store asked for {seconds}"
            with pytest.raises(RateLimited) as again:
                await act(stood, listing)
            assert 0 < again.value.retry_after_seconds <= seconds
            assert stood.shop.count() == 1, "the store was not left alone"
            await stood.aclose()


@clause("C11", "a failing read is retried a bounded number of times", Needs.NETWORK)
async def reads_are_retried(rig: Rig) -> None:
    for fault in (Fault.ERROR_BEFORE, Fault.DROP_REQUEST, Fault.DROP_REPLY, Fault.TRUNCATED):
        stood, listing = stocked(rig)
        stood.shop.faults.next(fault)
        seen = await read(stood, listing)
        assert numbers(seen.values()) == {listing: two_numbers(rig)[0]}
        await stood.aclose()
    for fault in (Fault.ERROR_BEFORE, Fault.DROP_REQUEST):
        for act in LOOKS:
            stood, listing = stocked(rig)
            stood.shop.faults.always(fault)
            with pytest.raises(StoreUnavailable):
                await act(stood, listing)
            assert 1 < stood.shop.count() <= ATTEMPTS_MAX, f"{stood.shop.count()} tries"
            await stood.aclose()


@clause("C12", "a write without an answer is OutcomeUnknown, sent exactly once", Needs.NETWORK)
async def lost_answer_is_unknown(rig: Rig) -> None:
    for fault, details in LOST_ANSWERS:
        stood, listing = stocked(rig)
        stood.shop.faults.next(fault, 9, method=rig.kind.write_method, **details)
        with pytest.raises(OutcomeUnknown):
            await ACTS[-1](stood, listing)
        assert stood.write_requests == 1, f"sent {stood.write_requests} times after {fault}"
        await stood.aclose()


@clause("C13", "an answer that is not the API is UnexpectedResponse", Needs.NETWORK)
async def nonsense_is_unexpected(rig: Rig) -> None:
    fieldless = (Fault.ANSWER, {"body": rig.kind.fieldless})
    for fault, details in (*NOT_THE_API, fieldless):
        for act in LOOKS:
            stood, listing = stocked(rig)
            stood.shop.faults.always(fault, **details)
            with pytest.raises(UnexpectedResponse):
                await act(stood, listing)
            await stood.aclose()


@clause("C14", "cancelling stops the request and leaves nothing running", Needs.NETWORK)
async def cancel_is_clean(rig: Rig) -> None:
    for act in ACTS:
        stood, listing = stocked(rig)
        before = asyncio.all_tasks()
        stood.shop.faults.next(Fault.HANGS)
        task = asyncio.create_task(_done(act, stood, listing))
        for _ in range(TURNS_MAX):
            if stood.shop.faults.met:
                break
            await asyncio.sleep(0)
        assert stood.shop.in_flight == 1, "nothing was asked"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        left = asyncio.all_tasks() - before
        for each in left:
            each.cancel()
        assert not left, "something is still running"
        assert stood.shop.in_flight == 0, "a request is still under way"
        assert await read(stood, listing), "the place of the cancelled request was never freed"
        await stood.aclose()


async def _done(act: Act, rig: Rig, listing: ListingId) -> None:
    await act(rig, listing)


@clause("C15", "no error, repr or log line shows a secret", Needs.NETWORK)
async def secrets_stay_secret(rig: Rig) -> None:
    said = {"message": f"who are you, {' '.join(rig.secrets)}?"}
    echo = json.dumps(said).encode()
    for status in (200, 400, 401, 404, 500):
        for act in ACTS:
            stood, listing = stocked(rig)
            stood.shop.faults.always(Fault.ANSWER, body=echo, status=status)
            with listening() as lines:
                lines += [repr(stood.connector), str(stood.connector)]
                try:
                    lines.append(repr(await act(stood, listing)))
                except ConnectorError as error:
                    lines += [str(error), repr(error), *traceback.format_exception(error)]
            shown = "\n".join(lines)
            for secret in rig.secrets:
                assert secret not in shown, "a secret was shown"
            await stood.aclose()


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect every log line, at every level, of every library."""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    root, ear = logging.getLogger(), Ear(level=logging.DEBUG)
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(ear)
        root.setLevel(level)
