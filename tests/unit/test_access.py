"""Who is let in: tokens and scopes, foreign names, and those who ask too often."""

from collections.abc import Sequence

import pytest

from stocksync.ops.access import SCOPES, Access, Scope, token
from stocksync.ops.limits import Limits, Pace
from tests.unit.access_kit import ANNA, OWN, SECRET, bearer, client_of, guard
from tests.world import Clock


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {SECRET}",
        SECRET,
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
        f"Bearer {SECRET.upper()}",
        f"Bearer {SECRET}, Bearer x",
        "Bearer \xe9\xff",
        "Bearer " + "x" * 10_000,
    ],
)
async def test_whatever_is_wrong_with_a_token_the_answer_is_the_same_as_without_one(
    header: str,
) -> None:
    async with client_of(guard()) as client:
        without = await client.get("/read")
        shown = await client.get("/read", headers=[(b"authorization", header.encode("latin-1"))])

    assert without.status_code == shown.status_code == 401
    assert without.content == shown.content
    assert without.headers["www-authenticate"] == shown.headers["www-authenticate"] == "Bearer"
    assert without.json()["error"] == "unauthorised"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER  "])
async def test_the_scheme_has_no_case(scheme: str) -> None:
    async with client_of(guard()) as client:
        answer = await client.get("/read", headers={"Authorization": f"{scheme} {SECRET}"})

    assert answer.json() == {"name": "anna", "scope": "operate"}


async def test_a_token_beyond_ascii_is_known_by_its_bytes() -> None:
    async with client_of(guard(token("anna", "pässwörd"))) as client:
        header = "Bearer pässwörd".encode()
        answer = await client.get("/read", headers=[(b"authorization", header)])

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        (["read"], [200, 403, 403]),
        (["operate"], [200, 200, 403]),
        (["approve"], [200, 200, 200]),
        (["approve", "read"], [200, 200, 200]),
        (SCOPES, [200, 200, 200]),
    ],
)
async def test_a_scope_includes_those_before_it(
    scopes: Sequence[Scope], statuses: list[int]
) -> None:
    async with client_of(guard(token("t", SECRET, scopes))) as client:
        asked = [("GET", "/read"), ("POST", "/operate"), ("POST", "/approve")]
        found = [await client.request(*one, headers=bearer()) for one in asked]

    assert [answer.status_code for answer in found] == statuses
    for answer in found:
        if answer.status_code == 403:
            assert "scope" in answer.json()["error"]


async def test_each_token_is_known_by_its_own_name() -> None:
    both = (token("anna", "one", ["read"]), token("bert", "two", ["approve"]))
    async with client_of(guard(*both)) as client:
        names = [
            (await client.get("/read", headers=bearer(secret))).json()["name"]
            for secret in ("one", "two")
        ]

    assert names == ["anna", "bert"]


def test_nothing_of_a_token_is_shown_when_it_is_printed() -> None:
    assert SECRET not in repr(ANNA)
    assert ANNA.digest.hex() not in repr(ANNA)
    assert str(ANNA.digest) not in repr(ANNA)


LOCAL_NAMES = ["127.0.0.1", "127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "[::1]"]
FOREIGN_NAMES = ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "sync", ":8080"]
FOREIGN_NAMES += ["localhost.evil.example:80", "0.0.0.0:8080", "10.0.0.1", "[::2]:1", "127.0.0.1:x"]


@pytest.mark.parametrize("host", LOCAL_NAMES)
async def test_without_tokens_this_machine_may_do_everything(host: str) -> None:
    access = Access([], now=Clock())
    async with client_of(access) as client:
        answer = await client.post("/approve", headers={"Host": host})

    assert answer.json() == {"name": "local", "scope": "approve"}


@pytest.mark.parametrize("host", FOREIGN_NAMES)
async def test_without_tokens_a_foreign_name_that_leads_here_opens_nothing(host: str) -> None:
    access = Access([], now=Clock())
    async with client_of(access) as client:
        read = await client.get("/read", headers={"Host": host})
        approve = await client.post("/approve", headers={"Host": host})

    assert [read.status_code, approve.status_code] == [401, 401]


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
)
async def test_without_tokens_another_site_cannot_use_the_browser_of_this_machine(
    headers: dict[str, str],
) -> None:
    async with client_of(Access([], now=Clock()), base="http://127.0.0.1:8080") as client:
        assert (await client.post("/approve", headers=headers)).status_code == 403
        own = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}
        assert (await client.post("/approve", headers=own)).status_code == 200


SLOW = Pace(burst=2, per_second=0.1)
FREE = Pace(burst=1e9, per_second=1)


async def test_a_token_that_asks_too_often_is_told_how_long_to_wait() -> None:
    clock = Clock()
    limits = Limits(token=SLOW, address=FREE, failure=FREE)
    other = token("bert", "canary-of-bert")
    async with client_of(guard(ANNA, other, clock=clock, limits=limits)) as client:
        found = [await client.get("/read", headers=bearer()) for _ in range(3)]
        assert [answer.status_code for answer in found] == [200, 200, 429]
        assert found[2].headers["retry-after"] == "10"
        assert found[2].json()["error"] == "too many requests"
        assert (await client.get("/read", headers=bearer("canary-of-bert"))).status_code == 200
        clock.pass_(9.9)
        assert (await client.get("/read", headers=bearer())).status_code == 429
        clock.pass_(0.1)
        assert (await client.get("/read", headers=bearer())).status_code == 200


async def test_an_address_that_asks_too_often_waits_whoever_it_is() -> None:
    limits = Limits(token=FREE, address=SLOW, failure=FREE)
    access = guard(limits=limits)
    async with client_of(access) as client, client_of(access, address="203.0.113.10") as other:
        found = [(await client.get("/read")).status_code for _ in range(2)]
        found.append((await client.get("/read", headers=bearer())).status_code)
        assert found == [401, 401, 429]
        assert (await other.get("/read", headers=bearer())).status_code == 200


async def test_wrong_tokens_are_slowed_down_and_the_right_one_gets_in_all_the_same() -> None:
    clock = Clock()
    limits = Limits(token=FREE, address=FREE, failure=SLOW)
    async with client_of(guard(clock=clock, limits=limits)) as client:
        found = [(await client.get("/read", headers=bearer("x"))).status_code for _ in range(3)]
        assert found == [401, 401, 429]
        entered = await client.post("/in", content="wrong", headers=OWN)
        assert (entered.status_code, entered.headers["retry-after"]) == (429, "10")
        assert (await client.get("/read", headers=bearer())).status_code == 200
        clock.pass_(10)
        assert (await client.get("/read", headers=bearer("x"))).status_code == 401


async def test_signing_in_counts_against_the_address_whatever_comes_of_it() -> None:
    limits = Limits(token=FREE, address=SLOW, failure=FREE)
    async with client_of(guard(limits=limits)) as client:
        secrets = ["wrong", "wrong", SECRET]
        found = [await client.post("/in", content=at, headers=OWN) for at in secrets]

    assert [answer.status_code for answer in found] == [401, 401, 429]
    assert "set-cookie" not in found[2].headers


async def test_who_asks_is_looked_at_before_what_is_asked() -> None:
    async with client_of(guard()) as client:
        answer = await client.post("/approve", content=b"{not json", headers=bearer())

    assert answer.status_code == 403
