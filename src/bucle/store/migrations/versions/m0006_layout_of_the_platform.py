"""The layout of the platform: a workspace for each stage, or one for all."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the word; platforms that are there have a workspace for each stage."""
    op.add_column("policy", sa.Column("layout", sa.Text(), nullable=False, server_default="separate"))
