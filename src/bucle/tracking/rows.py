"""The statement that writes a row or meets the one that is there, in the words of the database at hand."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def writing(rows: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert into `table` that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return postgresql.insert(table) if rows.dialect.name == "postgresql" else sqlite.insert(table)
