"""Marks of what applying a platform file has made: only that is ever destroyed by a later one."""

from collections.abc import Iterable

import sqlalchemy as sa

from bucle.core.platform import Key
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables.access import managed


def keep_marks(transaction: Transaction, keys: Iterable[Key]) -> None:
    """Make these the marks; those that stay keep the instant of their making."""
    wanted, known = frozenset(keys), read_marks(transaction.rows)
    for kind, name in known - wanted:
        transaction.rows.execute(managed.delete().where(managed.c.kind == kind, managed.c.name == name))
    made_at = to_micros(transaction.now)
    new = [{"kind": kind, "name": name, "made_at": made_at} for kind, name in sorted(wanted - known)]
    if new:
        transaction.rows.execute(managed.insert(), new)


def read_marks(rows: sa.Connection) -> frozenset[Key]:
    """Return the kind and the name of everything that is marked."""
    return frozenset((row.kind, row.name) for row in rows.execute(sa.select(managed)))
