"""The queue: which ready steps may start now, and what a cancel flag ends before it started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bucle.core.job_plan import read_step
from bucle.execution.fold import LONGEST_DELAY, end_job
from bucle.execution.launcher import Starting
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables.execution import attempt, job, step


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the engine needs to know of a stage: its workspace and how many steps may run in it at once."""

    workspace: str
    slots: int


def pick(transaction: Transaction, places: Mapping[str, Place], new_id: Callable[[], str]) -> Sequence[Starting]:
    """Write an attempt for every ready step that has a slot, oldest first; the caller starts them after the commit."""
    picked: list[Starting] = []
    busy = _busy(transaction.rows)
    for stage, place in places.items():
        free = place.slots - busy.get(stage, 0)
        if free > 0:
            picked.extend(_start(transaction, row, place, new_id()) for row in _ready(transaction, stage, free))
    return picked


def running(rows: sa.Connection) -> Sequence[str]:
    """Return the ids of all attempts that have not ended."""
    return list(rows.execute(sa.select(attempt.c.id).where(attempt.c.state == "running")).scalars())


def waiting(rows: sa.Connection) -> Mapping[str, int]:
    """Return how many steps of a stage could start if there were a slot for them."""
    query = (
        sa.select(step.c.stage, sa.func.count().label("waiting")).where(step.c.state == "ready").group_by(step.c.stage)
    )
    return {row.stage: row.waiting for row in rows.execute(query)}


def busy(rows: sa.Connection) -> Mapping[str, int]:
    """Return how many attempts of a stage have not ended."""
    return _busy(rows)


def starting_again(rows: sa.Connection, attempt_id: str, places: Mapping[str, Place]) -> Starting:
    """Return what an attempt that was written but never claimed needs to be submitted once more."""
    row = rows.execute(
        sa.select(step.c.plan, step.c.stage, job.c.name)
        .join(attempt, attempt.c.step_id == step.c.id)
        .join(job, job.c.id == step.c.job_id)
        .where(attempt.c.id == attempt_id)
    ).one()
    return Starting(
        attempt_id=attempt_id,
        job=row.name,
        stage=row.stage,
        workspace=places[row.stage].workspace,
        plan=read_step(row.plan),
    )


def cancel_waiting(transaction: Transaction) -> Sequence[str]:
    """End what has not started of jobs that were asked to cancel; return the attempts that must be stopped."""
    rows = transaction.rows
    asked = rows.execute(sa.select(job.c.id).where(job.c.cancel_asked, job.c.ended_at.is_(None))).scalars().all()
    for job_id in asked:
        ended = rows.execute(
            step.update()
            .where(step.c.job_id == job_id, step.c.state.in_(("waiting", "ready")))
            .values(state="canceled")
        )
        rows.execute(job.update().where(job.c.id == job_id).values(left=job.c.left - ended.rowcount))
        end_job(transaction, job_id)
    alive = (
        sa.select(attempt.c.id)
        .join(step, step.c.id == attempt.c.step_id)
        .where(step.c.job_id.in_(asked), attempt.c.state == "running")
    )
    return list(rows.execute(alive).scalars())


def _busy(rows: sa.Connection) -> dict[str, int]:
    query = (
        sa.select(step.c.stage, sa.func.count().label("busy"))
        .join(attempt, attempt.c.step_id == step.c.id)
        .where(attempt.c.state == "running")
        .group_by(step.c.stage)
    )
    return {row.stage: row.busy for row in rows.execute(query)}


def _ready(transaction: Transaction, stage: str, free: int) -> Sequence[Mapping[str, Any]]:
    query = (
        sa.select(step.c.id, step.c.job_id, step.c.tries, step.c.plan, step.c.stage, job.c.name)
        .join(job, job.c.id == step.c.job_id)
        .where(
            step.c.state == "ready",
            step.c.stage == stage,
            # Nobody waits longer than the longest delay: a step that would was delayed by a clock that went back since.
            sa.or_(
                step.c.not_before_at <= to_micros(transaction.now),
                step.c.not_before_at > to_micros(transaction.now + LONGEST_DELAY),
            ),
            job.c.cancel_asked.is_(False),
        )
        .order_by(step.c.id)
        .limit(free)
    )
    return [row._asdict() for row in transaction.rows.execute(query)]


def _start(transaction: Transaction, row: Mapping[str, Any], place: Place, attempt_id: str) -> Starting:
    at = to_micros(transaction.now)
    rows = transaction.rows
    rows.execute(step.update().where(step.c.id == row["id"]).values(state="running", tries=row["tries"] + 1))
    rows.execute(
        attempt.insert().values(id=attempt_id, step_id=row["id"], n=row["tries"] + 1, state="running", created_at=at)
    )
    rows.execute(
        job.update().where(job.c.id == row["job_id"], job.c.state == "queued").values(state="running", started_at=at)
    )
    return Starting(
        attempt_id=attempt_id,
        job=row["name"],
        stage=row["stage"],
        workspace=place.workspace,
        plan=read_step(row["plan"]),
    )
