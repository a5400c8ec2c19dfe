"""The one metadata object of the records, with names for every key and index."""

from sqlalchemy import BigInteger, Column, MetaData, Text

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text(name: str, *, null: bool = False, default: str | None = None) -> "Column[str]":
    """Return a text column."""
    return Column(name, Text, nullable=null, server_default=default)


def key(name: str) -> "Column[str]":
    """Return a text column that is the primary key, or a part of it."""
    return Column(name, Text, primary_key=True)


def instant(name: str, *, null: bool = False) -> "Column[int]":
    """Return a column of integer microseconds since 1970 UTC; its name ends in `_at`."""
    return Column(name, BigInteger, nullable=null)
