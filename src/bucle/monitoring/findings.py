"""What closed windows said, the incidents that this opened, and the retrainings that answer them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from bucle.core.monitor import Finding
from bucle.core.windows import Window
from bucle.store.instants import of_micros, to_micros
from bucle.store.records import Transaction
from bucle.store.tables.monitoring import finding, incident, retraining

RetrainingState = Literal["training", "packaging", "comparing", "promoting", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One open cause of alerts."""

    id: str
    stage: str
    endpoint: str
    signal: str
    window_end_at: datetime
    document: Mapping[str, Any]
    opened_at: datetime
    closed: bool
    answered_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """A model being trained again: on the rows of `window`, judged on those from its end to `holdout_end_at`."""

    id: str
    stage: str
    endpoint: str
    state: RetrainingState
    reason: str | None
    why: str
    window: Window
    holdout_end_at: datetime
    document: Mapping[str, Any]
    created_at: datetime


def find_labelled(rows: sa.Connection, stage: str, endpoint: str, signal: str, window: Window) -> int | None:
    """Return how many labels a window had when it was judged, or None when it was not."""
    mine = _of(stage, endpoint, signal, window)
    return rows.execute(sa.select(finding.c.labelled).where(mine)).scalar_one_or_none()


def put_finding(
    transaction: Transaction, stage: str, endpoint: str, window: Window, release: str, said: Finding
) -> None:
    """Write what a window said of a signal; labels that came later replace what it said before."""
    mine = _of(stage, endpoint, said.signal, window)
    values = {
        "window_end_at": to_micros(window.end), "release": release, "verdict": said.verdict,
        "document": said.document(), "labelled": said.labelled, "judged_at": to_micros(transaction.now),
    }  # fmt: skip
    changed = transaction.rows.execute(finding.update().where(mine).values(values))
    if changed.rowcount == 0:
        place = {
            "stage": stage,
            "endpoint": endpoint,
            "signal": said.signal,
            "window_start_at": to_micros(window.start),
        }
        transaction.rows.execute(finding.insert().values(**place, **values))


def history(rows: sa.Connection, stage: str, endpoint: str) -> Sequence[Mapping[str, Any]]:
    """Return what every closed window said, oldest first."""
    query = sa.select(finding).where(finding.c.stage == stage, finding.c.endpoint == endpoint)
    found = rows.execute(query.order_by(finding.c.window_start_at, finding.c.signal))
    return [
        {
            **row.document,
            "window_start_at": of_micros(row.window_start_at),
            "window_end_at": of_micros(row.window_end_at),
            "release": row.release,
        }
        for row in found
    ]


def verdict_before(rows: sa.Connection, stage: str, endpoint: str, signal: str, window: Window) -> str | None:
    """Return the verdict of the window before, or None."""
    query = sa.select(finding.c.verdict).where(
        finding.c.stage == stage,
        finding.c.endpoint == endpoint,
        finding.c.signal == signal,
        finding.c.window_end_at <= to_micros(window.start),
    )
    return rows.execute(query.order_by(finding.c.window_start_at.desc()).limit(1)).scalar_one_or_none()


def open_incident(transaction: Transaction, made: Incident) -> bool:
    """Open an incident, or add to the one that is open for the same signal; return whether it is new."""
    known = open_one(transaction.rows, made.stage, made.endpoint, made.signal)
    if known is not None:
        transaction.rows.execute(
            incident.update()
            .where(incident.c.id == known.id)
            .values(document=dict(made.document), window_end_at=to_micros(made.window_end_at))
        )
        return False
    transaction.rows.execute(
        incident.insert().values(
            id=made.id, stage=made.stage, endpoint=made.endpoint, signal=made.signal,
            window_end_at=to_micros(made.window_end_at), document=dict(made.document),
            opened_at=to_micros(made.opened_at), closed=False,
        )
    )  # fmt: skip
    return True


def open_one(rows: sa.Connection, stage: str, endpoint: str, signal: str) -> Incident | None:
    """Return the open incident of a signal, or None."""
    query = sa.select(incident).where(
        incident.c.stage == stage,
        incident.c.endpoint == endpoint,
        incident.c.signal == signal,
        incident.c.closed.is_(False),
    )
    row = rows.execute(query).one_or_none()
    return None if row is None else _incident(row)


def open_incidents(rows: sa.Connection) -> Sequence[Incident]:
    """Return every open incident, oldest first."""
    query = sa.select(incident).where(incident.c.closed.is_(False)).order_by(incident.c.opened_at)
    return [_incident(row) for row in rows.execute(query)]


def incidents(rows: sa.Connection, stage: str, endpoint: str) -> Sequence[Incident]:
    """Return all incidents of an endpoint, newest first."""
    query = sa.select(incident).where(incident.c.stage == stage, incident.c.endpoint == endpoint)
    return [_incident(row) for row in rows.execute(query.order_by(incident.c.opened_at.desc()))]


def close_incident(transaction: Transaction, incident_id: str, answered_by: str) -> None:
    """Close an incident, saying what answered it."""
    transaction.rows.execute(
        incident.update().where(incident.c.id == incident_id).values(closed=True, answered_by=answered_by)
    )


def add_retraining(transaction: Transaction, begun: Retraining) -> None:
    """Write a retraining that has begun."""
    transaction.rows.execute(
        retraining.insert().values(
            id=begun.id, stage=begun.stage, endpoint=begun.endpoint, state=begun.state, reason=begun.reason,
            why=begun.why, window_start_at=to_micros(begun.window.start), window_end_at=to_micros(begun.window.end),
            holdout_end_at=to_micros(begun.holdout_end_at), document=dict(begun.document),
            created_at=to_micros(begun.created_at),
        )
    )  # fmt: skip


def move_retraining(transaction: Transaction, found: Retraining, state: RetrainingState, **more: Any) -> bool:
    """Bring a retraining to its next state, adding to its document; return whether nobody did before."""
    reason = more.pop("reason", found.reason)
    moved = transaction.rows.execute(
        retraining.update()
        .where(retraining.c.id == found.id, retraining.c.state == found.state)
        .values(state=state, reason=reason, document={**found.document, **more})
    )
    return moved.rowcount == 1


def active_retrainings(rows: sa.Connection) -> Sequence[Retraining]:
    """Return the retrainings that have not ended."""
    query = sa.select(retraining).where(retraining.c.state.not_in(("done", "failed")))
    return [_retraining(row) for row in rows.execute(query)]


def retrainings(rows: sa.Connection, stage: str, endpoint: str) -> Sequence[Retraining]:
    """Return all retrainings of an endpoint, newest first."""
    query = sa.select(retraining).where(retraining.c.stage == stage, retraining.c.endpoint == endpoint)
    return [_retraining(row) for row in rows.execute(query.order_by(retraining.c.created_at.desc()))]


def _of(stage: str, endpoint: str, signal: str, window: Window) -> sa.ColumnElement[bool]:
    return sa.and_(
        finding.c.stage == stage,
        finding.c.endpoint == endpoint,
        finding.c.signal == signal,
        finding.c.window_start_at == to_micros(window.start),
    )


def _incident(row: sa.Row[Any]) -> Incident:
    fields = row._asdict()
    times = {name: of_micros(fields[name]) for name in ("window_end_at", "opened_at")}
    return Incident(**{**fields, **times})


def _retraining(row: sa.Row[Any]) -> Retraining:
    return Retraining(
        id=row.id,
        stage=row.stage,
        endpoint=row.endpoint,
        state=row.state,
        reason=row.reason,
        why=row.why,
        window=Window(start=of_micros(row.window_start_at), end=of_micros(row.window_end_at)),
        holdout_end_at=of_micros(row.holdout_end_at),
        document=row.document,
        created_at=of_micros(row.created_at),
    )
