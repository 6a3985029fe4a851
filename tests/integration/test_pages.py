"""The pages over ASGI: who gets in, what an address answers, and that nothing is from elsewhere."""

import re
from importlib.resources import files

import pytest

from stocksync.domain.identifiers import Sku
from stocksync.errors import LedgerUnavailable
from stocksync.ops.pagekit import ASSETS
from tests.integration.pages_kit import OWN_FORM, SECRETS, Forms, person, stranger

PAGES = ("/", "/stock", "/stock/MUG", "/holds", "/runs", "/rules", "/rules?sku=MUG")


@pytest.mark.parametrize("path", [*PAGES, "/runs/none", "/parts/now"])
async def test_a_page_without_a_session_leads_to_the_way_in(path: str) -> None:
    async with stranger() as client:
        answer = await client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
        assert "MUG" not in answer.text


async def test_the_api_and_parts_of_pages_answer_401_and_lead_nowhere() -> None:
    async with stranger() as client:
        answer = await client.get("/api/v1/stock")
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json")
        part = await client.get("/parts/now", headers={"HX-Request": "true"})
        assert part.status_code == 401
        assert "Sign in again" in part.text
        sent = await client.post("/actions/reload", headers=OWN_FORM)
        assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in")


async def test_a_wrong_token_is_told_nothing_and_given_nothing() -> None:
    async with stranger() as client:
        answer = await client.post("/sign-in", data={"token": "no"}, headers=OWN_FORM)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert "canary" not in answer.text


@pytest.mark.parametrize(
    "next_", ["//evil.example", "https://evil.example", "/\\evil.example", "/\tx", "evil", ""]
)
async def test_signing_in_never_leads_away(next_: str) -> None:
    async with stranger() as client:
        fields = {"token": SECRETS["read"], "next": next_}
        answer = await client.post("/sign-in", data=fields, headers=OWN_FORM)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_sign_in_that_another_site_sends_is_refused() -> None:
    async with stranger() as client:
        headers = {"Origin": "https://evil.example"}
        fields = {"token": SECRETS["read"]}
        answer = await client.post("/sign-in", data=fields, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_every_page_forbids_what_it_does_not_need() -> None:
    async with person() as at:
        for path in (*PAGES, "/stock/none", "/runs/none", "/static/none", "/sign-in"):
            answer = await at.client.get(path)
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'self'; object-src 'none'; base-uri 'none'")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"


async def test_no_page_has_anything_inline_or_from_elsewhere() -> None:
    async with person() as at:
        for path in PAGES:
            page = await at.page(path)
            assert page.inline == []
            assert [at for at in page.addresses if not at.startswith(("/", "#"))] == []


def test_templates_and_files_are_part_of_the_package() -> None:
    ops = files("stocksync.ops")
    for name in ASSETS:
        assert ops.joinpath("static", name).read_bytes()
    assert b"sourceMappingURL" not in ops.joinpath("static", "htmx.min.js").read_bytes()
    licence = ops.joinpath("static", "htmx.LICENSE.txt").read_text("utf-8")
    assert "Zero-Clause BSD" in licence
    css = ops.joinpath("static", "page.css").read_text("utf-8")
    assert not re.search(r"url\(|@import|https?:", css)
    assert ops.joinpath("templates", "base.html").is_file()


async def test_files_may_be_kept_because_their_address_changes_with_them() -> None:
    async with stranger() as client:
        page = Forms((await client.get("/sign-in")).text)
        linked = [address for address in page.addresses if address.startswith("/static/")]
        assert len(linked) == len(ASSETS)
        for address in linked:
            assert re.search(r"\?v=[0-9a-f]{12}$", address)
            answer = await client.get(address)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
        assert (await client.get("/static/pages.py")).status_code == 404


ODD_ADDRESSES = {
    "/stock/none": 404,
    "/stock/%00": 422,
    "/stock/" + "x" * 300: 422,
    "/stock/?sku=": 422,
    "/runs/none": 404,
    "/runs/%00": 404,
    "/parts/runs/none": 404,
    "/rules?sku=MUG&store=none": 404,
    "/rules?sku=%00": 422,
    "/stock?page=x": 422,
    "/stock?q=%00": 200,
    "/stock?page=-1": 200,
    "/stock?page=99999999999": 200,
    "/stock?show=everything": 200,
    "/stock/MUG?movements=0": 200,
    "/stock/MUG?said=<b>": 200,
    "/holds?said=nothing": 200,
}


async def test_an_odd_address_gets_a_page_that_says_so() -> None:
    async with person() as at:
        for path, status in ODD_ADDRESSES.items():
            answer = await at.client.get(path)
            assert answer.status_code == status, path
            assert answer.text.startswith("<!doctype html>"), path
            assert "</html>" in answer.text, path


async def test_books_that_cannot_be_used_are_said_to_be_so() -> None:
    async with person() as at:

        async def fail(*_: object, **__: object) -> list[Sku]:
            raise LedgerUnavailable("the disk is full")

        at.merchant.ledger.search = fail  # type: ignore[method-assign]
        answer = await at.client.get("/stock")
        assert answer.status_code == 503
        assert "the disk is full" in answer.text


async def test_without_any_token_this_machine_needs_no_session() -> None:
    async with stranger(open_to_all=True) as client:
        page = Forms((await client.get("/")).text)
        assert "/actions/reconcile" in page.forms
        assert "/sign-out" not in page.forms
        foreign = await client.get("/", headers={"Host": "evil.example"})
        assert foreign.headers["location"] == "/sign-in"
        sent = await client.post(
            "/actions/reload", headers={"Origin": "https://evil.example"}, data={}
        )
        assert sent.status_code == 403
