"""Records moved from one database to another: every row, in one transaction, counted and digested on both sides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.spec.digest import canonical
from bucle.store import engines
from bucle.store.metadata import METADATA
from bucle.store.migrate import migrate
from bucle.store.records import Records
from bucle.store.tables.store import MACHINERY

BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One table as it stands on both sides: its rows, and the digest over them in the order of its key."""

    table: str
    rows: int
    digest: str


def move(source: Records, target: Records) -> list[Moved]:
    """Copy every table to an empty database and compare both sides; nothing is committed unless all are the same.

    Raises Conflict when the target holds records, or when a table differs.
    """
    migrate(source)
    return copy(source, target)


def copy(source: Records, target: Records) -> list[Moved]:
    """Do the same with records at the newest schema that others are working on: they are only read, in one snapshot."""
    migrate(target)
    return copy_tables(source, target, [table for table in METADATA.sorted_tables if table not in MACHINERY])


def copy_tables(source: Records, target: Records, tables: Sequence[sa.Table]) -> list[Moved]:
    """Do the same with these tables, which both sides have."""
    with engines.told_plainly(), source.read() as before, target.engine.begin() as after:
        if before.dialect.name == "postgresql":  # it waits while the other side writes
            before.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        for table in tables:
            held = after.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            if held:
                where = engines.shown(target.url)
                raise errors.Conflict("store.not_empty", where=where, table=table.name, rows=held)
        for table in tables:
            _copy(before, after, table)
        return [_compared(before, after, table) for table in tables]


def _copy(before: sa.Connection, after: sa.Connection, table: sa.Table) -> None:
    rows = (row._asdict() for row in before.execute(sa.select(table).execution_options(yield_per=BATCH)))
    while batch := list(islice(rows, BATCH)):
        after.execute(table.insert(), batch)
    counter = table.autoincrement_column
    if counter is not None and after.dialect.name == "postgresql":
        after.execute(
            sa.text("SELECT setval(pg_get_serial_sequence(:name, :column), GREATEST(:last, 1), :last > 0)"),
            {
                "name": table.name,
                "column": counter.name,
                "last": after.execute(sa.select(sa.func.max(counter))).scalar_one() or 0,
            },
        )


def _compared(before: sa.Connection, after: sa.Connection, table: sa.Table) -> Moved:
    was, now = _digest(before, table), _digest(after, table)
    if was != now:
        why = f"{was.rows} rows, {was.digest[:19]} against {now.rows} rows, {now.digest[:19]}"
        raise errors.Conflict("store.moved_wrong", table=table.name, why=why)
    return now


def _digest(rows: sa.Connection, table: sa.Table) -> Moved:
    found = rows.execute(sa.select(table).order_by(*table.primary_key.columns).execution_options(yield_per=BATCH))
    whole, count = sha256(), 0
    for line in _lines(found):
        whole.update(line)
        count += 1
    return Moved(table=table.name, rows=count, digest=f"sha256:{whole.hexdigest()}")


def _lines(found: sa.CursorResult[Any]) -> Iterator[bytes]:
    for row in found:
        yield canonical(row._asdict()) + b"\n"
