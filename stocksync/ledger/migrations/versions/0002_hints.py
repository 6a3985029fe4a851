"""A table of hints, because a webhook that was answered must not be forgotten in a crash.

A store says "something happened to this product" and hears yes only after that is kept. One row
for a key, however often it is said, so that ten thousand replays are one look and one row.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hints",
        sa.Column("store", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("store", "key", name=op.f("pk_hints")),
        sa.CheckConstraint("times > 0", name=op.f("ck_hints_times")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
