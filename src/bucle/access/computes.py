"""Computes as the records hold them: named numbers of slots, for one stage or for all."""

from collections.abc import Sequence

import sqlalchemy as sa

from bucle.core.platform import Compute
from bucle.store.records import Transaction
from bucle.store.tables.access import compute


def put_compute(transaction: Transaction, wanted: Compute) -> None:
    """Write a compute, new or changed."""
    values = {"type": wanted.type, "slots": wanted.slots, "stage": wanted.stage}
    changed = transaction.rows.execute(compute.update().where(compute.c.name == wanted.name).values(values))
    if changed.rowcount == 0:
        transaction.rows.execute(compute.insert().values(name=wanted.name, **values))


def remove_compute(transaction: Transaction, name: str) -> None:
    """Take a compute away."""
    transaction.rows.execute(compute.delete().where(compute.c.name == name))


def list_computes(rows: sa.Connection) -> Sequence[Compute]:
    """Return all computes by name."""
    return [
        Compute(name=row.name, type=row.type, slots=row.slots, stage=row.stage)
        for row in rows.execute(sa.select(compute).order_by(compute.c.name))
    ]
