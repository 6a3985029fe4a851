"""Channel K, letters: whatever a code is written with, it reaches every store as it stands."""

import contextlib
import io
import json
import re
import tempfile
from pathlib import Path

import pytest
import structlog

from stocksync import logs, metrics
from stocksync.cli.stockfile import as_csv, read_file, rows_of
from stocksync.connectors.quantity import reading
from stocksync.domain.identifiers import ListingId, Sku
from stocksync.domain.stock import Counted, NotCounted
from stocksync.domain.stocktake import Count
from stocksync.engine.explain import view
from stocksync.engine.words import line
from stocksync.errors import StoreRejected
from stocksync.ledger.engine import Database
from stocksync.ledger.migrations import migrate
from stocksync.ledger.sql import SqlLedger
from stocksync.sandbox.faults import Fault
from tests.contract.bad_codes import with_codes
from tests.contract.bad_inputs import Case, checks
from tests.contract.contract import put
from tests.contract.merchant import STOCKED, Merchant
from tests.contract.rigs import NOON, Rig


async def travels(code: str, *, beside: str = "PLAIN") -> None:
    """Sell one unit under a code on every platform; another store follows, under that code only."""
    for platform in STOCKED:
        at = await with_codes(platform, [code, beside], [beside, code])
        assert at.rigs["a"].shop.sell(code, 1) == 1
        run = await at.sync()
        assert run.outcome == "ok", run.stores
        assert (await at.on_hand(code), await at.on_hand(beside)) == (4, 5)
        for rig in at.rigs.values():
            assert (rig.shop.quantity(code), rig.shop.quantity(beside)) == (4, 5)
        await at.aclose()


async def sent_for(code: str) -> list[str]:
    """Read a code where it must stand in a path: REC+ without its list of stock."""
    rig = Rig("recplus")
    rig.offer(code, 5)
    rig.shop.faults.always(Fault.ANSWER, status=404, path_contains="/stock")
    seen = await rig.connector.read([ListingId(code)])
    assert seen[ListingId(code)].reading == Counted(5, NOON)
    await rig.aclose()
    for request in rig.network.sent:
        assert not {"x", "x: 1"} & {name.lower() for name in request.headers}
    return rig.network.raw_paths


async def refusal_about(code: str) -> str:
    """Return how a refusal is told when the store repeats our code in it."""
    rig = Rig("recplus")
    said = {"errors": [{"status": 400, "message": f"{code} is not allowed"}]}
    listing = rig.offer(code, 5)
    rig.shop.faults.always(Fault.ANSWER, status=400, body=json.dumps(said).encode())
    with pytest.raises(StoreRejected) as caught:
        await rig.connector.write([put(listing, 9, expected=5)])
    await rig.aclose()
    return str(caught.value)


@checks("K06")
async def leading_zeros(case: Case) -> None:
    first, second = json.loads(case.input)
    await travels(first, beside=second)


@checks("K13", "K15", "K17", "K18")
async def codes_that_must_be_encoded(case: Case) -> None:
    code, encoded = {
        "K13": ("APN 1020", "APN%201020"),
        "K15": ("A/B", "A%2FB"),
        "K17": ("A?x=1&y#z", "A%3Fx%3D1%26y%23z"),
        "K18": ("100%25", "100%2525"),
    }[case.id]
    assert code == json.loads(case.input)
    assert (await sent_for(code))[-1] == f"/api/v1/products/{encoded}?identifier=code"
    await travels(code)


@checks("K14")
async def a_comma(case: Case) -> None:
    code = json.loads(case.input)
    rig = Rig("recplus")
    listing, other = rig.offer(code, 5), rig.offer("A", 6)
    seen = await rig.connector.read([listing, other])
    assert seen[listing].reading == Counted(5, NOON)
    lists = [request.url.params.get("codes") for request in rig.network.sent]
    assert lists == ["A", None]
    assert rig.network.raw_paths[-1] == "/api/v1/products/A%2CB?identifier=code"
    await rig.aclose()
    await travels(code)


@checks("K19")
async def line_breaks(case: Case) -> None:
    code = json.loads(case.input)
    [*_, path] = await sent_for(code)
    assert path == "/api/v1/products/A%0D%0AX%3A%201?identifier=code"
    assert not {"\r", "\n"} & set(await refusal_about(code))
    assert logged(code).count("\n") == 1
    await travels(code)


@checks("K23")
async def look_alikes(case: Case) -> None:
    cyrillic = json.loads(case.input)
    assert cyrillic != "ABC"
    await travels(cyrillic, beside="ABC")


def logged(text: str) -> str:
    """Log a text as a running service does, and return what was written."""
    with contextlib.redirect_stderr(io.StringIO()) as written:
        logs.configure("json")
        try:
            structlog.get_logger("test").info("seen", code=text)
        finally:
            structlog.reset_defaults()
    return written.getvalue()


@checks("K25")
async def letters_that_turn_the_line(case: Case) -> None:
    code = json.loads(case.input)
    assert "\u202e" in code
    assert "\u202e" not in await refusal_about(code)
    shown = reading(code, read_at=NOON)
    assert isinstance(shown, NotCounted)
    assert "\u202e" not in logged(code) + line(code) + shown.shown
    assert "\\u202e" in logged(code)
    await travels(code)


@checks("K27")
async def sql_in_a_code(case: Case) -> None:
    code = json.loads(case.input)
    await travels(code)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/books.db"
        migrate(url)
        at = Merchant({"a": "recplus", "b": "b2bwave"})
        at.ledger = ledger = SqlLedger(Database(url), now=at.clock)
        for name in at.rigs:
            at.offer(name, code, 5)
        await at.count({code: 5})
        await at.sync()
        at.rigs["a"].shop.sell(code, 1)
        await at.sync()
        assert await ledger.skus() == [code]
        assert at.rigs["b"].shop.quantity(code) == await at.on_hand(code) == 4
        assert [each.movement.sku for each in await ledger.history(Sku(code))] == [code, code]
        assert (await ledger.verify()).sound
        await at.aclose()
        await ledger.aclose()


def imported(text: str) -> list[Count]:
    """Read a stock file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "stock.csv")
        file.write_bytes(text.encode())
        return read_file(file)


@checks("K29")
async def a_formula(case: Case) -> None:
    code = json.loads(case.input)
    await travels(code)
    at = Merchant({"a": "recplus"})
    at.offer("a", code, 5)
    await at.count({code: 5})
    levels = await at.ledger.levels([Sku(code)])
    exported = as_csv(rows_of(levels))
    assert exported.splitlines()[1].startswith("'="), "a spreadsheet would run it"
    [count] = imported(exported)
    assert (count.sku, count.on_hand) == (code, 5)
    await at.aclose()


@checks("K30")
async def a_format_string(case: Case) -> None:
    code = json.loads(case.input)
    assert code in await refusal_about(code)
    assert json.loads(logged(code))["code"] == code
    at = await with_codes("recplus", [code])
    assert (await view(at.context, Sku(code))).as_json()["sku"] == code
    await at.aclose()
    await travels(code)


@checks("K31")
async def never_a_label(case: Case) -> None:
    code = json.loads(case.input)
    await travels(code)
    shown = metrics.exposition().decode()
    assert 'store="a"' in shown
    for written in (code, json.dumps(code), json.dumps(code)[1:-1], code.splitlines()[-1]):
        assert written not in shown
    assert not re.search(r'[{,](sku|code|listing|title)="', shown)
