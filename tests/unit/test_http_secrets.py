"""No error, log line, repr or local variable of the HTTP door shows a secret."""

import asyncio
import logging
import traceback
from collections.abc import Mapping

import pytest

from stocksync.connectors.credentials import basic
from stocksync.errors import (
    ConfigurationError,
    ConnectorError,
    OutcomeUnknown,
)
from tests.unit.http_kit import SECRET, door
from tests.unit.scripted_store import Said, ScriptedStore, socket_store


@pytest.mark.parametrize(
    "headers",
    [basic("user", SECRET), {"x-api-key": SECRET}, {"authorization": f"Bearer {SECRET}"}],
)
@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500])
async def test_no_error_and_no_log_line_shows_a_secret(
    headers: Mapping[str, str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    whole = " ".join(headers.values())
    told = {"message": f"{'x' * 190}{SECRET} bad key {SECRET} in {whole}\r\nforged line"}
    transport = ScriptedStore(lambda _: Said(told, status)).transport
    http = door(transport, headers=headers, limits={"patience_seconds": 0})
    for writes in (False, True):
        with pytest.raises(ConnectorError) as caught:
            await (http.write("POST", "/stock", []) if writes else http.read("/stock"))
        token = whole.split()[-1]
        assert SECRET[:8] not in str(caught.value)
        for text in (str(caught.value), repr(caught.value), caplog.text):
            assert SECRET not in text
            assert token not in text
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300
        assert SECRET not in _locals_of_ours(caught.value)
        assert token not in _locals_of_ours(caught.value)
    assert SECRET not in repr(http) + repr(http._secrets)


async def test_a_lost_connection_tells_no_secret_even_with_local_variables() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with socket_store(hang_up) as (origin, heads):
        http = door(None, origin=origin, headers={"x-api-key": SECRET})
        with pytest.raises(OutcomeUnknown) as caught:
            await http.write("POST", "/stock", [1])
        await http.aclose()
    assert f"x-api-key: {SECRET}".encode() in heads[0]
    # The error of the library is not passed on: its frames and attributes hold the request.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert SECRET not in _locals_of_ours(caught.value)


def _locals_of_ours(error: BaseException) -> str:
    """Show every local variable that a log of this error could show, but those of the tests."""
    told: traceback.TracebackException | None
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = []
    while told is not None:
        frames += [frame for frame in told.stack if "/tests/" not in frame.filename]
        following = told.__cause__
        told = following or (None if told.__suppress_context__ else told.__context__)
    assert frames
    return repr([frame.locals for frame in frames])


def test_a_credential_that_would_break_a_header_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        door(None, headers={"x-api-key": f"{SECRET}\r\nx: 1"})
    assert SECRET not in str(caught.value)
