"""Attempts as others follow them: which try of its step each is, and how attempts and jobs have ended."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from bucle.execution.fold import Why
from bucle.store.tables.execution import attempt, job, step


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


def ended_jobs(rows: sa.Connection, asked: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """Return the state of each job, by stage and name, that has ended."""
    query = sa.select(job.c.stage, job.c.name, job.c.state).where(
        sa.tuple_(job.c.stage, job.c.name).in_(asked), job.c.ended_at.is_not(None)
    )
    return {(row.stage, row.name): row.state for row in rows.execute(query)}
