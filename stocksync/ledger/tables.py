"""The ledger's tables: movements that are never crossed out, and what is remembered beside them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlmodel import Field, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from stocksync.contracts.ledger import HoldState, IntentState
from stocksync.domain.gates import Gate
from stocksync.domain.movements import MovementKind
from stocksync.domain.stock import Gap, Presence

#: PostgreSQL sorts names as SQLite and Python do: by code point, in every locale.
NAME: Final = Text().with_variant(Text(collation="C"), "postgresql")
#: SQLite numbers its rows with INTEGER only; elsewhere units and numbers have 64 bits.
NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")

COUNTED: Final = "counted"
OFFERED: Final = "offered"
READINGS: Final = (COUNTED, OFFERED, *(gap.value for gap in Gap))


class Row(SQLModel):
    """What all tables share: names of constraints that are the same in every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        }
    )


def one_of(column: str, *words: str) -> CheckConstraint:
    """Allow these words only: unlike a native enum, one unknown word does not spoil every read."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def named(words: type[StrEnum]) -> tuple[str, ...]:
    return tuple(word.value for word in words)


class MovementRow(Row, table=True):
    """One line of the books. Triggers refuse to change or delete it (see the first migration)."""

    __tablename__ = "movements"
    __table_args__ = (
        CheckConstraint("units >= 0", name="units"),
        CheckConstraint("source <> destination", name="sides"),
        one_of("kind", *named(MovementKind)),
        Index(None, "sku", "number"),
        Index("uq_movements_key", "key", unique=True),
    )

    number: int = Field(sa_type=NUMBER, primary_key=True, sa_column_kwargs={"autoincrement": False})
    key: str = Field(sa_type=NAME)
    sku: str = Field(sa_type=NAME)
    kind: str = Field(sa_type=NAME)
    source: str = Field(sa_type=NAME)
    destination: str = Field(sa_type=NAME)
    units: int = Field(sa_type=NUMBER)
    occurred_at: datetime = Field(sa_type=UTCDateTime)
    recorded_at: datetime = Field(sa_type=UTCDateTime)
    store: str | None = Field(sa_type=NAME)
    listing: str | None = Field(sa_type=NAME)
    document: str = Field(sa_type=NAME)
    reason: str = Field(sa_type=NAME)
    run: str = Field(sa_type=NAME)
    seal: str = Field(sa_type=NAME)


class BalanceRow(Row, table=True):
    """The sum of a SKU's movements in one account: a projection, proved by `ledger verify`."""

    __tablename__ = "balances"
    __table_args__ = ({"sqlite_with_rowid": False},)

    sku: str = Field(sa_type=NAME, primary_key=True)
    account: str = Field(sa_type=NAME, primary_key=True)
    units: int = Field(sa_type=NUMBER)


class ListingRow(Row, table=True):
    """What is remembered of one listing in one store; `reading_*` hold its last reading."""

    __tablename__ = "listings"
    __table_args__ = (
        one_of("presence", *named(Presence)),
        one_of("reading_kind", *READINGS),
        CheckConstraint("(reading_kind IS NULL) = (read_at IS NULL)", name="reading"),
        CheckConstraint("version > 0", name="version"),
        Index(None, "sku"),
        Index(
            None,
            "store",
            "due_since",
            sqlite_where=text("due_since IS NOT NULL"),
            postgresql_where=text("due_since IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )

    store: str = Field(sa_type=NAME, primary_key=True)
    listing: str = Field(sa_type=NAME, primary_key=True)
    code: str | None = Field(sa_type=NAME)
    sku: str | None = Field(sa_type=NAME)
    group: str = Field(sa_type=NAME)
    title: str = Field(sa_type=NAME)
    presence: str = Field(sa_type=NAME)
    quarantine: str = Field(sa_type=NAME)
    reading_kind: str | None = Field(sa_type=NAME)
    reading_number: int | None = Field(sa_type=NUMBER)
    reading_text: str = Field(sa_type=NAME)
    read_at: datetime | None = Field(sa_type=UTCDateTime)
    baseline: int | None = Field(sa_type=NUMBER)
    settled: bool
    due_since: datetime | None = Field(sa_type=UTCDateTime)
    attempts: int
    retry_at: datetime | None = Field(sa_type=UTCDateTime)
    version: int = Field(sa_type=NUMBER)
    # Columns added to rows that exist: the default is theirs.
    unexplained: str = Field(sa_type=NAME, sa_column_kwargs={"server_default": text("''")})
    unexplained_since: datetime | None = Field(sa_type=UTCDateTime)
    missed: int = Field(sa_column_kwargs={"server_default": text("0")})


class IntentRow(Row, table=True):
    """A write to a store, recorded before it is sent; at most one is open per listing."""

    __tablename__ = "intents"
    __table_args__ = (
        one_of("state", *named(IntentState)),
        Index(None, "state", "store", "listing"),
        Index(
            "uq_intents_open",
            "store",
            "listing",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: str = Field(sa_type=NAME, primary_key=True)
    run: str = Field(sa_type=NAME)
    store: str = Field(sa_type=NAME)
    listing: str = Field(sa_type=NAME)
    sku: str = Field(sa_type=NAME)
    before: int = Field(sa_type=NUMBER)
    target: int = Field(sa_type=NUMBER)
    state: str = Field(sa_type=NAME)
    created_at: datetime = Field(sa_type=UTCDateTime)
    resolved_at: datetime | None = Field(sa_type=UTCDateTime)
    detail: str = Field(sa_type=NAME)


class HoldRow(Row, table=True):
    """A plan that a gate stopped; the same plan may be held again after it was decided."""

    __tablename__ = "holds"
    __table_args__ = (
        one_of("gate", *named(Gate)),
        one_of("state", *named(HoldState)),
        Index(None, "hash"),
        Index(None, "state", "store"),
    )

    number: int | None = Field(sa_type=NUMBER, primary_key=True, default=None)
    hash: str = Field(sa_type=NAME)
    store: str = Field(sa_type=NAME)
    gate: str = Field(sa_type=NAME)
    reason: str = Field(sa_type=NAME)
    lines: list[dict[str, Any]] = Field(sa_type=JSON)
    state: str = Field(sa_type=NAME)
    created_at: datetime = Field(sa_type=UTCDateTime)
    decided_at: datetime | None = Field(sa_type=UTCDateTime)
    decided_by: str = Field(sa_type=NAME)


class RunRow(Row, table=True):
    """One run: what was asked, how it ended, and the outcome of each store."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "started_at"),)

    id: str = Field(sa_type=NAME, primary_key=True)
    kind: str = Field(sa_type=NAME)
    trigger: str = Field(sa_type=NAME)
    started_at: datetime = Field(sa_type=UTCDateTime)
    finished_at: datetime | None = Field(sa_type=UTCDateTime)
    outcome: str = Field(sa_type=NAME)
    stores: list[dict[str, Any]] = Field(sa_type=JSON)
    error: str = Field(sa_type=NAME)


class StoreRow(Row, table=True):
    """What is remembered of a store, and who has the right to work on it (`lease_*`, `epoch`)."""

    __tablename__ = "stores"

    store: str = Field(sa_type=NAME, primary_key=True)
    last_pull_at: datetime | None = Field(sa_type=UTCDateTime)
    last_push_at: datetime | None = Field(sa_type=UTCDateTime)
    last_sweep_at: datetime | None = Field(sa_type=UTCDateTime)
    failures: int
    last_error: str = Field(sa_type=NAME)
    rules_fingerprint: str = Field(sa_type=NAME)
    links_fingerprint: str = Field(sa_type=NAME)
    feed_from: datetime | None = Field(sa_type=UTCDateTime)
    feed_at: datetime | None = Field(sa_type=UTCDateTime)
    lease_holder: str = Field(sa_type=NAME)
    lease_until: datetime | None = Field(sa_type=UTCDateTime)
    epoch: int = Field(sa_type=NUMBER)
    # Added to rows that exist: the default is theirs.
    delay_seconds: int = Field(sa_column_kwargs={"server_default": text("0")})


class HintRow(Row, table=True):
    """What a store said to be worth a look, until a look answers it; see `domain/hints.py`."""

    __tablename__ = "hints"
    __table_args__ = (
        CheckConstraint("times > 0", name="times"),
        {"sqlite_with_rowid": False},
    )

    store: str = Field(sa_type=NAME, primary_key=True)
    key: str = Field(sa_type=NAME, primary_key=True)
    received_at: datetime = Field(sa_type=UTCDateTime)
    times: int = Field(sa_type=NUMBER)


class OrderLineRow(Row, table=True):
    """A line of an order as it was last told; see `domain/orders.py`."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("units >= 0", name="units"),
        CheckConstraint("revision > 0", name="revision"),
        {"sqlite_with_rowid": False},
    )

    store: str = Field(sa_type=NAME, primary_key=True)
    order: str = Field(sa_type=NAME, primary_key=True)
    line: str = Field(sa_type=NAME, primary_key=True)
    units: int = Field(sa_type=NUMBER)
    revision: int = Field(sa_type=NUMBER)
    listing: str | None = Field(sa_type=NAME)


class NumberRow(Row, table=True):
    """What a listing was agreed to show from a moment on: the past of `listings.baseline`."""

    __tablename__ = "numbers"
    __table_args__ = ({"sqlite_with_rowid": False},)

    store: str = Field(sa_type=NAME, primary_key=True)
    listing: str = Field(sa_type=NAME, primary_key=True)
    recorded_at: datetime = Field(sa_type=UTCDateTime, primary_key=True)
    number: int = Field(sa_type=NUMBER)


def _table(name: str) -> Table:
    return Row.metadata.tables[name]


MOVEMENTS: Final = _table("movements")
BALANCES: Final = _table("balances")
LISTINGS: Final = _table("listings")
INTENTS: Final = _table("intents")
HOLDS: Final = _table("holds")
RUNS: Final = _table("runs")
STORES: Final = _table("stores")
HINTS: Final = _table("hints")
ORDER_LINES: Final = _table("order_lines")
NUMBERS: Final = _table("numbers")
