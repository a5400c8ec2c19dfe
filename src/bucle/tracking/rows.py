"""Statements in the words of the database at hand: a row written or met, and lists that are too long for one query."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
MOST_VALUES = 10_000


def writing(rows: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert into `table` that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return postgresql.insert(table) if rows.dialect.name == "postgresql" else sqlite.insert(table)


def in_parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield `items` in parts that one query can name: SQLite takes 32,766 values, PostgreSQL 65,535."""
    for start in range(0, len(items), MOST_VALUES):
        yield items[start : start + MOST_VALUES]
