"""Bring a database to the tables this program was written for; `stocksync migrate` calls it."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config

from stocksync.errors import LedgerUnavailable
from stocksync.ledger.engine import Database, file_of
from stocksync.ledger.schema import HEAD, revision

FOLDER: Final = Path(__file__).parent


def migrate(url: str) -> bool:
    """Upgrade the tables to the newest version, in one transaction; tell whether that was needed.

    Makes a SQLite file that does not exist yet, but not its folder. Two at once are one after
    the other. There is no way back but a backup.

    Raises:
        LedgerUnavailable: The database cannot be reached, or a newer stocksync made its tables.
    """
    database = Database(url)
    try:
        _require_folder(database)
        before = revision(database)
        if before is not None and before > HEAD:
            raise LedgerUnavailable(
                f"{database.shown} has version {before} of the tables, this stocksync knows "
                f"{HEAD}: install the newer stocksync"
            )
        with database.writing() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.close()
    return before != HEAD


def configuration() -> Config:
    """Tell Alembic where the migrations are; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _require_folder(database: Database) -> None:
    file = file_of(database.url)
    if file is not None and not file.absolute().parent.is_dir():
        raise LedgerUnavailable(f"there is no folder {file.absolute().parent}: make it first")
