"""Each fake store has the paging, the write shapes and the traps of its platform."""

import pytest

from stocksync.sandbox.shop import Shop
from tests.unit.sandbox_kit import (
    LISTING_PLATFORMS,
    caller,
    code_of,
    listing_url,
    rows,
    stocked,
    write,
)

SKUS = [f"SKU-{number}" for number in range(7)]


@pytest.mark.parametrize("platform", LISTING_PLATFORMS)
async def test_pages_together_show_every_item_once_and_then_nothing(platform: str) -> None:
    shop = stocked(platform)
    async with caller(shop) as client:
        pages = [
            rows(await client.get(listing_url(platform, limit=3, offset=offset)))
            for offset in (0, 3, 6, 9)
        ]

    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [code_of(row) for page in pages for row in page] == SKUS


@pytest.mark.parametrize(
    ("platform", "url", "shown"),
    [
        ("recplus", "/api/v1/stock", 25),
        ("recplus", "/api/v1/stock?limit=5000", 1000),
        ("b2bwave", "/api/products", 200),
        ("freewebstore", "/product/", 100),
        ("simvoly", "/api/site/products", 30),
        ("simvoly", "/api/site/products?limit=5000", 50),
    ],
)
async def test_page_sizes_have_a_default_and_a_limit(platform: str, url: str, shown: int) -> None:
    async with caller(stocked(platform, 1010)) as client:
        assert len(rows(await client.get(url))) == shown


@pytest.mark.parametrize("platform", LISTING_PLATFORMS)
async def test_a_write_changes_what_buyers_see_and_is_put_down(platform: str) -> None:
    shop = stocked(platform)
    async with caller(shop) as client:
        answer = await write(client, shop, "SKU-3", 0)

    assert answer.status_code == 200
    assert shop.quantity("SKU-3") == 0
    assert shop.writes == [("SKU-3", 13, 0)]
    assert shop.quantity("SKU-4") == 14


@pytest.mark.parametrize("platform", [*LISTING_PLATFORMS, "idealfactory"])
async def test_wrong_credentials_are_refused_and_change_nothing(platform: str) -> None:
    shop = stocked(platform)
    async with caller(shop) as client:
        wrong = {"authorization": "Bearer wrong", "x-api-key": "wrong"}
        answer = await client.get("/", headers=wrong, auth=None)

    assert answer.status_code == (403 if platform == "freewebstore" else 401)


@pytest.mark.parametrize("code", ["APN 1020", "1/2 INCH", "50%25OFF", "A?x=1&y#z", "Ærø-7"])
async def test_odd_codes_arrive_whole_in_paths(code: str) -> None:
    shop = Shop("recplus")
    shop.add(code, 5)
    path = "".join(f"%{byte:02X}" for byte in code.encode())
    async with caller(shop) as client:
        answer = await client.get(f"/api/v1/products/{path}?identifier=code")

    assert answer.json()["code"] == code
