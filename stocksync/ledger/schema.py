"""Tell whether a database has the tables that this program was written for."""

from typing import Final

from sqlalchemy import Connection, inspect, text

from stocksync.errors import LedgerUnavailable
from stocksync.ledger.engine import Database, file_of
from stocksync.ledger.failures import MIGRATE

#: The newest migration in `migrations/versions`; a test keeps the two together.
HEAD: Final = "0006"


def pending(url: str) -> bool:
    """Tell whether `stocksync migrate` is needed; a database that is not there needs it.

    Raises:
        LedgerUnavailable: The url is wrong, or the server cannot be asked.
    """
    database = Database(url)
    try:
        return revision(database) != HEAD
    finally:
        database.close()


def revision(database: Database) -> str | None:
    """Return the version of the tables; None when there are none. Never makes a file."""
    file = file_of(database.url)
    if file is not None and not file.exists():
        return None
    with database.asking() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def require_head(database: Database) -> None:
    """Refuse tables that are missing, older or newer than this program; never migrates itself.

    Raises:
        LedgerUnavailable: With what to do about it.
    """
    found = revision(database)
    if found == HEAD:
        return
    if found is None:
        raise LedgerUnavailable(f"{database.shown} holds no ledger yet: {MIGRATE}")
    if found < HEAD:
        raise LedgerUnavailable(f"{database.shown} has version {found} of the tables: {MIGRATE}")
    raise LedgerUnavailable(
        f"{database.shown} has version {found} of the tables, this stocksync knows {HEAD}: "
        "install the newer stocksync"
    )
