"""Runs of jobs: which run stands for which job or attempt, and which of them are still to be given their end."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables.tracking import job_run


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """A run that stands for a job (no attempt) or for one attempt of it, with the token that the attempt was given."""

    run_id: str
    stage: str
    job: str
    attempt_id: str | None
    token_id: str | None


def of_job(rows: sa.Connection, stage: str, job: str) -> JobRun | None:
    """Return the run that stands for a job, or None."""
    return _one(rows, sa.and_(job_run.c.stage == stage, job_run.c.job == job, job_run.c.attempt_id.is_(None)))


def of_attempt(rows: sa.Connection, attempt_id: str) -> JobRun | None:
    """Return the run that stands for an attempt, or None."""
    return _one(rows, job_run.c.attempt_id == attempt_id)


def open_ones(rows: sa.Connection) -> Sequence[JobRun]:
    """Return the runs that have not been given their end."""
    return [_of_row(row) for row in rows.execute(sa.select(job_run).where(job_run.c.settled_at.is_(None)))]


def add(transaction: Transaction, new: JobRun) -> None:
    """Write that a run stands for a job or an attempt."""
    transaction.rows.execute(
        job_run.insert().values(
            run_id=new.run_id, stage=new.stage, job=new.job, attempt_id=new.attempt_id, token_id=new.token_id
        )
    )


def give_token(transaction: Transaction, run_id: str, token_id: str) -> None:
    """Write which token the attempt now holds."""
    transaction.rows.execute(job_run.update().where(job_run.c.run_id == run_id).values(token_id=token_id))


def settle(transaction: Transaction, run_id: str) -> None:
    """Write that a run has been given its end."""
    transaction.rows.execute(
        job_run.update().where(job_run.c.run_id == run_id).values(settled_at=to_micros(transaction.now))
    )


def _one(rows: sa.Connection, by: sa.ColumnElement[bool]) -> JobRun | None:
    row = rows.execute(sa.select(job_run).where(by)).one_or_none()
    return None if row is None else _of_row(row)


def _of_row(row: "sa.Row[tuple[object, ...]]") -> JobRun:
    return JobRun(run_id=row.run_id, stage=row.stage, job=row.job, attempt_id=row.attempt_id, token_id=row.token_id)
