"""The program as a whole: its help, its exit codes, and that nobody is shown a traceback."""

import inspect
import json
import subprocess
import sys
from importlib import import_module

import pytest
import typer

from stocksync import __version__
from stocksync.cli import books
from stocksync.cli.app import COMMANDS
from stocksync.cli.exits import Exit, exit_for, told
from stocksync.errors import (
    AuthFailed,
    ConfigurationError,
    LedgerBroken,
    LedgerUnavailable,
    RateLimited,
    StaleLevel,
    StalePlan,
    UnknownName,
)
from tests.integration.cli_kit import Merchant, call

#: `DESIGN §5`, Commands; `worker` comes with the second dispatcher.
DESIGNED = {
    "init", "check", "sync", "plan", "apply", "serve", "stock", "history", "explain", "holds",
    "rules", "runs", "ledger", "migrate", "sandbox", "demo",
}  # fmt: skip


def program(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


def test_every_designed_command_is_in_the_help() -> None:
    text = call("--help").stdout
    listed = {line.split()[1] for line in text.splitlines() if line.startswith("│ ") and line[2:3]}
    assert listed >= DESIGNED
    assert {name for _, name, _, _ in COMMANDS} >= DESIGNED


@pytest.mark.parametrize(("name", "place", "text"), [row[1:] for row in COMMANDS])
def test_the_help_says_what_the_command_itself_says(name: str, place: str, text: str) -> None:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"stocksync.cli.{module}"), attribute)
    own = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
    assert (own or "").splitlines()[0] == text, name
    assert text.splitlines()[0] in " ".join(call(name, "--help").stdout.split())


def test_help_is_answered_without_loading_what_only_commands_need() -> None:
    code = """
import sys
sys.argv = ["stocksync", "--help"]
from stocksync.__main__ import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
heavy = {"sqlalchemy", "sqlmodel", "fastapi", "httpx", "uvicorn", "alembic", "pydantic"}
print(sorted(heavy & sys.modules.keys()))
"""
    result = program(code)
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] == "[]"


def test_the_package_can_be_run_as_a_module() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "stocksync", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, f"stocksync {__version__}\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("synk",), "No such command 'synk'"),
        (("sync", "--stoer", "x"), "--stoer"),
        (("stock", "show"), "Missing argument 'SKU'"),
        (("stock", "adjust", "MUG", "-2", "extra", "--reason", "x"), "extra"),
        (("runs", "--limit", "many"), "'--limit'"),
        (("holds",), ""),
        ((), ""),
    ],
)
def test_words_that_are_not_understood_are_exit_code_2(
    words: tuple[str, ...], complaint: str
) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert all(line.startswith("error: ") for line in result.stderr.splitlines())


def test_words_that_are_not_understood_leave_one_document_too() -> None:
    result = call("sync", "--stoer", "x", "--json")
    document = json.loads(result.stdout)
    assert list(document) == ["error", "problems"]
    assert document["error"].endswith("; see `stocksync sync --help`")
    assert result.stderr == f"error: {document['error']}\n"


def test_json_after_a_double_dash_is_a_name_and_not_an_option(two_stores: Merchant) -> None:
    result = two_stores.run("history", "--", "--json", expect=2)
    assert result.stdout == ""
    assert "does not know SKU '--json'" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError(["planted", "planted"]), Exit.WRONG),
        (UnknownName("planted\nplanted"), Exit.WRONG),
        (StalePlan("planted"), Exit.WRONG),
        (LedgerUnavailable("planted"), Exit.WRONG),
        (LedgerBroken("planted"), Exit.FAILED),
        (StaleLevel("planted"), Exit.FAILED),
        (AuthFailed("planted"), Exit.FAILED),
        (RateLimited("planted", retry_after_seconds=1), Exit.FAILED),
        (ExceptionGroup("several", [StalePlan("planted")]), Exit.WRONG),
        (RuntimeError("planted"), Exit.FAILED),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: Exception, code: Exit) -> None:
    found, problems = told(error)
    assert found is code
    assert len(problems) == (2 if "\n" in str(error) else 1)
    assert all("planted" in problem for problem in problems)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([], 0),
        (["ok", "ok"], 0),
        (["ok", "held"], 3),
        (["ok", "failed"], 1),
        (["held", "failed"], 1),
        (["ok", "skipped"], 1),
        (["held", "skipped"], 1),
    ],
)
def test_the_exit_code_follows_from_what_became_of_the_stores(
    outcomes: list[str], code: int
) -> None:
    assert exit_for(outcomes) == code


def test_a_defect_is_one_line_and_its_traceback_only_on_request(
    two_stores: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a planted defect\x1b[2J")

    monkeypatch.setattr(books, "read", broken)
    plain = two_stores.run("ledger", "verify", expect=1)
    asked = two_stores.run("ledger", "verify", expect=1, STOCKSYNC_DEBUG="1")

    assert plain.stderr == (
        r"error: unexpected RuntimeError: a planted defect\x1b[2J (this is a defect, please "
        r"report it; STOCKSYNC_DEBUG=1 shows where it happened)"
        "\n"
    )
    assert "Traceback" in asked.stderr
    assert asked.stdout == ""


def test_runs_are_listed_and_shown_by_the_beginning_of_their_names(two_stores: Merchant) -> None:
    assert two_stores.answer("runs") == []
    two_stores.agreed()
    two_stores.run("sync")

    last, first = two_stores.answer("runs")
    shown = two_stores.answer("runs", "show", first["id"][:-2])

    assert list(last) == [
        "id", "kind", "trigger", "started_at", "finished_at", "outcome", "error", "stores",
    ]  # fmt: skip
    assert (first["kind"], first["outcome"]) == ("sync", "ok")
    assert shown == first
    assert [row["store"] for row in shown["stores"]] == ["shop", "web"]
    assert two_stores.answer("runs", "--limit", "1") == [last]
    assert last["id"] in two_stores.run("runs").stdout
    assert "no run is called 'zzz'" in two_stores.run("runs", "show", "zzz", expect=2).stderr
    assert "2 runs begin with" in two_stores.run("runs", "show", last["id"][:1], expect=2).stderr


def test_bytes_that_are_no_text_are_refused_as_a_name(two_stores: Merchant) -> None:
    result = two_stores.run("stock", "set", "caf\udce9", "1", expect=2)
    assert "is not UTF-8 text" in result.stderr
