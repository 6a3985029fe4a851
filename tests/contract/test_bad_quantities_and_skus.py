"""Channels Q and K of the table of bad inputs, each through real connectors."""

import json
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from stocksync import metrics
from stocksync.cli.stockfile import guarded, unguarded
from stocksync.domain.identifiers import ListingId, Sku, StoreId
from stocksync.domain.stock import Counted, NotCounted
from stocksync.domain.stocktake import Count
from stocksync.engine import stocktake
from stocksync.engine.sync import sync
from stocksync.errors import UnexpectedResponse
from tests.contract.bad_kit import CREDENTIALS, Case, before, cases, census, merchant, page
from tests.unit.scripted_store import Said

QUANTITIES: Final = cases("Q")
CODES: Final = cases("K")
#: Inputs that the table describes instead of writing them out.
WRITTEN_OUT: Final = {"Q30": "[" * 900 + "]" * 900, "Q41": "9" * 5000}


@pytest.mark.parametrize("platform", CREDENTIALS)
@pytest.mark.parametrize("case", QUANTITIES, ids=lambda case: case.id)
async def test_a_quantity_is_exactly_read_or_not_counted(platform: str, case: Case) -> None:
    text = WRITTEN_OUT.get(case.id, case.input)
    connector, _ = before(platform, lambda _: Said(page(platform, ('"A"', text), ('"B"', "6"))))
    verdict, _, rest = case.expect.partition(" ")
    may_reject = "REJECT_PAGE" in case.expect
    try:
        rows = await census(connector)
    except UnexpectedResponse:
        assert may_reject, case
        return
    shown = {row.code: row.reading for row in rows.values()}
    assert shown["B"] == Counted(6, shown["B"].read_at)
    if verdict == "ACCEPT":
        number = rest.split()[0] if rest[:1].isdigit() else case.input
        assert shown["A"] == Counted(int(number), shown["A"].read_at), case
    else:
        assert isinstance(shown["A"], NotCounted), case
        assert verdict != "REJECT_PAGE", case


Check = Callable[[], Awaitable[None]]


def listed(codes: list[str]) -> bytes:
    return page("b2bwave", *((json.dumps(code), "5") for code in codes))


async def set_aside(*codes: str) -> set[str]:
    """Sync a store that lists these codes, all at 5, over books that say 9; return who waited."""
    connector, store = before("b2bwave", lambda _: Said(listed(list(codes))))
    context = merchant(connector)
    counts = [Count(sku=Sku(code), on_hand=9) for code in dict.fromkeys(codes)]
    await stocktake.count(context, counts, document="test")
    await sync(context)
    records = await context.ledger.records(StoreId("b2bwave"))
    waiting = {str(at.code) for at in records.values() if at.quarantine}
    sent = [asked.sent for asked in store.asked if asked.method == "POST"]
    ids = {str(at.listing) for at in records.values() if at.quarantine}
    assert not [body for body in sent if body["id"] in ids]
    return waiting


async def skus_of(*texts: str) -> list[str | None]:
    """Return the codes that a store's list yields for these JSON texts."""
    script = Said(page("freewebstore", *((text, "5") for text in texts)))
    connector, _ = before("freewebstore", lambda _: script)
    return [row.code for row in (await census(connector)).values()]


async def asked_paths(code: str) -> list[str]:
    connector, store = before("recplus", lambda _: Said({"stock": [], "total_count": 0}))
    await connector.read([ListingId(code)])
    return [asked.raw_path + "?" + "&".join(asked.query.values()) for asked in store.asked]


async def case_variants() -> None:
    assert await set_aside("abc-1", "ABC-1", "MUG") == {"abc-1", "ABC-1"}


async def across_stores() -> None:
    one, _ = before("b2bwave", lambda _: Said(page("b2bwave", ('"abc-1"', "5"))))
    other, _ = before("freewebstore", lambda _: Said(page("freewebstore", ('"ABC-1"', "4"))))
    context = merchant(one, other)
    await sync(context)
    [record] = await context.ledger.records_of([Sku("abc-1")])
    assert record.store == "b2bwave"


async def same_twice() -> None:
    assert await set_aside("X1", "X1", "MUG") == {"X1"}


async def same_id_twice() -> None:
    rows = [
        {"id": 7, "code": "A", "quantity": quantity, "quantity_monitor": True}
        for quantity in (5, 3)
    ]
    connector, _ = before("b2bwave", lambda _: Said(rows))
    context = merchant(connector)
    await stocktake.count(context, [Count(sku=Sku("A"), on_hand=5)], document="test")
    before_it = (await context.ledger.verify()).movements
    await sync(context)
    assert (await context.ledger.verify()).movements == before_it
    assert len(await context.ledger.records(StoreId("b2bwave"))) <= 1


async def leading_zeros() -> None:
    assert await set_aside("00123", "123") == set()


async def as_number() -> None:
    assert await skus_of("123") == ["123"]


def nameless(text: str) -> Check:
    async def check() -> None:
        assert await skus_of(text, text) == [None, None]

    return check


def exactly(code: str) -> Check:
    async def check() -> None:
        assert await skus_of(json.dumps(code)) == [code]
        for path in await asked_paths(code):
            assert "\r" not in path.partition("?")[0]
            assert "\n" not in path.partition("?")[0]

    return check


async def comma() -> None:
    assert await skus_of('"A,B"') == ["A,B"]
    [path] = await asked_paths("A,B")
    assert path.startswith("/api/v1/products/A%2CB")


async def percent_once() -> None:
    connector, store = before("recplus", lambda _: Said({"stock": [], "total_count": 0}))
    await connector.read([ListingId("100%25")])
    assert [asked.query["codes"] for asked in store.asked] == ["100%25"]


async def surrogate() -> None:
    with pytest.raises(UnexpectedResponse):
        await skus_of('"\\ud800"')


async def unicode_twins() -> None:
    assert await set_aside("\u00e9", "e\u0301", "MUG") == {"\u00e9", "e\u0301"}


async def homoglyph() -> None:
    assert await set_aside("\u0410BC", "ABC") == set()


async def csv_formula() -> None:
    text = "=cmd|' /C calc'!A0"
    assert await skus_of(json.dumps(text)) == [text]
    assert guarded(text).startswith("'=")
    assert unguarded(guarded(text)) == text


async def never_a_label() -> None:
    code = 'a\nb"c'
    await set_aside(code, "MUG")
    assert b'b\\"c' not in metrics.exposition()
    assert await skus_of(json.dumps(code)) == [code]


CHECKS: Final[dict[str, Check]] = {
    "K01": case_variants,
    "K02": across_stores,
    "K03": same_twice,
    "K05": same_id_twice,
    "K06": leading_zeros,
    "K07": as_number,
    "K09": nameless('""'),
    "K10": nameless("null"),
    "K11": nameless('"   "'),
    "K13": exactly("APN 1020"),
    "K14": comma,
    "K15": exactly("A/B"),
    "K17": exactly("A?x=1&y#z"),
    "K18": percent_once,
    "K19": exactly("A\r\nX: 1"),
    "K21": surrogate,
    "K22": unicode_twins,
    "K23": homoglyph,
    "K25": exactly("\u202eabc"),
    "K26": nameless(json.dumps("A" * 10_000)),
    "K27": exactly("'; DROP TABLE x;--"),
    "K29": csv_formula,
    "K30": exactly("{0.__class__}%s%n"),
    "K31": never_a_label,
}


@pytest.mark.parametrize("case", CODES, ids=lambda case: case.id)
async def test_a_hostile_code_is_kept_exactly_or_set_aside(case: Case) -> None:
    assert case.id in CHECKS, f"{case.id} ({case.name}) has no check"
    await CHECKS[case.id]()
