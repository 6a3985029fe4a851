"""`sync`, `plan` and `apply` as a person or a script runs them: exit codes, JSON, tables."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stocksync.bootstrap import utc_now
from stocksync.domain.identifiers import StoreId
from stocksync.ledger.sql import open_ledger
from stocksync.sandbox.faults import Fault
from stocksync.sandbox.shop import Request
from tests.integration.cli_kit import (
    FAST,
    UNITS,
    Merchant,
    keys,
    merchant,
    start,
    table_under,
    widest,
)

REPORT = [
    "store", "outcome", "readings", "movements", "corrections", "confirmed", "unknown", "failed",
    "api_calls", "error", "holds",
]  # fmt: skip
FIVE = {
    "shop": "recplus",
    "trade": "b2bwave",
    "web": "freewebstore",
    "site": "simvoly",
    "print": "idealfactory",
}


@pytest.fixture
def pushing(tmp_path: Path, blank_books: Path) -> Iterator[Merchant]:
    """Two stores whose first plans need no approval."""
    stores = {"shop": "recplus", "web": "freewebstore"}
    options = {**FAST, "first_contact": "push"}
    with merchant(tmp_path, blank_books, stores, every_store=options) as subject:
        yield subject


def test_a_sale_in_one_store_is_shown_in_the_other(two_stores: Merchant) -> None:
    two_stores.agreed()
    two_stores.shops["shop"].sell("MUG", 3)

    document = two_stores.answer("sync")

    assert two_stores.shops["web"].quantity("MUG") == 7
    assert list(document) == ["run", "outcome", "stores"]
    assert keys(document["stores"]) == [REPORT, REPORT]
    shop, web = document["stores"]
    assert (document["outcome"], shop["store"], web["store"]) == ("ok", "shop", "web")
    assert (shop["movements"], shop["corrections"]) == (1, 0)
    assert (web["movements"], web["corrections"], web["confirmed"]) == (0, 1, 1)
    assert (shop["readings"], shop["holds"], shop["error"]) == (3, [], "")
    assert two_stores.answer("runs")[0]["id"] == document["run"]


def test_the_table_of_a_run_says_what_its_document_says(two_stores: Merchant) -> None:
    two_stores.agreed()
    two_stores.shops["shop"].sell("MUG", 3)
    two_stores.shops["web"].faults.always(Fault.FORBIDDEN, method="PUT")

    text = two_stores.run("sync", expect=1).stdout
    document = two_stores.answer("runs")[0]

    numbers = [[str(at[key]) for key in REPORT[:-2]] for at in document["stores"]]
    rows = [row for row in table_under(text, "store")[1:] if not row[0].endswith(":")]
    assert rows == numbers
    web = document["stores"][1]
    assert f"web: failed: {web['error']}" in text.splitlines()
    assert text.splitlines()[-1] == f"run {document['id']}: failed"


def test_all_five_platforms_take_part_in_one_run(tmp_path: Path, blank_books: Path) -> None:
    with merchant(tmp_path, blank_books, FIVE, units={}) as subject:
        for store in ("shop", "trade", "web", "site"):
            subject.shops[store].add("MUG", 5)
        subject.shops["print"].add("MUG", None, product_id=1)
        switch = "availability:\n  - {store: print, product: 1, skus: [MUG]}\n"
        subject.write("rules/40-availability.yaml", switch)
        subject.opened({"MUG": 5})
        subject.run("sync")
        subject.shops["trade"].sell("MUG", 5)

        document = subject.answer("sync")

        assert {at["store"]: at["outcome"] for at in document["stores"]} == dict.fromkeys(
            FIVE, "ok"
        )
        shown = {store: subject.shops[store].quantity("MUG") for store in ("shop", "web", "site")}
        assert shown == {"shop": 0, "web": 0, "site": 0}
        assert subject.shops["print"].item("MUG").active is False


def test_a_first_plan_that_differs_is_held_and_nothing_is_written(two_stores: Merchant) -> None:
    two_stores.opened({**UNITS, "MUG": 8})

    document = two_stores.answer("sync", expect=3)

    assert document["outcome"] == "held"
    assert [len(at["holds"]) for at in document["stores"]] == [1, 1]
    assert two_stores.shops["shop"].writes == two_stores.shops["web"].writes == []


def test_a_store_that_refuses_us_is_a_failure_and_the_other_is_done(two_stores: Merchant) -> None:
    two_stores.agreed()
    two_stores.shops["web"].faults.always(Fault.UNAUTHORISED)
    two_stores.run("stock", "set", "TEE", "4")

    document = two_stores.answer("sync", expect=1)

    assert {at["store"]: at["outcome"] for at in document["stores"]} == {
        "shop": "ok",
        "web": "failed",
    }
    assert two_stores.shops["shop"].quantity("TEE") == 4
    assert "check the store's address and credentials" in document["stores"][1]["error"]


def test_failed_and_held_together_is_failed(two_stores: Merchant) -> None:
    two_stores.opened({**UNITS, "MUG": 8})
    two_stores.shops["web"].faults.always(Fault.FORBIDDEN)

    assert two_stores.answer("sync", expect=1)["stores"][0]["outcome"] == "held"


def test_a_store_that_another_run_works_on_is_not_done(two_stores: Merchant) -> None:
    two_stores.agreed()

    async def take_the_web_store() -> None:
        ledger = await open_ledger(f"sqlite:///{two_stores.folder / 'stocksync.db'}", now=utc_now)
        until = utc_now() + timedelta(minutes=1)
        await ledger.acquire(StoreId("web"), holder="elsewhere:1:x", now=utc_now(), until=until)
        await ledger.aclose()

    asyncio.run(take_the_web_store())

    document = two_stores.answer("sync", expect=1)
    assert [at["outcome"] for at in document["stores"]] == ["ok", "skipped"]


def test_only_the_named_stores_are_asked_and_each_once(two_stores: Merchant) -> None:
    two_stores.agreed()
    [once] = two_stores.answer("sync", "--store", "web")["stores"]
    two_stores.shops["shop"].requests.clear()

    [twice] = two_stores.answer("sync", "--store", "web", "--store", "web")["stores"]

    assert (twice["store"], twice["readings"]) == ("web", 3)
    assert twice["api_calls"] == once["api_calls"]
    assert two_stores.shops["shop"].requests == []


def test_only_the_named_sku_is_read(two_stores: Merchant) -> None:
    two_stores.agreed()
    two_stores.shops["shop"].sell("MUG", 1)
    two_stores.shops["shop"].sell("TEE", 1)

    two_stores.run("sync", "--sku", "TEE")

    on_hand = {row["sku"]: row["on_hand"] for row in two_stores.answer("stock", "list")}
    assert on_hand == {"MUG": 10, "TEE": 19, "CAP": 30}


def test_unknown_names_are_all_told_with_the_nearest_ones(two_stores: Merchant) -> None:
    two_stores.opened()
    stores = two_stores.run("sync", "--store", "shup", "--store", "wep", expect=2)
    assert stores.stderr.splitlines() == [
        "error: no store is called 'shup'; did you mean 'shop'?",
        "error: no store is called 'wep'; did you mean 'web'?",
    ]
    for command in ("sync", "plan"):
        skus = two_stores.run(command, "--sku", "MUGG", expect=2)
        assert "'MUGG'" in skus.stderr
        assert "did you mean 'MUG'?" in skus.stderr
    assert two_stores.shops["shop"].requests == []


def test_a_dry_run_shows_the_plan_and_touches_nothing(pushing: Merchant) -> None:
    pushing.agreed()
    pushing.shops["shop"].sell("MUG", 3)

    document = pushing.answer("sync", "--dry-run")

    assert list(document) == ["run", "outcome", "stores", "dry_run", "plan"]
    assert keys(document["stores"]) == [REPORT, REPORT]
    assert (document["run"], document["dry_run"]) == (None, True)
    assert list(document["plan"]) == ["hash", "lines"]
    lines = [
        (at["store"], at["sku"], at["before"], at["after"]) for at in document["plan"]["lines"]
    ]
    assert sorted(lines) == [("shop", "MUG", 10, 7), ("web", "MUG", 10, 7)]
    assert keys(document["plan"]["lines"])[0] == [
        "store", "listing", "sku", "before", "after", "why",
    ]  # fmt: skip
    assert pushing.answer("plan") == document
    assert pushing.shops["web"].quantity("MUG") == 10
    assert pushing.answer("stock", "show", "MUG")["on_hand"] == 10


def test_a_plan_that_holds_something_says_so_with_its_exit_code(two_stores: Merchant) -> None:
    two_stores.opened({**UNITS, "MUG": 8})

    result = two_stores.run("plan", expect=3)

    rows = table_under(result.stdout, "store listing")
    assert [row[0] for row in rows] == ["store", "shop", "web"]
    assert all(row[3:6] == ["10", "→", "8"] for row in rows[1:])
    assert "held: first_contact" in result.stdout
    assert two_stores.answer("sync", "--dry-run", expect=3)["outcome"] == "held"


def test_a_plan_is_carried_out_by_the_beginning_of_its_name(two_stores: Merchant) -> None:
    two_stores.opened({**UNITS, "MUG": 8})
    name = two_stores.answer("plan", expect=3)["plan"]["hash"]

    document = two_stores.answer("apply", name[:6])

    assert document["outcome"] == "ok"
    assert {shop.quantity("MUG") for shop in two_stores.shops.values()} == {8}
    assert two_stores.answer("runs")[0]["trigger"] == f"apply {name}"


def test_a_plan_that_is_no_longer_the_plan_is_refused(two_stores: Merchant) -> None:
    two_stores.opened({**UNITS, "MUG": 8})
    name = two_stores.answer("plan", expect=3)["plan"]["hash"]
    two_stores.run("stock", "set", "TEE", "1")
    now = two_stores.answer("plan", expect=3)["plan"]

    result = two_stores.run("apply", name, expect=2)

    assert name in result.stderr
    assert f"it is {now['hash']} now, with 4 lines" in result.stderr
    assert two_stores.shops["web"].writes == []


def test_a_name_too_short_to_mean_one_plan_is_refused(two_stores: Merchant) -> None:
    assert "at least 6" in two_stores.run("apply", "abcde", expect=2).stderr


def test_the_name_of_a_hold_is_not_the_name_of_a_plan(two_stores: Merchant) -> None:
    two_stores.opened({**UNITS, "MUG": 8})
    hold = two_stores.answer("sync", expect=3)["stores"][0]["holds"][0]

    result = two_stores.run("apply", hold, expect=2)

    assert f"stocksync holds approve {hold}" in result.stderr


def test_a_plan_for_some_stores_says_how_to_apply_it(two_stores: Merchant) -> None:
    two_stores.opened({**UNITS, "MUG": 8})

    result = two_stores.run("plan", "--store", "web", "--sku", "MUG")

    assert "nothing to do" in result.stdout  # its listings were never seen: nothing to read
    two_stores.run("sync", expect=3)
    result = two_stores.run("plan", "--store", "web", "--sku", "MUG", expect=3)
    apply = next(line for line in result.stdout.splitlines() if "stocksync apply" in line)
    words = apply.partition("stocksync ")[2].split()
    assert words[2:] == ["--store", "web", "--sku", "MUG"]
    two_stores.run(*words)
    assert two_stores.shops["web"].quantity("MUG") == 8
    assert two_stores.shops["shop"].quantity("MUG") == 10


def test_what_is_printed_fits_eighty_columns(tmp_path: Path, blank_books: Path) -> None:
    units = {f"A-LONG-NAME-FOR-A-PRODUCT-{number:03}": 3 for number in range(4)}
    stores = {"shop": "recplus", "a-store-with-the-longest-name-32": "freewebstore"}
    with merchant(tmp_path, blank_books, stores, units=units) as subject:
        subject.opened(dict.fromkeys(units, 5))
        sku = next(iter(units))
        for words, code in (
            (("plan",), 3),
            (("sync",), 3),
            (("holds", "list"), 0),
            (("stock", "show", sku), 0),
            (("stock", "list"), 0),
            (("runs",), 0),
        ):
            tables = [
                line
                for line in subject.run(*words, expect=code).stdout.splitlines()
                if not line.startswith((*stores, "run ", "carry out", "plan ", "decide"))
            ]
            assert widest("\n".join(tables)) <= 80, words
        report = subject.run("sync", expect=3).stdout
        assert table_under(report, "store")[0][-1] == "calls"


class Noticed(list[Request]):
    """A store's list of requests that says when something is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def append(self, request: Request) -> None:
        super().append(request)
        self.asked.set()


@pytest.mark.parametrize("words", [("sync",), ("sync", "--json")])
def test_ctrl_c_stops_a_run_with_one_line_and_loses_nothing(
    two_stores: Merchant, words: tuple[str, ...]
) -> None:
    two_stores.agreed()
    two_stores.shops["shop"].sell("MUG", 2)
    web = two_stores.shops["web"]
    web.requests = noticed = Noticed()
    web.faults.next(Fault.HANGS)
    process = start(*words, config=two_stores.config)
    assert noticed.asked.wait(30)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)

    assert process.returncode == 130
    assert len(stderr.splitlines()) == 1
    assert stderr.startswith("error: interrupted")
    if "--json" in words:
        assert list(json.loads(stdout)) == ["error", "problems"]
    else:
        assert stdout == ""
    assert two_stores.answer("runs")[0]["outcome"] == "interrupted"
    two_stores.run("sync")
    assert web.quantity("MUG") == 8
