"""Every route of the running service: which token opens it, and how each refusal is told."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from structlog.testing import capture_logs

from stocksync.ops import app
from stocksync.ops.access import SCOPES, Guard, Scope
from stocksync.ops.desk import ServiceView
from stocksync.ops.limits import Limits, Pace
from tests.integration.api_kit import SECRETS, Api, client_of, serving

#: What each route of the API needs (`DESIGN §5`): a route that is new must be written down here.
NEEDED: dict[tuple[str, str], Scope] = {
    ("GET", "/readyz"): "read",
    ("GET", "/metrics"): "read",
    ("GET", "/api/v1/openapi.json"): "read",
    ("POST", "/api/v1/reconcile"): "operate",
    ("GET", "/api/v1/runs"): "read",
    ("GET", "/api/v1/runs/{run}"): "read",
    ("GET", "/api/v1/runs/{run}/events"): "read",
    ("GET", "/api/v1/stock"): "read",
    ("GET", "/api/v1/stock/{sku}"): "read",
    ("GET", "/api/v1/stock/{sku}/history"): "read",
    ("GET", "/api/v1/stock/{sku}/rules"): "read",
    ("POST", "/api/v1/stock/{sku}/adjustments"): "operate",
    ("GET", "/api/v1/explain/{sku}"): "read",
    ("GET", "/api/v1/stores"): "read",
    ("GET", "/api/v1/holds"): "read",
    ("POST", "/api/v1/holds/{name}/approve"): "approve",
    ("POST", "/api/v1/holds/{name}/reject"): "approve",
}
#: What opens without a token; a webhook brings a secret of its own.
PUBLIC = {
    ("GET", "/healthz"),
    ("POST", "/webhooks/{store}/{secret}"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/static/{name}"),
}
#: Which page may do more than show; all others need `read`.
PAGES: dict[str, Scope] = {"/actions/holds/": "approve", "/actions/": "operate"}


@pytest.fixture
async def api(tmp_path: Path, blank_books: Path) -> AsyncIterator[Api]:
    async with serving(tmp_path, blank_books) as at:
        yield at


def routes_of(api: Api) -> Iterator[tuple[str, str, list[Scope]]]:
    """Yield method, path and the scopes of the guards of every route there is."""
    for route in iter_route_contexts(app.build(api.desk).routes):
        path = re.sub(r":\w+}", "}", str(route.path))
        dependant = getattr(route.original_route, "dependant", None)
        scopes = [] if dependant is None else list(guards_of(dependant))
        for method in (route.methods or set()) - {"HEAD"}:
            yield method, path, scopes


def guards_of(dependant: Dependant) -> Iterator[Scope]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Guard):
            yield inner.call.scope
        yield from guards_of(inner)


def scope_of_page(path: str) -> Scope:
    return next((scope for start, scope in PAGES.items() if path.startswith(start)), "read")


async def test_every_route_has_exactly_the_scope_that_is_written_down(api: Api) -> None:
    found = {(method, path): scopes for method, path, scopes in routes_of(api)}
    ours = {at for at in found if at in NEEDED or at[1].startswith("/api/")}

    assert ours == NEEDED.keys(), "a new route must be written down, an old one not be forgotten"
    for at, scopes in found.items():
        wanted = NEEDED.get(at) or scope_of_page(at[1])
        assert scopes == ([] if at in PUBLIC else [wanted]), at


def asked(path: str) -> str:
    """Put names that exist, or could, into a path."""
    return path.format(run="x", sku="MUG", name="abc", store="shop", secret="x")


async def test_a_route_opens_to_its_scope_and_those_above_it_only(api: Api) -> None:
    for (method, path), needed in NEEDED.items():
        for scope in SCOPES:
            headers = {"Authorization": f"Bearer {SECRETS[scope]}"}
            answer = await api.client.request(method, asked(path), headers=headers)
            if SCOPES.index(scope) < SCOPES.index(needed):
                assert answer.status_code == 403, (method, path, scope)
                assert f"scope {needed}" in answer.json()["error"]
            else:
                assert answer.status_code in (200, 202, 404, 409, 422), answer.text


async def test_without_a_token_and_with_a_wrong_one_every_route_says_the_same(api: Api) -> None:
    for method, path in NEEDED:
        said = []
        for header in (None, "Bearer wrong", "Basic eDp5", f"Bearer {SECRETS['approve']}x"):
            headers = {"X-Request-Id": "mine"} | (
                {} if header is None else {"Authorization": header}
            )
            answer = await api.client.request(method, asked(path), headers=headers, content=b"{")
            said.append((answer.status_code, answer.text, answer.headers["www-authenticate"]))
        assert set(said) == {(401, '{"error": "unauthorised", "request_id": "mine"}', "Bearer")}


async def test_whether_the_process_lives_is_told_to_anybody(api: Api) -> None:
    answer = await api.client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_ready_service_says_so_and_shows_its_metrics(api: Api) -> None:
    headers = {"Authorization": f"Bearer {SECRETS['read']}"}
    ready = await api.client.get("/readyz", headers=headers)
    shown = await api.client.get("/metrics", headers=headers)

    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert shown.headers["content-type"].startswith("text/plain")
    assert "stocksync_on_hand_units 0.0" in shown.text


async def test_a_service_whose_books_went_back_in_time_is_not_ready(api: Api) -> None:
    object.__setattr__(api.desk.context(), "frozen", lambda: "the books are frozen: restored")
    headers = {"Authorization": f"Bearer {SECRETS['read']}"}
    ready = await api.client.get("/readyz", headers=headers)

    assert ready.status_code == 503
    assert "the books are frozen" in ready.text


NOWHERE = [
    ("GET", "/api/v1"),
    ("GET", "/api/v1/"),
    ("GET", "/api/v1/stock/"),
    ("GET", "/api/v2/runs"),
]


async def test_an_address_that_does_not_exist_is_refused_in_our_form(api: Api) -> None:
    for method, path in NOWHERE:
        answer = await api.client.request(method, path, headers={"X-Request-Id": "mine"})
        assert (answer.status_code, answer.json()) == (
            404,
            {"error": "Not Found", "request_id": "mine"},
        )


OTHER_METHODS = [("DELETE", "/stock/MUG"), ("PUT", "/reconcile"), ("GET", "/reconcile")]


async def test_another_method_is_refused_in_our_form(api: Api) -> None:
    for method, path in OTHER_METHODS:
        answer = await api.ask(method, path)
        assert answer.status_code == 405
        assert answer.json()["error"] == "Method Not Allowed"
        assert answer.headers["allow"] == ("GET" if "stock" in path else "POST")


async def test_every_answer_has_a_name_and_is_kept_by_nobody(api: Api) -> None:
    for path, status in (("/stores", 200), ("/stock/NONE", 404)):
        mine = await api.ask("GET", path, headers={"X-Request-Id": "mine-1"})
        made = [(await api.ask("GET", path)).headers["x-request-id"] for _ in range(2)]

        assert (mine.status_code, mine.headers["x-request-id"]) == (status, "mine-1")
        assert made[0] != made[1]
        assert mine.headers["cache-control"] == "no-store"
        assert mine.headers["x-content-type-options"] == "nosniff"


async def test_a_defect_is_answered_with_a_name_to_report_and_logged_with_its_cause(
    api: Api,
) -> None:
    def breaks() -> ServiceView:
        raise RuntimeError("canary-of-a-defect")

    with capture_logs() as logged:
        headers = {"Authorization": f"Bearer {SECRETS['read']}", "X-Request-Id": "mine"}
        async with client_of(replace(api.desk, view=breaks)) as client:
            answer = await client.get("/api/v1/stores", headers=headers)

    [entry] = logged
    assert (entry["event"], entry["log_level"]) == ("unexpected error", "error")
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "mine"
    assert "canary" not in answer.text


async def test_books_that_cannot_be_used_are_said_to_be_so_and_when_to_come_again(
    api: Api, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "books.db")) as connection:
        connection.execute("ALTER TABLE runs RENAME TO gone")
        connection.commit()

    answer = await api.ask("GET", "/runs")
    ready = await api.client.get("/readyz", headers={"Authorization": f"Bearer {SECRETS['read']}"})

    assert (answer.status_code, ready.status_code) == (503, 503)
    assert answer.headers["retry-after"] == "5"
    assert set(answer.json()) == {"error", "request_id"}
    assert (await api.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("path", ["/reconcile", "/stock/MUG/adjustments", "/holds/abc/approve"])
async def test_a_body_beyond_every_need_is_refused_whether_announced_or_not(
    api: Api, path: str
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65_536

    headers = {"Content-Type": "application/json", "Idempotency-Key": "a"}
    announced = await api.ask("POST", path, content=b" " * 1_000_000, headers=headers)
    assert announced.status_code == 413
    assert "262144 bytes" in announced.json()["error"]
    if "holds" not in path:  # which has no body to read
        growing = await api.ask("POST", path, content=parts(), headers=headers)
        assert growing.status_code == 413


async def test_too_many_requests_are_told_when_to_come_again(
    tmp_path: Path, blank_books: Path
) -> None:
    free, slow = Pace(burst=1e9, per_second=1), Pace(burst=2, per_second=0.5)
    limits = Limits(token=slow, address=free, failure=free)
    async with serving(tmp_path, blank_books, limits=limits) as api:
        found: list[Any] = [await api.ask("GET", "/stores", scope="read") for _ in range(3)]
        assert [answer.status_code for answer in found] == [200, 200, 429]
        assert found[2].headers["retry-after"] == "2"
        assert found[2].json()["error"] == "too many requests"
        assert (await api.ask("GET", "/stores", scope="operate")).status_code == 200
        api.merchant.clock.pass_(2)
        assert (await api.ask("GET", "/stores", scope="read")).status_code == 200


async def test_without_tokens_a_foreign_name_that_leads_here_is_refused_everywhere(
    tmp_path: Path, blank_books: Path
) -> None:
    async with serving(tmp_path, blank_books, open_to_all=True) as api:
        here = await api.ask("GET", "/stores", scope=None)
        statuses = [
            (
                await api.client.request(method, asked(path), headers={"Host": "evil.example:8080"})
            ).status_code
            for method, path in NEEDED
        ]

    assert here.status_code == 200
    assert set(statuses) == {401}


async def test_without_tokens_another_site_cannot_start_a_run_from_a_browser_here(
    tmp_path: Path, blank_books: Path
) -> None:
    async with serving(tmp_path, blank_books, open_to_all=True) as api:
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = await api.ask("POST", "/reconcile", scope=None, headers=headers)
            assert answer.status_code == 403
        assert await api.merchant.ledger.runs() == []
        await asyncio.sleep(0)
        assert (await api.ask("POST", "/reconcile", scope=None)).status_code == 202
