"""Keep the number of the last change outside the database, to notice a database that went back."""

import fcntl
import os
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection, select, update

from stocksync.contracts.ledger import Commit
from stocksync.errors import LedgerFrozen
from stocksync.ledger.engine import Database, file_of
from stocksync.ledger.installation import INSTALLATION
from stocksync.ledger.schema import require_head
from stocksync.ledger.tables import LISTINGS, MOVEMENTS

SUFFIX: Final = ".witness"
#: As many digits as a 64 bit number has: the line is written over in place, whole.
_DIGITS: Final = 20
_GENERATION: Final = select(INSTALLATION.c.generation)
_RAISED: Final = (
    update(INSTALLATION)
    .values(generation=INSTALLATION.c.generation + 1)
    .returning(INSTALLATION.c.generation)
)

log = structlog.get_logger(__name__)


class Witness:
    """A small file that holds the highest generation of the books that was ever committed.

    It is written after each commit and never before, so a crash leaves it behind and never ahead;
    it is not forced to disk. `seen` is the highest generation this process knows of. A file that
    cannot be written is said once in the log, and the books go on without it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = 0
        self._complained = False

    def read(self) -> int | None:
        """Return the generation in the file; None when there is none or it says nothing."""
        try:
            text = self.path.read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        return int(text) if text.strip().isdecimal() else None

    def keep(self, generation: int, *, lower: bool = False) -> None:
        """Raise the file to this generation; never lower it unless told to."""
        try:
            self._write(generation, lower=lower)
        except OSError as error:
            if not self._complained:
                log.warning(
                    "no witness of the books can be kept: a restored backup would go unnoticed",
                    file=str(self.path),
                    reason=str(error),
                )
            self._complained = True
            self.seen = generation if lower else max(self.seen, generation)

    def _write(self, generation: int, *, lower: bool) -> None:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # other processes raise it too
            known = os.pread(handle, _DIGITS, 0)
            highest = int(known) if known.isdigit() and not lower else 0
            self.seen = max(highest, generation)
            if lower or generation > highest:
                os.pwrite(handle, b"%020d\n" % generation, 0)
        finally:
            os.close(handle)


def witness_for(database: Database, chosen: Path | None) -> Witness | None:
    """Return the witness of a database: the chosen file, else one beside SQLite's, else none."""
    file = file_of(database.url)
    if chosen is None and file is not None:
        chosen = file.with_name(file.name + SUFFIX)
    return None if chosen is None else Witness(chosen)


def examine(database: Database, witness: Witness | None) -> str:
    """Require the right tables, and say why nothing may be written to them, if so."""
    require_head(database)
    if witness is None:
        return ""
    with database.asking() as connection:
        return found_older(connection, witness)


def changes_books(commit: Commit) -> bool:
    """Tell whether a commit changes what must not be forgotten: books, listings or intents."""
    return bool(
        commit.movements
        or commit.records
        or commit.due_skus
        or commit.due_listings
        or commit.intents
        or commit.lines
    )


def raised(connection: Connection, witness: Witness) -> int:
    """Raise the generation inside a commit and return it.

    The file is asked each time: another process may have told it more than this one knows of.

    Raises:
        LedgerFrozen: The database went back while this process had it open.
    """
    highest = max(witness.seen, witness.read() or 0)
    generation = connection.execute(_RAISED).scalar_one()
    if generation <= highest:
        raise LedgerFrozen(_reason(generation - 1, highest, witness))
    return int(generation)


def found_older(connection: Connection, witness: Witness) -> str:
    """Say why nothing may be booked; empty when the books are as new as the witness.

    Books that hold nothing yet are never too old: the witness begins anew with them. The witness is
    asked first: another process may raise both in between, the database before its witness.
    """
    before = witness.read()
    generation = int(connection.execute(_GENERATION).scalar_one())
    if before is None:
        if generation:
            log.warning("the books have no witness here yet; it begins now", at=str(witness.path))
        witness.seen = generation
        return ""
    if generation >= before:
        witness.seen = generation
        return ""
    if _is_empty(connection):
        log.warning("the books begin anew, and so does their witness", at=str(witness.path))
        witness.keep(generation, lower=True)
        return ""
    witness.seen = before
    return _reason(generation, before, witness)


def pass_witness(connection: Connection, witness: Witness) -> int:
    """Lift the generation of books that a person accepts above the witness, and return it."""
    generation = connection.execute(_GENERATION).scalar_one()
    lifted = max(int(generation), witness.seen, witness.read() or 0) + 1
    connection.execute(update(INSTALLATION).values(generation=lifted))
    return lifted


def _is_empty(connection: Connection) -> bool:
    tables = (LISTINGS.c.store, MOVEMENTS.c.number)
    return all(connection.execute(select(at).limit(1)).first() is None for at in tables)


def _reason(found: int, expected: int, witness: Witness) -> str:
    return (
        f"the books are frozen: their last change is number {found}, but {expected} was written "
        f"before (says {witness.path}), so the database was restored from a backup or lost its "
        "last writes. Booking now would count sales twice. Put the newer database back, or see "
        "`stocksync ledger accept-restore`"
    )
