"""What no run is started for: wishes that cannot be meant, bodies that cannot be read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.api_kit import Api, serving


@pytest.fixture
async def api(tmp_path: Path, blank_books: Path) -> AsyncIterator[Api]:
    """A merchant whose two stores agree with the books."""
    async with serving(tmp_path, blank_books) as at:
        await at.merchant.count(MUG=10, CAP=3)
        await at.merchant.sync()
        yield at


WISHES = [
    ({"stores": ["shop", "nosuch"]}, 404, "no store is called 'nosuch'"),
    ({"stores": ["shops"]}, 404, "did you mean 'shop'"),
    ({"skus": ["MUG", "NOSUCH"]}, 404, "nobody knows SKU 'NOSUCH'"),
    ({"skus": ["mug"]}, 404, "nobody knows SKU 'mug'"),
    ({"stores": "shop"}, 422, "stores: "),
    ({"stores": [1]}, 422, "stores.0: "),
    ({"stores": ["../shop"]}, 422, "stores.0: "),
    ({"stores": None}, 422, "stores: "),
    ({"stores": ["shop"] * 101}, 422, "stores: "),
    ({"skus": [""]}, 422, "skus.0: "),
    ({"skus": ["  "]}, 422, "skus.0: "),
    ({"skus": ["A\0B"]}, 422, "skus.0: "),
    ({"skus": ["x" * 256]}, 422, "skus.0: "),
    ({"skus": ["MUG"] * 1001}, 422, "skus: "),
    ({"dry_run": "yes"}, 422, "dry_run: "),
    ({"dry_run": 1}, 422, "dry_run: "),
    ({"dry_run": None}, 422, "dry_run: "),
    ({"dryrun": True}, 422, "dryrun: "),
    ([], 422, "body: "),
    ("all", 422, "body: "),
]


async def test_a_wish_that_cannot_be_meant_is_refused_and_starts_nothing(api: Api) -> None:
    before = len(await api.merchant.ledger.runs())
    for body, status, said in WISHES:
        refused = await api.post("/reconcile", body, expect=status)
        assert said in refused["error"], body
        assert set(refused) == {"error", "request_id"}

    await api.run()
    assert len(await api.merchant.ledger.runs()) == before + 1


BODIES = [
    (b"{", "application/json"),
    (b"\xff", "application/json"),
    (b'{"dry_run": true}', "text/plain"),
    (b'{"dry_run": true}', ""),
    (b"dry_run=true", "application/x-www-form-urlencoded"),
    (b"[" * 100_000, "application/json"),
    (b'{"skus": ["\\ud800"]}', "application/json"),
    (b'{"\\ud800": 1}', "application/json"),
    (b'{"dry_run": ' + b"9" * 5000 + b"}", "application/json"),
    (b'{"dry_run": NaN}', "application/json"),
]


async def test_a_body_that_cannot_be_read_is_refused_and_never_taken_for_an_empty_one(
    api: Api,
) -> None:
    before = await api.merchant.ledger.runs()
    for content, kind in BODIES:
        headers = {"Content-Type": kind} if kind else {}
        answer = await api.ask("POST", "/reconcile", content=content, headers=headers)
        assert answer.status_code == 422, (content[:20], kind)
        assert answer.json()["error"]

    await api.quiet()
    assert await api.merchant.ledger.runs() == before


RUNS = ["nosuch", "%00", "a%2Fb", "%F0%9F%8D%B5", "x" * 3000]


async def test_a_run_that_does_not_exist_is_not_found(api: Api) -> None:
    for name in RUNS:
        for path in (f"/runs/{name}", f"/runs/{name}/events"):
            assert "error" in await api.get(path, expect=404)


LIMITS = ["0", "-1", "201", "x", "1.5", "", "9" * 400]


async def test_a_limit_that_is_none_is_refused_by_name(api: Api) -> None:
    for limit in LIMITS:
        assert "limit: " in (await api.get(f"/runs?limit={limit}", expect=422))["error"]
