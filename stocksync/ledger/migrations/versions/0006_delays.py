"""Remember how long corrections take, because rules keep units back for just as long.

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("delay_seconds", sa.Integer(), nullable=False, server_default=sa.text("0"))
    op.add_column("stores", column)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
