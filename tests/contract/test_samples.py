"""Every connector reads every JSON document of its vendor as it stands, or says it is no stock."""

import json
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from stocksync.connectors import REGISTRY
from stocksync.contracts.connector import StockWriter, StoreAccount, WriteOutcome
from stocksync.domain.identifiers import ListingId
from stocksync.domain.stock import (
    Correction,
    Counted,
    Gap,
    NotCounted,
    Observation,
    Offered,
    Reading,
)
from stocksync.errors import StoreRejected, UnexpectedResponse
from tests.contract.kinds import KINDS
from tests.contract.rigs import NOON, STORE, noon
from tests.unit.scripted_store import Asked, Said, ScriptedStore

SAMPLES: Final = Path(__file__).parents[1] / "samples"
DOCUMENTS: Final = sorted(
    str(path.relative_to(SAMPLES).with_suffix("")) for path in SAMPLES.rglob("*.json")
)


def seen(
    listing: str, code: str | None, reading: Reading, title: str = "", group: str = ""
) -> Observation:
    return Observation(ListingId(listing), code, reading, group=group, title=title)


def counted(quantity: int) -> Counted:
    return Counted(quantity, NOON)


def unreadable(shown: str) -> NotCounted:
    return NotCounted(Gap.UNREADABLE, shown, NOON)


DOOR: Final = seen("111:Wood/Single", "D-001", counted(0), "Interior Door", "111")
#: What the vendors' documents say about stock, read off their pages by hand.
WALKED: Final[dict[str, list[Observation]]] = {
    "recplus/stock_update_request": [seen("xyz", "xyz", counted(84))],
    "b2bwave/products": [seen("12", "00001", unreadable("'missing'"), "Test Product")],
    "freewebstore/products": [seen("12345", "PROD1", counted(4), "Product One")],
    "freewebstore/products_first_example": [
        seen("123456", "PRODCODE1", counted(4), "Product Name")
    ],
    "simvoly/products": [DOOR],
}
SAUCE: Final = "Traeger Texas Spicy BBQ Sauce 16oz"
READ: Final[dict[str, Observation]] = {
    "recplus/product": seen("Sauce-1105410-no-yes", "Sauce-1105410-no-yes", counted(999), SAUCE),
    "freewebstore/product": seen("11111111", "1", counted(0), "Product Name"),
    "simvoly/product": DOOR,
    "simvoly/product_created": DOOR,
    "simvoly/product_updated": DOOR,
    "simvoly/webhook_product_created": DOOR,
    "simvoly/webhook_product_updated": DOOR,
    "idealfactory/product_create": seen(
        "product:1", "CWT001", Offered(on=True, read_at=NOON), "Classic White T-Shirt"
    ),
    "idealfactory/product_update": seen(
        "product:1", None, Offered(on=False, read_at=NOON), "Premium White T-Shirt"
    ),
    "idealfactory/variant_create": seen(
        "variant:1", None, Offered(on=True, read_at=NOON), "Classic White T-Shirt - Large"
    ),
    "idealfactory/variant_update": seen(
        "variant:1", None, Offered(on=True, read_at=NOON), "Classic White T-Shirt - Extra Large"
    ),
}
#: Answers to a write: status, the listing and number asked for, and what became of it.
WRITTEN: Final[dict[str, tuple[int, str, int, WriteOutcome]]] = {
    "b2bwave/product_created": (200, "12", 10, WriteOutcome.APPLIED),
    "freewebstore/update_response": (200, "11111111", 3, WriteOutcome.APPLIED),
    "freewebstore/create_response": (200, "11111111", 3, WriteOutcome.APPLIED),
    "freewebstore/update_400": (400, "11111111", 3, WriteOutcome.REJECTED),
    "freewebstore/create_400": (400, "11111111", 3, WriteOutcome.REJECTED),
}
ANOTHER: Final = {"product": "product:1", "variant": "variant:1"}


def connected(document: str, *, status: int = 200, listings: tuple[str, ...] = ()) -> StockWriter:
    """Connect to a store that answers with this document, and with nothing after its end."""
    platform = document.partition("/")[0]
    content = (SAMPLES / f"{document}.json").read_bytes()

    def serve(asked: Asked) -> Said:
        if document == "recplus/product" and asked.path.endswith("/stock"):
            return Said(status=404)  # a site without that resource shows whole products
        begins = {"start": "0", "offset": "0", "skip": "0", "page": "1"}
        later = [key for key, first in begins.items() if asked.query.get(key, first) != first]
        if later and platform == "freewebstore":
            rows = json.loads(content)["products"][int(asked.query["start"]) :]
            return Said({"products": rows})
        return Said([] if later else content, status)

    account = StoreAccount(
        store=STORE,
        url="https://store.test",
        credentials=KINDS[platform].credentials,
        listings=tuple(ListingId(at) for at in listings),
        requests_per_second=1_000_000,
    )
    return REGISTRY[platform](account, now=noon, transport=ScriptedStore(serve).transport)


async def walk(connector: StockWriter) -> list[Observation]:
    return [each async for page in connector.census() for each in page]


async def read_one(listing: ListingId, connector: StockWriter) -> list[Observation]:
    return list((await connector.read([listing])).values())


@pytest.mark.parametrize("document", WALKED)
async def test_a_documented_list_is_walked(document: str) -> None:
    assert await walk(connected(document)) == WALKED[document]


@pytest.mark.parametrize("document", READ)
async def test_a_documented_product_is_read(document: str) -> None:
    wanted = READ[document]
    found = await connected(document).read([wanted.listing])
    assert found == {wanted.listing: wanted}


@pytest.mark.parametrize("document", WRITTEN)
async def test_a_documented_answer_to_a_write_is_understood(document: str) -> None:
    status, listing, quantity, outcome = WRITTEN[document]
    correction = Correction(listing=ListingId(listing), quantity=quantity, expected=5)
    [result] = await connected(document, status=status).write([correction])
    assert (result.listing, result.outcome) == (listing, outcome)
    assert (result.detail == "") is (outcome is WriteOutcome.APPLIED)


LOOK_LIKE_PRODUCTS: Final = (
    "simvoly/orders",
    "idealfactory/category_create",
    "idealfactory/category_update",
)
OTHERS: Final = [at for at in DOCUMENTS if at not in {*WALKED, *READ, *WRITTEN}]


@pytest.mark.parametrize("document", OTHERS)
async def test_a_document_about_something_else_is_never_taken_for_stock(document: str) -> None:
    platform, _, name = document.partition("/")
    kind = "variant" if "variant" in name else "product"
    listings = {"idealfactory": ANOTHER[kind], "simvoly": "111:Wood", "recplus": "xyz"}
    listing = ListingId(listings.get(platform, "12"))
    connector = connected(document, listings=(listing,))
    for look in (walk, partial(read_one, listing)):
        try:
            shown = await look(connector)
        except (UnexpectedResponse, StoreRejected):
            continue
        # Orders are listed as products are, and categories have names: neither has a number.
        assert document in LOOK_LIKE_PRODUCTS
        assert all(isinstance(each.reading, NotCounted) for each in shown)


@pytest.mark.parametrize(
    ("document", "status"),
    [("recplus/error", 404), ("simvoly/error", 400), ("freewebstore/forbidden", 403)],
)
async def test_a_documented_error_is_told_in_the_words_of_the_store(
    document: str, status: int
) -> None:
    said = json.loads((SAMPLES / f"{document}.json").read_bytes())
    words = said["errors"][0]["message"] if "errors" in said else said["message"]
    connector = connected(document, status=status)
    with pytest.raises(Exception, match=words) as caught:
        await walk(connector)
    assert type(caught.value).__module__ == "stocksync.errors"


def test_every_platform_has_samples_and_every_sample_belongs_to_a_platform() -> None:
    assert {document.partition("/")[0] for document in DOCUMENTS} == set(REGISTRY)
    assert set(WALKED) | set(READ) | set(WRITTEN) <= set(DOCUMENTS)
