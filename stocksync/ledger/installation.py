"""The table with the one row about the database itself."""

from typing import Final

from sqlalchemy import CheckConstraint, Table
from sqlmodel import Field

from stocksync.ledger.tables import NUMBER, Row


class InstallationRow(Row, table=True):
    """The one row about the database itself: how many commits changed the books so far."""

    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("number = 1", name="number"),
        CheckConstraint("generation >= 0", name="generation"),
    )

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    generation: int = Field(sa_type=NUMBER)


INSTALLATION: Final[Table] = Row.metadata.tables["installation"]
