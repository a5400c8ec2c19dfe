"""Stages and paths as the records hold them: the scopes of every right, each with its tier and workspace."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bucle import errors
from bucle.access.policy import touch
from bucle.core.classes import Tier
from bucle.core.view import View
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables import access as tables
from bucle.store.visibility import Columns, condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A place on a path: its tier, the workspace whose name its objects lie under, and how much runs there at once."""

    name: str
    tier: Tier
    workspace: str
    default_compute: str | None = None
    slots: int | None = None


def add_stage(transaction: Transaction, stage: Stage) -> None:
    """Write a new stage."""
    transaction.rows.execute(
        tables.stage.insert().values(
            name=stage.name,
            tier=stage.tier,
            workspace=stage.workspace,
            default_compute=stage.default_compute,
            slots=stage.slots,
            created_at=to_micros(transaction.now),
        )
    )
    touch(transaction)


def change_stage(transaction: Transaction, stage: Stage) -> None:
    """Give a stage, under its name, other values."""
    changed = {
        "tier": stage.tier,
        "workspace": stage.workspace,
        "default_compute": stage.default_compute,
        "slots": stage.slots,
    }
    transaction.rows.execute(tables.stage.update().where(tables.stage.c.name == stage.name).values(changed))
    touch(transaction)


def remove_stage(transaction: Transaction, name: str) -> None:
    """Take a stage away; that nothing is in it was made sure of before."""
    transaction.rows.execute(tables.stage.delete().where(tables.stage.c.name == name))
    touch(transaction)


def remove_path(transaction: Transaction, name: str) -> None:
    """Take a path away; its stages stay."""
    transaction.rows.execute(tables.path.delete().where(tables.path.c.name == name))
    touch(transaction)


def set_path(transaction: Transaction, name: str, stages: Sequence[str]) -> None:
    """Write the ordered stages of a path, new or changed."""
    changed = transaction.rows.execute(
        tables.path.update().where(tables.path.c.name == name).values(stages=list(stages))
    )
    if changed.rowcount == 0:
        transaction.rows.execute(tables.path.insert().values(name=name, stages=list(stages)))
    touch(transaction)


def find_stage(rows: sa.Connection, name: str) -> Stage:
    """Return a stage; NotFound when there is none of that name."""
    row = rows.execute(sa.select(tables.stage).where(tables.stage.c.name == name)).one_or_none()
    if row is None:
        raise errors.NotFound("stage.not_found", stage=name)
    return _stage(row)


def list_stages(rows: sa.Connection, view: View | None = None) -> Sequence[Stage]:
    """Return the stages in the order in which they were made: all, or those that a view shows."""
    query = sa.select(tables.stage).order_by(tables.stage.c.created_at, tables.stage.c.name)
    if view is not None:
        query = query.where(condition(view, Columns(stage=tables.stage.c.name)))
    return [_stage(row) for row in rows.execute(query)]


def list_paths(rows: sa.Connection) -> dict[str, tuple[str, ...]]:
    """Return each path with its stages in order."""
    found = rows.execute(sa.select(tables.path).order_by(tables.path.c.name))
    return {row.name: tuple(row.stages) for row in found}


def _stage(row: sa.Row[tuple[object, ...]]) -> Stage:
    return Stage(
        name=row.name,
        tier=row.tier,
        workspace=row.workspace,
        default_compute=row.default_compute,
        slots=row.slots,
    )
