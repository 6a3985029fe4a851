"""A backup is whole, proved and never in the way; and the way back is walked to its end."""

import errno
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from stocksync.ledger import backup
from stocksync.ledger.backup import back_up
from tests.integration.cli_kit import Merchant, call

POSTGRES = "postgresql://anna:planted-word@127.0.0.1:1/none"


def rows(file: Path, table: str = "movements") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as books:
        return books.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608


def tamper(file: Path, statement: str) -> None:
    """Change the books behind the back of their triggers."""
    with closing(sqlite3.connect(file)) as books:
        books.execute("DROP TRIGGER movements_never_change")
        books.execute(statement)
        books.commit()


def left_overs(folder: Path, name: str = "copy.db") -> list[str]:
    return sorted(at.name for at in folder.iterdir() if name in at.name and at.name != name)


def test_a_backup_holds_the_same_books_and_is_its_owners_alone(two_stores: Merchant) -> None:
    two_stores.agreed()
    file = two_stores.folder / "copy.db"

    told = two_stores.answer("backup", str(file))

    assert (told["file"], told["sound"], told["skus"]) == (str(file), True, 3)
    assert told["bytes"] == file.stat().st_size
    for table in ("movements", "balances", "listings", "runs", "stores", "alembic_version"):
        assert rows(two_stores.folder / "stocksync.db", table) == rows(file, table) != []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert left_overs(two_stores.folder) == []


def test_a_backup_never_takes_the_place_of_a_file(two_stores: Merchant) -> None:
    file = two_stores.write("copy.db", "what was there")
    link = two_stores.folder / "dangling"
    link.symlink_to(two_stores.folder / "nowhere.db")

    for taken in (file, link, two_stores.folder / "stocksync.db"):
        said = two_stores.run("backup", str(taken), expect=2).stderr
        assert f"error: {taken}: is there already; name a new file" in said.replace("\n", "")
    assert file.read_text() == "what was there"
    assert not (two_stores.folder / "nowhere.db").exists()


def test_a_file_that_appears_meanwhile_is_left_as_it_is(
    two_stores: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_stores.opened()
    file, proved = two_stores.folder / "copy.db", backup._proved

    def somebody_is_faster(copy: Path) -> object:
        file.write_text("theirs")
        return proved(copy)

    monkeypatch.setattr(backup, "_proved", somebody_is_faster)
    assert "is there already" in two_stores.run("backup", str(file), expect=2).stderr
    assert file.read_text() == "theirs"
    assert left_overs(two_stores.folder) == []


def test_a_disk_without_second_names_takes_a_backup_too(
    two_stores: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    two_stores.opened()
    monkeypatch.setattr("os.link", refuse)
    two_stores.run("backup", str(two_stores.folder / "copy.db"))

    assert len(rows(two_stores.folder / "copy.db")) == 3
    assert left_overs(two_stores.folder) == []


def test_postgresql_is_told_its_own_tool_and_no_password_is_shown(two_stores: Merchant) -> None:
    text = two_stores.config.read_text().replace("sqlite:///stocksync.db", POSTGRES)
    other = two_stores.write("other.yaml", text)
    other.chmod(0o600)

    result = call("backup", str(two_stores.folder / "copy.db"), config=other)

    assert result.exit_code == 2
    assert "pg_dump --format=custom" in result.stderr
    assert "planted-word" not in result.output


@pytest.mark.parametrize("place", ["no/such/folder/copy.db", "stocksync.yaml/copy.db"])
def test_a_place_where_nothing_can_be_made_is_told(two_stores: Merchant, place: str) -> None:
    said = two_stores.run("backup", str(two_stores.folder / place), expect=2).stderr
    assert "cannot be made" in said


def test_books_that_are_not_there_are_not_made_by_looking_for_them(two_stores: Merchant) -> None:
    books = two_stores.folder / "stocksync.db"
    books.unlink()

    said = two_stores.run("backup", str(two_stores.folder / "copy.db"), expect=2).stderr

    assert "run `stocksync migrate`" in said.replace("\n", "")
    assert not books.exists()


def test_books_that_do_not_add_up_make_no_backup(two_stores: Merchant) -> None:
    two_stores.opened()
    tamper(two_stores.folder / "stocksync.db", "UPDATE movements SET units = 99 WHERE number = 1")

    said = two_stores.run("backup", str(two_stores.folder / "copy.db"), expect=1).stderr

    assert "the copy shows" in said
    assert left_overs(two_stores.folder, "copy.db") == []
    assert not (two_stores.folder / "copy.db").exists()


@pytest.mark.parametrize("name", ["a b.db", "100%.db", "what?.db", "50%25.db", "a#1.db", "-rf.db"])
def test_odd_names_are_names_like_any_other(two_stores: Merchant, name: str) -> None:
    two_stores.opened()
    two_stores.run("backup", "--", str(two_stores.folder / name))
    assert len(rows(two_stores.folder / name)) == 3


def test_older_tables_can_be_saved_before_they_are_brought_up_to_date(two_stores: Merchant) -> None:
    two_stores.opened()
    tamper(two_stores.folder / "stocksync.db", "UPDATE alembic_version SET version_num = '0001'")

    two_stores.run("backup", str(two_stores.folder / "copy.db"))

    assert rows(two_stores.folder / "copy.db", "alembic_version") == [("0001",)]


def test_a_backup_waits_for_nobody_and_nobody_for_it(two_stores: Merchant) -> None:
    two_stores.agreed()
    url = f"sqlite:///{two_stores.folder / 'stocksync.db'}"
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE stores SET failures = 7")
        verdict = back_up(url, two_stores.folder / "copy.db")
        writer.commit()
    assert verdict.sound
    with closing(sqlite3.connect(two_stores.folder / "copy.db")) as books:
        assert books.execute("SELECT DISTINCT failures FROM stores").fetchall() == [(0,)]


def test_the_way_back_after_a_backup_under_load(two_stores: Merchant, tmp_path: Path) -> None:
    """Walk the procedure of deploy/README.md: stop, copy, migrate, verify, start."""
    two_stores.agreed()
    books, saved = two_stores.folder / "stocksync.db", two_stores.folder / "saved.db"
    stop, booked = threading.Event(), threading.Event()

    def people_work() -> None:
        while not stop.is_set():
            two_stores.run("stock", "adjust", "MUG", "+1", "--reason", "load")
            booked.set()

    worker = threading.Thread(target=people_work)
    worker.start()
    try:
        assert booked.wait(30)
        url = f"sqlite:///{books}"
        verdicts = [back_up(url, tmp_path / f"copy-{number}.db") for number in range(5)]
        back_up(url, saved)
    finally:
        stop.set()
        worker.join()
    assert all(verdict.sound for verdict in verdicts)
    kept = rows(saved)
    two_stores.shops["shop"].sell("MUG", 3)
    two_stores.run("sync")  # happens after the backup, and will be found again
    assert rows(books)[: len(kept)] == kept

    # The disk is lost: files of the old books lie beside the copy unless they are removed.
    for name in ("stocksync.db", "stocksync.db-wal", "stocksync.db-shm"):
        (two_stores.folder / name).unlink(missing_ok=True)
    shutil.copy(saved, books)
    two_stores.run("migrate")
    assert two_stores.answer("ledger", "verify")["sound"]
    assert rows(books) == kept
    assert "frozen" in two_stores.run("sync", expect=2).output
    two_stores.run("ledger", "accept-restore", "--yes")
    # What people booked after the backup is not in it: then the first plans wait for a person.
    assert call("sync", config=two_stores.config).exit_code in (0, 3)
    two_stores.run("stock", "set", "MUG", str(two_stores.shops["web"].quantity("MUG")))
    two_stores.run("sync")
    shown = {shop.quantity("MUG") for shop in two_stores.shops.values()}
    known = two_stores.answer("stock", "show", "MUG")
    assert shown == {known["on_hand"]}
    assert two_stores.answer("ledger", "verify")["sound"]
