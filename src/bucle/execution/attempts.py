"""Attempts as others follow them: which try of its step each is, how attempts and jobs ended, what they used."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bucle.core.cost import Used, held
from bucle.execution.fold import Why
from bucle.store.instants import of_micros, to_micros
from bucle.store.tables.execution import attempt, job, step

MOST_EARLIER = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt: of which job, the how many-eth of its step, who submitted the job."""

    job_id: str
    number: int
    submitted_by: str
    submitter_name: str


def find(rows: sa.Connection, attempt_id: str) -> Try:
    """Return which try an attempt is."""
    row = rows.execute(
        sa.select(job.c.id.label("job_id"), attempt.c.n.label("number"), job.c.submitted_by, job.c.submitter_name)
        .join(step, step.c.id == attempt.c.step_id)
        .join(job, job.c.id == step.c.job_id)
        .where(attempt.c.id == attempt_id)
    ).one()
    return Try(**row._asdict())


def ends(rows: sa.Connection, attempt_ids: Collection[str]) -> Mapping[str, Why]:
    """Return why each of the attempts ended; those that have not are left out."""
    query = sa.select(attempt.c.id, attempt.c.why).where(attempt.c.id.in_(attempt_ids), attempt.c.state == "done")
    return {row.id: row.why for row in rows.execute(query)}


def ended(rows: sa.Connection) -> Mapping[tuple[str, str], int]:
    """Return how many attempts ended, by stage and by why: each was folded into its job once."""
    query = sa.select(step.c.stage, attempt.c.why, sa.func.count()).join(step, step.c.id == attempt.c.step_id)
    found = rows.execute(query.where(attempt.c.ended_at.is_not(None)).group_by(step.c.stage, attempt.c.why))
    return {(stage, why or "completed"): count for stage, why, count in found}


def ended_before(rows: sa.Connection, instant: datetime) -> frozenset[str]:
    """Return the ids of the attempts that ended before an instant."""
    return frozenset(rows.execute(sa.select(attempt.c.id).where(attempt.c.ended_at < to_micros(instant))).scalars())


def jobs_by_state(rows: sa.Connection) -> Mapping[tuple[str, str], int]:
    """Return how many jobs there are, by stage and state."""
    query = sa.select(job.c.stage, job.c.state, sa.func.count()).group_by(job.c.stage, job.c.state)
    return {(stage, state): count for stage, state, count in rows.execute(query)}


def ended_jobs(rows: sa.Connection, asked: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """Return the state of each job, by stage and name, that has ended."""
    query = sa.select(job.c.stage, job.c.name, job.c.state).where(
        sa.tuple_(job.c.stage, job.c.name).in_(asked), job.c.ended_at.is_not(None)
    )
    return {(row.stage, row.name): row.state for row in rows.execute(query)}


def used(rows: sa.Connection, job_id: str) -> Mapping[str, Used]:
    """Return what the attempts of each step of a job used together, by the step's id; unmeasured steps are left out.

    Memory is the peak of an attempt's largest process, held from its start to its end.
    """
    query = (
        sa.select(
            attempt.c.step_id, attempt.c.cpu_s, attempt.c.peak_rss_bytes, attempt.c.started_at, attempt.c.ended_at
        )
        .join(step, step.c.id == attempt.c.step_id)
        .where(step.c.job_id == job_id, attempt.c.cpu_s.is_not(None))
    )
    found: dict[str, Used] = {}
    for row in rows.execute(query):
        before = found.get(row.step_id, Used(cpu_s=0.0, memory_gb_s=0.0))
        found[row.step_id] = Used(
            cpu_s=before.cpu_s + row.cpu_s,
            memory_gb_s=before.memory_gb_s + held(row.peak_rss_bytes or 0, _lasted_s(row.started_at, row.ended_at)),
        )
    return found


def running(rows: sa.Connection, stage: str) -> Mapping[str, Sequence[str]]:
    """Return the running steps of a stage, by job."""
    query = (
        sa.select(job.c.name.label("job"), step.c.name)
        .join(step, step.c.job_id == job.c.id)
        .join(attempt, attempt.c.step_id == step.c.id)
        .where(step.c.stage == stage, attempt.c.state == "running")
        .order_by(job.c.name, step.c.position)
    )
    found: dict[str, list[str]] = {}
    for row in rows.execute(query):
        found.setdefault(row.job, []).append(row.name)
    return found


def lasted_s(rows: sa.Connection, stage: str, display_name: str, name: str) -> Sequence[float]:
    """Return how long a step took in the jobs of this display name that completed it last, in seconds."""
    query = (
        sa.select(attempt.c.created_at, attempt.c.ended_at)
        .join(step, step.c.id == attempt.c.step_id)
        .join(job, job.c.id == step.c.job_id)
        .where(job.c.stage == stage, job.c.display_name == display_name, step.c.name == name, attempt.c.why == "ok")
        .order_by(attempt.c.ended_at.desc())
        .limit(MOST_EARLIER)
    )
    return [_lasted_s(row.created_at, row.ended_at) for row in rows.execute(query)]


def _lasted_s(started_at: int | None, ended_at: int | None) -> float:
    if started_at is None or ended_at is None:
        return 0.0
    return (of_micros(ended_at) - of_micros(started_at)).total_seconds()
