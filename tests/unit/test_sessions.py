"""Sessions of the pages: a cookie that cannot be forged, stolen by a script, or kept for ever."""

import base64
import json
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie

import pytest
from fastapi import Request, Response

from stocksync.ops.sessions import COOKIE, SECURE_COOKIE, SESSION_HOURS, Session, Sessions
from tests.unit.asgi_kit import scope_of
from tests.world import Clock

DIGEST = b"the digest of a token"


def browser(cookie: str = "", *, scheme: str = "http", name: str = COOKIE) -> Request:
    headers = {"cookie": f"{name}={cookie}"} if cookie else {}
    return Request(scope_of("/", headers=headers, scheme=scheme))


def cookie_set(response: Response) -> "Morsel[str]":
    [one] = SimpleCookie(response.headers["set-cookie"]).values()
    return one


def begun(sessions: Sessions, *, scheme: str = "http") -> tuple[Session, "Morsel[str]"]:
    response = Response()
    asked = browser(scheme=scheme)
    session = sessions.begin(asked, response, token="anna", digest=DIGEST)
    return session, cookie_set(response)


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites() -> None:
    _, cookie = begun(Sessions(Clock()))

    assert cookie.key == COOKIE
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert (cookie["max-age"], cookie["domain"]) == (str(SESSION_HOURS * 3600), "")
    assert not cookie["secure"]


def test_over_https_the_cookie_is_secure_and_bound_to_this_host() -> None:
    sessions = Sessions(Clock())
    session, cookie = begun(sessions, scheme="https")

    assert (cookie.key, cookie["secure"], cookie["path"]) == (SECURE_COOKIE, True, "/")
    assert sessions.of(browser(cookie.value, scheme="https", name=SECURE_COOKIE)) == session
    assert sessions.of(browser(cookie.value, scheme="https", name=COOKIE)) is None


def test_the_cookie_brings_the_session_back_and_holds_nothing_of_the_token() -> None:
    sessions = Sessions(Clock())
    session, cookie = begun(sessions)

    assert sessions.of(browser(cookie.value)) == session
    content = cookie.value.partition(".")[0]
    fields = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    assert DIGEST.decode() not in str(fields)
    assert session.csrf not in cookie.value


def test_two_sessions_have_nothing_in_common_that_one_could_use_for_the_other() -> None:
    sessions = Sessions(Clock())
    (one, first), (other, second) = begun(sessions), begun(sessions)

    assert first.value != second.value
    assert one.csrf != other.csrf


def test_a_session_ends_by_itself_to_the_second() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    _, cookie = begun(sessions)

    clock.moment += timedelta(hours=SESSION_HOURS) - timedelta(seconds=1)
    assert sessions.of(browser(cookie.value)) is not None
    clock.pass_(1)
    assert sessions.of(browser(cookie.value)) is None


def test_who_signs_out_is_out_also_where_the_cookie_was_kept() -> None:
    sessions = Sessions(Clock())
    (_, cookie), (other, kept) = begun(sessions), begun(sessions)
    response = Response()

    sessions.end(browser(cookie.value), response)

    removed = cookie_set(response)
    assert (removed.key, removed.value, removed["max-age"]) == (COOKIE, "", "0")
    assert sessions.of(browser(cookie.value)) is None
    assert sessions.of(browser(kept.value)) == other


def test_who_never_signed_in_can_sign_out() -> None:
    response = Response()

    Sessions(Clock()).end(browser("nonsense"), response)

    assert cookie_set(response).value == ""


def forged(cookie: str, **changes: object) -> str:
    """Write other fields into a cookie and keep its signature."""
    content, _, signature = cookie.partition(".")
    fields = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    names = ("token", "fingerprint", "nonce", "until")
    written = [changes.get(name, value) for name, value in zip(names, fields, strict=True)]
    encoded = base64.urlsafe_b64encode(json.dumps(written).encode()).decode().rstrip("=")
    return f"{encoded}.{signature}"


@pytest.mark.parametrize("change", [{"token": "admin"}, {"until": 4_000_000_000}, {"nonce": "x"}])
def test_a_cookie_with_other_fields_is_no_session(change: dict[str, object]) -> None:
    sessions = Sessions(Clock())
    session, cookie = begun(sessions)

    assert sessions.of(browser(forged(cookie.value))) == session, "forging nothing changes nothing"
    assert sessions.of(browser(forged(cookie.value, **change))) is None


@pytest.mark.parametrize(
    "cookie", ["", ".", "a", "a.b", "....", "e30.", "x" * 2000, "W10.0", "é.é"]
)
def test_what_is_no_cookie_of_ours_is_no_session(cookie: str) -> None:
    assert Sessions(Clock()).of(browser(cookie)) is None


def test_another_process_with_another_key_knows_nobody() -> None:
    clock = Clock()
    _, cookie = begun(Sessions(clock, key=b"one"))

    assert Sessions(clock, key=b"other").of(browser(cookie.value)) is None
    assert Sessions(clock, key=b"one").of(browser(cookie.value)) is not None
