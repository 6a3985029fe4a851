"""Order lines and the past of numbers, because a level alone cannot tell what happened to it.

A feed read again must book nothing again, so its lines are remembered. A level that no order
explains keeps units from sale until one does, so a listing remembers how many and since when. A
listing is gone only after two complete censuses, so they are counted. And a store that shows what
it showed at an earlier time was restored from a backup, which only the past can tell.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    zero = sa.text("0")
    none = sa.text("''")
    op.add_column("listings", sa.Column("unexplained", NAME, nullable=False, server_default=none))
    op.add_column("listings", sa.Column("unexplained_since", MOMENT))
    op.add_column("listings", sa.Column("missed", sa.Integer(), nullable=False, server_default=zero))
    op.add_column("stores", sa.Column("feed_from", MOMENT))
    op.add_column("stores", sa.Column("feed_at", MOMENT))
    op.create_table(
        "order_lines",
        sa.Column("store", NAME, nullable=False),
        sa.Column("order", NAME, nullable=False),
        sa.Column("line", NAME, nullable=False),
        sa.Column("units", NUMBER, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("listing", NAME),
        sa.PrimaryKeyConstraint("store", "order", "line", name=op.f("pk_order_lines")),
        sa.CheckConstraint("units >= 0", name=op.f("ck_order_lines_units")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_order_lines_revision")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "numbers",
        sa.Column("store", NAME, nullable=False),
        sa.Column("listing", NAME, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("store", "listing", "recorded_at", name=op.f("pk_numbers")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
