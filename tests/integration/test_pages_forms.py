"""The forms of the pages over ASGI: what they book, what they refuse, and for whom."""

from stocksync.domain.identifiers import Sku
from stocksync.errors import ConfigurationError
from tests.integration.pages_kit import OWN_FORM, Forms, person

HOSTILE = "<b>'\"&amp;</b>{{7*7}}"


async def test_a_form_without_its_csrf_token_or_from_elsewhere_changes_nothing() -> None:
    async with person() as at:
        address, fields = await at.adjusting()
        given = {**fields, "units": "5", "reason": "found"}
        bare = {name: value for name, value in given.items() if name != "csrf"}
        for body, headers in (
            (bare, OWN_FORM),
            ({**given, "csrf": "x" * 64}, OWN_FORM),
            (given, {"Sec-Fetch-Site": "cross-site"}),
            (given, {"Sec-Fetch-Site": "same-site"}),
            (given, {"Origin": "https://evil.example"}),
            (given, {}),
        ):
            answer = await at.client.post(address, data=body, headers=headers)
            assert answer.status_code == 403, headers
        assert await at.merchant.on_hand("MUG") == 10
        assert (await at.send(address, given)).status_code == 303
        assert await at.merchant.on_hand("MUG") == 15


async def test_a_form_sent_twice_books_once_and_another_under_its_key_is_refused() -> None:
    async with person() as at:
        address, fields = await at.adjusting()
        given = {**fields, "units": "-2", "reason": "broken"}
        first, second = await at.send(address, given), await at.send(address, given)
        assert first.headers["location"] == "/stock/MUG?said=adjusted"
        assert second.headers["location"] == "/stock/MUG?said=adjusted-before"
        other = await at.send(address, {**given, "units": "-3"})
        assert other.status_code == 409
        assert await at.merchant.on_hand("MUG") == 8
        [booked, *_] = await at.merchant.ledger.history(Sku("MUG"))
        assert (booked.movement.units, booked.movement.reason) == (2, "broken")


async def test_units_that_are_no_whole_number_are_refused() -> None:
    async with person() as at:
        address, fields = await at.adjusting()
        for units in ("", "0", "1.5", "1e3", "five", "99999999999", "--1", "\u0665"):
            answer = await at.send(address, {**fields, "units": units, "reason": "x"})
            assert answer.status_code == 422, units
            assert "Units are a whole number" in answer.text
        assert await at.merchant.on_hand("MUG") == 10


async def test_an_adjustment_says_why() -> None:
    async with person() as at:
        address, fields = await at.adjusting()
        for reason in ("", "  ", "x" * 501, "a\0b"):
            answer = await at.send(address, {**fields, "units": "1", "reason": reason})
            assert answer.status_code == 422, reason
        assert await at.merchant.on_hand("MUG") == 10


async def test_whoever_may_only_read_cannot_act_even_by_hand() -> None:
    async with person() as boss:
        address, fields = await boss.adjusting()
    async with person("read") as at:
        csrf = (await at.page("/")).forms["/sign-out"]["csrf"]
        for path in (address, "/actions/reconcile", "/actions/reload", "/actions/holds/x/approve"):
            given = {**fields, "csrf": csrf, "units": "5", "reason": "found"}
            answer = await at.send(path, given)
            assert answer.status_code == 403, path
        assert await at.merchant.on_hand("MUG") == 10


async def test_whoever_may_operate_cannot_decide_on_a_hold() -> None:
    async with person("operate") as at:
        csrf = (await at.page("/")).forms["/sign-out"]["csrf"]
        answer = await at.send("/actions/holds/x/approve", {"csrf": csrf})
        assert answer.status_code == 403
        assert "scope approve" in answer.text
        assert (await at.send("/actions/reload", {"csrf": csrf})).status_code == 303


async def test_wrong_files_are_refused_whole_and_every_mistake_is_named() -> None:
    async def refuse() -> tuple[str, ...]:
        raise ConfigurationError([f"a.yaml:3: {HOSTILE}", "a.yaml:9: no such store"])

    async with person(reload=refuse) as at:
        fields = (await at.page("/rules")).forms["/actions/reload"]
        answer = await at.send("/actions/reload", fields)
        assert answer.status_code == 422
        assert "a.yaml:9: no such store" in answer.text
        assert "&lt;b&gt;&#39;&#34;&amp;amp;&lt;/b&gt;{{7*7}}" in answer.text
        assert "b" not in Forms(answer.text).tags
