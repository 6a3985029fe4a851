"""Count every change of the books, because a restored backup looks like any other database.

The same number is kept in a file outside the database. A database with a lower one went back in
time: booking what its stores show now would count the sales since then twice.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    table = op.create_table(
        "installation",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("generation", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_installation")),
        sa.CheckConstraint("number = 1", name=op.f("ck_installation_number")),
        sa.CheckConstraint("generation >= 0", name=op.f("ck_installation_generation")),
    )
    op.bulk_insert(table, [{"number": 1, "generation": 0}])


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
