"""For how long attempts, logs and scored rows are kept: for ever, until the platform's file says otherwise."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the three words."""
    for kind in ("attempts", "logs", "scored_rows"):
        op.add_column("policy", sa.Column(f"retention_{kind}", sa.Text(), nullable=True))
