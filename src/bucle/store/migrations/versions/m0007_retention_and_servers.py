"""For how long attempts, logs and scored rows are kept; the servers that work on the records, and which one drives."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
CHANGES = {"lease"}


def upgrade() -> None:
    """Add three words, for ever until they are said, and a table; the lease of the one server of before is nobody's."""
    for kind in ("attempts", "logs", "scored_rows"):
        op.add_column("policy", sa.Column(f"retention_{kind}", sa.Text(), nullable=True))
    op.create_table(
        "server",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server")),
    )
    op.execute("DELETE FROM lease")
