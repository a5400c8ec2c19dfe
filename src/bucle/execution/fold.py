"""Folding: how an attempt's end becomes one record, exactly once, and what it lets start, retry or skip."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa

from bucle.execution.jobs import LOST_TRIES
from bucle.store.events import Event
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.store.tables.execution import attempt, dependency, job, step

Why = Literal["ok", "failed", "timeout", "canceled", "lost"]
FIRST_DELAY = timedelta(milliseconds=50)
LONGEST_DELAY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an attempt ended: why, the reason in words, times in microseconds, what it used."""

    why: Why
    reason: str | None = None
    exit_code: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    cpu_s: float | None = None
    peak_rss_bytes: int | None = None
    log_bytes: int | None = None
    outputs: Mapping[str, Any] | None = None


def fold(transaction: Transaction, attempt_id: str, ended: Ended) -> bool:
    """Record the end of an attempt and all that follows; a second call for the same attempt changes nothing."""
    rows = transaction.rows
    recorded = rows.execute(
        attempt.update()
        .where(attempt.c.id == attempt_id, attempt.c.state == "running")
        .values(
            state="done", why=ended.why, reason=ended.reason, exit_code=ended.exit_code, started_at=ended.started_at,
            ended_at=ended.ended_at or to_micros(transaction.now), cpu_s=ended.cpu_s,
            peak_rss_bytes=ended.peak_rss_bytes, log_bytes=ended.log_bytes,
        )
    )  # fmt: skip
    if recorded.rowcount != 1:
        return False
    now = rows.execute(
        sa.select(step.c.id, step.c.job_id, step.c.tries, step.c.max_tries, step.c.lost, job.c.cancel_asked)
        .join(attempt, attempt.c.step_id == step.c.id)
        .join(job, job.c.id == step.c.job_id)
        .where(attempt.c.id == attempt_id)
    ).one()
    if ended.why == "ok":
        rows.execute(step.update().where(step.c.id == now.id).values(outputs=_plain(ended.outputs)))
        close(transaction, now.job_id, now.id, "completed")
    elif now.cancel_asked or ended.why == "canceled":
        close(transaction, now.job_id, now.id, "canceled")
    elif ended.why == "lost" and now.lost < LOST_TRIES:
        _again(transaction, now.id, now.tries, lost=now.lost + 1)
    elif ended.why != "lost" and now.tries - now.lost < now.max_tries:
        _again(transaction, now.id, now.tries, lost=now.lost)
    else:
        close(transaction, now.job_id, now.id, "failed")
    return True


def close(
    transaction: Transaction, job_id: str, step_id: str, state: Literal["completed", "failed", "canceled"]
) -> None:
    """Bring a step to its end; start what waited for it, or skip what now never starts; end the job behind the last."""
    rows = transaction.rows
    rows.execute(step.update().where(step.c.id == step_id).values(state=state))
    closed = 1
    if state == "completed":
        _release(rows, step_id)
    else:
        closed += _skip(rows, job_id, step_id)
    rows.execute(job.update().where(job.c.id == job_id).values(left=job.c.left - closed))
    end_job(transaction, job_id)


def end_job(transaction: Transaction, job_id: str) -> None:
    """Give a job whose last step has ended its state and the event that says so; do nothing before."""
    rows = transaction.rows
    states = set(rows.execute(sa.select(step.c.state).where(step.c.job_id == job_id)).scalars())
    state = "failed" if "failed" in states else "canceled" if "canceled" in states else "completed"
    ended = rows.execute(
        job.update()
        .where(job.c.id == job_id, job.c.left == 0, job.c.ended_at.is_(None))
        .values(state=state, ended_at=to_micros(transaction.now))
    )
    if ended.rowcount == 1:
        told = rows.execute(sa.select(job.c.stage, job.c.name).where(job.c.id == job_id)).one()
        transaction.record(
            Event(
                chain=told.stage,
                who="platform",
                via="engine",
                what="jobs/end",
                subject=f"jobs/{told.name}",
                after={"state": state},
            )
        )


def _release(rows: sa.Connection, step_id: str) -> None:
    waiting = sa.select(dependency.c.downstream).where(dependency.c.upstream == step_id)
    rows.execute(step.update().where(step.c.id.in_(waiting)).values(need=step.c.need - 1))
    rows.execute(
        step.update().where(step.c.id.in_(waiting), step.c.need == 0, step.c.state == "waiting").values(state="ready")
    )


def _skip(rows: sa.Connection, job_id: str, step_id: str) -> int:
    """Skip what can no longer start: all that has not started; when the job keeps going, only what depends on it."""
    keep_going = rows.execute(sa.select(job.c.keep_going).where(job.c.id == job_id)).scalar_one()
    doomed = step.c.job_id == job_id
    if keep_going:
        below = sa.select(dependency.c.downstream).where(dependency.c.upstream == step_id).cte("below", recursive=True)
        below = below.union(sa.select(dependency.c.downstream).join(below, dependency.c.upstream == below.c.downstream))
        doomed = step.c.id.in_(sa.select(below.c.downstream))
    skipped = rows.execute(step.update().where(doomed, step.c.state.in_(("waiting", "ready"))).values(state="skipped"))
    return skipped.rowcount


def _again(transaction: Transaction, step_id: str, tries: int, *, lost: int) -> None:
    delay = min(FIRST_DELAY * 2**tries, LONGEST_DELAY)
    transaction.rows.execute(
        step.update()
        .where(step.c.id == step_id)
        .values(state="ready", lost=lost, not_before_at=to_micros(transaction.now + delay))
    )


def _plain(outputs: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if outputs is None else dict(outputs)
