"""Older records brought to the newest schema, in one transaction that is kept only if every old row is still there."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.store import engines, events
from bucle.store.migrate import migrate_within, standing_of
from bucle.store.moving import copy_tables
from bucle.store.records import Records
from bucle.store.tables.store import MACHINERY

NOT_ROWS = frozenset({"alembic_version", *(table.name for table in MACHINERY)})
"""The number of the schema, and who works on the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found alike before and after: tables and their rows; and the chains that were broken all along."""

    tables: int
    rows: int
    broken_before: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A table: which columns were read, in the order of which key; how many rows, and the digest over them."""

    columns: tuple[str, ...]
    ordered_by: tuple[str, ...]
    rows: int
    digest: str


def migrate_verified(records: Records, history: str) -> Verified:
    """Migrate, compare every row with what it was, look at the whole, and only then commit.

    Raises PlatformFault `upgrade.differs` when a row of before is not there or not what it was: nothing was changed.
    """
    with engines.told_plainly(), records.engine.begin() as rows:
        if rows.dialect.name == "postgresql":  # rows are read for longer than a server may idle within a transaction
            rows.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        changing = frozenset[str]().union(*(one.changes for one in standing_of(rows, history).pending))
        before = {name: was for name, was in _tables(rows).items() if name not in changing}
        migrate_within(rows, history)
        for name, was in before.items():
            _refuse_other(name, was, _seen_again(rows, name, was))
        refuse_unsound(rows)
        broken = [f"{one.chain} at {one.seq}: {one.why}" for one in _broken(rows)]
    return Verified(tables=len(before), rows=sum(was.rows for was in before.values()), broken_before=broken)


def refuse_unsound(rows: sa.Connection) -> None:
    """Raise PlatformFault when a SQLite file is damaged, or a row refers to one that is not there."""
    if rows.dialect.name != "sqlite":
        return
    told = rows.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    if told != ["ok"]:
        raise errors.PlatformFault("upgrade.differs", what="the file", why=told[0])
    loose = rows.exec_driver_sql("PRAGMA foreign_key_check").first()
    if loose is not None:
        raise errors.PlatformFault("upgrade.differs", what=loose[0], why=f"a row refers to no row of {loose[2]}")


def copy_as_it_is(source: Records, target: Records, revision: str, history: str) -> int:
    """Copy records at an older schema to an empty database, that schema and every row; return how many rows."""
    with engines.told_plainly(), target.engine.begin() as rows:
        migrate_within(rows, history, revision)
        schema = _reflected(rows)
    return sum(moved.rows for moved in copy_tables(source, target, schema.sorted_tables))


def count(rows: sa.Connection) -> int:
    """Return how many rows the records hold."""
    tables = _reflected(rows).sorted_tables
    return sum(rows.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables)


def _reflected(rows: sa.Connection) -> sa.MetaData:
    found = sa.MetaData()
    names = [name for name in sa.inspect(rows).get_table_names() if name not in NOT_ROWS]
    found.reflect(rows, only=names)
    return found


def _tables(rows: sa.Connection) -> Mapping[str, _Seen]:
    return {
        table.name: _seen(rows, table, tuple(table.c.keys()), tuple(table.primary_key.columns.keys()))
        for table in _reflected(rows).sorted_tables
    }


def _seen_again(rows: sa.Connection, name: str, was: _Seen) -> _Seen | None:
    """Return the same columns of a table as it is now; None for a table, or a column, that is there no more."""
    if not sa.inspect(rows).has_table(name):
        return None
    table = sa.Table(name, sa.MetaData(), autoload_with=rows, resolve_fks=False)
    if not set(was.columns) <= set(table.c.keys()):
        return None
    return _seen(rows, table, was.columns, was.ordered_by)


def _seen(rows: sa.Connection, table: sa.Table, columns: tuple[str, ...], ordered_by: tuple[str, ...]) -> _Seen:
    whole, seen = sha256(), 0
    query = sa.select(*(table.c[name] for name in columns)).order_by(*(table.c[name] for name in ordered_by))
    for row in rows.execute(query):
        whole.update(json.dumps(list(row), sort_keys=True).encode() + b"\n")
        seen += 1
    return _Seen(columns=columns, ordered_by=ordered_by, rows=seen, digest=whole.hexdigest())


def _refuse_other(name: str, was: _Seen, now: _Seen | None) -> None:
    if now is None:
        raise errors.PlatformFault("upgrade.differs", what=name, why=f"its {was.rows} rows, or a column, are gone")
    if now.rows != was.rows:
        raise errors.PlatformFault("upgrade.differs", what=name, why=f"{was.rows} rows became {now.rows}")
    if now.digest != was.digest:
        raise errors.PlatformFault("upgrade.differs", what=name, why="a row is not what it was")


def _broken(rows: sa.Connection) -> list[events.Broken]:
    found: list[Any] = [events.verify_chain(rows, chain) for chain in events.chains(rows)]
    return [one for one in found if one is not None]


def sound(url: str) -> None:
    """Open records anew and look at the whole of them; PlatformFault when they are damaged."""
    with closing(Records(url)) as records, records.read() as rows:
        refuse_unsound(rows)
