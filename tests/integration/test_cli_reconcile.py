"""`reconcile`: the real program before a real running service, on a real socket."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from stocksync.cli.service import Service
from stocksync.sandbox.faults import Fault
from tests.integration.cli_kit import Merchant, call, merchant, start

ADMIN, READER = "canary-admin-token", "canary-reader-token"


@dataclass
class Served:
    """A merchant whose service runs, and who agrees with both stores."""

    merchant: Merchant
    url: str

    def ask(self, path: str, token: str = ADMIN) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{self.url}/api/v1{path}", headers=headers, timeout=10)

    def runs(self) -> list[str]:
        return [str(run["id"]) for run in self.ask("/runs").json()["runs"]]

    def watched(self, run: str) -> list[str]:
        """Watch a run to its end; return its stages."""
        return [str(event["stage"]) for event in Service(self.url, ADMIN).events(run)]

    def slowly(self, seconds: float = 1.0) -> str:
        """Start a run that takes a while, and return its name."""
        self.merchant.shops["shop"].faults.next(Fault.SLOW, seconds=seconds)
        return self.merchant.run("reconcile").stdout.strip()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_answered(url: str, process: "subprocess.Popen[str]") -> None:
    """Wait until a service answers; it is asked as fast as it refuses."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
    raise AssertionError("the service did not start")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, blank_books: Path) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    every = {"rate": 1000, "poll": "1h", "sweep": "24h"}
    platforms = {"shop": "recplus", "web": "freewebstore"}
    with merchant(folder, blank_books, platforms, every_store=every) as subject:
        tokens = [{"name": "reader", "token": READER, "scopes": ["read"]}]
        http = {"host": "127.0.0.1", "port": port, "token": ADMIN, "tokens": tokens}
        with subject.config.open("a", encoding="utf-8") as file:
            file.write(f"http: {json.dumps(http)}\n")
        subject.agreed()
        process = start("serve", config=subject.config)
        url = f"http://127.0.0.1:{port}"
        try:
            until_answered(url, process)
            yield Served(subject, url)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def test_a_run_is_started_and_named_at_once(served: Served) -> None:
    before = served.runs()

    run = served.merchant.run("reconcile").stdout.strip()

    assert served.watched(run)[-1] == "ended"
    assert run not in before
    assert served.runs()[0] == run
    answer = served.merchant.answer("reconcile")
    assert list(answer) == ["run"]
    assert served.watched(answer["run"])[-1] == "ended"


def test_who_waits_is_shown_what_the_run_did_as_sync_does(served: Served) -> None:
    served.merchant.shops["web"].sell("MUG", 1)
    left = served.merchant.shops["web"].quantity("MUG")

    answer = served.merchant.answer("reconcile", "--wait")

    assert list(answer) == ["run", "outcome", "stores"]
    assert answer["outcome"] == "ok"
    moved = {at["store"]: (at["outcome"], at["movements"]) for at in answer["stores"]}
    assert moved == {"shop": ("ok", 0), "web": ("ok", 1)}
    assert served.merchant.shops["shop"].quantity("MUG") == left
    result = served.merchant.run("reconcile", "--wait")
    assert re.search(r"^run \w+: ok$", result.stdout, re.MULTILINE)
    assert result.stderr == "", "no bar where no terminal is"


def test_one_store_and_one_sku_are_asked_for_and_no_other(served: Served) -> None:
    served.merchant.shops["shop"].sell("TEE", 1)
    served.merchant.shops["shop"].sell("CAP", 1)

    answer = served.merchant.answer(
        "reconcile", "--wait", "--store", "shop", "--store", "shop", "--sku", "TEE"
    )

    [shop] = answer["stores"]
    assert (shop["store"], shop["movements"]) == ("shop", 1)
    # The whole run reads the orders too: one sale for each, and what was withheld is explained.
    assert served.merchant.answer("reconcile", "--wait")["stores"][0]["movements"] == 3


def test_a_dry_run_shows_old_and_new_and_does_nothing(served: Served) -> None:
    shops = served.merchant.shops
    shops["shop"].sell("MUG", 2)
    had, left = shops["web"].quantity("MUG"), shops["shop"].quantity("MUG")
    booked = served.ask("/stock/MUG").json()

    text = served.merchant.run("reconcile", "--dry-run", "--wait").stdout
    answer = served.merchant.answer("reconcile", "--dry-run", "--wait")

    assert text.count(f"{had} → {left}") == 2, "booked from one store, written to the other"
    lines = {at["store"]: at["lines"] for at in answer["stores"]}
    assert [(at["before"], at["after"]) for at in lines["web"]] == [(had, left)]
    assert shops["web"].quantity("MUG") == had
    assert served.ask("/stock/MUG").json() == booked
    served.merchant.run("reconcile", "--wait")
    assert "nothing to do" in served.merchant.run("reconcile", "--dry-run", "--wait").stdout


def test_while_a_run_goes_on_its_name_is_told_to_who_wants_another(served: Served) -> None:
    run = served.slowly()

    refused = served.merchant.run("reconcile", "--wait", expect=1)
    document = json.loads(served.merchant.run("reconcile", "--json", expect=1).stdout)

    assert refused.stderr == f"error: run {run} is in progress\n"
    assert document["error"] == f"run {run} is in progress"
    assert served.watched(run)[-1] == "ended"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--store", "shpo"], "no store is called 'shpo'; did you mean 'shop'?"),
        (["--sku", "NOSUCH"], "nobody knows SKU 'NOSUCH'"),
        (["--sku", ""], "skus.0: "),
        (["--store", "A/B"], "stores.0: "),
    ],
)
def test_a_name_that_does_not_exist_is_refused_and_starts_nothing(
    served: Served, words: list[str], said: str
) -> None:
    before = served.runs()

    result = served.merchant.run("reconcile", "--wait", *words, expect=2)

    assert said in result.stderr
    assert served.runs() == before


def test_a_wrong_token_is_refused_and_what_to_do_is_said_without_repeating_it(
    served: Served,
) -> None:
    wrong = served.merchant.run("reconcile", "--token", "canary-wrong", expect=2)
    may_not = served.merchant.run("reconcile", expect=2, STOCKSYNC_TOKEN=READER)

    assert "unauthorised" in wrong.stderr
    assert "--token" in wrong.stderr
    assert "scope operate" in may_not.stderr
    for result in (wrong, may_not):
        assert "canary" not in result.output


def test_with_address_and_token_no_configuration_is_needed(served: Served, tmp_path: Path) -> None:
    words = ("reconcile", "--wait", "--json", "--url", served.url)
    result = call(*words, config=tmp_path / "none.yaml", STOCKSYNC_TOKEN=ADMIN)

    assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (0, "ok")


@pytest.mark.parametrize("url", ["http://shop.example", "ftp://x", "https://u:p@x", "nonsense"])
def test_a_token_is_sent_to_no_address_that_cannot_keep_it(served: Served, url: str) -> None:
    result = served.merchant.run("reconcile", "--url", url, "--token", "canary", expect=2)

    assert result.stderr.startswith("error: --url: ")
    assert "canary" not in result.output


def test_when_nobody_answers_it_is_said_what_to_start(served: Served) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    result = served.merchant.run("reconcile", "--url", url, expect=1)

    assert result.stderr == f"error: nobody answers: is `stocksync serve` running at {url}?\n"


def test_on_a_terminal_a_bar_shows_how_far_the_run_is(served: Served) -> None:
    served.merchant.shops["shop"].faults.next(Fault.SLOW, seconds=0.5)
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "stocksync", "reconcile", "--wait"]
    environment = {**os.environ, "STOCKSYNC_CONFIG": str(served.merchant.config)}
    environment |= {"COLUMNS": "80", "TERM": "xterm"}
    process = subprocess.Popen(  # noqa: S603 - our own program
        words, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    shown = b"".join(iter(lambda: part_of(ours), b""))
    os.close(ours)
    text, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert b"reading" in shown or b"read: " in shown
    assert b"/4" in shown, "two stores, each read and written"
    assert ": ok" in text


def part_of(terminal: int) -> bytes:
    """Read what a terminal shows; nothing once the program that wrote has ended."""
    select.select([terminal], [], [], 30)
    with suppress(OSError):
        return os.read(terminal, 65_536)
    return b""


def test_a_plan_that_waits_for_a_person_is_told_by_the_exit_code(served: Served) -> None:
    served.merchant.opened({"NEW": 4})
    for shop in served.merchant.shops.values():
        shop.add("NEW", 7)

    dry = served.merchant.run("reconcile", "--dry-run", "--wait", expect=3)
    text = served.merchant.run("reconcile", "--wait", expect=3).stdout

    assert dry.stdout.count("7 → 4") == 2
    assert "held" in dry.stdout
    holds = {at["store"]: at["hash"] for at in served.ask("/holds").json()["holds"]}
    assert f"shop: let it go with `stocksync holds approve {holds['shop']}`" in text
    for name in holds.values():
        served.merchant.run("holds", "approve", name)
    assert served.merchant.answer("reconcile", "--wait")["outcome"] == "ok"


def test_a_store_that_fails_is_told_by_the_exit_code(served: Served) -> None:
    served.merchant.shops["web"].faults.always(Fault.UNAUTHORISED)

    answer = served.merchant.answer("reconcile", "--wait", expect=1)

    outcomes = {at["store"]: at["outcome"] for at in answer["stores"]}
    assert outcomes == {"shop": "ok", "web": "failed"}
    served.merchant.shops["web"].faults.clear()
