"""Schedules and their firings as the records hold them; a tick is taken once, whoever looks and however often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.execution import fire, schedule

_INSTANTS = ("created_at", "considered_at", "next_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A trigger and the job it submits as `principal_id`. Ticks after `considered_at` have not fired yet."""

    id: str
    stage: str
    name: str
    document: Mapping[str, Any]
    job_document: Mapping[str, Any]
    enabled: bool
    principal_id: str
    made_by: str
    created_at: datetime
    considered_at: datetime
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One firing: the tick it stands for, the first one missed before it, its job or why there is none."""

    due_at: datetime
    fired_at: datetime
    first_missed_at: datetime | None
    job: str | None
    reason: str | None


def add(transaction: Transaction, made: Schedule) -> None:
    """Write a new schedule; Conflict when its stage has one of that name."""
    if find(transaction.rows, made.stage, made.name) is not None:
        raise errors.Conflict("schedule.exists", name=made.name, stage=made.stage)
    transaction.rows.execute(
        schedule.insert().values(
            id=made.id, stage=made.stage, name=made.name, document=dict(made.document),
            job_document=dict(made.job_document), enabled=made.enabled, principal_id=made.principal_id,
            made_by=made.made_by, created_at=to_micros(made.created_at), considered_at=to_micros(made.considered_at),
            next_at=_micros(made.next_at),
        )
    )  # fmt: skip


def find(rows: sa.Connection, stage: str, name: str) -> Schedule | None:
    """Return a schedule of `stage`, or None."""
    query = sa.select(schedule).where(schedule.c.stage == stage, schedule.c.name == name)
    row = rows.execute(query).one_or_none()
    return None if row is None else _of_row(row)


def page(rows: sa.Connection, stage: str, *, limit: int, after: str | None) -> Sequence[Schedule]:
    """Return at most `limit` schedules of `stage` by name, behind the one called `after`."""
    query = sa.select(schedule).where(schedule.c.stage == stage)
    if after is not None:
        query = query.where(schedule.c.name > after)
    return [_of_row(row) for row in rows.execute(query.order_by(schedule.c.name).limit(limit))]


def due(rows: sa.Connection, now: datetime) -> Sequence[Schedule]:
    """Return the enabled schedules of all stages whose next tick has come."""
    query = sa.select(schedule).where(schedule.c.enabled, schedule.c.next_at <= to_micros(now))
    return [_of_row(row) for row in rows.execute(query.order_by(schedule.c.next_at, schedule.c.id))]


def take(transaction: Transaction, found: Schedule, due_at: datetime, next_at: datetime | None) -> bool:
    """Move a schedule beyond the tick `due_at` (compare and set); return whether nobody else did before."""
    taken = transaction.rows.execute(
        schedule.update()
        .where(
            schedule.c.id == found.id, schedule.c.enabled, schedule.c.considered_at == to_micros(found.considered_at)
        )
        .values(considered_at=to_micros(due_at), next_at=_micros(next_at))
    )
    return taken.rowcount == 1


def switch(transaction: Transaction, found: Schedule, *, enabled: bool, next_at: datetime | None) -> None:
    """Enable or disable a schedule; the ticks of the time between are not missed ones."""
    values = {"enabled": enabled, "considered_at": to_micros(transaction.now), "next_at": _micros(next_at)}
    transaction.rows.execute(schedule.update().where(schedule.c.id == found.id).values(values))


def remove(transaction: Transaction, found: Schedule) -> None:
    """Remove a schedule with its firings; the jobs that it submitted stay."""
    transaction.rows.execute(fire.delete().where(fire.c.schedule_id == found.id))
    transaction.rows.execute(schedule.delete().where(schedule.c.id == found.id))


def record_fire(transaction: Transaction, found: Schedule, fired: Fired) -> None:
    """Write a firing; Conflict when the tick has one."""
    mine = sa.and_(fire.c.schedule_id == found.id, fire.c.due_at == to_micros(fired.due_at))
    if transaction.rows.execute(sa.select(fire.c.due_at).where(mine)).first() is not None:
        raise errors.Conflict("schedule.fired", name=found.name)
    transaction.rows.execute(
        fire.insert().values(
            schedule_id=found.id, due_at=to_micros(fired.due_at), fired_at=to_micros(fired.fired_at),
            first_missed_at=_micros(fired.first_missed_at), job=fired.job, reason=fired.reason,
        )
    )  # fmt: skip


def fires_of(rows: sa.Connection, found: Schedule, *, limit: int) -> Sequence[Fired]:
    """Return the newest firings of a schedule, newest first."""
    query = sa.select(fire).where(fire.c.schedule_id == found.id).order_by(fire.c.due_at.desc()).limit(limit)
    return [
        Fired(
            due_at=of_micros(row.due_at),
            fired_at=of_micros(row.fired_at),
            first_missed_at=None if row.first_missed_at is None else of_micros(row.first_missed_at),
            job=row.job,
            reason=row.reason,
        )
        for row in rows.execute(query)
    ]


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else to_micros(instant)


def _of_row(row: sa.Row[Any]) -> Schedule:
    fields = row._asdict()
    for name in _INSTANTS:
        fields[name] = None if fields[name] is None else of_micros(fields[name])
    return Schedule(**fields)
