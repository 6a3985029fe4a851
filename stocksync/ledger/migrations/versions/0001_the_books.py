"""The first tables, because stock must be known before it can be kept right.

Movements are the truth and everything else is worked out or remembered: triggers refuse to change
or delete them, on SQLite and PostgreSQL, so that a mistake can only be answered by a new movement.

Revision 0001, after none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
REFUSAL = "the ledger never crosses out: book another movement"

SQLITE_TRIGGERS = (
    f"""CREATE TRIGGER movements_never_change BEFORE UPDATE ON movements
    BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
    f"""CREATE TRIGGER movements_never_vanish BEFORE DELETE ON movements
    BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
    # INSERT OR REPLACE deletes without asking the trigger above, unless a pragma is set.
    f"""CREATE TRIGGER movements_never_replaced BEFORE INSERT ON movements
    WHEN EXISTS (SELECT 1 FROM movements WHERE number = NEW.number OR key = NEW.key)
    BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
)
POSTGRES_TRIGGERS = (
    f"""CREATE FUNCTION refuse_crossing_out() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$""",
    """CREATE TRIGGER movements_never_change BEFORE UPDATE OR DELETE ON movements
    FOR EACH ROW EXECUTE FUNCTION refuse_crossing_out()""",
    """CREATE TRIGGER movements_never_vanish BEFORE TRUNCATE ON movements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_crossing_out()""",
)


def upgrade() -> None:
    books()
    listings()
    work()
    sqlite = op.get_context().dialect.name == "sqlite"
    for statement in SQLITE_TRIGGERS if sqlite else POSTGRES_TRIGGERS:
        op.execute(statement)


def books() -> None:
    op.create_table(
        "movements",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("sku", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("source", NAME, nullable=False),
        sa.Column("destination", NAME, nullable=False),
        sa.Column("units", NUMBER, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("store", NAME),
        sa.Column("listing", NAME),
        sa.Column("document", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.Column("seal", NAME, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_movements")),
        sa.CheckConstraint("units >= 0", name=op.f("ck_movements_units")),
        sa.CheckConstraint("source <> destination", name=op.f("ck_movements_sides")),
        sa.CheckConstraint(
            "kind IN ('opening', 'sale', 'return', 'count', 'adjustment', 'suspense', "
            "'reservation', 'release')",
            name=op.f("ck_movements_kind"),
        ),
    )
    op.create_index(op.f("ix_movements_sku_number"), "movements", ["sku", "number"])
    op.create_index("uq_movements_key", "movements", ["key"], unique=True)
    op.create_table(
        "balances",
        sa.Column("sku", NAME, nullable=False),
        sa.Column("account", NAME, nullable=False),
        sa.Column("units", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("sku", "account", name=op.f("pk_balances")),
        sqlite_with_rowid=False,
    )


def listings() -> None:
    op.create_table(
        "listings",
        sa.Column("store", NAME, nullable=False),
        sa.Column("listing", NAME, nullable=False),
        sa.Column("code", NAME),
        sa.Column("sku", NAME),
        sa.Column("group", NAME, nullable=False),
        sa.Column("title", NAME, nullable=False),
        sa.Column("presence", NAME, nullable=False),
        sa.Column("quarantine", NAME, nullable=False),
        sa.Column("reading_kind", NAME),
        sa.Column("reading_number", NUMBER),
        sa.Column("reading_text", NAME, nullable=False),
        sa.Column("read_at", MOMENT),
        sa.Column("baseline", NUMBER),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("due_since", MOMENT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", MOMENT),
        sa.Column("version", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("store", "listing", name=op.f("pk_listings")),
        sa.CheckConstraint(
            "presence IN ('present', 'absent', 'gone')", name=op.f("ck_listings_presence")
        ),
        sa.CheckConstraint(
            "reading_kind IN ('counted', 'offered', 'untracked', 'unreadable')",
            name=op.f("ck_listings_reading_kind"),
        ),
        sa.CheckConstraint(
            "(reading_kind IS NULL) = (read_at IS NULL)", name=op.f("ck_listings_reading")
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_listings_version")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_listings_sku"), "listings", ["sku"])
    op.create_index(
        op.f("ix_listings_store_due_since"),
        "listings",
        ["store", "due_since"],
        sqlite_where=sa.text("due_since IS NOT NULL"),
        postgresql_where=sa.text("due_since IS NOT NULL"),
    )


def work() -> None:
    op.create_table(
        "intents",
        sa.Column("id", NAME, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.Column("store", NAME, nullable=False),
        sa.Column("listing", NAME, nullable=False),
        sa.Column("sku", NAME, nullable=False),
        sa.Column("before", NUMBER, nullable=False),
        sa.Column("target", NUMBER, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("resolved_at", MOMENT),
        sa.Column("detail", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intents")),
        sa.CheckConstraint(
            "state IN ('open', 'confirmed', 'rejected', 'unknown', 'superseded', 'settled')",
            name=op.f("ck_intents_state"),
        ),
    )
    op.create_index(
        op.f("ix_intents_state_store_listing"), "intents", ["state", "store", "listing"]
    )
    op.create_index(
        "uq_intents_open",
        "intents",
        ["store", "listing"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "holds",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("hash", NAME, nullable=False),
        sa.Column("store", NAME, nullable=False),
        sa.Column("gate", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", NAME, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_holds")),
        sa.CheckConstraint(
            "gate IN ('mass_change', 'mass_zero', 'empty_census', 'first_contact', 'increase', "
            "'mass_push')",
            name=op.f("ck_holds_gate"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'approved', 'rejected', 'withdrawn', 'applied')",
            name=op.f("ck_holds_state"),
        ),
    )
    op.create_index(op.f("ix_holds_hash"), "holds", ["hash"])
    op.create_index(op.f("ix_holds_state_store"), "holds", ["state", "store"])
    op.create_table(
        "runs",
        sa.Column("id", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("trigger", NAME, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("outcome", NAME, nullable=False),
        sa.Column("stores", sa.JSON(), nullable=False),
        sa.Column("error", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_started_at"), "runs", ["started_at"])
    op.create_table(
        "stores",
        sa.Column("store", NAME, nullable=False),
        sa.Column("last_pull_at", MOMENT),
        sa.Column("last_push_at", MOMENT),
        sa.Column("last_sweep_at", MOMENT),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", NAME, nullable=False),
        sa.Column("rules_fingerprint", NAME, nullable=False),
        sa.Column("links_fingerprint", NAME, nullable=False),
        sa.Column("lease_holder", NAME, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("epoch", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("store", name=op.f("pk_stores")),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
