"""`stock …` over real books: counts, adjustments, stock files there and back."""

import csv
import io
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stocksync.cli.stockfile import as_csv, guarded, read_file, unguarded
from stocksync.cli.tables import LINES_MAX
from stocksync.domain.identifiers import sku_from
from tests.integration.cli_kit import Merchant, keys, merchant, table_under

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "'=already guarded",
    "+1",
    "-1",
    "@SUM(A1)",
    "\ttab first",
    "'plain apostrophe",
    '"quoted", with comma',
    "two\nlines",
    "two\r\nlines",
    "A\x1b[31mRED\x1b[0m",
    "\u202eabc",
    " blanks around ",
    "[bold]markup[/bold]",
    ":smile:",
    "back\\nslash",
    "naïve-Ä-日本",
    "#comment",
    "00123",
    "1e5",
]


@pytest.fixture
def shelf(tmp_path: Path, blank_books: Path) -> Iterator[Merchant]:
    """A merchant whose one store lists nothing: books only."""
    with merchant(tmp_path, blank_books, {"shop": "recplus"}, units={}) as subject:
        yield subject


def on_hand(subject: Merchant) -> dict[str, int]:
    return {row["sku"]: row["on_hand"] for row in subject.answer("stock", "list")}


def test_the_list_shows_totals_and_what_runs_low(shelf: Merchant) -> None:
    shelf.opened({"MUG": 3, "TEE": 12, "CAP": 0})

    rows = shelf.answer("stock", "list")

    assert keys(rows) == [["sku", "on_hand", "reserved", "available"]] * 3
    assert rows[1] == {"sku": "MUG", "on_hand": 3, "reserved": 0, "available": 3}
    assert [row["sku"] for row in shelf.answer("stock", "list", "--low", "3")] == ["CAP", "MUG"]
    shown = shelf.run("stock", "list", "--limit", "2").stdout
    assert table_under(shown, "SKU")[1:3] == [["CAP", "0", "0", "0"], ["MUG", "3", "0", "3"]]
    assert "… and 1 more" in shown


def test_one_sku_is_shown_as_the_surface_promises(two_stores: Merchant) -> None:
    two_stores.agreed()
    two_stores.run("stock", "set", "MUG", "9")

    document = two_stores.answer("stock", "show", "MUG")

    assert list(document) == ["sku", "on_hand", "reserved", "available", "locations", "listings"]
    assert (
        keys(document["listings"])
        == [["store", "listing", "reading", "baseline", "target", "state"]] * 2
    )
    assert document["locations"] == {"main": 9}
    assert [
        (at["store"], at["reading"], at["baseline"], at["target"], at["state"])
        for at in document["listings"]
    ] == [("shop", 10, 10, 9, "linked"), ("web", 10, 10, 9, "linked")]


def test_an_unknown_sku_is_told_with_its_nearest(shelf: Merchant) -> None:
    shelf.opened({"MUG-RED": 1})
    for words in (("stock", "show", "MUG-REP"), ("stock", "adjust", "MUG-REP", "+1")):
        reason = ["--reason", "found"] if "adjust" in words else []
        result = shelf.run(*words, *reason, expect=2)
        assert result.stderr.splitlines() == [
            "error: the ledger does not know SKU 'MUG-REP'; did you mean 'MUG-RED'?"
        ]


@pytest.mark.parametrize(("units", "after"), [("-2", 8), ("+5", 15), ("5", 15)])
def test_units_found_or_lost_are_booked_with_a_reason(
    shelf: Merchant, units: str, after: int
) -> None:
    shelf.opened({"MUG": 10})

    document = shelf.answer("stock", "adjust", "MUG", units, "--reason", "broken")

    assert (document["before"], document["on_hand"]) == (10, after)
    assert on_hand(shelf) == {"MUG": after}
    newest = shelf.answer("history", "MUG")[0]
    assert (newest["kind"], newest["reason"]) == ("adjustment", "broken")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("adjust", "MUG", "two", "--reason", "x"), "'two' is not a number of units"),
        (("adjust", "MUG", "0", "--reason", "x"), "1 to 1000000 units"),
        (("adjust", "MUG", "-2"), "--reason"),
        (("adjust", "MUG", "-2", "--reason", " "), "needs a reason"),
        (("adjust", "MUG", "-2", "--reason", "x", "--location", "moon"), "it is at main"),
        (("set", "MUG", "-1"), "'-1' is not a whole number"),
        (("set", "MUG", "1.5"), "'1.5' is not a whole number"),
        (("set", "", "1"), "a SKU has 1 to 255 letters"),
        (("set", "M" * 256, "1"), "a SKU has 1 to 255 letters"),
    ],
)
def test_a_number_that_cannot_be_meant_books_nothing(
    shelf: Merchant, words: tuple[str, ...], complaint: str
) -> None:
    shelf.opened({"MUG": 10})

    result = shelf.run("stock", *words, expect=2)

    assert complaint in result.stderr
    assert on_hand(shelf) == {"MUG": 10}


def test_a_count_replaces_what_the_books_said(shelf: Merchant) -> None:
    shelf.opened({"MUG": 10})

    assert "10 → 4" in shelf.run("stock", "set", "MUG", "4").stdout
    assert "nothing to book" in shelf.run("stock", "set", "MUG", "4").stdout

    assert [at["kind"] for at in shelf.answer("history", "MUG")] == ["count", "opening"]
    assert shelf.answer("history", "MUG")[0]["document"] == "anna"


def test_a_count_of_a_new_sku_opens_it_and_names_the_ones_like_it(shelf: Merchant) -> None:
    shelf.opened({"MUG-RED": 10})

    result = shelf.run("stock", "set", "MUG-REP", "4")

    assert "did you mean 'MUG-RED'?" in result.stderr
    assert on_hand(shelf) == {"MUG-RED": 10, "MUG-REP": 4}


def test_a_sku_in_two_places_needs_its_location(shelf: Merchant) -> None:
    text = "sku,on_hand,location\nMUG,4,main\nMUG,2,outlet\n"
    shelf.run("stock", "import", str(shelf.write("two.csv", text)))

    result = shelf.run("stock", "set", "MUG", "9", expect=2)
    assert "main, outlet" in result.stderr
    shelf.run("stock", "set", "MUG", "9", "--location", "outlet")

    assert shelf.answer("stock", "show", "MUG")["locations"] == {"main": 4, "outlet": 9}


def test_a_file_opens_new_skus_and_counts_known_ones(shelf: Merchant) -> None:
    shelf.opened({"MUG": 10, "TEE": 5})
    file = shelf.write("new.csv", "sku,on_hand\nMUG,7\nTEE,5\nCAP,0\n")
    expected = [
        {"sku": "MUG", "location": "main", "before": 10, "after": 7},
        {"sku": "CAP", "location": "main", "before": None, "after": 0},
    ]

    tried = shelf.answer("stock", "import", str(file), "--dry-run")
    assert on_hand(shelf) == {"MUG": 10, "TEE": 5}
    booked = shelf.answer("stock", "import", str(file))
    again = shelf.answer("stock", "import", str(file))

    assert list(booked) == ["file", "lines", "changes", "movements", "dry_run"]
    assert (tried["changes"], tried["movements"], tried["dry_run"]) == (expected, 0, True)
    assert (booked["changes"], booked["movements"], booked["lines"]) == (expected, 2, 3)
    assert (again["changes"], again["movements"]) == ([], 0)
    assert on_hand(shelf) == {"CAP": 0, "MUG": 7, "TEE": 5}


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("sku,stock\nA,1\n", ["new.csv:1: the first line must be"]),
        ("sku,on_hand\nA,1\nB,x\n,2\nC,-3\n", ["new.csv:3: 'x'", "new.csv:4", "new.csv:5: '-3'"]),
        ("sku,on_hand\n'=A,1\n=A,2\n", ["new.csv:3: '=A' was counted at"]),
        ("sku,on_hand\nA\0,1\n", ["new.csv:2: holds a NUL character"]),
    ],
)
def test_every_wrong_line_of_a_file_is_told_at_once_and_nothing_is_booked(
    shelf: Merchant, text: str, complaints: list[str]
) -> None:
    file = shelf.write("new.csv", text)

    result = shelf.run("stock", "import", str(file), expect=2)

    lines = result.stderr.splitlines()
    assert len(lines) == len(complaints)
    for line, complaint in zip(lines, complaints, strict=True):
        assert line.startswith("error: ")
        assert complaint in line
    assert on_hand(shelf) == {}


def test_a_file_that_cannot_be_read_is_told(shelf: Merchant) -> None:
    (shelf.folder / "latin.csv").write_bytes(b"sku,on_hand\nCAF\xe9,1\n")

    assert (
        "latin.csv:2: is not UTF-8"
        in shelf.run("stock", "import", str(shelf.folder / "latin.csv"), expect=2).stderr
    )
    nowhere = shelf.run("stock", "import", "nowhere.csv", expect=2).stderr
    assert "nowhere.csv: there is no such file" in nowhere


def test_what_is_exported_can_be_imported_elsewhere_whatever_the_names(
    tmp_path: Path, blank_books: Path
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    rows = [{"sku": sku, "on_hand": at, "location": "=x"} for at, sku in enumerate(HOSTILE)]
    for folder in (there, here):
        folder.mkdir()
    with merchant(here, blank_books, {"shop": "recplus"}, units={}) as subject:
        subject.run("stock", "import", str(subject.write("all.csv", as_csv(rows))))
        assert on_hand(subject) == {sku: at for at, sku in enumerate(HOSTILE)}
        printed = subject.run("stock", "export").stdout_bytes.decode()
        document = subject.answer("stock", "export", str(here / "export.csv"))
        again = subject.answer("stock", "import", str(here / "export.csv"))
    with merchant(there, blank_books, {"shop": "recplus"}, units={}) as other:
        other.run("stock", "import", str(here / "export.csv"))
        twin = other.run("stock", "export").stdout_bytes.decode()

    assert again["changes"] == []
    assert document == {"file": str(here / "export.csv"), "lines": len(HOSTILE)}
    assert printed == twin == (here / "export.csv").read_bytes().decode()


def test_a_dash_is_standard_output_and_no_file(
    shelf: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.opened({"MUG": 4})
    monkeypatch.chdir(shelf.folder)

    printed = shelf.run("stock", "export", "-").stdout

    assert printed.splitlines() == ["sku,on_hand,location", "MUG,4,main"]
    assert shelf.answer("stock", "export", "-") == shelf.answer("stock", "export")
    assert not (shelf.folder / "-").exists()
    shelf.run("stock", "export", "./-x")
    assert (shelf.folder / "-x").exists()


def test_a_long_import_prints_some_of_it_and_json_shows_all(shelf: Merchant) -> None:
    rows = [{"sku": f"S-{at:04}", "on_hand": at, "location": "main"} for at in range(1, 251)]
    file = str(shelf.write("long.csv", as_csv(rows)))

    shown = shelf.run("stock", "import", file, "--dry-run").stdout
    document = shelf.answer("stock", "import", file, "--dry-run")

    assert shown.count("S-0") == LINES_MAX
    assert "--json shows all" in shown
    assert "250 lines: 250 differ" in shown
    assert len(document["changes"]) == 250


def test_an_export_in_json_is_the_same_rows(shelf: Merchant) -> None:
    shelf.opened({"MUG": 4})
    assert shelf.answer("stock", "export") == [{"sku": "MUG", "on_hand": 4, "location": "main"}]


def test_oversold_lines_of_an_export_are_named(shelf: Merchant) -> None:
    shelf.opened({"MUG": 1})
    shelf.run("stock", "adjust", "MUG", "-4", "--reason", "sold by hand")

    result = shelf.run("stock", "export")

    assert result.stdout.splitlines() == ["sku,on_hand,location", "MUG,-3,main"]
    assert "1 line below zero (oversold)" in result.stderr


def test_a_folder_that_is_missing_is_told_and_leaves_no_file(shelf: Merchant) -> None:
    assert "cannot be written" in shelf.run("stock", "export", "no/where.csv", expect=2).stderr


def test_an_export_takes_the_place_of_an_older_one(shelf: Merchant) -> None:
    shelf.opened({"MUG": 1})
    file = shelf.write("out.csv", "old")
    shelf.run("stock", "export", str(file))

    assert file.read_text() == "sku,on_hand,location\nMUG,1,main\n"
    assert [at.name for at in shelf.folder.glob(".out*")] == []


@pytest.mark.parametrize("first", list("=+-@\t\r"))
def test_a_spreadsheet_never_sees_a_formula_first(first: str) -> None:
    assert guarded(f"{first}1") == f"'{first}1"
    assert guarded(f"x{first}1") == f"x{first}1"
    assert unguarded(f"'{first}1") == f"{first}1"


LETTERS = st.text(
    st.one_of(
        st.sampled_from("'=+-@\t\r\n\",; \\" + string.ascii_letters),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)


@given(text=LETTERS)
def test_taking_a_guard_off_is_the_opposite_of_putting_it_on(text: str) -> None:
    assert unguarded(guarded(text)) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    named=st.dictionaries(
        st.tuples(
            LETTERS.filter(lambda text: sku_from(text) is not None),
            LETTERS.map(str.strip).filter(bool),
        ),
        st.integers(0, 1_000_000),
        max_size=6,
    )
)
def test_a_stock_file_is_read_back_as_it_was_written(
    tmp_path: Path, named: dict[tuple[str, str], int]
) -> None:
    rows = [
        {"sku": sku, "on_hand": units, "location": location}
        for (sku, location), units in named.items()
    ]
    text = as_csv(rows)
    file = tmp_path / "stock.csv"
    file.write_bytes(text.encode())

    found = {(count.sku, count.location): count.on_hand for count in read_file(file)}

    assert found == named
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r") and cell]
