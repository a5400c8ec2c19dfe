"""What is signed of releases and approvals; older ones are signed at the next start, once."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns of the envelopes."""
    for table in ("release", "approval"):
        op.add_column(table, sa.Column("statement", sa.Text(), nullable=True))
