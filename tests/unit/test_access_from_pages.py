"""Who comes from a page: from our own only, with its CSRF token, as long as the token holds."""

import pytest

from stocksync.ops.access import CSRF_FIELD, CSRF_HEADER, token
from tests.unit.access_kit import ANNA, BASE, OWN, SECRET, bearer, client_of, guard, signed_in


async def test_a_session_may_what_its_token_may() -> None:
    async with client_of(guard()) as client:
        csrf = await signed_in(client)
        headers = {**OWN, CSRF_HEADER: csrf}
        read = await client.get("/read")
        operate = await client.post("/operate", headers=headers)
        approve = await client.post("/approve", headers=headers)

    assert read.json() == operate.json() == {"name": "anna", "scope": "operate"}
    assert approve.status_code == 403


async def test_a_wrong_token_signs_nobody_in() -> None:
    async with client_of(guard()) as client:
        answer = await client.post("/in", content="wrong", headers=OWN)

        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert (await client.get("/read")).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": BASE}, 200),
        ({"Origin": BASE}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": BASE}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://sync.example"}, 403),
        ({"Origin": "http://sync.example:80801"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({}, 403),
    ],
)
async def test_a_session_changes_things_from_our_own_page_only(
    headers: dict[str, str], status: int
) -> None:
    async with client_of(guard()) as client:
        csrf = await signed_in(client)
        sent = {CSRF_HEADER: csrf, **headers}
        answer = await client.post("/operate", headers=sent)
        entered = await client.post("/in", content=SECRET, headers=headers)

    assert answer.status_code == status
    assert entered.status_code == status, "nor does another site sign anybody in"


async def test_a_token_needs_no_page() -> None:
    async with client_of(guard()) as client:
        headers = {**bearer(), "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
        answer = await client.post("/operate", headers=headers)

    assert answer.status_code == 200, "no browser sends a token by itself"


@pytest.mark.parametrize("given", ["", "wrong", "é", "0" * 64])
async def test_a_session_without_the_csrf_token_of_its_pages_changes_nothing(given: str) -> None:
    async with client_of(guard()) as client:
        await signed_in(client)
        sent = [(b"sec-fetch-site", b"same-origin"), (CSRF_HEADER.encode(), given.encode())]
        answer = await client.post("/operate", headers=sent)

    assert answer.status_code == 403
    assert "load it again" in answer.json()["error"]


async def test_the_csrf_token_of_another_session_is_none() -> None:
    access = guard()
    async with client_of(access) as client, client_of(access) as other:
        await signed_in(client)
        csrf = await signed_in(other)
        answer = await client.post("/operate", headers={**OWN, CSRF_HEADER: csrf})

    assert answer.status_code == 403


async def test_a_form_may_bring_the_csrf_token_in_a_field() -> None:
    async with client_of(guard()) as client:
        csrf = await signed_in(client)
        right = await client.post("/operate", headers=OWN, data={CSRF_FIELD: csrf})
        wrong = await client.post("/operate", headers=OWN, data={CSRF_FIELD: csrf[:-1]})
        query = await client.post(f"/operate?{CSRF_FIELD}={csrf}", headers=OWN)

    assert [right.status_code, wrong.status_code, query.status_code] == [200, 403, 403]


async def test_reading_needs_no_csrf_token() -> None:
    async with client_of(guard()) as client:
        await signed_in(client)

        assert (await client.get("/read")).status_code == 200


async def test_a_header_counts_and_not_the_cookie_beside_it() -> None:
    async with client_of(guard()) as client:
        await signed_in(client)

        assert (await client.get("/read", headers=bearer("wrong"))).status_code == 401


async def test_who_signed_out_is_out() -> None:
    async with client_of(guard()) as client:
        await signed_in(client)
        [kept_cookie] = client.cookies.jar
        await client.post("/out", headers=OWN)
        assert not client.cookies
        client.cookies.jar.set_cookie(kept_cookie)
        kept = await client.get("/read")

    assert kept.status_code == 401


async def test_a_token_that_is_taken_away_ends_its_sessions_and_no_others() -> None:
    bert = token("bert", "canary-of-bert", ["approve"])
    access = guard(ANNA, bert)
    async with client_of(access) as anna, client_of(access) as other:
        await signed_in(anna)
        await signed_in(other, "canary-of-bert")
        access.replace([bert])
        statuses = [(await one.get("/read")).status_code for one in (anna, other)]

    assert statuses == [401, 200]


async def test_another_secret_under_the_same_name_ends_the_sessions_of_the_old_one() -> None:
    access = guard()
    async with client_of(access) as client:
        await signed_in(client)
        access.replace([token("anna", "another", ["approve"])])

        assert (await client.get("/read")).status_code == 401


async def test_a_token_that_may_less_after_a_reload_lets_its_sessions_do_less() -> None:
    access = guard()
    async with client_of(access) as client:
        csrf = await signed_in(client)
        access.replace([token("anna", SECRET, ["read"])])
        answer = await client.post("/operate", headers={**OWN, CSRF_HEADER: csrf})

        assert answer.status_code == 403
        assert (await client.get("/read")).json()["scope"] == "read"
