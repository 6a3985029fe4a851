"""Stock over the API: what there is and why, by SKUs that hold whatever a store wrote."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from stocksync.domain.identifiers import Sku
from stocksync.domain.rulebook import Rulebook
from stocksync.domain.rules import Buffer
from tests.integration.api_kit import Api, adjust, adjustments, path_of, serving
from tests.world import rule

#: SKUs that a path or a browser would take for something else.
AWKWARD = [
    "A/B",
    "50%",
    "A B",
    "A?B#C",
    "Ä🍵",
    ".",
    "..",
    "%2F",
    "/",
    "a+b",
    "&=;",
    "history",
    "\\",
]


@pytest.fixture
async def api(tmp_path: Path, blank_books: Path) -> AsyncIterator[Api]:
    """A merchant whose two stores agree with the books."""
    async with serving(tmp_path, blank_books) as at:
        await at.merchant.count(MUG=10, CAP=3)
        await at.merchant.sync()
        yield at


async def test_a_sku_is_shown_with_all_its_listings_as_the_command_shows_it(api: Api) -> None:
    listing = {"listing": "MUG", "reading": 10, "baseline": 10, "target": 10, "state": "linked"}

    assert await api.get("/stock/MUG") == {
        "sku": "MUG",
        "on_hand": 10,
        "reserved": 0,
        "available": 10,
        "locations": {"main": 10},
        "listings": [{"store": "shop", **listing}, {"store": "trade", **listing}],
    }


async def test_the_list_shows_each_sku_as_it_stands_alone_and_goes_on_where_it_was_cut(
    api: Api,
) -> None:
    whole = await api.get("/stock")
    first = await api.get("/stock?limit=1")
    second = await api.get(f"/stock?limit=1&after={first['next']}")

    assert [row["sku"] for row in whole["stock"]] == ["CAP", "MUG"]
    assert whole["next"] is None
    assert (first["next"], second["next"]) == ("CAP", None)
    assert first["stock"] + second["stock"] == whole["stock"]
    for row in whole["stock"]:
        alone = await api.get(path_of(row["sku"]))
        assert row == {name: alone[name] for name in row}


async def test_the_list_is_searched_by_any_part_whatever_its_case(api: Api) -> None:
    for text, found in (("mu", ["MUG"]), ("A", ["CAP"]), ("%25", []), ("_", []), ("zz", [])):
        rows = (await api.get(f"/stock?q={text}"))["stock"]
        assert [row["sku"] for row in rows] == found


async def test_what_only_a_store_knows_is_listed_as_unknown_and_not_as_zero(
    tmp_path: Path, blank_books: Path
) -> None:
    async with serving(tmp_path, blank_books) as api:
        await api.merchant.sync()
        rows = (await api.get("/stock"))["stock"]

        assert rows[0] == {"sku": "CAP", "on_hand": None, "reserved": None, "available": None}


async def test_the_history_of_a_sku_is_told_newest_first(api: Api) -> None:
    api.merchant.sell("shop", "MUG", 2)
    await api.merchant.sync()

    rows = (await api.get("/stock/MUG/history"))["movements"]
    last = (await api.get("/stock/MUG/history?limit=1"))["movements"]

    assert [(row["kind"], row["units"]) for row in rows] == [("sale", 2), ("opening", 10)]
    assert (rows[0]["store"], rows[0]["from"]) == ("shop", "loc:main")
    assert last == rows[:1]


async def test_why_a_number_is_what_it_is_is_explained_for_every_store_or_one(api: Api) -> None:
    both = await api.get("/explain/MUG")
    one = await api.get("/explain/MUG?store=trade")

    assert [at["store"] for at in both["listings"]] == ["shop", "trade"]
    assert one["listings"] == both["listings"][1:]
    assert one["sku"] == "MUG"


async def test_which_rule_decides_what_is_told_for_every_store_or_one(api: Api) -> None:
    api.merchant.open([rule("keep two", buffer=Buffer(units=2)), rule("few", store="trade", cap=4)])
    both = await api.get("/stock/MUG/rules")
    one = await api.get("/stock/MUG/rules?store=trade")
    new = await api.get("/stock/NOSUCH/rules?store=trade")

    assert [(at["store"], at["target"]) for at in both["stores"]] == [("shop", 8), ("trade", 4)]
    assert one == {"sku": "MUG", "stores": both["stores"][1:]}
    [trade] = one["stores"]
    assert [(at["name"], at["value"], at["rule"]) for at in trade["wishes"]] == [
        ("buffer", "2", "keep two"),
        ("cap", 4, "few"),
    ]
    assert [step["name"] for step in trade["steps"]] == ["sum of locations", "buffer", "cap"]
    [unknown] = new["stores"]
    assert (unknown["target"], unknown["wishes"]) == (None, trade["wishes"])


UNKNOWN = ["NOSUCH", "mug", "MUG ", "x" * 256, "%20", "%00", "A%00B", "%FF"]


async def test_a_sku_that_nobody_knows_is_not_found_anywhere(api: Api) -> None:
    for sku in UNKNOWN:
        for path in (f"/stock/{sku}", f"/stock/{sku}/history", f"/explain/{sku}"):
            refused = await api.get(path, expect=404)
            assert "SKU" in refused["error"]
        headers = {"Idempotency-Key": "k"}
        body = {"units": 1, "reason": "found"}
        await api.post(f"/stock/{sku}/adjustments", body, expect=404, headers=headers)


async def test_a_store_that_does_not_exist_explains_nothing(api: Api) -> None:
    for path in ("/explain/MUG", "/stock/MUG/rules"):
        refused = await api.get(f"{path}?store=nosuch", expect=404)

        assert refused["error"] == "no store is called 'nosuch'"


QUESTIONS = [
    ("/stock?limit=0", "limit"),
    ("/stock?limit=1001", "limit"),
    ("/stock?limit=ten", "limit"),
    ("/stock?q=%00", "q"),
    (f"/stock?q={'x' * 256}", "q"),
    (f"/stock?after={'x' * 256}", "after"),
    ("/stock/MUG/history?limit=0", "limit"),
    ("/explain/MUG?store=%00", "store"),
    (f"/explain/MUG?store={'x' * 33}", "store"),
]


async def test_a_question_that_cannot_be_meant_is_refused_by_name(api: Api) -> None:
    for path, field in QUESTIONS:
        refused = await api.get(path, expect=422)
        assert refused["error"].startswith(f"{field}: ")
        assert "x" * 33 not in refused["error"]


async def test_a_bundle_is_shown_by_its_parts_and_never_adjusted(
    tmp_path: Path, blank_books: Path
) -> None:
    book = Rulebook(bundles={Sku("KIT"): {Sku("MUG"): 2}})
    async with serving(tmp_path, blank_books, {"shop": {"MUG": 10, "KIT": 5}}, book=book) as api:
        await api.merchant.count(MUG=10)
        await api.merchant.sync()

        refused = await adjust(api, sku="KIT", expect=422)
        assert "bundle" in refused["error"]
        assert [row["sku"] for row in (await api.get("/stock"))["stock"]] == ["KIT", "MUG"]
        assert (await api.get("/stock/KIT"))["listings"][0]["target"] == 5


@pytest.fixture
async def awkward(tmp_path: Path, blank_books: Path) -> AsyncIterator[Api]:
    """A merchant whose SKUs hold what separates and hides elsewhere."""
    async with serving(tmp_path, blank_books, {"shop": dict.fromkeys(AWKWARD, 4)}) as at:
        await at.merchant.count(**dict.fromkeys(AWKWARD, 4))
        await at.merchant.sync()
        yield at


async def test_a_sku_in_a_path_is_that_sku_whatever_it_holds(awkward: Api) -> None:
    for number, sku in enumerate(AWKWARD):
        shown = await awkward.get(path_of(sku))
        assert (shown["sku"], shown["on_hand"]) == (sku, 4)
        booked = await adjust(awkward, number + 1, f"k{number}", sku=sku)
        assert booked["sku"] == sku
        [row] = await adjustments(awkward, sku)
        assert row["units"] == number + 1
        explained = await awkward.get(f"/explain/{path_of(sku).removeprefix('/stock/')}")
        assert explained["sku"] == sku
    on_hand = {row["sku"]: row["on_hand"] for row in (await awkward.get("/stock"))["stock"]}
    assert on_hand == {sku: 5 + number for number, sku in enumerate(AWKWARD)}


async def test_a_page_of_awkward_skus_goes_on_after_each_of_them(awkward: Api) -> None:
    seen, after = [], ""
    for _ in AWKWARD:
        page = await awkward.get(f"/stock?limit=1&after={quote(after, safe='')}")
        seen += [row["sku"] for row in page["stock"]]
        after = page["next"] or ""

    assert seen == sorted(AWKWARD, key=lambda sku: sku.encode())
    assert after == ""
