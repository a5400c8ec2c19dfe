"""Jobs as the records hold them: submit, find, list, ask to cancel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle.core.classes import DataClass
from bucle.core.job_plan import JobPlan, JobState, in_order
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.execution import attempt, dependency, job, step

LOST_TRIES = 1
"""Attempts beyond its tries that a step gets when its supervisor was lost; uncapped, a memory hog never ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One submitted execution, as it stands."""

    id: str
    stage: str
    name: str
    kind: str
    display_name: str
    experiment: str
    state: JobState
    document: Mapping[str, Any]
    document_digest: str
    data_class: DataClass
    tags: Mapping[str, str]
    submitted_by: str
    submitter_name: str
    cancel_asked: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepNow:
    """One step as it stands, with its last attempt: exit code, CPU seconds, peak resident bytes."""

    id: str
    name: str
    kind: str
    state: str
    tries: int
    plan: Mapping[str, Any]
    outputs: Mapping[str, Any] | None
    attempt_id: str | None
    why: str | None
    reason: str | None
    exit_code: int | None
    begun_at: datetime | None
    """When its last attempt was written down; what it started and ended at is known at its end."""
    started_at: datetime | None
    ended_at: datetime | None
    cpu_s: float | None
    peak_rss_bytes: int | None


def submit(transaction: Transaction, plan: JobPlan, new_id: Callable[[], str], *, by: str, by_name: str) -> Job:
    """Write a job with its steps; those that wait for nothing are ready at once."""
    at = to_micros(transaction.now)
    job_id = new_id()
    transaction.rows.execute(
        job.insert().values(
            id=job_id, stage=plan.stage, name=plan.name, kind=plan.kind, display_name=plan.display_name,
            experiment=plan.experiment, state="queued", document=dict(plan.document),
            document_digest=plan.document_digest, data_class=plan.data_class, tags=dict(plan.tags), submitted_by=by,
            submitter_name=by_name, keep_going=plan.continue_on_step_failure, left=len(plan.steps), created_at=at,
        )
    )  # fmt: skip
    ids: dict[str, str] = {}
    for position, planned in enumerate(in_order(plan.steps)):
        ids[planned.name] = new_id()
        transaction.rows.execute(
            step.insert().values(
                id=ids[planned.name], job_id=job_id, stage=plan.stage, position=position, name=planned.name,
                kind=planned.kind, state="waiting" if planned.after else "ready", need=len(planned.after),
                plan=planned.document(), tries=0, lost=0, max_tries=planned.tries, not_before_at=0,
            )
        )  # fmt: skip
    edges = [
        {"upstream": ids[name], "downstream": ids[planned.name]} for planned in plan.steps for name in planned.after
    ]
    if edges:
        transaction.rows.execute(dependency.insert(), edges)
    return find(transaction.rows, plan.stage, plan.name) or _vanished(job_id)


def find(rows: sa.Connection, stage: str, name: str) -> Job | None:
    """Return a job of `stage`, or None."""
    row = rows.execute(sa.select(job).where(job.c.stage == stage, job.c.name == name)).one_or_none()
    return None if row is None else _of_row(row)


def page(rows: sa.Connection, stage: str, *, limit: int, after: tuple[Any, ...] | None) -> Sequence[Job]:
    """Return at most `limit` jobs, newest first, behind the one with the key `after` = (created_at, id)."""
    query = sa.select(job).where(job.c.stage == stage)
    if after is not None:
        query = query.where(sa.tuple_(job.c.created_at, job.c.id) < sa.tuple_(*after))
    found = rows.execute(query.order_by(job.c.created_at.desc(), job.c.id.desc()).limit(limit))
    return [_of_row(row) for row in found]


def page_key(found: Job) -> tuple[Any, ...]:
    """Return the key of a listed job."""
    return (to_micros(found.created_at), found.id)


def secrets_of(rows: sa.Connection, stage: str, name: str) -> frozenset[str]:
    """Return the names of the secrets that the steps of a job are given."""
    query = sa.select(step.c.plan).join(job, job.c.id == step.c.job_id).where(job.c.stage == stage, job.c.name == name)
    return frozenset(named for plan in rows.execute(query).scalars() for named in plan.get("secrets", {}).values())


def ask_cancel(transaction: Transaction, job_id: str) -> bool:
    """Raise the cancel flag; the engine does the rest. Return whether it changes anything."""
    done = transaction.rows.execute(
        job.update()
        .where(job.c.id == job_id, job.c.ended_at.is_(None), job.c.cancel_asked.is_(False))
        .values(cancel_asked=True)
    )
    return done.rowcount == 1


def steps_of(rows: sa.Connection, job_id: str) -> Sequence[StepNow]:
    """Return the steps of a job in order, each with its last attempt."""
    newest = sa.select(attempt.c.step_id, sa.func.max(attempt.c.n).label("n")).group_by(attempt.c.step_id).subquery()
    query = (
        sa.select(
            step.c.id, step.c.name, step.c.kind, step.c.state, step.c.tries, step.c.plan, step.c.outputs,
            attempt.c.id.label("attempt_id"), attempt.c.why, attempt.c.reason, attempt.c.exit_code,
            attempt.c.created_at.label("begun_at"), attempt.c.started_at, attempt.c.ended_at, attempt.c.cpu_s,
            attempt.c.peak_rss_bytes,
        )
        .outerjoin(newest, newest.c.step_id == step.c.id)
        .outerjoin(attempt, sa.and_(attempt.c.step_id == step.c.id, attempt.c.n == newest.c.n))
        .where(step.c.job_id == job_id)
        .order_by(step.c.position)
    )  # fmt: skip
    return [_step_of_row(row._asdict()) for row in rows.execute(query)]


def _vanished(job_id: str) -> Job:
    raise LookupError(job_id)


def _of_row(row: sa.Row[Any]) -> Job:
    fields = row._asdict()
    for name in ("keep_going", "left"):
        del fields[name]
    for name in ("created_at", "started_at", "ended_at"):
        fields[name] = None if fields[name] is None else of_micros(fields[name])
    return Job(**fields)


def _step_of_row(fields: dict[str, Any]) -> StepNow:
    for name in ("begun_at", "started_at", "ended_at"):
        fields[name] = None if fields[name] is None else of_micros(fields[name])
    return StepNow(**fields)
