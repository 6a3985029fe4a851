"""Callers for fake stores in this process: plain httpx with each platform's credentials."""

import json
from pathlib import Path
from typing import Any

import httpx

from stocksync.sandbox.faults import ConnectionDropped
from stocksync.sandbox.serve import APPS, CREDENTIALS
from stocksync.sandbox.shop import Shop

SAMPLES = Path(__file__).parents[1] / "samples"

#: The listing of each platform that has one, its page size and offset parameters.
LISTINGS = {
    "recplus": "/api/v1/stock?limit={limit}&offset={offset}",
    "b2bwave": "/api/products?paginated=1&per_page={limit}&page={page}",
    "freewebstore": "/product/?per_page={limit}&start={offset}",
    "simvoly": "/api/site/products?limit={limit}&skip={offset}",
}
LISTING_PLATFORMS = sorted(LISTINGS)


class DroppingTransport(httpx.ASGITransport):
    """An ASGI transport on which a dropped connection is a network error."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except ConnectionDropped as dropped:
            raise httpx.ReadError(str(dropped), request=request) from dropped


def credentials(platform: str) -> dict[str, Any]:
    """Say how httpx authenticates at a platform."""
    given = CREDENTIALS[platform]
    match platform:
        case "recplus":
            return {"auth": (given["username"], given["password"])}
        case "b2bwave":
            return {"auth": (given["app_code"], given["token"])}
        case "freewebstore":
            headers = {"x-api-key": given["api_key"], "content-type": "application/json"}
            return {"headers": headers}
        case "simvoly":
            return {"headers": {"authorization": f"Bearer {given['api_key']}"}}
        case _:
            return {"headers": {"authorization": f"Bearer {given['token']}"}}


def caller(shop: Shop, **options: Any) -> httpx.AsyncClient:
    """Open a client with the right credentials in front of one fake store."""
    app = APPS[shop.platform](shop, **CREDENTIALS[shop.platform], **options)
    return httpx.AsyncClient(
        transport=DroppingTransport(app), base_url="http://store", **credentials(shop.platform)
    )


def listing_url(platform: str, *, limit: int = 50, offset: int = 0) -> str:
    """Name one page of a platform's listing."""
    return LISTINGS[platform].format(limit=limit, offset=offset, page=offset // limit + 1)


def rows(answer: httpx.Response) -> list[dict[str, Any]]:
    """Take the rows out of a listing, whatever they are wrapped in."""
    body = answer.json()
    for name in ("stock", "products", "items"):
        if isinstance(body, dict):
            body = body.get(name, body)
    assert isinstance(body, list)
    return body


def code_of(row: dict[str, Any]) -> str | None:
    """Read the code of one listed row."""
    if "variants" in row:
        return str(row["variants"][0]["sku"])
    code: str | None = row["sku"] if "sku" in row else row["code"]
    return code


def sample(name: str) -> Any:
    """Load one example of the vendors' documents, such as `recplus/product`."""
    return json.loads((SAMPLES / f"{name}.json").read_text())


async def write(client: httpx.AsyncClient, shop: Shop, code: str, units: int) -> httpx.Response:
    """Set one quantity the way the platform's document says."""
    item = shop.item(code)
    match shop.platform:
        case "recplus":
            return await client.post("/api/v1/stock", json=[{"code": code, "stock": units}])
        case "b2bwave":
            body = {"id": str(item.product_id), "quantity": str(units)}
            return await client.post("/api/products/update_quantity", json=body)
        case "freewebstore":
            return await client.put(f"/product/{item.product_id}", json={"stock": units})
        case _:
            url = f"/api/site/products/{item.product_id}"
            product = (await client.get(url)).json()
            product["variants"][0]["quantity"] = units
            return await client.put(url, json=product)


def stocked(platform: str, skus: int = 7) -> Shop:
    """Open a store with some ordinary SKUs of 10, 11, 12… units."""
    shop = Shop(platform)
    for number in range(skus):
        shop.add(f"SKU-{number}", 10 + number)
    return shop
