"""The Alembic history of the records."""
