"""Channel H, reading: answers that are not what the documents describe, and stores that refuse."""

import codecs
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest

from stocksync.connectors import REGISTRY
from stocksync.connectors.pacing import PAUSE_SECONDS_MAX
from stocksync.domain.identifiers import StoreId
from stocksync.domain.stock import Presence
from stocksync.errors import AuthFailed, RateLimited, UnexpectedResponse
from stocksync.metrics import STORE_STATE
from stocksync.sandbox.faults import Fault
from tests.contract.bad_inputs import Case, checks
from tests.contract.bad_quantities import PAGES
from tests.contract.contract import ACTS, LOOKS, census, numbers, read, two_numbers
from tests.contract.merchant import STOCKED, agreed
from tests.contract.rigs import Rig
from tests.contract.wire_clauses import stocked

PLATFORMS: Final = tuple(REGISTRY)
#: What each platform would answer if nothing were wrong: fives and sevens.
GOOD_PAGES: Final = {name: page.replace("QUANTITY", "5").encode() for name, page in PAGES.items()}


async def rejected(fault: Fault, *, tries: int = 1, **details: Any) -> None:
    """Show that nobody takes an answer for a reading, and that the engine books nothing for it."""
    for platform in PLATFORMS:
        for look in LOOKS:
            rig, listing = stocked(Rig(platform))
            rig.shop.faults.always(fault, **details)
            with pytest.raises(UnexpectedResponse):
                await look(rig, listing)
            assert rig.shop.count() == tries
            await rig.aclose()
    for platform in STOCKED:
        at = await agreed(platform)
        booked = await at.movements()
        at.rigs["b"].shop.faults.always(fault, **details)
        run = await at.sync()
        assert at.report(run, "b")["outcome"] == "failed"
        assert await at.movements() == booked
        assert [each.baseline for each in (await at.records("b")).values()] == [10]
        await at.aclose()


async def accepted(platform: str, body: bytes, **headers: str) -> None:
    """Show that a body is read like any other."""
    rig = Rig(platform)
    rig.network.answer_headers |= {name.replace("_", "-"): at for name, at in headers.items()}
    rig.shop.faults.always(Fault.ANSWER, body=body)
    assert sorted(number or 0 for number in numbers(await census(rig)).values()) == [5, 7]
    await rig.aclose()


@checks("H02")
async def a_maintenance_page(case: Case) -> None:
    await rejected(Fault.HTML)


@checks("H06", "H07", "H08")
async def a_redirect(case: Case) -> None:
    status, location = {
        "H06": (302, "https://evil.test/"),
        "H07": (307, "https://evil.test/"),
        "H08": (302, "http://store.test/"),
    }[case.id]
    for platform in PLATFORMS:
        for act in ACTS:
            rig, listing = stocked(Rig(platform))
            rig.shop.faults.always(Fault.REDIRECT, status=status, location=location)
            with pytest.raises(UnexpectedResponse):
                await act(rig, listing)
            assert {str(sent.url.copy_with(path="/", query=None)) for sent in rig.network.sent} == {
                "https://store.test/"
            }
            assert len(rig.network.sent) == 1, "the redirect was followed"
            await rig.aclose()


@checks("H10")
async def a_cut_body(case: Case) -> None:
    for platform, page in GOOD_PAGES.items():
        long_page = page.replace(b'"A"', b'"' + b"A" * 60_000 + b'"')
        rig = Rig(platform)
        rig.shop.faults.next(Fault.ANSWER, body=long_page[:40_000])
        rig.shop.faults.always(Fault.ANSWER, body=page)
        assert len(await census(rig)) == 2
        assert rig.shop.count() == 2, "it was not asked again"
        await rig.aclose()
    await rejected(Fault.ANSWER, tries=3, body=b'{"stock": [' + b'{"code": "A"}, ' * 3000)


@checks("H14")
async def a_byte_order_mark(case: Case) -> None:
    for platform, page in GOOD_PAGES.items():
        await accepted(platform, codecs.BOM_UTF8 + page)


@checks("H15")
async def utf_16(case: Case) -> None:
    page = GOOD_PAGES["recplus"].decode()
    await rejected(Fault.ANSWER, tries=3, body=page.encode("utf-16"))
    await rejected(Fault.ANSWER, tries=3, body=page.encode("utf-16-le"))


@checks("H16")
async def latin_1(case: Case) -> None:
    for platform, page in GOOD_PAGES.items():
        named = page.replace(b'"A"', b'"A", "name": "caf\xe9", "title": "caf\xe9"')
        rig = Rig(platform)
        rig.shop.faults.always(Fault.ANSWER, body=named)
        with pytest.raises(UnexpectedResponse):
            await census(rig)
        await rig.aclose()


@checks("H18")
async def gzip_in_gzip(case: Case) -> None:
    for platform, page in GOOD_PAGES.items():
        await accepted(platform, gzip.compress(page), content_encoding="gzip")
        rig = Rig(platform)
        rig.network.answer_headers["content-encoding"] = "gzip, gzip"
        rig.shop.faults.always(Fault.ANSWER, body=gzip.compress(gzip.compress(page)))
        with pytest.raises(UnexpectedResponse, match="content encoding"):
            await census(rig)
        await rig.aclose()


@checks("H19")
async def two_hundred_megabytes(case: Case) -> None:
    for platform, page in GOOD_PAGES.items():
        rig = Rig(platform)
        rig.network.answer_headers["content-length"] = "200000000"
        rig.shop.faults.always(Fault.ANSWER, body=page)
        with pytest.raises(UnexpectedResponse, match="promised"):
            await census(rig)
        await rig.aclose()


@dataclass
class Pace:
    """A clock for a connector's pauses: it moves only when somebody waits."""

    rig: Rig
    jitter: float = 0.0
    seconds: float = 1000.0

    def __post_init__(self) -> None:
        self.pauses: list[float] = []
        connector: Any = self.rig.unbent
        gate = connector._http._gate
        connector._http._monotonic = gate._monotonic = self.__call__
        gate._sleep, gate._jitter = self.sleep, lambda: self.jitter

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Wait; spacing between requests of one millionth of a second is no pause."""
        asked = self.rig.shop.count()
        self.seconds += seconds
        if seconds > 0.01:
            self.pauses.append(round(seconds, 3))
        assert self.rig.shop.count() == asked


async def pauses(platform: str, asked: Sequence[object], *, jitter: float = 0.0) -> list[float]:
    """Read from a store that asks for these waits one after another, and return how we waited."""
    rig, listing = stocked(Rig(platform))
    pace = Pace(rig, jitter)
    for wait in asked:
        rig.shop.faults.next(Fault.RATE_LIMITED, retry_after=wait)
    assert numbers((await read(rig, listing)).values()) == {listing: two_numbers(rig)[0]}
    assert rig.shop.count() == len(asked) + 1
    await rig.aclose()
    return pace.pauses


@checks("H24")
async def a_pause_in_seconds(case: Case) -> None:
    for platform in PLATFORMS:
        assert await pauses(platform, [7]) == [7.0]
    at = await agreed("simvoly")
    at.rigs["b"].shop.faults.always(Fault.RATE_LIMITED, retry_after=77)
    asked = at.rigs["b"].shop.count()
    at.rigs["a"].shop.sell("MUG", 2)
    for _ in range(2):
        run = await at.sync()
        assert [at.report(run, name)["outcome"] for name in ("a", "b")] == ["ok", "failed"]
    assert at.rigs["b"].shop.count() == asked + 1, "the store was asked within its pause"
    assert await at.on_hand("MUG") == 8
    await at.aclose()


@checks("H26")
async def a_pause_without_end(case: Case) -> None:
    for platform in PLATFORMS:
        rig, listing = stocked(Rig(platform))
        rig.shop.faults.always(Fault.RATE_LIMITED, retry_after=999_999_999)
        with pytest.raises(RateLimited) as caught:
            await read(rig, listing)
        assert caught.value.retry_after_seconds == PAUSE_SECONDS_MAX == 3600
        await rig.aclose()
    at = await agreed("b2bwave")
    at.rigs["b"].shop.faults.always(Fault.RATE_LIMITED, retry_after=999_999_999)
    report = at.report(await at.sync(), "b")
    assert report["outcome"] == "failed"
    assert "429" in report["error"]
    await at.aclose()


@checks("H27")
async def a_pause_that_says_nothing(case: Case) -> None:
    for platform in PLATFORMS:
        for words in ("soon", "-5", "1e9", "7.5"):
            assert await pauses(platform, [words]) == [1.0]


@checks("H28")
async def no_pause_given(case: Case) -> None:
    for platform in PLATFORMS:
        assert await pauses(platform, [None, None]) == [1.0, 2.0]
        assert await pauses(platform, [None, None], jitter=1.0) == [1.25, 2.5]


@checks("H36")
async def an_old_page_from_a_cache(case: Case) -> None:
    for platform in STOCKED:
        at = await agreed(platform)
        booked = await at.movements()
        rig = at.rigs["b"]
        rig.shop.set_quantity("MUG", 3)
        rig.network.answer_headers["age"] = "600"
        run = await at.sync()
        assert at.report(run, "b")["outcome"] == "failed"
        assert "cache" in at.report(run, "b")["error"]
        assert await at.movements() == booked
        rig.network.answer_headers.clear()
        await at.sync()
        assert await at.on_hand("MUG") == 3
        await at.aclose()


@checks("H38")
async def forbidden(case: Case) -> None:
    for platform in PLATFORMS:
        for act in ACTS:
            rig, listing = stocked(Rig(platform))
            rig.shop.faults.always(Fault.FORBIDDEN)
            with pytest.raises(AuthFailed):
                await act(rig, listing)
            assert rig.shop.count() == 1
            await rig.aclose()


@checks("H39")
async def one_listing_not_found(case: Case) -> None:
    """A listing that is gone is absent, never zero and never gone for good after one look."""
    for platform in STOCKED:
        at = await agreed(platform)
        [listing] = at.rigs["b"].items
        at.offer("b", "CUP", 5)
        await at.sync()
        booked = await at.movements()
        shop = at.rigs["b"].shop
        hidden = shop.remove("MUG")
        assert await at.rigs["b"].connector.read([listing]) == {}
        await at.sync()
        record = (await at.records("b"))[listing]
        assert (record.presence, record.baseline) == (Presence.ABSENT, 10)
        shop.add("MUG", 9, product_id=hidden.product_id)
        await at.sync()
        assert await at.on_hand("MUG") == 9
        shop.remove("MUG")
        booked = await at.movements()
        for presence in (Presence.ABSENT, Presence.GONE):
            await at.sync()
            assert (await at.records("b"))[listing].presence is presence
            assert await at.movements() == booked
        shop.add("MUG", 2, product_id=hidden.product_id)
        await at.sync()
        assert await at.on_hand("MUG") == 9, "it was made anew: first contact books nothing"
        await at.aclose()


@checks("H40")
async def not_allowed_or_not_acceptable(case: Case) -> None:
    for status in (405, 406):
        for platform in STOCKED:
            at = await agreed(platform)
            booked = await at.movements()
            at.rigs["b"].shop.faults.always(Fault.ANSWER, status=status, body=b"{}")
            run = await at.sync()
            assert at.report(run, "b")["outcome"] == "failed"
            assert str(status) in at.report(run, "b")["error"]
            assert STORE_STATE.labels(StoreId("b"), "paused")._value.get() == 1
            assert await at.movements() == booked
            await at.aclose()
