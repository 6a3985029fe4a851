"""Log lines: one form for ours and for those of libraries, and nothing in them does harm."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from stocksync import logs
from stocksync.errors import ConfigurationError

SECRET = "canary-of-a-frame-7781"


@pytest.fixture(autouse=True)
def the_log_of_the_tests_comes_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers = list(root.handlers)
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers


def test_outside_a_terminal_each_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    structlog.get_logger().info("stock moved", store="shop", kind="pull", note="a\nb\x1b[31m")

    [line] = capsys.readouterr().err.splitlines()

    said = json.loads(line)
    assert (said["event"], said["store"], said["kind"]) == ("stock moved", "shop", "pull")
    assert (said["level"], said["note"]) == ("info", "a\nb\x1b[31m")
    assert said["timestamp"].endswith("Z")


@pytest.mark.parametrize(("wished", "is_json"), [("json", True), ("console", False), ("", True)])
def test_the_environment_chooses_the_form(
    wished: str,
    *,
    is_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STOCKSYNC_LOG_FORMAT", wished)
    logs.configure()
    structlog.get_logger().warning("store failed", store="shop")
    text = capsys.readouterr().err
    assert text.startswith("{") is is_json
    assert "store failed" in text


def test_another_form_is_a_mistake_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKSYNC_LOG_FORMAT", "xml")
    with pytest.raises(ConfigurationError, match="STOCKSYNC_LOG_FORMAT is json or console"):
        logs.configure()


def test_the_words_of_a_store_move_no_cursor_and_begin_no_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("console")
    structlog.get_logger().warning("store\nfailed", error="\x1b[2J\u202egone\rforged", store="x")

    text = capsys.readouterr().err

    assert len(text.splitlines()) == 1
    assert "\x1b[2J" not in text
    assert not {"\r", "\u202e"} & set(text)


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_libraries_log_takes_the_same_way(
    form: logs.Form, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(form)
    logging.getLogger("uvicorn.error").error("port %d is taken", 8080)
    logging.getLogger("uvicorn.access").info("GET / 200")
    logging.getLogger("somebody").warning("100 %s", "odd")
    logging.getLogger("somebody").info("chatter")

    lines = capsys.readouterr().err.splitlines()

    assert len(lines) == 2
    assert "port 8080 is taken" in lines[0]
    assert "100 odd" in lines[1]
    if form == "json":
        assert json.loads(lines[0])["logger"] == "uvicorn.error"


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_trace_shows_where_and_no_local_variable(
    form: logs.Form, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(form)

    def broken() -> None:
        password = SECRET
        raise ZeroDivisionError(f"a password of {len(password)} letters")

    try:
        broken()
    except ZeroDivisionError:
        structlog.get_logger().exception("unexpected error", store="shop")
        logging.getLogger("somebody").exception("theirs")

    text = capsys.readouterr().err
    assert text.count("ZeroDivisionError: a password of 22 letters") == 2
    assert "in broken" in text
    assert SECRET not in text


def test_configuring_twice_says_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    logs.configure()
    logging.getLogger("somebody").error("once")
    structlog.get_logger().info("only")
    assert len(capsys.readouterr().err.splitlines()) == 2
