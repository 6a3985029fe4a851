"""Copy the books of SQLite into one whole file while others go on writing, and prove the copy."""

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from stocksync.contracts.ledger import Verdict
from stocksync.errors import ConfigurationError, LedgerBroken, LedgerUnavailable
from stocksync.ledger.engine import LOCK_WAIT_SECONDS, Database, file_of
from stocksync.ledger.failures import MIGRATE, translated
from stocksync.ledger.proof import verify
from stocksync.ledger.schema import revision

#: How disks that know no second names say so, such as memory sticks.
_NO_SECOND_NAMES: Final = (errno.EPERM, errno.ENOTSUP, errno.EMLINK)
_SERVER: Final = (
    "database: PostgreSQL is backed up with its own tool: "
    "pg_dump --format=custom --file=FILE, or the backup of your provider"
)


def back_up(url: str, file: Path) -> Verdict:
    """Copy the books at `url` into a new `file`, and return what `ledger verify` finds in it.

    `VACUUM INTO` (https://sqlite.org/lang_vacuum.html) reads one moment of the books and holds up
    nobody who writes. The copy gets its name when it is on disk and proved, never before; it is
    its owner's alone.

    Raises:
        ConfigurationError: Not SQLite, the file is there already, or its folder cannot be used.
        LedgerUnavailable: The books cannot be read, or the disk is full.
        LedgerBroken: The copy does not add up, and is not kept.
    """
    database = Database(url)
    try:
        books = file_of(database.url)
        if books is None:
            raise ConfigurationError([_SERVER])
        if revision(database) is None:
            raise LedgerUnavailable(f"{database.shown} holds no ledger yet: {MIGRATE}")
    finally:
        database.close()
    _refuse_to_overwrite(file)
    with _beside(file) as copy:
        _copy(books, copy)
        verdict = _proved(copy)
        _keep(copy, file)
    return verdict


def _refuse_to_overwrite(file: Path) -> None:
    if file.is_symlink() or file.exists():
        raise ConfigurationError([f"{file}: is there already; name a new file"])


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """Make an empty file in the same folder for the time being; SQLite fills empty files."""
    try:
        handle, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}.")
    except OSError as error:
        raise ConfigurationError([f"{file}: cannot be made: {error.strerror}"]) from None
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _copy(books: Path, copy: Path) -> None:
    """Copy with a connection that cannot write the books (`query_only` would refuse VACUUM)."""
    source = f"{books.absolute().as_uri()}?mode=ro"
    try:
        with closing(
            sqlite3.connect(source, uri=True, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
        ) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        advice = "make room on its disk" if name == "SQLITE_FULL" else "check both disks"
        raise LedgerUnavailable(f"the books cannot be copied: {error}; {advice}") from error


def _proved(copy: Path) -> Verdict:
    """Open the copy as books and prove it as `ledger verify` does, and its pages too."""
    database = Database(f"sqlite:///{quote(str(copy))}")
    try:
        with translated(), database.asking() as connection:
            [said] = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalars()
            verdict = verify(connection)
    finally:
        database.close()
    if said != "ok":
        raise LedgerBroken(f"SQLite finds the copy damaged ({said}); it was not kept")
    if not verdict.sound:
        found = len(verdict.imbalances) + len(verdict.mismatches) + len(verdict.broken_seals)
        raise LedgerBroken(f"the copy shows {found} faults in the books; it was not kept")
    return verdict


def _name(copy: Path, file: Path) -> None:
    """Give the copy its name: a second one, for a rename would replace what came in between."""
    try:
        os.link(copy, file)
    except OSError as error:
        if error.errno not in _NO_SECOND_NAMES:
            raise
        _refuse_to_overwrite(file)
        copy.rename(file)


def _keep(copy: Path, file: Path) -> None:
    """Give the copy its name once it is on disk; two backups at once never lose one of them."""
    try:
        with copy.open("rb") as opened:
            os.fsync(opened.fileno())
        _name(copy, file)
        folder = os.open(file.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        _refuse_to_overwrite(file)
    except OSError as error:
        raise ConfigurationError([f"{file}: cannot be written: {error.strerror}"]) from None
