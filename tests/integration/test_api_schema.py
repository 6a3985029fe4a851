"""The API keeps what its OpenAPI document promises, whatever it is sent over a real socket."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from stocksync.contracts.dispatch import Wish
from stocksync.domain.merge import FirstContact
from stocksync.ops import app, server
from tests.integration.api_kit import NO_LIMITS, SECRETS, answering, merchant
from tests.integration.test_api_access import NEEDED

CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]
#: `openapi.json` describes all others, and not itself. Holds come first: what is booked later
#: makes other plans of them.
OPERATIONS = sorted(
    (at for at in NEEDED if at != ("GET", "/api/v1/openapi.json")),
    key=lambda at: "/holds/" not in at[1],
)
#: Nothing can be sent to these but their address.
WITHOUT_INPUT = ("/readyz", "/metrics", "/api/v1/stores", "/api/v1/holds")
FUZZED = [(*at, GenerationMode.POSITIVE) for at in OPERATIONS] + [
    (*at, GenerationMode.NEGATIVE) for at in OPERATIONS if at[1] not in WITHOUT_INPUT
]
EXAMPLES = 15


@dataclass
class Live:
    """A running API, its own description, and names of things that exist in it."""

    url: str
    names: dict[str, str]
    schema: Any = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {SECRETS['approve']}"}

    def keeps_its_word(self, case: Any, session: requests.Session) -> int:
        """Send one request and check what is answered; return its status."""
        answer = case.call_and_validate(
            base_url=self.url, headers=self.headers, checks=CHECKS, session=session
        )
        return int(answer.status_code)


@contextmanager
def live_api(folder: Path, blank: Path) -> Iterator[Live]:
    """Serve from a thread: what tests the API waits for answers in this one."""
    ready: list[tuple[Live, server.Server]] = []
    began = threading.Event()

    async def serve() -> None:
        async with (
            merchant(folder, blank, first_contact=FirstContact.HOLD) as subject,
            answering(subject, limits=NO_LIMITS) as api,
        ):
            await subject.count(MUG=8, CAP=3)
            run = await api.dispatcher.reconcile(Wish())
            assert [at async for at in api.dispatcher.events(run)][-1].outcome == "held"
            one, other = await subject.ledger.holds()
            names = {"sku": "MUG", "run": run, "approve": one.hash, "reject": other.hash}
            door = server.build(app.build(api.desk), host="127.0.0.1", port=0)
            task = asyncio.create_task(door.serve())
            while not door.started:
                await asyncio.sleep(0)
            port = door.servers[0].sockets[0].getsockname()[1]
            ready.append((Live(f"http://127.0.0.1:{port}", names), door))
            began.set()
            await task

    def work() -> None:
        try:
            asyncio.run(serve())
        finally:
            began.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert began.wait(20), "the service did not start in time"
        assert ready, "the service did not start"
        yield ready[0][0]
    finally:
        for _, door in ready:
            door.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, blank_books: Path) -> Iterator[Live]:
    with live_api(tmp_path_factory.mktemp("live"), blank_books) as at:
        answer = httpx.get(f"{at.url}/api/v1/openapi.json", headers=at.headers)
        at.schema = schemathesis.openapi.from_dict(answer.json())
        yield at


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        yield one


def test_the_document_describes_every_route_that_a_token_opens(live: Live) -> None:
    described = {
        (operation.ok().method.upper(), operation.ok().path)
        for operation in live.schema.get_all_operations()
    }

    assert described == {*OPERATIONS, ("GET", "/healthz")}


def test_the_document_names_every_refusal_and_the_token(live: Live) -> None:
    for method, path in OPERATIONS:
        operation = live.schema[path][method].definition.raw
        wanted = {"401", "403", "429", "503"} | ({"404"} if "{" in path else set())
        if method == "POST" and "holds" not in path:
            wanted |= {"409", "413", "422"}
        assert wanted <= operation["responses"].keys(), (method, path)
        assert operation["security"] == [{"token": []}]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_exists_is_answered_as_documented(
    live: Live, session: requests.Session, method: str, path: str
) -> None:
    operation = live.schema[path][method]
    body = {"units": 1, "reason": "found"} if "adjustments" in path else {"dry_run": True}
    named = live.names | {"name": live.names.get(path.rpartition("/")[2], "")}
    names = {name: value for name, value in named.items() if f"{{{name}}}" in path}
    given_body = {"body": body, "media_type": "application/json"} if "holds" not in path else {}
    case = operation.Case(
        path_parameters=names,
        headers={"Idempotency-Key": "once"},
        **(given_body if method == "POST" else {}),
    )

    assert live.keeps_its_word(case, session) in (200, 201, 202)


@pytest.mark.parametrize(("method", "path", "mode"), FUZZED)
def test_whatever_is_sent_the_answer_is_a_documented_one(
    live: Live, session: requests.Session, method: str, path: str, mode: GenerationMode
) -> None:
    operation = live.schema[path][method]
    statuses = set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def keeps_its_word(case: Any) -> None:
        statuses.add(live.keeps_its_word(case, session))

    keeps_its_word()
    assert statuses
